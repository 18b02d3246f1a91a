"""One end-to-end run in which everything that crosses threads happens, under ThreadSanitizer: senders through the adapter, feeds,
live, queries, reloads, the death of serve, a stop under load and a start with something to recover."""

import os
import signal
import subprocess

import pytest

import promises
from carebus_bus import ANSWER_SECONDS, BUILD, FINDING, wait_for
from engine import Engine, FeedReader
from mllp_peer import Mllp, adt

pytestmark = pytest.mark.tsan

# 66 is no code of ours: a program that ends with it was found out.
OPTIONS = "ignore_noninstrumented_modules=1 halt_on_error=0 exitcode=66 second_deadlock_stack=1"


def is_instrumented(program):
    symbols = subprocess.run(["nm", "-D", "--defined-only", str(program)], capture_output=True, text=True, check=False)
    return "__tsan_" in symbols.stdout


def test_a_run_of_everything_that_crosses_threads_has_no_race(make_bus):
    if not is_instrumented(BUILD / "daemon" / "carebusd"):
        pytest.skip(f"{BUILD} is not built with ThreadSanitizer")
    options = os.environ.get("TSAN_OPTIONS", "")
    bus = make_bus(environment={"TSAN_OPTIONS": f"{options} {OPTIONS}"})
    mllp = Mllp(bus)
    engines, readers = [], []
    try:
        bus.start()
        mllp.start(environment=bus.environment)
        engines = [Engine(mllp.port, f"e{i}", window=(1, 4)[i % 2], pause=0.002) for i in range(6)]
        readers = [FeedReader(bus, consumer=f"reader-{i}") for i in range(3)]
        for one in (*engines, *readers):
            one.start()
        everything_at_once(bus, engines)
        stop_and_recover(bus, mllp, engines)
        for engine in engines:
            engine.finish(3 * ANSWER_SECONDS)
            assert engine.problems == []
        sent = [message_id for engine in engines for message_id in engine.sent]
        promises.check_bus(bus, "pas", sent, sent)
        work_the_quarantine(bus, mllp)
        places, _ = promises.visible_places(bus, "ward")
        for reader in readers:
            wait_for(lambda: len(reader.events) >= len(places), 3 * ANSWER_SECONDS, "the readers")
            assert list(reader.events) == places and reader.problems == []
        assert mllp.stop() == 0
        assert bus.stop() == 0
    finally:
        for engine in engines:
            engine.abandon()
        for reader in readers:
            reader.stop()
        logs = bus.log() + mllp.log()
        if mllp.process and mllp.process.poll() is None:
            mllp.kill()
    assert not FINDING.search(logs), logs[-8000:]


def progress(engines, more=30):
    aim = sum(len(engine.acked) for engine in engines) + more
    wait_for(lambda: sum(len(engine.acked) for engine in engines) >= aim, 3 * ANSWER_SECONDS, "more acknowledgements")


def everything_at_once(bus, engines):
    progress(engines)
    for turn in range(3):
        bus.config["sources"][f"extra-{turn}"] = {"team": "ward", "adapter": "own"}
        bus.reload()
        own = bus.source(f"extra-{turn}")
        own.hello()
        for arguments in (["status"], ["tail", "--from", "1"], ["quarantine", "list"], ["trace", "2"], ["record", "p2.0"]):
            bus.ctl("--json", *arguments)
        progress(engines)
        before = bus.serve_pid
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: bus.serve_pid != before, ANSWER_SECONDS, "another serve process")
        progress(engines)
    bus.config["sources"].pop("extra-0")
    bus.reload()


def stop_and_recover(bus, mllp, engines):
    """A clean stop while all send, a start; a crash while all send, a start with something to fold."""
    assert bus.stop() == 0
    bus.start()
    progress(engines)
    bus.kill()
    bus.start()
    progress(engines)
    mllp.process.send_signal(signal.SIGHUP)
    progress(engines)


def work_the_quarantine(bus, mllp):
    quarantined = mllp.sender()
    assert [quarantined.ask(adt(f"Q{n}", trigger="A60"), 3 * ANSWER_SECONDS).code for n in range(2)] == ["AA", "AA"]
    bus.wait_folded()
    items = bus.ctl_json("quarantine", "list")
    bus.ctl("quarantine", "retry", str(items[0]["id"]), "--who", "tester", "--why", "run")
    bus.ctl("quarantine", "discard", str(items[-1]["id"]), "--who", "tester", "--why", "run")
    bus.wait_folded()
