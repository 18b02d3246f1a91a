"""States of earlier versions are read, those of later ones are left as they are, byte by byte."""

import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tarfile

import pytest

from carebus_bus import BusError, feed_pb2, submission
from carebus_readers import Feed, Records, place
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


@pytest.mark.skipif("CAREBUS_OLD_BUILD" not in os.environ, reason="set CAREBUS_OLD_BUILD to the build folder of an earlier version")
def test_earlier_version_harms_nothing_of_a_state_of_today(today):
    """What it does not know it refuses, or it builds its own state out of the same journal: no entry is changed or lost."""
    state = today.folder / "state"
    segment = state / "journal" / "00000000000000000001.seg"
    before = segment.read_bytes().rstrip(b"\0")
    before = before[:len(before) // 64 * 64]
    old = pathlib.Path(os.environ["CAREBUS_OLD_BUILD"]) / "daemon" / "carebusd"
    config = {key: value for key, value in today.config.items() if key not in ("sharing", "scope")}
    (today.folder / "old.yaml").write_text(json.dumps(config))
    with open(today.folder / "old.log", "wb") as log:
        process = subprocess.Popen([str(old), "--config", str(today.folder / "old.yaml")], stdout=log, stderr=log)
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(30)
    assert segment.read_bytes()[:len(before)] == before
    today.start()
    today.wait_folded()
    today.ctl("rebuild", "--verify", check=0)
    today.ctl("journal", "verify", check=0)
    today.ctl("audit", "verify", check=0)
