"""Kills, errors and damage at named places of the storage: what of a message is there afterwards, and what its sender was told."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import time

import faulty
import journal_bytes
import promises
import pytest
from carebus_bus import CAREBUSD, Bus, BusError, feed_pb2, submission, wait_for
from carebus_readers import Feed
from faulty import EXIT_LATER, EXIT_STORAGE

pytestmark = pytest.mark.plain

JOURNAL, FOLD, SERVE = "*/state/journal*", "*/state/fold*", "*/state/serve"


def one(message_id):
    return submission(message_id, faulty.original(message_id))


def count_so_far(bus):
    return int((bus.folder / "count").read_text())


def strike(bus, rule, action, answered=False, written=None):
    """Five messages, then a sixth at whose call the fault strikes. The receipt of the sixth, or None, and the places of the five. Where
    `written` is said the sixth stands in the journal or does not: a segment that is made ready beside it is synced too."""
    begin = bus.folder / "begin"
    for n in range(1, 40):
        shutil.rmtree(bus.config["state"], ignore_errors=True)
        begin.unlink(missing_ok=True)
        bus.environment = {**faulty.fault_environment(f"{rule} {n} {action}"), "CAREBUS_FAULT_FROM": str(begin)}
        places, receipt = {}, None
        try:
            bus.start()
            source = faulty.PatientSource(bus)
        except (BusError, faulty.Ended):
            bus.wait()
            bus.kill()
            continue
        try:
            source.deliver([f"A-{i}" for i in range(5)])
            places = dict(source.places)
            faulty.wait_folded_or_ended(bus)
            begin.touch()
            number = source.submit(one("SIXTH"))[0]
            receipt = next(iter(source.wait_receipts(1, 5)), None)
            assert receipt.number == number
            faulty.wait_folded_or_ended(bus)
        except (BusError, faulty.Ended):
            pass
        finally:
            source.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            bus.process.wait(3 if answered else 0.5)
        struck = bus.process.poll() is not None
        bus.kill()
        stands = journal_bytes.holds(f"{bus.config['state']}/journal", "SIXTH")
        if struck and len(places) == 5 and (receipt is not None) == answered and written in (None, stands):
            return receipt, places
    raise AssertionError(f"{rule}: nothing struck at the sixth message")


def after_the_strike(bus, places):
    """A start without faults. What the sixth is answered, sent again; the five have the places they had."""
    bus.environment = {}
    bus.start()
    source = bus.source("pas")
    again = source.send(*[one(f"A-{i}") for i in range(5)])
    assert [receipt.duplicate.of for receipt in again] == [places[f"A-{i}"] for i in range(5)]
    before = bus.status().seq
    answer, = source.send(one("SIXTH"))
    everything = [*places, "SIXTH"]
    _, seqs = promises.check_bus(bus, "pas", everything, everything)
    assert seqs["SIXTH"] == 7
    return answer, before


def test_killed_before_the_write_the_sender_has_no_answer_and_what_it_sends_again_is_taken_once(memory_bus):
    receipt, places = strike(memory_bus, f"{JOURNAL} write", "kill")
    assert receipt is None
    answer, before = after_the_strike(memory_bus, places)
    assert answer.stored.seq == 7 and before == 6


def test_killed_between_write_and_sync_the_message_is_whole_or_not_there_and_was_not_acknowledged(memory_bus):
    receipt, places = strike(memory_bus, f"{JOURNAL} sync", "kill")
    assert receipt is None
    answer, _ = after_the_strike(memory_bus, places)
    assert (answer.stored.seq or answer.duplicate.of) == 7


def test_killed_behind_the_sync_the_message_is_there_and_is_known_when_it_comes_again(memory_bus):
    receipt, places = strike(memory_bus, f"{JOURNAL} sync", "killed", written=True)
    assert receipt is None
    answer, before = after_the_strike(memory_bus, places)
    assert answer.duplicate.of == 7 and before == 7


def test_killed_behind_the_answer_and_before_the_state_it_is_applied_once_at_the_next_start(memory_bus):
    """The fold dies with what it was about to write; the state afterwards is that of a rebuild."""
    receipt, places = strike(memory_bus, f"{FOLD} any", "kill1500", answered=True)
    assert receipt.stored.seq == 7, "the answer waits for the journal alone"
    answer, before = after_the_strike(memory_bus, places)
    assert answer.duplicate.of == 7 and before == 7


# ---- in the middle of what is replaced


def read_and_acknowledge(bus, count):
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        feed.ack(feed.take(count)[-1])


@pytest.mark.parametrize("rule", ["cursors* write 3 torn", "cursors* write 3 kill", "cursors* sync 3 kill", "cursors* sync 3 killed"],
                         ids=["half written", "not written", "not synced", "not renamed"])
def test_killed_while_it_writes_a_readers_place_the_place_is_the_old_or_the_new(memory_bus, rule):
    bus = memory_bus
    struck = f"{bus.config['state']}/serve/struck"
    bus.environment = {**faulty.fault_environment(f"{SERVE}/{rule}"), "CAREBUS_FAULT_ONCE": struck}
    bus.start()
    places = [receipt.stored.seq for receipt in bus.source("pas").send(*[one(f"A-{i}") for i in range(10)])]
    bus.wait_folded()
    first, answered, said = bus.serve_pid, 0, 0
    while bus.serve_pid == first:
        with Feed(bus, "ward") as feed:
            place = wait_for(lambda reader=feed: opened_or_none(reader), what="a feed").place
            assert answered <= place.seq <= max(said, answered), "what was answered stands, and nothing beyond what was sent"
            for seq in [seq for seq in places if seq > place.seq]:
                said = seq
                feed.ack((seq, 0), wait=False)
                answer = wait_for(lambda reader=feed: ack_answer(reader) or (bus.serve_pid != first and -1), what="an answer")
                answered = max(answered, answer)
                if bus.serve_pid != first:
                    break
        assert bus.serve_pid != first or said < places[-1], "the fault did not strike"
    with Feed(bus, "ward") as feed:
        place = wait_for(lambda: opened_or_none(feed), what="a feed of the new serve process").place
        assert answered <= place.seq <= said, "what was answered stands, and nothing beyond what was sent"
        again = [seq for seq in places if seq > place.seq]
        assert [delivery.seq for delivery in feed.take(len(again))] == again
    assert "CURSORS_DAMAGED" not in bus.log_events()
    promises.check_bus(bus, "pas", [f"A-{i}" for i in range(10)], [f"A-{i}" for i in range(10)])


def ack_answer(feed):
    """The number that the next message says is acknowledged on disk; 0 when it is none of that kind."""
    message = feed.hear(0.1)
    return message.ack_answer.seq if message else 0


def opened_or_none(feed):
    feed.open()
    message = feed.hear(1)
    return message.opened if message and message.WhichOneof("message") == "opened" else None


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("action", ["kill", "killed"])
def test_killed_while_a_segment_begins_the_journal_goes_on_in_one_order(memory_bus, n, action):
    """Segments of 64 KiB and messages of 8 KB: a new one after every seven."""
    memory_bus.environment = faulty.fault_environment(f"*/state/journal/* rename {n + 1} {action}", memory_bus.folder / "count")
    outcome = faulty.faulty_run(memory_bus)
    assert outcome.exit_code == -9
    faulty.check_afterwards(memory_bus, outcome)


def test_killed_ten_times_while_it_recovers_it_gets_further_each_time_and_ends_where_it_should(memory_bus):
    """The state is gone and is built from the journal; each start is killed at its n-th commit, and the next goes on from there."""
    bus = memory_bus
    bus.start()
    source = bus.source("pas")
    ids = [f"A-{i}" for i in range(400)]
    for turn in range(20):
        source.send(*[submission(message_id) for message_id in ids[turn * 20:turn * 20 + 20]])
    bus.wait_folded()
    expected = bus.ctl_json("rebuild", "--verify", check=0)[0]
    source.close()
    bus.sources.clear()
    bus.kill()
    shutil.rmtree(f"{bus.config['state']}/fold")
    reached = [0]
    for turn in range(10):
        bus.environment = faulty.fault_environment(f"{FOLD} sync {2 + turn % 3} killed")
        bus.start(wait=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            bus.process.wait(3)
        bus.kill()
        done = bus.ctl("--json", "rebuild", "--verify")
        if done.returncode == 0:
            reached.append(int(json.loads(done.stdout)["seq"]))
    assert reached == sorted(reached), "what was recovered was lost again"
    bus.environment = {}
    bus.start()
    assert bus.wait_folded().seq == 401
    again, = bus.ctl_json("rebuild", "--verify", check=0)
    assert {key: again[key] for key in ("seq", "equal")} == {key: expected[key] for key in ("seq", "equal")}
    promises.check_bus(bus, "pas", ids, ids)


# ---- what stands behind the end


def fill(bus, count, prefix="A"):
    source = bus.source("pas")
    ids = [f"{prefix}-{i}" for i in range(count)]
    source.send(*[one(message_id) for message_id in ids])
    bus.wait_folded()
    source.close()
    bus.sources.remove(source)
    return ids


def stale(segments):
    """The last batch once more, as a disk shows that did not get the newest write."""
    segment = segments[-1]
    batch = segment.batches[-1]
    data = segment.path.read_bytes()
    return data[batch.offset:batch.offset + batch.size]


TAILS = {
    "zeros": lambda segments: b"\0" * 20_000,
    "rubbish": lambda segments: hashlib.sha512(b"rubbish").digest() * 300,
    "the last batch again": stale,
    "half of the last batch again": lambda segments: stale(segments)[:-40],
    "a magic word alone": lambda segments: b"CBB1" + b"\0" * 4096,
    "a length of 4 GiB": lambda segments: b"CBB1" + struct.pack("<IIIQ", 0, 1, 1, 1 << 32) + b"\0" * 4096,
}


@pytest.mark.parametrize("name", TAILS)
def test_what_stands_behind_the_end_after_a_crash_is_never_taken_for_a_record(memory_bus, name):
    """Zeros of a file system that lost the data, or what lay there before: cut off, or refused and left as it is."""
    bus = memory_bus
    bus.start()
    ids = fill(bus, 10)
    bus.kill()
    segments = journal_bytes.segments(f"{bus.config['state']}/journal")
    newest = segments[-1]
    end = newest.batches[-1].offset + newest.batches[-1].size if newest.batches else journal_bytes.SEGMENT_HEADER
    if not newest.batches:
        pytest.fail("the newest segment is empty: other sizes are needed")
    tail = TAILS[name](segments)
    size = newest.path.stat().st_size
    with open(newest.path, "r+b") as file:
        file.seek(end)
        before = file.read(len(tail))
        file.seek(end)
        file.write(tail[:size - end])
    bus.start(wait=False)
    try:
        bus.wait_notice("READY=1")
    except BusError:
        # It may also be that somebody wrote there who should not: then nothing is changed, and it is said where.
        assert bus.wait() == EXIT_STORAGE
        bus.kill()
        assert "JOURNAL_CORRUPT" in bus.log_events()
        assert newest.path.read_bytes()[end:end + len(tail)] == tail[:size - end], "it was changed"
        with open(newest.path, "r+b") as file:
            file.seek(end)
            file.write(before)
        bus.start()
    assert bus.wait_folded().seq == 11
    fill(bus, 3, "B")
    everything = [*ids, "B-0", "B-1", "B-2"]
    promises.check_bus(bus, "pas", everything, everything)


# ---- errors of the disk


def test_failed_read_ends_the_fold_or_the_answer_and_everything_is_there_afterwards(memory_bus):
    """EIO at each read of the journal, one after the other."""
    bus = memory_bus
    ended = 0
    bus.start()
    ids = fill(bus, 12)
    bus.kill()
    for n in range(1, 9):
        shutil.rmtree(f"{bus.config['state']}/fold", ignore_errors=True)
        bus.environment = faulty.fault_environment(f"{JOURNAL} read {n} EIO")
        bus.start(wait=False)
        with contextlib.suppress(BusError):
            bus.wait_notice("READY=1", 20)
            bus.wait_folded(10)
            bus.ctl("tail")
        if bus.process.poll() is not None:
            assert bus.process.returncode in (EXIT_STORAGE, EXIT_LATER), bus.process.returncode
            ended += 1
        bus.kill()
    assert ended > 0, "no read failed"
    bus.environment = {}
    bus.start()
    promises.check_bus(bus, "pas", ids, ids)


@pytest.mark.parametrize("n", ["6", "6+"])
def test_sync_that_fails_is_never_tried_again_on_that_file_and_nothing_unsynced_is_acknowledged(memory_bus, n):
    """Once, or from then on: the kernel tells of a lost write once, so the first time is the last."""
    bus = memory_bus
    bus.environment = faulty.fault_environment(f"*/state/journal/*.seg sync {n} EIO", bus.folder / "count")
    bus.start()
    source = faulty.PatientSource(bus)
    with contextlib.suppress(faulty.Ended, BusError):
        for i in range(30):
            source.deliver([f"A-{i}"])
    places = dict(source.places)
    source.close()
    assert bus.wait() == EXIT_STORAGE
    assert count_so_far(bus) == 6, "synced again after it had failed"
    assert "STORAGE_FAULT" in bus.log_events()
    bus.kill()
    bus.environment = {}
    bus.start()
    ids = [f"A-{i}" for i in range(30)]
    source = faulty.PatientSource(bus)
    source.deliver(ids)
    assert all(source.places[message_id] == seq for message_id, seq in places.items())
    source.close()
    promises.check_bus(bus, "pas", ids, ids)


def mounted(folder, options):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs to mount a tmpfs")


def doctor(bus):
    done = bus.ctl("doctor")
    return done.returncode, done.stdout + done.stderr


def one_line(words):
    return " ".join(words.split())


def told(bus, source, message_id):
    """What came of one message: the receipt, or that the daemon has ended with a code that says storage."""
    number = source.submit(one(message_id))
    try:
        return source.wait_receipts(len(number), 20)[0]
    except BusError:
        assert bus.wait() in (EXIT_STORAGE, EXIT_LATER)
        return None


@pytest.fixture
def own_disk(tmp_path):
    """A folder on a file system of its own, of 64 MiB and 400 files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted(folder, "size=64m,nr_inodes=400")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def take_inodes(folder):
    spare = folder / "spare"
    spare.mkdir()
    with contextlib.suppress(OSError):
        for i in range(1000):
            (spare / str(i)).touch()
    return lambda: shutil.rmtree(spare)


def move_away(folder):
    (folder / "state").rename(folder / "elsewhere")
    return lambda: bring_back(folder)


def bring_back(folder):
    shutil.rmtree(folder / "state", ignore_errors=True)
    (folder / "elsewhere").rename(folder / "state")


# What is done, and where and what the doctor says is wrong.
AILMENTS = {"no more files": (take_inodes, "nothing can be written in {state}: No space left on device"),
            "the folder is gone": (move_away, "state: {state}: No such file or directory")}


@pytest.mark.root
@pytest.mark.parametrize("ailment", AILMENTS)
def test_disk_that_ails_costs_a_try_again_or_ends_the_daemon_and_never_a_message(own_disk, make_bus, ailment):
    bus = make_bus({"state": str(own_disk / "state"), "journal": {"reserve_bytes": 0, "segment_bytes": "64 KiB"}})
    bus.start()
    ids = fill(bus, 5)
    mend = AILMENTS[ailment][0](own_disk)
    source = bus.source("pas")
    taken, refused = [], 0
    for i in range(40):
        receipt = told(bus, source, f"B-{i}")
        if receipt is None:
            break
        if receipt.WhichOneof("result") == "stored":
            taken.append(f"B-{i}")
        else:
            assert not receipt.refused.permanent, receipt
            refused += 1
            break
    code, words = doctor(bus)
    assert code != 0 and AILMENTS[ailment][1].format(state=own_disk / "state") in one_line(words), words
    mend()
    if bus.process.poll() is not None:
        bus._ended()
        bus.start()
    elif ailment == "the folder is gone":
        bus.kill()
        bus.start()
    everything = [*ids, *[f"B-{i}" for i in range(40)]]
    again = faulty.PatientSource(bus, "pas")
    again.deliver(everything)
    again.close()
    _, seqs = promises.check_bus(bus, "pas", everything, everything)
    assert set(taken) <= set(seqs)


class Ext4:
    """A file system of its own that makes itself read-only when it finds an error, as is usual."""

    def __init__(self, folder):
        self.image, self.folder = folder / "image", folder / "disk"
        self.folder.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(64 << 20)
        self.run("mkfs.ext4", "-q", "-F", "-J", "size=4", str(self.image))
        self.mount()

    def run(self, *command):
        path = f"{os.environ['PATH']}:/sbin:/usr/sbin"
        found = shutil.which(command[0], path=path)
        if not found:
            pytest.skip(f"needs {command[0]} (packages e2fsprogs, mount)")
        return subprocess.run([found, *command[1:]], capture_output=True, text=True, check=False)

    def mount(self):
        done = self.run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.folder))
        if done.returncode != 0:
            pytest.skip(f"cannot mount a loop device here: {done.stderr.strip()}")

    def remount(self, how):
        done = self.run("mount", "-o", f"remount,{how}", str(self.folder))
        assert done.returncode == 0, done.stderr

    def find_an_error(self):
        """Its own way to try what an error does; from here on nothing can be written, and files that are open stay open."""
        device = self.run("findmnt", "-n", "-o", "SOURCE", str(self.folder)).stdout.strip()
        trigger = f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error"
        if not os.access(trigger, os.W_OK):
            pytest.skip(f"needs {trigger}")
        with open(trigger, "w", encoding="ascii") as file:
            file.write("a test")

    def mend(self):
        self.unmount()
        self.run("e2fsck", "-fy", str(self.image))
        self.mount()

    def unmount(self):
        wait_for(lambda: self.run("umount", str(self.folder)).returncode == 0, what="nobody uses the disk")


@pytest.fixture
def ext4(tmp_path):
    disk = Ext4(tmp_path)
    yield disk
    disk.run("umount", "-l", str(disk.folder))


@pytest.mark.root
def test_disk_that_makes_itself_read_only_ends_the_daemon_and_never_a_message_and_the_doctor_names_it(ext4, make_bus):
    bus = make_bus({"state": str(ext4.folder / "state"), "journal": {"segment_bytes": "64 KiB"}})
    said = f"nothing can be written in {ext4.folder / 'state'}: Read-only file system"
    bus.start()
    ids = fill(bus, 5)
    source = bus.source("pas")
    ext4.find_an_error()
    receipt = told(bus, source, "B-0")
    assert receipt is None or (receipt.WhichOneof("result") == "refused" and not receipt.refused.permanent), receipt
    assert bus.wait() == EXIT_STORAGE
    assert "STORAGE_FAULT" in bus.log_events() and "Read-only file system" in bus.log()
    bus.kill()
    code, words = doctor(bus)
    assert code != 0 and said in one_line(words), words
    ext4.mend()
    bus.start()
    assert told(bus, bus.source("pas"), "B-0").WhichOneof("result") in ("stored", "duplicate")
    bus.stop()
    # And as an operator does it, while nothing runs: the start says which file, and why.
    ext4.remount("ro")
    bus.start(wait=False)
    assert bus.wait() in (EXIT_STORAGE, EXIT_LATER)
    bus.kill()
    assert str(ext4.folder / "state") in bus.log().split("event=STOPPED")[-2], "the path is not named"
    code, words = doctor(bus)
    assert code != 0 and said in one_line(words), words
    ext4.remount("rw")
    bus.start()
    promises.check_bus(bus, "pas", [*ids, "B-0"], [*ids, "B-0"])
    assert said not in one_line(doctor(bus)[1])
    bus.stop()


@pytest.mark.root
@pytest.mark.parametrize("ailment", ["EROFS", "EDQUOT"])
def test_write_that_the_file_system_forbids_is_no_answer_and_everything_is_there_afterwards(memory_bus, ailment):
    """Read-only, as after an error of the disk; over the quota. From the tenth write of the journal on."""
    bus = memory_bus
    bus.environment = faulty.fault_environment(f"{JOURNAL} write 10+ {ailment}")
    bus.start()
    source = faulty.PatientSource(bus)
    ids, stored = [f"A-{i}" for i in range(20)], {}
    with contextlib.suppress(BusError, faulty.Ended):
        for message_id in ids:
            receipt, = source.send(one(message_id))
            if receipt.WhichOneof("result") == "refused":
                assert not receipt.refused.permanent
                break
            stored[message_id] = receipt.stored.seq
    source.close()
    assert stored and len(stored) < len(ids), "the fault did not strike"
    if ailment == "EROFS":
        assert bus.wait() == EXIT_STORAGE
    bus.kill()
    bus.environment = {}
    bus.start()
    source = faulty.PatientSource(bus)
    source.deliver(ids)
    source.close()
    _, seqs = promises.check_bus(bus, "pas", ids, ids)
    assert all(seqs[message_id] == seq for message_id, seq in stored.items())


def as_nobody_can_run():
    look = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups", str(CAREBUSD), "--version"]
    return subprocess.run(look, capture_output=True, check=False).returncode == 0


@pytest.mark.root
def test_start_without_the_right_to_its_state_says_which_folder_and_why(make_bus):
    if not as_nobody_can_run():
        pytest.skip("another user cannot run the programs of this build")
    bus = make_bus()
    bus.start()
    ids = fill(bus, 3)
    bus.stop()
    os.chown(bus.folder, 1, 1)
    bus.wrapper = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups"]
    bus.start(wait=False)
    code = bus.process.wait(60)
    bus._ended()
    assert code in (EXIT_STORAGE, EXIT_LATER, 77, 78), code
    assert "ermission denied" in bus.log() or "EACCES" in bus.log() or "errno=13" in bus.log(), bus.log()[-1000:]
    bus.wrapper = []
    state = bus.folder / "state"
    mode = state.stat().st_mode & 0o777
    state.chmod(0o500)
    code, words = doctor(bus)
    assert code != 0 and f"its owner may not write in {state}" in one_line(words) and "Permission denied" in words, words
    state.chmod(mode)
    shutil.rmtree(bus.folder / "run", ignore_errors=True)
    bus.start()
    promises.check_bus(bus, "pas", ids, ids)


# ---- a slow disk


def test_slow_sync_withholds_the_answer_makes_batches_grow_and_the_watchdog_is_fed(memory_bus):
    bus = memory_bus
    bus.environment = {**faulty.fault_environment("*/state/journal/*.seg sync 2+ slow700", bus.folder / "count"),
                       "WATCHDOG_USEC": "20000000"}
    bus.start()
    source = bus.source("pas")
    started = time.monotonic()
    ids = [f"A-{i}" for i in range(60)]
    for message_id in ids:
        source.submit(submission(message_id))
    seen = 0
    while seen < len(ids):
        synced = count_so_far(bus)
        receipts = source.wait_receipts(1)
        assert all(receipt.WhichOneof("result") == "stored" for receipt in receipts)
        seen += len(receipts)
        assert count_so_far(bus) >= synced
    assert time.monotonic() - started >= 0.7, "an answer left before its sync came back"
    sizes = [count for _, count in journal_bytes.batch_sizes(f"{bus.config['state']}/journal")]
    assert max(sizes) > 5, f"what came meanwhile did not go into one batch: {sizes}"
    bus.wait_notice("WATCHDOG=1", 60)
    bus.wait_notice("WATCHDOG=1", 60)
    assert "STUCK" not in bus.log_events()
    promises.check_bus(bus, "pas", ids, ids)


def test_answer_waits_for_a_sync_that_hangs_for_seconds_and_nobody_is_told_early(memory_bus):
    bus = memory_bus
    bus.environment = {**faulty.fault_environment("*/state/journal/*.seg sync 5 slow5000"), "WATCHDOG_USEC": "40000000"}
    bus.start()
    source = bus.source("pas")
    times = []
    for i in range(8):
        began = time.monotonic()
        receipt, = source.send(submission(f"A-{i}"))
        times.append(time.monotonic() - began)
        assert receipt.WhichOneof("result") == "stored"
    assert max(times) >= 5, "the slow sync was not waited for"
    bus.wait_notice("WATCHDOG=1", 60)
    ids = [f"A-{i}" for i in range(8)]
    promises.check_bus(bus, "pas", ids, ids)


# ---- damage to what is not the journal


def files_beside_the_journal(state):
    return [path for path in sorted(state.rglob("*")) if path.is_file() and path.stat().st_size > 0 and "journal" not in path.parts
            and path.name not in ("lock", "lock.mdb", "reserve", "last-words") and not path.is_symlink()]


def flip_some(path, chance, times=1):
    with open(path, "r+b") as file:
        size = path.stat().st_size
        for _ in range(times):
            place = chance.randrange(size)
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ (1 << chance.randrange(8))]))


def test_flipped_bits_beside_the_journal_are_found_or_harmless_and_the_record_is_made_again_from_it(memory_bus):
    """State, places of readers, ledgers, audit: each file in turn. What cannot be trusted is made anew or stops what stands on it."""
    seed = int(os.environ.get("CAREBUS_SEED", faulty.random.randrange(1 << 31)))
    print(f"CAREBUS_SEED={seed}")
    chance = faulty.random.Random(seed)
    bus = memory_bus
    bus.start()
    ids = fill(bus, 20)
    read_and_acknowledge(bus, 5)
    bus.ctl("tail", "--team", "ward", check=0)
    assert bus.stop() == 0
    state = bus.folder / "state"
    saved = bus.folder / "saved"
    shutil.copytree(state, saved)
    names = [path.relative_to(state) for path in files_beside_the_journal(state)]
    assert len(names) >= 3, names
    for name in names:
        shutil.rmtree(state)
        shutil.copytree(saved, state)
        flip_some(state / name, chance, 3)
        bus.forget_log()  # what was said of the one before
        one_damaged_file(bus, name, ids)


SAID_TO_BE_DAMAGED = {"AUDIT_DAMAGED", "SERVE_THREAD_FAILED", "FATAL"}


def one_damaged_file(bus, name, ids):
    bus.start(wait=False)

    def is_said():
        return not SAID_TO_BE_DAMAGED.isdisjoint(bus.log_events())

    def settled():
        return "READY=1" in bus.read_notices() or bus.process.poll() is not None or is_said()
    wait_for(settled, what=lambda: f"{name}: ready, ended, or said to be damaged\n{bus.log()[-3000:]}")
    ready = "READY=1" in bus.notices and not is_said()
    if ready:
        with contextlib.suppress(BusError):
            bus.wait_folded(30)
    code = bus.process.poll()
    # What is damaged is given out to nobody; what comes in is taken all the same.
    assert ready or code is not None or is_said(), f"{name}: neither ready nor ended\n{bus.log()[-2000:]}"
    if ready and name.parts[0] == "fold":
        # Found by the comparison, if not by the start; and then the way back is the one that the manual says.
        ready = bus.ctl("rebuild", "--verify").returncode == 0
    if not ready:
        assert code is None or code >= 0, f"{name}: ended by signal {-code}\n{bus.log()[-2000:]}"
        bus.kill()
        damaged = bus.folder / "state" / name.parts[0]
        if damaged.is_dir():
            shutil.rmtree(damaged)
        else:
            damaged.unlink()
        bus.start()
    lines = bus.ctl_json("tail")
    promises.check_order(lines)
    assert set(promises.check_messages(lines, "pas", ids, ids)) == set(ids)
    promises.check_balance(bus)
    assert bus.stop() == 0


# ---- two of the same


def test_copied_state_is_noticed_by_who_reads_on(memory_bus, make_bus):
    """Somebody clones the machine: both go on, and a reader of the one is told that the other is not it."""
    bus = memory_bus
    bus.start()
    fill(bus, 4)
    bus.stop()
    other = make_bus()
    shutil.copytree(bus.folder / "state", other.folder / "state")
    bus.start()
    other.start()
    fill(bus, 3, "ONE")
    fill(other, 5, "OTHER")
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        last = feed.take(7)[-1]
        feed.ack(last)
    bus.stop()
    # The name of the first now leads to the clone: with the places of its readers, as when the clone's address is taken over.
    other.stop()
    shutil.rmtree(other.folder / "state" / "serve", ignore_errors=True)
    shutil.copytree(bus.folder / "state" / "serve", other.folder / "state" / "serve")
    other.start()
    with Feed(other, "ward") as feed:
        feed.open()
        assert feed.refused() in ("other-journal", "beyond-end")
        feed.open(feed_pb2.Open.FROM_NOW).opened()
    promises.check_balance(other)
    assert other.status().seq == 10
    os.kill(other.pid, signal.SIGTERM)
    assert isinstance(other, Bus) and other.wait() == 0
