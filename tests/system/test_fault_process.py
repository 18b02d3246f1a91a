"""Processes that are stopped, killed, starved of memory or told too much at once, and a log that nobody takes."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import faulty
import promises
import pytest
from carebus_bus import BUILD, BusError, wait_for
from csv_peer import Csv
from engine import Engine
from faulty import EXIT_LATER, EXIT_STORAGE
from mllp_peer import Mllp, adt

pytestmark = pytest.mark.plain


@pytest.fixture
def closing():
    """Adapters that are put in here end with the test, whatever comes of it."""
    made = []
    yield made
    for adapter in made:
        if adapter.process and adapter.process.poll() is None:
            adapter.close()


# ---- adapters that die


# What carebus-mllp does with its sockets for a message, and for its answer.
STEPS = ("recvfrom", "read", "sendto", "write", "sendmsg", "epoll_wait", "accept4")


def run_under(bus, mllp, call, n):
    """Five messages of one engine; the adapter is killed at the n-th such call and started again. Whether it was killed."""
    engine = Engine(mllp.port, f"k{call}{n}", limit=5, pause=0, seed=n)
    # Not --seccomp-bpf: the adapter limits its own calls, and strace is not told of any then.
    inject = ["strace", "-f", "-qq", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={n}", "-o", "/dev/null"]
    try:
        mllp.start(wrapper=inject)
    except BusError:
        pass  # killed while it began to listen
    else:
        engine.start()
        wait_for(lambda: mllp.process.poll() is not None or not engine.is_alive(), what="the run to end")
    struck = mllp.process.poll() is not None
    if not struck:
        tracer = mllp.process.pid
        with contextlib.suppress(ProcessLookupError, ValueError, IndexError, FileNotFoundError):
            with open(f"/proc/{tracer}/task/{tracer}/children", encoding="ascii") as children:
                os.kill(int(children.read().split()[0]), signal.SIGKILL)
    mllp.process.wait()
    mllp.process = None
    mllp.start()
    if not engine.ident:
        engine.start()
    engine.join(60)
    assert not engine.is_alive() and engine.problems == [], engine.problems
    assert sorted(engine.acked) == sorted(engine.sent)
    mllp.kill()
    return struck, engine.sent


def kill_adapter_at(bus, cases):
    mllp = Mllp(bus)
    bus.start()
    core, serve, sent, struck = bus.pid, bus.serve_pid, [], 0
    try:
        for call, n in cases:
            hit, ids = run_under(bus, mllp, call, n)
            struck += hit
            sent += ids
        assert (bus.pid, bus.serve_pid) == (core, serve) and bus.process.poll() is None
        assert struck >= len(cases) // 4, f"only {struck} of {len(cases)} struck"
        promises.check_bus(bus, "pas", sent, sent)
    finally:
        if mllp.process:
            mllp.close()


needs_strace = pytest.mark.skipif(not faulty.can_strace(), reason="needs strace, and the right to trace")


@needs_strace
def test_adapter_killed_at_steps_of_the_protocol_leaves_the_bus_alone_and_every_message_there_once(memory_bus):
    kill_adapter_at(memory_bus, [("recvfrom", 2), ("recvfrom", 6), ("sendto", 2), ("sendto", 5), ("epoll_wait", 8), ("epoll_wait", 20),
                                 ("accept4", 2), ("epoll_ctl", 10), ("write", 8)])


@pytest.mark.nightly
@needs_strace
@pytest.mark.parametrize("call", STEPS)
def test_adapter_killed_at_every_step_of_the_protocol_leaves_every_message_there_once(memory_bus, call):
    bus = memory_bus
    mllp = Mllp(bus)
    bus.start()
    sent, misses, n = [], 0, 0
    while misses < 3 and n < 200:
        n += 1
        hit, ids = run_under(bus, mllp, call, n)
        misses = 0 if hit else misses + 1
        sent += ids
    promises.check_bus(bus, "pas", sent, sent)


@pytest.mark.parametrize("rule", ["* sync 1 kill", "* sync 1 killed", "* sync 2 kill", "* write 1 kill", "* write 2 torn"])
def test_spreadsheet_adapter_killed_at_a_write_takes_each_row_once_and_ends_with_a_receipt(memory_bus, rule, monkeypatch, closing):
    bus = memory_bus
    adapter = Csv(bus, "hospice")
    closing.append(adapter)
    bus.start()
    lines = "".join(f"H{i},EXAMPLE,ANNA,1952-03-14,F\n" for i in range(30))
    for name, value in faulty.fault_environment(rule).items():
        monkeypatch.setenv(name, value)
    adapter.start(wait=False)
    for name in faulty.fault_environment(rule):
        monkeypatch.delenv(name)
    adapter.drop("people.csv", "local_id,family_name,given_name,birth_date,sex\n" + lines)
    with contextlib.suppress(subprocess.TimeoutExpired):
        adapter.process.wait(10)
    struck = adapter.process.poll() is not None
    adapter.process.kill()
    adapter.process.wait()
    adapter.process = None
    adapter.start()
    wait_for(lambda: adapter.done() == ["people.csv"], what="the file to lie in done/")
    assert struck, "the fault did not strike"
    bus.wait_folded()
    updated = [line["source_message_id"] for line in bus.ctl_json("tail") if line["type"] == "patient.updated"]
    assert len(updated) == 30 and len(set(updated)) == 30
    promises.check_balance(bus)
    promises.check_storage(bus)


# ---- memory


def test_limits_of_the_process_cost_a_restart_at_most_and_nothing_that_was_acknowledged(load):
    """Files that may not grow, as by RLIMIT_FSIZE: a signal that nobody must die of, then an error like any other."""
    bus = load.bus
    bus.wrapper = ["prlimit", "--fsize=1500000"]
    bus.config["journal"]["segment_bytes"] = "64 KiB"
    bus.write_config()
    bus.start(wait=False)
    with contextlib.suppress(BusError):
        bus.wait_notice("READY=1", 20)
        load.start_senders()
        time.sleep(2)
    assert bus.process.poll() in (None, 70, EXIT_STORAGE, EXIT_LATER), bus.log()[-2000:]
    bus.process.kill()
    bus.process.wait()
    bus._ended()
    with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
        os.kill(int((bus.folder / "state" / "lock").read_text()), signal.SIGKILL)
    bus.wrapper = []
    bus.start()
    if not load.started:
        load.start_senders()
    load.progress(20)
    load.finish_and_check()


def memory_fails(load, n):
    """The n-th allocation from some moment on fails, and with a `+` every later one. Whether core or serve ended of it."""
    bus = load.bus
    armed = bus.folder / "armed"
    shim = BUILD / "tests" / "faults" / "allocshim.so"
    bus.environment = {"LD_PRELOAD": str(shim), "CAREBUS_ALLOC": n, "CAREBUS_ALLOC_ARMED": str(armed)}
    bus.start()
    if not load.started:
        load.start_senders()
    load.progress(10)
    serve = bus.serve_pid
    armed.touch()
    end = time.monotonic() + 2
    while time.monotonic() < end and bus.process.poll() is None:
        time.sleep(0.05)
    ended = bus.process.poll() is not None or bus.serve_pid != serve
    armed.unlink()
    bus.kill()
    bus.environment = {}
    bus.start()
    load.progress(10)
    bus.kill()
    return ended


@pytest.mark.parametrize("numbers", [("3", "50", "400"), ("7+", "200+")], ids=["once", "from then on"])
def test_memory_that_runs_out_costs_a_restart_at_most_and_nothing_that_was_acknowledged(load, numbers):
    ended = sum(memory_fails(load, n) for n in numbers)
    assert ended or "+" not in numbers[0], "no allocation failed"
    load.bus.start()
    load.progress(10)
    load.finish_and_check()


@pytest.mark.nightly
def test_every_one_of_a_hundred_allocations_may_fail_and_nothing_acknowledged_is_lost(load):
    for n in range(1, 400, 4):
        memory_fails(load, str(n))
    load.bus.start()
    load.finish_and_check()


# ---- signals


def test_stopped_and_continued_the_bus_goes_on_and_nobody_loses_anything(load):
    """A suspended machine: core, serve and adapter stand still together, then one alone."""
    bus = load.bus
    load.start()
    load.progress(20)
    for pids in ([bus.pid, bus.serve_pid, load.mllp.process.pid], [bus.pid], [load.mllp.process.pid]):
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(4)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        load.progress(20)
    assert bus.process.poll() is None
    load.finish_and_check()


@pytest.mark.nightly
def test_stopped_for_five_minutes_and_continued_nobody_loses_anything(load):
    load.start()
    load.progress(20)
    os.kill(load.bus.pid, signal.SIGSTOP)
    time.sleep(300)
    os.kill(load.bus.pid, signal.SIGCONT)
    load.progress(20, 300)
    load.finish_and_check()


@pytest.mark.parametrize("times", [1, 2, 20])
def test_told_to_end_under_full_load_once_or_often_it_ends_well_and_in_time(load, times):
    bus = load.bus
    load.start()
    load.progress(50)
    for _ in range(times):
        with contextlib.suppress(ProcessLookupError):
            os.kill(bus.pid, signal.SIGTERM)
        time.sleep(0.01)
    assert bus.wait(60) == 0
    bus._ended()
    bus.start()
    load.progress(20)
    load.finish_and_check()


def test_storm_of_signals_ends_nothing(load):
    """SIGHUP in a storm, SIGPIPE and SIGALRM's like from outside."""
    bus = load.bus
    load.start()
    for _ in range(300):
        for pid in (bus.pid, load.mllp.process.pid):
            os.kill(pid, signal.SIGHUP)
            os.kill(pid, signal.SIGPIPE)
    load.progress(50)
    assert bus.process.poll() is None and load.mllp.process.poll() is None
    assert bus.log_events().count("STARTED") == 1
    load.finish_and_check()


# ---- who should read, and does not


def test_scraper_that_never_reads_and_one_that_never_asks_hold_up_nobody(load):
    bus = load.bus
    load.start()
    load.progress(10)
    stuck = []
    try:
        for i in range(40):
            client = socket.socket(socket.AF_UNIX)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.settimeout(5)
            with contextlib.suppress(OSError):
                client.connect(f"{bus.config['run']}/metrics")
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + (b"\r\n" * (i % 2)))
            stuck.append(client)
        load.progress(50)
        assert bus.status().ready
    finally:
        for client in stuck:
            client.close()
    load.finish_and_check()


def test_manager_that_is_gone_and_a_log_that_is_full_hold_up_no_message(load):
    """NOTIFY_SOCKET leads nowhere, and standard error is a full device."""
    bus = load.bus
    bus.wrapper = ["sh", "-c", 'NOTIFY_SOCKET=/nowhere/at/all exec "$0" "$@" 2>/dev/full']
    bus.start(wait=False)

    def answers():
        try:
            return bus.request(seconds=0.5, status=faulty.control_pb2.StatusRequest()).status.ready
        except BusError:
            return False
    wait_for(answers, what="the bus to be ready")
    load.start_senders()
    load.progress(50)
    assert bus.process.poll() is None
    load.finish_and_check()


def test_service_manager_that_does_not_read_is_not_waited_for(load):
    bus = load.bus
    bus.environment = {"WATCHDOG_USEC": "1000000"}
    bus.start()
    bus.notify.shutdown(socket.SHUT_RD)
    load.start_senders()
    load.progress(100)
    assert bus.process.poll() is None
    load.finish_and_check()


def journald_that_does_not_read(folder):
    """A socket as journald's, with a small buffer that nobody empties."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    path = folder / "journal.socket"
    server.bind(str(path))
    return server, path


def can_mount_over_run():
    look = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/run"]
    return os.geteuid() == 0 and subprocess.run(look, capture_output=True, check=False).returncode == 0


@pytest.mark.root
@pytest.mark.parametrize("there", [True, False], ids=["does not read", "is gone"])
def test_journald_that_does_not_read_or_is_gone_holds_up_no_message(load, there):
    """Standard error is said to be the journal's, whose socket is one that nobody empties, or is not there."""
    if not can_mount_over_run():
        pytest.skip("needs a mount namespace")
    bus = load.bus
    server, path = journald_that_does_not_read(bus.folder)
    bind = f"touch /run/systemd/journal/socket && mount --bind {path} /run/systemd/journal/socket &&" if there else ""
    bus.wrapper = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && {bind} '
                   'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$0" "$@"']
    bus.start()
    load.start_senders()
    load.progress(50)
    for _ in range(30):
        with contextlib.suppress(BusError):
            bus.source("nobody-knows")  # a line each, up to the limit of lines
    load.progress(20)
    words = list(bus.folder.rglob("last-words"))
    assert words and all(path.stat().st_size > 0 for path in words), "no last words where the journal takes none"
    server.close()
    load.finish_and_check()


def test_adapter_whose_log_nobody_takes_goes_on(memory_bus):
    bus = memory_bus
    mllp = Mllp(bus)
    bus.start()
    mllp.start(wrapper=["sh", "-c", 'exec "$0" "$@" >/dev/full 2>&1'])
    sender = mllp.sender()
    ids = [f"A-{i}" for i in range(20)]
    assert all(sender.ask(adt(message_id)).code == "AA" for message_id in ids)
    assert sender.ask("MSH|rubbish").code in ("AR", "AE")
    mllp.close()
    bus.wait_folded()
    promises.check_balance(bus)
    found = promises.first_entries(bus.ctl_json("tail"), "pas")
    assert all(len(found[message_id]) == 1 for message_id in ids)
    promises.check_storage(bus)
