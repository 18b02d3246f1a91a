"""A backup is the bus at a stated entry, whatever goes on meanwhile; what was put back is that bus, and whoever is ahead of it is told."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest
import zmq

from carebus_bus import ANSWER_SECONDS, CAREBUSCTL, BusError, feed_pb2, submission, wait_for
from carebus_readers import Feed, Records, place

PLACE, SNAPSHOT = feed_pb2.Open.FROM_PLACE, feed_pb2.Open.FROM_SNAPSHOT
SMALL_SEGMENTS = {"journal": {"reserve_bytes": 0, "segment_bytes": "64 KiB"}}


def seed_of(test):
    """Printed, so that a failure can be had again: CAREBUS_SEED=N."""
    seed = int(os.environ.get("CAREBUS_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"{test}: CAREBUS_SEED={seed}")
    return random.Random(seed)


class Load:
    """A source that goes on sending until it is told to end; it takes up where it was when the daemon was away."""

    def __init__(self, bus):
        self.bus, self.ending, self.stored = bus, False, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        turn = 0
        while not self.ending:
            try:
                source = self.bus.source("pas")
                while not self.ending:
                    source.submit(*[submission(f"L{turn}-{i}", original=os.urandom(600)) for i in range(20)])
                    receipts = source.wait_receipts(20, seconds=2)
                    self.stored += sum(receipt.WhichOneof("result") == "stored" for receipt in receipts)
                    turn += 1
            except (BusError, OSError, zmq.ZMQError):
                time.sleep(0.05)  # killed on purpose: the next connection

    def end(self):
        self.ending = True
        self.thread.join(ANSWER_SECONDS)
        assert not self.thread.is_alive() and self.stored > 0, "nothing went on meanwhile"


@pytest.fixture
def busy(make_bus):
    bus = make_bus(SMALL_SEGMENTS).start()
    pas = bus.source("pas")
    for i in range(40):
        pas.send(submission(f"A-{i}", original=os.urandom(2000)))
    bus.wait_folded()
    return bus


@pytest.fixture
def elsewhere(tmp_path):
    """Where backups go: a copy on the same disk, for the test's sake."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def backup(bus, folder, *arguments):
    said, = bus.ctl_json("backup", str(folder), *arguments)
    return said


def restore(bus, folder, state, *arguments, check=0):
    return bus.ctl("restore", str(folder), "--state", str(state), *arguments, check=check)


def restored_bus(make_bus, bus, folder, state, **options):
    restore(bus, folder, state)
    same = {key: bus.config[key] for key in ("journal", "scope", "sharing", "teams", "sources")}
    return make_bus({**same, "state": str(state)}, **options)


def digest_at(bus, seq):
    said, = bus.ctl_json("rebuild", "--at", str(seq))
    return said["digest"]


def test_backups_under_load_are_the_bus_at_their_numbers_and_share_what_did_not_change(busy, make_bus, elsewhere, tmp_path):
    load, made = Load(busy), []
    try:
        for i in range(4):
            made.append(backup(busy, elsewhere / str(i), *(["--base", str(elsewhere / str(i - 1))] if i else [])))
            wait_for(lambda: busy.status().seq > made[-1]["seq"] + 200, what="the bus to go on")
    finally:
        load.end()
    busy.wait_folded()
    assert [item["seq"] for item in made] == sorted({item["seq"] for item in made})
    assert made[-1]["linked_bytes"] > 0 and made[-1]["signed"]
    first = sorted((elsewhere / "0" / "journal").glob("*.seg"))[0].name
    assert len({(elsewhere / str(i) / "journal" / first).stat().st_ino for i in range(4)}) == 1, "an unchanged segment is one file"
    for i in (0, 3):
        again = restored_bus(make_bus, busy, elsewhere / str(i), tmp_path / f"state{i}")
        assert digest_at(again, made[i]["seq"]) == digest_at(busy, made[i]["seq"]), "before anything was built"
        again.start()
        assert again.status().seq == made[i]["seq"]
        again.wait_folded()
        assert json.loads(again.ctl("--json", "rebuild", "--verify", check=0).stdout)["digest"] == digest_at(busy, made[i]["seq"])
        again.ctl("journal", "verify", check=0)
        again.ctl("audit", "verify", check=0)
        receipt, = again.source("pas").send(submission("after the restore"))
        assert receipt.stored.seq == made[i]["seq"] + 1
        again.stop()


def test_what_was_killed_while_it_ran_is_no_backup_and_the_same_again_makes_one(busy, elsewhere, tmp_path, make_bus):
    chance, load = seed_of("backup killed"), Load(busy)
    try:
        for i in range(6):
            folder = elsewhere / str(i)
            process = subprocess.Popen([str(CAREBUSCTL), "--config", str(busy.config_path), "backup", str(folder)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for(lambda: folder.exists() or process.poll() is not None, what="its beginning")
            time.sleep(chance.random() * 0.06)
            process.send_signal(signal.SIGKILL)
            ended = process.wait()
            if not (folder / "manifest").exists():
                if folder.exists():
                    assert restore(busy, folder, tmp_path / f"none{i}", check=65).returncode == 65
                backup(busy, folder)
            else:
                assert ended in (0, -signal.SIGKILL)
            assert restore(busy, folder, tmp_path / f"state{i}").returncode == 0
    finally:
        load.end()


def test_what_a_killed_backup_had_begun_to_write_is_taken_away_and_what_somebody_else_put_there_is_not(busy, elsewhere, tmp_path):
    folder = elsewhere / "one"
    (folder / "journal").mkdir(parents=True)
    for name in ("unfinished", "manifest.a1B2c3", "journal/half"):
        (folder / name).write_text("half")
    (folder / "manifesto").write_text("of somebody else")
    assert "manifesto" in busy.ctl("backup", str(folder), check=1).stderr
    (folder / "manifesto").unlink()
    backup(busy, folder)
    assert not {"unfinished", "manifest.a1B2c3"} & {path.name for path in folder.iterdir()}
    restore(busy, folder, tmp_path / "state")


def test_daemon_that_is_killed_meanwhile_takes_nothing_from_the_backup(busy, elsewhere, tmp_path):
    chance, load = seed_of("daemon killed"), Load(busy)
    try:
        for i in range(3):
            folder = elsewhere / str(i)
            process = subprocess.Popen([str(CAREBUSCTL), "--config", str(busy.config_path), "--json", "backup", str(folder)],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(chance.random() * 0.05)
            busy.kill()
            out, _ = process.communicate(timeout=120)
            busy.start()
            if process.returncode != 0:
                assert process.returncode in (69, 75), "it says that nobody answered, and makes no backup"
                assert not (folder / "manifest").exists()
                out = busy.ctl("--json", "backup", str(folder), check=0).stdout
            restore(busy, folder, tmp_path / f"state{i}")
            assert json.loads(out)["seq"] <= busy.status().seq
    finally:
        load.end()


def test_stopped_bus_is_backed_up_to_its_end(busy, elsewhere, tmp_path):
    seq = busy.status().seq
    busy.stop()
    assert backup(busy, elsewhere / "one")["seq"] == seq
    restore(busy, elsewhere / "one", tmp_path / "state")


def test_whoever_changed_a_byte_of_a_backup_is_found_out_and_nothing_is_touched(busy, elsewhere, tmp_path):
    chance = seed_of("flipped bytes")
    backup(busy, elsewhere / "one")
    files = sorted(path for path in (elsewhere / "one").rglob("*") if path.is_file() and path.stat().st_size > 0)
    assert {"manifest", "seal", "audit.pub"} <= {path.name for path in files}
    for turn in range(80):
        path = files[turn % len(files)]
        at, bit = chance.randrange(path.stat().st_size), 1 << chance.randrange(8)
        data = bytearray(path.read_bytes())
        data[at] ^= bit
        path.write_bytes(data)
        result = restore(busy, elsewhere / "one", tmp_path / "state", check=None)
        assert result.returncode in (1, 65, 78), f"{path.name} byte {at} bit {bit}: {result.stdout}"
        assert not [entry for entry in (tmp_path / "state").glob("*") if entry.name != "lock"]
        data[at] ^= bit
        path.write_bytes(data)
    missing = files[0].rename(tmp_path / "aside")
    assert "missing" in restore(busy, elsewhere / "one", tmp_path / "state", check=1).stderr
    missing.rename(files[0])
    restore(busy, elsewhere / "one", tmp_path / "state")


def test_backup_that_another_key_signed_is_refused(busy, elsewhere, tmp_path, make_bus):
    backup(busy, elsewhere / "one")
    other = make_bus(SMALL_SEGMENTS).start()
    key = other.folder / "state" / "serve" / "audit.pub"
    assert "not signed by that key" in restore(busy, elsewhere / "one", tmp_path / "state", "--key", str(key), check=1).stderr
    own = busy.folder / "state" / "serve" / "audit.pub"
    assert "its signature holds" in restore(busy, elsewhere / "one", tmp_path / "state", "--key", str(own)).stdout


def test_file_of_the_earlier_backup_that_went_bad_is_not_passed_on(busy, elsewhere, tmp_path):
    backup(busy, elsewhere / "one")
    segment = sorted((elsewhere / "one" / "journal").glob("*.seg"))[0]
    data = bytearray(segment.read_bytes())
    data[5000] ^= 1
    segment.write_bytes(data)
    backup(busy, elsewhere / "two", "--base", str(elsewhere / "one"))
    restore(busy, elsewhere / "two", tmp_path / "state")


def test_folders_that_hold_something_are_left_alone(busy, elsewhere, tmp_path):
    foreign = elsewhere / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    assert "not empty" in busy.ctl("backup", str(foreign), check=1).stderr
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]
    assert busy.ctl("backup", str(busy.folder / "state" / "copy"), check=64).returncode == 64
    backup(busy, elsewhere / "one")
    assert "not empty" in busy.ctl("backup", str(elsewhere / "one"), check=1).stderr, "a backup is not written over"
    # The state of a daemon that runs, then of one that is stopped.
    assert "stop it first" in restore(busy, elsewhere / "one", busy.folder / "state", "--force", check=75).stderr
    seq = busy.status().seq
    busy.stop()
    assert "holds a state already" in restore(busy, elsewhere / "one", busy.folder / "state", check=1).stderr
    busy.start()
    pas = busy.source("pas")
    pas.send(submission("behind the backup"))
    busy.stop()
    restore(busy, elsewhere / "one", busy.folder / "state", "--force")
    aside, = (busy.folder / "state").glob("replaced-*")
    assert (aside / "journal").is_dir() and (aside / "fold").is_dir()
    busy.start()
    assert busy.status().seq == seq


def test_restore_that_was_broken_off_starts_no_daemon_and_is_done_again(busy, elsewhere, tmp_path, make_bus):
    chance = seed_of("restore killed")
    seq = backup(busy, elsewhere / "one")["seq"]
    for i in range(8):
        state = tmp_path / f"state{i}"
        command = [str(CAREBUSCTL), "--config", str(busy.config_path), "restore", str(elsewhere / "one"), "--state", str(state)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: state.exists() or process.poll() is not None, what="its beginning")
        time.sleep(chance.random() * 0.05)
        process.kill()
        process.wait()
        if (state / "restoring").exists():
            half = make_bus({**SMALL_SEGMENTS, "state": str(state)})
            half.start(wait=False)
            assert half.wait() == 78 and "RESTORE_UNFINISHED" in half.log_events()
            half.process = None
            assert not (state / "fold").exists()
        if not (state / "journal").exists() or (state / "restoring").exists():
            restore(busy, elsewhere / "one", state)
        assert not (state / "restoring").exists() and not (state / "restoring.tmp").exists()
    whole = make_bus({**SMALL_SEGMENTS, "state": str(state)}).start()
    assert whole.status().seq == seq


def test_mark_of_a_broken_off_restore_keeps_the_daemon_from_starting(busy, elsewhere):
    busy.stop()
    (busy.folder / "state" / "restoring").write_text("moving\n")
    before = {path: path.read_bytes() for path in sorted((busy.folder / "state" / "journal").iterdir())}
    busy.start(wait=False)
    assert busy.wait() == 78
    busy.process = None
    assert {path: path.read_bytes() for path in sorted((busy.folder / "state" / "journal").iterdir())} == before


def test_reader_that_is_ahead_of_the_backup_is_told_and_comes_to_hold_the_same(make_bus, elsewhere, tmp_path):
    bus = make_bus().start()
    pas = bus.source("pas")
    pas.send(*[submission(f"A-{i}") for i in range(10)])
    bus.wait_folded()
    replica = Records(bus, "ward").open(SNAPSHOT).reach(bus.status().seq)
    with Feed(bus, "ward", "events") as feed:
        lineage = feed.open().opened().place.lineage
        assert lineage != 0
        held = place(feed.take(10)[-1])
        feed.ack(held)
    made = backup(bus, elsewhere / "one")
    # What is going to be lost: ten more persons, and readers who have them.
    lost = pas.send(*[submission(f"LOST-{i}") for i in range(10)])
    bus.wait_folded()
    replica.reach(bus.status().seq)
    ahead = (lost[-1].stored.seq, 0)
    bus.stop()
    restore(bus, elsewhere / "one", bus.folder / "state", "--force")
    bus.start()
    again = bus.source("pas").send(*[submission(f"NEW-{i}") for i in range(12)])
    assert again[0].stored.seq == made["seq"] + 1, "numbers are given a second time"
    bus.wait_folded()
    with Feed(bus, "ward", "events") as feed:
        request = feed_pb2.Open(**{"protocol": 1, "team": "ward", "consumer": "events", "from": PLACE, "credit": 100})
        request.after.seq, request.after.index, request.after.lineage = *ahead, lineage
        feed.say(open=request)
        refused = feed.expect("refused")
        assert refused.reason == "other-journal" and str(made["seq"]) in refused.detail
        request.after.seq = made["seq"]
        feed.say(open=request)
        opened = feed.opened()
        assert opened.place.lineage not in (0, lineage)
        assert [delivery.seq for delivery in feed.take(12)] == [receipt.stored.seq for receipt in again]
    with Feed(bus, "ward", "events") as feed:
        opened = feed.open().opened()
        assert (opened.place.seq, opened.place.index) == held and opened.place.lineage != lineage
        feed.take(12)
    # A replica keeps what it held, and is brought to hold what the bus holds: nothing of what was lost.
    kept = Records(bus, "ward")
    kept.held, kept.place, kept.lineage = replica.held, replica.place, replica.lineage
    replica.close()
    kept.open(PLACE, after=kept.place).reach(bus.status().seq)
    wait_for(lambda: kept.follow(0.2).verdicts, what="the bus's verdict")
    assert set(kept.verdicts) == {"equal"}
    bus.ctl("converge", check=0)
    kept.close()


def test_restores_within_one_second_each_keep_what_was_there(busy, elsewhere):
    state = busy.folder / "state"
    backup(busy, elsewhere / "one")
    busy.stop()
    for _ in range(3):
        restore(busy, elsewhere / "one", state, "--force")
    asides = [path for path in state.glob("replaced-*") if (path / "journal").is_dir()]
    assert len(asides) == 3, [path.name for path in state.iterdir()]


def test_backup_of_a_restored_bus_tells_those_of_every_earlier_run(make_bus, elsewhere):
    bus = make_bus().start()
    lineages = []
    for turn in range(3):
        bus.source("pas").send(*[submission(f"T{turn}-{i}") for i in range(5)])
        bus.wait_folded()
        with Feed(bus, "ward", f"c{turn}") as feed:
            lineages.append((feed.open().opened().place.lineage, bus.status().seq))
        backup(bus, elsewhere / str(turn))
        bus.source("lab").send(*[submission(f"X{turn}-{i}") for i in range(5)])
        bus.stop()
        restore(bus, elsewhere / str(turn), bus.folder / "state", "--force")
        bus.start()
    assert len({lineage for lineage, _ in lineages}) == 3
    for lineage, until in lineages:
        for seq, refused in ((until, False), (until + 1, True)):
            with Feed(bus, "ward", "reader") as feed:
                request = feed_pb2.Open(**{"protocol": 1, "team": "ward", "consumer": "reader", "from": PLACE, "credit": 100})
                request.after.seq, request.after.lineage = seq, lineage
                feed.say(open=request)
                assert (feed.refused() == "other-journal") if refused else feed.opened()


def test_secret_keys_are_in_it_only_where_asked_for_and_what_they_signed_holds_without(busy, elsewhere, tmp_path, make_bus):
    backup(busy, elsewhere / "without")
    backup(busy, elsewhere / "with", "--with-keys")
    assert not list((elsewhere / "without").rglob("*.key"))
    key, = (elsewhere / "with").rglob("audit.key")
    assert key.stat().st_mode & 0o777 == 0o600
    again = restored_bus(make_bus, busy, elsewhere / "without", tmp_path / "state").start()
    again.source("pas").send(submission("more"))
    again.stop()
    again.ctl("audit", "verify", check=0)
    assert len(list((tmp_path / "state" / "serve" / "audit").glob("key-*.pub"))) == 2


def test_no_room_for_a_restore_is_said_before_anything_is_changed(busy, elsewhere, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs to mount a tmpfs")
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs to mount a tmpfs")
    try:
        backup(busy, elsewhere / "one")
        assert "are needed" in restore(busy, elsewhere / "one", small / "state", check=74).stderr
        assert [path.name for path in (small / "state").iterdir()] == ["lock"]
        result = busy.ctl("backup", str(small / "backup"), check=None)
        assert result.returncode == 0 or "no room" in result.stderr
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)
