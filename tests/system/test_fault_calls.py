"""Every call that changes a file, of a whole short run, may fail or be the last: nothing false is said, and the next start needs nobody."""

import concurrent.futures
import contextlib
import os
import random
import shutil
import signal
import struct
import subprocess

import faulty
import promises
import pytest
from carebus_bus import CAREBUSCTL, READY_SECONDS, BusError, submission, wait_for
from carebus_readers import Feed
from faulty import EXIT_LATER, EXIT_STORAGE
from test_retention import DAY, Later, journal_has, kept_short, unread

pytestmark = pytest.mark.plain

# Whose calls, by where they change something; and what may come of each.
PLACES = {"journal": "*/state/journal*", "state": "*/state/fold*", "serve": "*/state/serve*", "backup": "*/copy*"}
ERRORS = ("ENOSPC", "EIO", "EDQUOT")
ENDS = ("kill", "killed")
WORKERS = 6  # they wait most of the time
BY_DAY = 6  # of each place
FIRST_LIFE = 12  # messages of 20
BATCH = 2


class Told:
    """What somebody was told in a run: it has to be true ever after."""

    def __init__(self):
        self.places = {}       # message id -> seq
        self.durable = (0, 0)  # the place that the reader was told is kept
        self.is_backup = False
        self.codes = []


def read_on(bus, told):
    """A reader that takes what there is and acknowledges it, if serve is there and gives it anything."""
    with contextlib.suppress(BusError), Feed(bus, "ward") as feed:
        heard = feed.open().hear(3)
        if heard is None or heard.WhichOneof("message") != "opened":
            return
        assert (heard.opened.place.seq, heard.opened.place.index) >= told.durable, "a place that was said to be kept is not"
        last = None
        while (heard := feed.hear(0.2)) is not None:
            if heard.WhichOneof("message") == "delivery":
                last = heard.delivery
        if last is None:
            return
        feed.ack(last, wait=False)
        heard = feed.hear(2)
        if heard is not None and heard.WhichOneof("message") == "ack_answer":
            told.durable = max(told.durable, (heard.ack_answer.seq, heard.ack_answer.index))


def hand_in(bus, told, ids):
    source = faulty.PatientSource(bus)
    try:
        for first in range(0, len(ids), BATCH):
            source.deliver(ids[first:first + BATCH])
    finally:
        told.places.update(source.places)
        source.close()


def back_up(bus, told):
    done = subprocess.run([str(CAREBUSCTL), "--config", str(bus.config_path), "backup", str(bus.folder / "copy")], capture_output=True,
                          env={**os.environ, **bus.environment}, timeout=2 * READY_SECONDS, check=False)
    told.is_backup = done.returncode == 0


def live_through(bus, told, ids, then):
    """Starts, hands in, reads, backs up where that is asked for, ends: as far as that comes."""
    try:
        bus.start()
        hand_in(bus, told, ids)
        faulty.wait_folded_or_ended(bus)
        read_on(bus, told)
        if then == "back up":
            back_up(bus, told)
        if bus.process.poll() is None:
            os.kill(bus.pid, signal.SIGTERM)
    except (BusError, faulty.Ended):
        pass
    try:
        told.codes.append(bus.wait(READY_SECONDS))
    except subprocess.TimeoutExpired:
        raise BusError(f"the daemon neither goes on nor ends\n{bus.log()[-3000:]}") from None
    finally:
        bus.kill()


def run_ids():
    return [f"M-{i}" for i in range(20)]


def whole_run(bus):
    """Messages in batches, a reader, a backup, a stop, a second life of the same. What was told in it."""
    told = Told()
    ids = run_ids()
    live_through(bus, told, ids[:FIRST_LIFE], "back up")
    live_through(bus, told, ids, "stop")
    return told, ids


def judge(bus, told, ids, may):
    assert set(told.codes) <= may, f"ended with {told.codes}\n{bus.log()[-2000:]}"
    bus.environment = {}
    bus.start()
    again = Told()
    hand_in(bus, again, ids)
    wrong = {message_id: (seq, again.places[message_id]) for message_id, seq in told.places.items() if again.places[message_id] != seq}
    assert not wrong, f"acknowledged as, and is now: {wrong}"
    again.durable = told.durable
    read_on(bus, again)
    promises.check_bus(bus, "pas", ids, ids)
    if told.is_backup:
        bus.ctl("restore", str(bus.folder / "copy"), "--state", str(bus.folder / "restored"), check=0)
    else:
        shutil.rmtree(bus.folder / "copy", ignore_errors=True)
        bus.ctl("backup", str(bus.folder / "copy"), check=0)
    bus.ctl("audit", "verify", check=0)


def beside(bus, where, name):
    """A file of the shim's: where the fence of the program that is meant lets it write."""
    folder = bus.folder if where == "backup" else bus.folder / "state" / "serve"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


MAY = {**dict.fromkeys(ERRORS, {0, EXIT_STORAGE, EXIT_LATER}), **dict.fromkeys(ENDS, {0, -signal.SIGKILL})}


def try_one(case):
    """Whether the fault struck, and what was wrong, or None."""
    where, n, action = case
    bus = faulty.MemoryBus()
    once = beside(bus, where, "struck")
    try:
        bus.environment = {**faulty.fault_environment(f"{PLACES[where]} all {n} {action}"), "CAREBUS_FAULT_ONCE": str(once)}
        told, ids = whole_run(bus)
        judge(bus, told, ids, MAY[action])
        return once.exists(), None
    except Exception as error:
        # What belongs to one case is worth more in one place than a trace back through threads.
        return once.exists(), f"--- {where} {n} {action}: {type(error).__name__}: {error}\n{bus.log()[-3000:]}"
    finally:
        with contextlib.suppress(Exception):
            bus.close()


def count_calls(where):
    """How many calls the program of that place makes in the first of its lives."""
    bus, told = faulty.MemoryBus(), Told()
    try:
        counter = beside(bus, where, "count")
        bus.environment = faulty.fault_environment(f"{PLACES[where]} all 0 EIO", counter)
        ids = run_ids()[:FIRST_LIFE]
        live_through(bus, told, ids, "back up")
        assert len(told.places) == len(ids) and told.is_backup and told.durable > (0, 0), "a run without faults comes to its end"
        return int(counter.read_text())
    finally:
        bus.close()


@pytest.fixture(scope="module")
def calls():
    """{place: number of calls} of a run without faults."""
    return {where: count_calls(where) for where in PLACES}


def try_all(cases):
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(try_one, cases))
    wrong = [text for _, text in results if text]
    assert not wrong, f"{len(wrong)} of {len(cases)}\n" + "\n".join(wrong[:5])
    struck = sum(one for one, _ in results)
    print(f"{len(cases)} cases, {struck} struck; not {[case for case, (one, _) in zip(cases, results) if not one]}")
    assert struck >= len(cases) // 2, f"only {struck} of {len(cases)} faults struck"


def test_half_a_key_that_a_kill_left_is_no_damage_and_a_backup_with_it_can_be_restored(memory_bus):
    bus = memory_bus
    bus.start()
    bus.source("pas").send(submission("A-1"))
    bus.wait_folded()
    key, = (bus.folder / "state" / "serve" / "audit").glob("key-*.pub")
    key.with_name(f"{key.name}.Ab12Cd").write_bytes(key.read_bytes()[:40])
    bus.ctl("audit", "verify", check=0)
    bus.ctl("backup", str(bus.folder / "copy"), check=0)
    bus.ctl("restore", str(bus.folder / "copy"), "--state", str(bus.folder / "restored"), check=0)
    # What is under its whole name is still looked at.
    key.with_name(f"key-{'0' * 32}.pub").write_bytes(key.read_bytes()[:40])
    bus.ctl("audit", "verify", check=1)


def chance(what):
    seed = int(os.environ.get("CAREBUS_SEED", random.randrange(1 << 31)))
    print(f"CAREBUS_SEED={seed}: {what}")
    return random.Random(seed)


@pytest.mark.parametrize("actions", [ERRORS, ENDS], ids=["fails", "is the last"])
def test_some_calls_of_a_whole_run_that_fail_or_are_the_last_make_nothing_untrue(calls, actions):
    pick = chance(f"{BY_DAY} of each of {calls}")
    try_all([(where, pick.randint(1, most), pick.choice(actions)) for where, most in calls.items() for _ in range(BY_DAY)])


@pytest.mark.nightly
@pytest.mark.parametrize("action", [*ERRORS, *ENDS])
@pytest.mark.parametrize("where", PLACES)
def test_every_call_of_a_whole_run_that_fails_or_is_the_last_makes_nothing_untrue(calls, where, action):
    try_all([(where, n, action) for n in range(1, calls[where] + 1)])


# ---- what retention writes anew

RETAINED = {"originals": "*/state/journal*", "events": "*/state/base*"}


def aged(make_bus, tmp_path, kind):
    """A bus that is stopped, whose messages are older than what is kept of them; one waits for somebody. And a copy of its state."""
    later = Later(make_bus, {kind: "30d"})
    bus = later.bus
    bus.source("pas").send(*[kept_short(f"OLD{i}") for i in range(6)], unread("BAD1"))
    bus.wait_folded()
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        *_, last = feed.take(6)
        feed.ack(last)
    later.days(1)
    bus.stop()
    later.path.write_bytes(struct.pack("<q", 70 * DAY))
    shutil.copytree(bus.folder / "state", bus.folder / "saved")
    return later


def has_gone(bus):
    return not any(journal_has(bus, f"OLD{i}|GOES") for i in range(6))


def retain(later, rule):
    """From the saved state on, with a fault; then without. Whether it struck."""
    bus = later.bus
    struck = bus.folder / "state" / "serve" / "struck"
    shutil.rmtree(bus.folder / "state")
    shutil.copytree(bus.folder / "saved", bus.folder / "state")
    began = len(bus.log())
    preload = f"{faulty.failshim()}:{later.environment['LD_PRELOAD']}"
    bus.environment = {**later.environment, "LD_PRELOAD": preload, "CAREBUS_FAULT": rule, "CAREBUS_FAULT_ONCE": str(struck)}
    bus.start(wait=False)
    wait_for(lambda: bus.process.poll() is not None or (has_gone(bus) and "RETENTION_PASSED" in bus.log()[began:]), what="retention")
    assert bus.process.poll() in (None, 0, -signal.SIGKILL)
    bus.kill()
    bus.environment = later.environment
    bus.start()
    bus.wait_folded()
    wait_for(lambda: has_gone(bus), what=lambda: f"{rule}: what is old goes at the next start, without anybody\n{bus.log()[-2000:]}")
    bus.ctl("journal", "verify", check=0)
    bus.ctl("rebuild", "--verify", check=0)
    bus.ctl("audit", "verify", check=0)
    assert journal_has(bus, "BAD1|WAITS"), "what waits for somebody has gone"
    item, = bus.ctl_json("quarantine", "list")
    assert "WAITS" in bus.ctl("quarantine", "show", str(item["id"]), "--original", check=0).stdout
    promises.check_balance(bus)
    again, = bus.source("pas").send(submission("NEW"))
    assert again.WhichOneof("result") == "stored"
    bus.stop()
    return struck.exists()


def retain_all(later, kind, cases):
    struck = sum(retain(later, f"{RETAINED[kind]} {call} {n} {action}") for call, n, action in cases)
    print(f"{len(cases)} cases, {struck} struck")
    assert struck >= len(cases) // 3, "the faults did not strike"


@pytest.mark.parametrize("kind", RETAINED)
def test_killed_at_some_renames_while_old_messages_go_the_journal_is_the_old_or_the_new(make_bus, tmp_path, kind):
    pick = chance(f"retention of {kind}")
    later = aged(make_bus, tmp_path, kind)
    retain_all(later, kind, [("rename", pick.randint(1, 2), action) for action in ENDS])


@pytest.mark.nightly
@pytest.mark.parametrize("kind", RETAINED)
def test_killed_at_every_call_while_old_messages_go_the_journal_is_the_old_or_the_new(make_bus, tmp_path, kind):
    later = aged(make_bus, tmp_path, kind)
    cases, struck = 0, 0
    for call in ("write", "sync", "rename", "alloc"):
        for n in range(1, 60):
            hit = [retain(later, f"{RETAINED[kind]} {call} {n} {action}") for action in ENDS]
            cases, struck = cases + len(hit), struck + sum(hit)
            if not any(hit):
                break
    print(f"{cases} cases, {struck} struck")
    assert struck >= 8, "there is nothing left of what is tried here"
