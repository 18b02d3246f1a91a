"""States of earlier versions are read, those of later ones are left as they are, byte by byte."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import struct
import subprocess
import tarfile

import carebus_bus
import promises
import pytest

from carebus_bus import BUILD, CAREBUSD, ROOT, BusError, feed_pb2, submission
from carebus_readers import Feed, Records, place
from faulty import EXIT_STORAGE
from journal_bytes import crc32c

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
SMALL = {"journal": {"reserve_bytes": 0, "segment_bytes": "64 KiB"}}
STATES = sorted(path.name for path in FIXTURES.glob("state-*.tar.xz"))


def unpack(bus, name):
    with tarfile.open(FIXTURES / name) as archive:
        archive.extractall(bus.folder)
    return bus.folder / "state"


def hashes(state):
    """Of all files but those that a lock or a look makes."""
    return {str(path.relative_to(state)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(state.rglob("*"))
            if path.is_file() and path.name not in ("lock", "lock.mdb", "last-words", "backup.lock")}


def refused(bus, *words):
    """The daemon ends with 78 and names the file; nothing is another than before."""
    state = bus.folder / "state"
    before = hashes(state)
    bus.start(wait=False)
    assert bus.wait() == 78, bus.log()
    bus.process = None
    assert "later" in bus.log() and all(word in bus.log() for word in words), bus.log()
    assert hashes(state) == before


@pytest.mark.parametrize("name", STATES)
def test_state_of_an_earlier_version_goes_on(make_bus, name):
    bus = make_bus(SMALL)
    segment = unpack(bus, name) / "journal" / "00000000000000000001.seg"
    before = segment.read_bytes()
    bus.start()
    assert bus.status().seq >= 14
    assert bus.status().quarantine.open == 1
    with Feed(bus, "ward", "events") as feed:
        opened = feed.open().opened()
        assert (opened.place.seq, opened.place.index) == (9, 0), "the reader's place is known"
        assert place(feed.take(1)[0]) == (10, 0)
    replica = Records(bus, "ward").open(feed_pb2.Open.FROM_RESUME).reach(bus.status().seq)
    replica.follow(0.3)
    replica.close()
    # What was sent then is known as repeated, and what comes now is taken.
    again, new = bus.source("pas").send(submission("A-0"), submission("NEW"))
    assert again.duplicate.of == 2 and new.WhichOneof("result") == "stored"
    bus.wait_folded()
    bus.ctl("rebuild", "--verify", check=0)
    bus.ctl("journal", "verify", check=0)
    bus.ctl("audit", "verify", check=0)
    bus.stop()
    used = len(before.rstrip(b"\0")) // 64 * 64
    assert segment.read_bytes()[:used] == before[:used], "what was written is not written otherwise"


@pytest.mark.parametrize("name", STATES)
def test_upgrade_that_is_killed_while_it_builds_the_state_anew_is_done_again(make_bus, name):
    bus = make_bus(SMALL)
    unpack(bus, name)
    for _ in range(4):
        bus.start(wait=False)
        try:
            bus.wait(0.05)
        except (BusError, subprocess.TimeoutExpired, AssertionError):
            pass
        bus.kill()
    bus.start()
    bus.wait_folded()
    bus.ctl("rebuild", "--verify", check=0)


def bump(data, at, crc_at=None, crc_from=0, by=1):
    """The file's version higher, and its checksum made to fit: a later version would write it so."""
    data = bytearray(data)
    struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + by)
    if crc_at is not None:
        crc_at = len(data) + crc_at if crc_at < 0 else crc_at
        struct.pack_into("<I", data, crc_at, crc32c(bytes(data[crc_from:crc_at])))
    return bytes(data)


# Path, where the version lies, where the checksum.
BINARY = [("journal/00000000000000000001.seg", 8, 4092), ("journal/seal", 8, 124), ("serve/cursors", 16, -4),
          ("serve/records/ward", 16, -4), ("serve/audit/00000000000000000001.audit", 16, 124), ("serve/lineage", 16, -4)]


@pytest.fixture
def today(make_bus, tmp_path):
    """A stopped bus of today, with every file that has a version."""
    bus = make_bus(SMALL)
    unpack(bus, "state-0.1.tar.xz")
    bus.start()
    bus.source("pas").send(submission("TODAY"))
    bus.wait_folded()
    assert bus.ctl("backup", str(tmp_path / "backup"), check=0)
    bus.stop()
    # A restore makes the runs of numbers.
    bus.ctl("restore", str(tmp_path / "backup"), "--state", str(tmp_path / "restored"), check=0)
    shutil.copy(tmp_path / "restored" / "serve" / "lineage", bus.folder / "state" / "serve" / "lineage")
    bus.start().stop()
    return bus


@pytest.mark.parametrize("name, at, crc_at", BINARY)
def test_file_of_a_later_version_stops_the_start_and_nothing_is_touched(today, name, at, crc_at):
    path = today.folder / "state" / name
    if name == "serve/records/ward" and not path.exists():
        pytest.fail("the bus keeps no ledger any more: the table of this test is old")
    good = path.read_bytes()
    # Segments are written as version 1 and read as 1 and 2: without a part of their payloads they are 2.
    path.write_bytes(bump(good, at, None if name.endswith(".seg") else crc_at, by=2 if name.endswith(".seg") else 1))
    if name.endswith(".seg"):
        data = bytearray(path.read_bytes())
        struct.pack_into("<I", data, crc_at, crc32c(bytes(data[:crc_at])))
        path.write_bytes(data)
    refused(today, pathlib.Path(name).name, "nothing was changed")
    path.write_bytes(good)
    today.start()
    today.ctl("rebuild", "--verify", check=0)


def test_base_of_a_later_version_stops_the_start_and_nothing_is_touched(today):
    base = today.folder / "state" / "base" / "00000000000000000009"
    base.mkdir(parents=True)
    (base / "seal").write_text("carebus-base 2\nseq 9\n")
    refused(today, "seal", "nothing was changed")


def test_backup_of_a_later_version_is_not_restored(today, tmp_path):
    manifest = tmp_path / "backup" / "manifest"
    manifest.write_text(manifest.read_text().replace("carebus-backup 1", "carebus-backup 2", 1))
    before = hashes(tmp_path / "backup")
    result = today.ctl("restore", str(tmp_path / "backup"), "--state", str(tmp_path / "none"), check=78)
    assert "later version" in result.stderr
    assert hashes(tmp_path / "backup") == before


# What was released before what `today` is. A newer one takes its place when one is released.
EARLIER = "5a02089775a100eb7a1faca7ce3c0d649cd827cc"


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def earlier(tmp_path_factory):
    """carebusd of an earlier version: of CAREBUS_OLD_BUILD, else built out of the history, once for each build folder."""
    if "CAREBUS_OLD_BUILD" in os.environ:
        return pathlib.Path(os.environ["CAREBUS_OLD_BUILD"]) / "daemon" / "carebusd"
    if shutil.which("git") is None or subprocess.run(["git", "-C", str(ROOT), "cat-file", "-e", f"{EARLIER}^{{commit}}"],
                                                     capture_output=True, check=False).returncode != 0:
        pytest.skip(f"needs {EARLIER[:12]} in the history (git fetch --unshallow), or CAREBUS_OLD_BUILD")
    kept = BUILD / "tests" / f"earlier-{EARLIER[:12]}"
    with open(BUILD / "tests" / "earlier.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "daemon" / "carebusd").exists():
            source = tmp_path_factory.mktemp("earlier") / "source"
            source.mkdir()
            run("git", "-C", ROOT, "archive", "-o", source / "tar", EARLIER)
            run("tar", "-C", source, "-xf", source / "tar")
            shutil.rmtree(kept, ignore_errors=True)
            run("meson", "setup", kept, source)
            run("ninja", "-C", kept, "daemon/carebusd")
    return kept / "daemon" / "carebusd"


def admitted(bus):
    return [line["source_message_id"] for line in bus.ctl_json("tail") if line["type"] == "encounter.admitted"]


@pytest.mark.nightly
def test_earlier_version_harms_nothing_of_a_state_of_today_and_what_it_took_in_is_there_afterwards(today, earlier, monkeypatch):
    """A downgrade, and back: what it does not know it refuses, or it builds its own state out of the same journal."""
    state = today.folder / "state"
    today.start()
    known = admitted(today)
    assert "TODAY" in known
    today.stop()
    before = {path.name: path.read_bytes().rstrip(b"\0") for path in (state / "journal").glob("*.seg")}
    untouched = hashes(state)
    monkeypatch.setattr(carebus_bus, "CAREBUSD", earlier)
    today.start(wait=False)
    took = []
    try:
        today.wait_notice("READY=1")
        again, new = today.source("pas").send(submission("TODAY"), submission("EARLIER"))
        assert again.WhichOneof("result") == "duplicate" and new.WhichOneof("result") == "stored"
        took = [("EARLIER", new.stored.seq)]
        today.wait_folded()
        today.sources.pop().close()
        assert today.stop() == 0
    except BusError:
        assert today.wait() in (EXIT_STORAGE, 78), today.log()[-3000:]
        today.kill()
        assert hashes(state) == untouched, "refused, and changed all the same"
    monkeypatch.setattr(carebus_bus, "CAREBUSD", CAREBUSD)
    print('the earlier version', 'took a message in' if took else 'refused the state')
    for name, data in before.items():
        used = len(data) // 64 * 64
        assert (state / "journal" / name).read_bytes()[:used] == data[:used], "what was written is not written otherwise"
    today.start()
    today.wait_folded()
    for message_id, seq in took:
        again, = today.source("pas").send(submission(message_id))
        assert again.duplicate.of == seq
    assert admitted(today) == [*known, *[message_id for message_id, _ in took]]
    today.ctl("rebuild", "--verify", check=0)
    today.ctl("journal", "verify", check=0)
    today.ctl("audit", "verify", check=0)
    promises.check_balance(today)
