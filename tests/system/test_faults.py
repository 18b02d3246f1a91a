"""Disks that fail: every write and sync of a run, in every way, and what the daemon does about it."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

import faulty
import journal_bytes
import promises
from carebus_bus import CAREBUSD, submission, wait_for
from engine import FeedReader
from faulty import EXIT_LATER, EXIT_STORAGE
from test_storage import free_bytes, small_disk  # noqa: F401

pytestmark = pytest.mark.plain

JOURNAL, FOLD, ANY = "*/state/journal*", "*/state/fold*", "*/state/*"


# ---- every N-th call of a 20-message run


def judge_fault(outcome):
    """EIO, and a sync that fails, are final; or they did not concern what was acknowledged."""
    assert outcome.exit_code == EXIT_STORAGE or outcome.complete, f"exit {outcome.exit_code}"


def judge_no_space(outcome):
    """No room is not final: all is taken in the end. At the start it means: later."""
    if outcome.ready:
        assert outcome.complete, f"exit {outcome.exit_code}"
    else:
        assert outcome.exit_code in (EXIT_LATER, EXIT_STORAGE), f"exit {outcome.exit_code}"


def judge_no_space_for_state(outcome):
    """LMDB's pages may wait for room; its last word on a commit may not."""
    assert outcome.complete or outcome.exit_code in (EXIT_LATER, EXIT_STORAGE), f"exit {outcome.exit_code}"


def judge_kill(outcome):
    assert outcome.complete or outcome.exit_code == -9, f"exit {outcome.exit_code}"


JUDGES = {"EIO": judge_fault, "ENOSPC": judge_no_space, "EDQUOT": judge_no_space,
          "torn": judge_kill, "kill": judge_kill, "killed": judge_kill}


# Killed before the N-th call and killed after the one before it leave the same files.
ORDINARY = [
    (JOURNAL, "write", "EIO"), (JOURNAL, "write", "ENOSPC"), (JOURNAL, "write", "torn"),
    (JOURNAL, "sync", "EIO"), (JOURNAL, "sync", "kill"),
    (FOLD, "write", "EIO"), (FOLD, "write", "torn"),
    (FOLD, "sync", "EIO"), (FOLD, "sync", "kill"),
    (ANY, "rename", "EIO"), (ANY, "rename", "kill"),
]
LONG = [
    (where, call, action) for where, call in [(JOURNAL, "write"), (JOURNAL, "sync"), (FOLD, "write"), (FOLD, "sync"), (ANY, "rename")]
    for action in JUDGES if (action == "torn") <= (call == "write") and (action in ("ENOSPC", "EDQUOT")) <= (call == "write")
]


@pytest.mark.parametrize("where, call, action", ORDINARY)
def test_every_single_call_of_a_run_may_fail_and_nothing_is_lost(where, call, action):
    print(faulty.try_all(f"{where} {call}", action, JUDGES[action]))


@pytest.mark.nightly
@pytest.mark.parametrize("where, call, action", LONG)
def test_every_single_call_may_fail_in_every_way_and_nothing_is_lost(where, call, action):
    judge = judge_no_space_for_state if where == FOLD and action in ("ENOSPC", "EDQUOT") else JUDGES[action]
    print(faulty.try_all(f"{where} {call}", action, judge, faulty.ONE_BY_ONE))


# ---- real processes under load


@pytest.fixture
def loaded(make_bus):
    """A bus whose adapter has engines that send until they are told yes; nothing is started yet."""
    made = []

    def make(config=None, n_engines=4, limit=None, **options):
        load = faulty.Load(make_bus(config, **options), n_engines, limit)
        made.append(load)
        return load

    yield make
    for load in made:
        load.close()


def test_failed_sync_under_load_acknowledges_nothing_unsynced_and_the_restart_loses_nothing(loaded):
    """The kernel tells of a lost write once and then pretends: so the first time is the last."""
    load = loaded(environment=faulty.fault_environment(f"{JOURNAL} sync 60 EIO"))
    load.start()
    assert load.bus.wait() == EXIT_STORAGE
    log = load.bus.log_events()
    assert "STORAGE_FAULT" in log
    acked = load.n_acked()
    assert acked > 0
    time.sleep(0.5)
    assert load.n_acked() == acked, "something was acknowledged without a bus"
    load.bus.kill()
    load.bus.environment = {}
    load.bus.start()
    load.finish_and_check()


def fill(folder, leave):
    """Takes all but `leave` bytes, or less, while others write too; the file that takes them."""
    path = folder / "ballast"
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as ballast:
        ballast.write(b"\1" * max(0, free_bytes(folder) - leave))
    return path


@pytest.mark.root
@pytest.mark.parametrize("reserve", ["3 MiB"])
def test_full_disk_costs_senders_a_try_again_and_readers_nothing(loaded, small_disk, reserve):
    """The reserve is for what people decide and for the audit, without which nothing is given out. Space comes back, and all goes on."""
    load = loaded({"state": str(small_disk / "state"), "journal": {"reserve_bytes": reserve, "segment_bytes": "128 KiB"}})
    load.start()
    load.progress(50)
    reader = FeedReader(load.bus)
    reader.start()
    ballast = fill(small_disk, 1 << 20)
    wait_for(lambda: load.bus.status().state == "storage-full", 60, "the full disk to be seen")
    before = load.n_later()
    wait_for(lambda: load.n_later() >= before + 5, 60, "senders to be asked to try again")
    assert load.bus.process.poll() is None
    # What is stored can be read, and asked for, meanwhile: also by who comes new, and after serve's death.
    os.kill(load.bus.serve_pid, signal.SIGKILL)
    late = FeedReader(load.bus, consumer="late")
    late.start()
    places, _ = wait_for(lambda: promises.visible_places_or_none(load.bus, "ward"), what="queries on a full disk")
    wait_for(lambda: len(late.events) >= len(places) and len(reader.events) >= len(places), 60, "feeds on a full disk")
    acked = load.n_acked()
    ballast.unlink()
    load.progress(50)
    assert load.n_acked() > acked
    load.finish_and_check()
    places, _ = promises.visible_places(load.bus, "ward")
    wait_for(lambda: len(late.events) >= len(places) and len(reader.events) >= len(places), 60, "feeds after the full disk")
    for one in (reader, late):
        one.stop()
        assert list(one.events) == places and one.problems == []
    events = load.bus.log_events()
    assert "STORAGE_FULL" in events and "STORAGE_RESUMED" in events


STRACE_CALLS = {"fdatasync": ["error=EIO", "signal=SIGKILL"], "pwrite64": ["error=EIO", "error=ENOSPC", "signal=SIGKILL"]}


@pytest.fixture(scope="module")
def strace_cases():
    """Every call of the longest thread of a 200-message run, each with what may happen to it."""
    if not faulty.can_strace():
        pytest.skip("needs strace, and the right to trace")
    counts = faulty.count_traced(STRACE_CALLS)
    return [(call, what, n) for call, most in counts.items() for what in STRACE_CALLS[call] for n in range(1, most + 1)]


def test_40_faults_of_system_calls_of_the_whole_system_lose_nothing(strace_cases):
    seed = int(os.environ.get("CAREBUS_SEED", random.randrange(1 << 31)))
    print(f"CAREBUS_SEED={seed}, {len(strace_cases)} cases")
    faulty.trace_all(random.Random(seed).sample(strace_cases, 40))


@pytest.mark.nightly
def test_all_faults_of_system_calls_of_the_whole_system_lose_nothing(strace_cases):
    faulty.trace_all(strace_cases)


# ---- stop, start, damage


def digests(folder):
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def filled_bus(make_bus):
    """A bus that ran and was stopped cleanly; its journal has several segments."""
    bus = make_bus({"journal": {"reserve_bytes": 0, "segment_bytes": "64 KiB"}}).start()
    source = bus.source("pas")
    for turn in range(40):
        source.send(*[submission(f"{turn}-{i}", faulty.original(f"{turn}-{i}")[:2000]) for i in range(1 + turn % 5)])
    bus.wait_folded()
    source.close()
    bus.sources.remove(source)
    assert bus.stop() == 0
    return bus


def test_every_flipped_bit_is_found_where_it_is_and_the_start_refuses_it_and_changes_nothing(filled_bus):
    seed = int(os.environ.get("CAREBUS_SEED", random.randrange(1 << 31)))
    print(f"CAREBUS_SEED={seed}")
    chance = random.Random(seed)
    bus, state = filled_bus, filled_bus.folder / "state"
    segments = journal_bytes.segments(state / "journal")
    assert len(segments) > 3
    verified, = bus.ctl_json("journal", "verify", check=0)
    assert verified["intact"] and verified["sealed"]
    written = [(segment, batch) for segment in segments for batch in segment.batches]
    for turn in range(50):
        # Every fifth where a start looks: in the newest segment.
        segment, batch = chance.choice(written if turn % 5 else [one for one in written if one[0] is segments[-1]])
        place = batch.offset + chance.randrange(batch.size)
        if turn % 10 in (5, 9):
            place, batch = chance.randrange(4096), None  # the segment's own header
        with journal_bytes.flipped(segment.path, place, 1 << chance.randrange(8)):
            found, = bus.ctl_json("journal", "verify", check=1)
            assert not found["intact"] and int(found["segment"]) == segment.first_seq, f"{segment.path.name} {place}: {found}"
            if batch:
                assert found["offset"] == batch.offset, f"{segment.path.name} {place}, batch at {batch.offset}: {found}"
                assert batch.first_seq <= found["seq"] <= batch.first_seq + batch.count, found
            if turn % 5 == 0:
                refuses_to_start(bus, state)
    # An older segment is read again when the state is built anew.
    segment, batch = written[len(written) // 3]
    assert segment is not segments[-1]
    shutil.rmtree(state / "fold")
    with journal_bytes.flipped(segment.path, batch.offset + 100, 4):
        refuses_to_start(bus, state / "journal")
    bus.start()
    assert bus.wait_folded().seq == verified["last_seq"]
    promises.check_storage(bus)


def refuses_to_start(bus, folder):
    before = digests(folder)
    bus.start(wait=False)
    code = bus.wait()
    bus._ended()
    assert code == EXIT_STORAGE
    assert "JOURNAL_CORRUPT" in bus.log_events()
    after = digests(folder)
    # Who holds the lock is no part of what is kept.
    for path in {*before, *after}:
        assert path.endswith(("/lock", "/lock.mdb")) or before.get(path) == after.get(path), f"{path} was changed"


def test_clean_stop_seals_and_the_next_start_goes_on_behind_it(filled_bus):
    bus = filled_bus
    verified, = bus.ctl_json("journal", "verify", check=0)
    assert verified["sealed"]
    bus.start()
    receipt, = bus.source("pas").send(submission("after"))
    assert receipt.stored.seq == verified["last_seq"] + 1
    bus.kill()
    assert not bus.ctl_json("journal", "verify", check=0)[0]["sealed"]
    bus.start()
    assert bus.status().seq == receipt.stored.seq


def test_what_a_power_cut_may_take_besides_the_journal_is_not_missed(filled_bus):
    """The lock, the sockets, the cursors, half-made files: nothing of it is needed, and nothing stands in the way."""
    bus = filled_bus
    state = bus.folder / "state"
    seq = bus.ctl_json("journal", "verify", check=0)[0]["last_seq"]
    (state / "lock").unlink()
    shutil.rmtree(bus.folder / "run")
    shutil.rmtree(state / "serve", ignore_errors=True)
    (state / "journal" / "next.tmp").write_bytes(b"\\x5a" * 100_000)
    (state / "journal" / "segment.tmp").write_bytes(b"half")
    (state / "journal" / "seal.tmp").write_bytes(b"half")
    bus.start()
    assert bus.wait_folded().seq == seq
    promises.check_storage(bus)


def test_second_daemon_is_refused_and_the_first_goes_on(bus):
    pas = bus.source("pas")
    for _ in range(3):
        second = subprocess.run([str(CAREBUSD), "--config", str(bus.config_path)], capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == EXIT_LATER and str(bus.pid) in second.stderr
        pas.send(submission(f"M-{time.monotonic_ns()}"))
    bus.wait_folded()
    promises.check_storage(bus)
