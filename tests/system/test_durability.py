"""Nothing acknowledged is lost, nothing counts twice: real processes, killed under load by turns."""

import os
import random
import signal
import time

import pytest

import promises
from carebus_bus import ANSWER_SECONDS, BusError, wait_for
from engine import Engine, FeedReader, StreamReader
from mllp_peer import Mllp

pytestmark = pytest.mark.plain

N_ENGINES = 6
SEED = int(os.environ.get("CAREBUS_SEED", random.randrange(1 << 31)))


class Ward:
    """A bus under load: engines that send through a real carebus-mllp, two readers, and somebody who kills."""

    def __init__(self, make_bus, seed):
        self.random = random.Random(seed)
        self.bus = make_bus()
        self.mllp = Mllp(self.bus)
        self.bus.start()
        self.mllp.start()
        self.reader, self.stream = FeedReader(self.bus), StreamReader(self.bus)
        self.reader.start()
        self.engines = [Engine(self.mllp.port, f"e{i}", window=(1, 1, 2, 8)[i % 4], seed=seed) for i in range(N_ENGINES)]
        for engine in self.engines:
            engine.start()

    def n_acked(self):
        return sum(len(engine.acked) for engine in self.engines)

    def progress(self, more, what):
        aim = self.n_acked() + more
        wait_for(lambda: self.n_acked() >= aim, ANSWER_SECONDS * 2, f"{more} more acknowledgements after {what}")

    def kill(self, victim):
        if victim == "core":
            # Alone: serve ends by itself when core is gone, and must not stand in the next one's way.
            self.bus.kill(serve_too=self.random.random() < 0.5)
            self.bus.start()
        elif victim == "serve":
            before = self.bus.serve_pid
            os.kill(before, signal.SIGKILL)
            wait_for(lambda: self.bus.serve_pid != before, what="another serve process")
        else:
            self.mllp.kill()
            self.mllp.start()

    def close(self):
        for engine in self.engines:
            engine.abandon()
        self.reader.stop()
        self.stream.stop()
        self.mllp.close()


def kill_by_turns(make_bus, times, seed):
    print(f"CAREBUS_SEED={seed}")
    ward = Ward(make_bus, seed)
    try:
        victims = []
        while len(victims) < times:
            turn = ["core", "serve", "adapter"]
            ward.random.shuffle(turn)
            victims += turn
        for victim in victims[:times]:
            ward.progress(20, "the last kill")
            time.sleep(ward.random.random() * 0.15)
            ward.kill(victim)
        ward.progress(20, "all kills")
        for engine in ward.engines:
            engine.finish(ANSWER_SECONDS * 2)
        check_ward(ward)
    finally:
        ward.close()


def check_ward(ward):
    acked = [message_id for engine in ward.engines for message_id in engine.acked]
    sent = [message_id for engine in ward.engines for message_id in engine.sent]
    assert [problem for engine in ward.engines for problem in engine.problems] == []
    lines, seqs = promises.check_bus(ward.bus, "pas", acked, sent)
    assert sorted(seqs) == sorted(sent), "every message was acknowledged in the end, so every one is there"
    for engine in ward.engines:
        # Told to try again in the middle of a pipeline, a sender has sent what comes behind already.
        if engine.window == 1 or engine.n_later == 0:
            promises.check_sent_order(seqs, engine.sent, engine.name)
    places, visible = promises.wait_readers(ward.bus, "ward", ward.reader, ward.stream, ANSWER_SECONDS * 2)
    promises.check_readers(places, visible, ward.reader, ward.stream)
    assert ward.stream.process.poll() is None, "the library's reader lived through all of it"
    assert sum(engine.n_lost for engine in ward.engines) > 0 and ward.reader.n_sessions > 1, "nothing was killed"
    print(f"{len(sent)} messages, {len(lines)} lines, {sum(e.n_lost for e in ward.engines)} lost connections, "
          f"{sum(e.n_later for e in ward.engines)} told to try again, {ward.reader.n_again} events came again in {ward.reader.n_sessions} sessions")


def test_nothing_acknowledged_is_lost_and_nothing_counts_twice_over_30_kills_under_load(make_bus):
    kill_by_turns(make_bus, 30, SEED)


@pytest.mark.nightly
@pytest.mark.parametrize("turn", range(10))
def test_nothing_acknowledged_is_lost_and_nothing_counts_twice_over_300_kills_under_load(make_bus, turn):
    kill_by_turns(make_bus, 30, SEED + turn + 1)
