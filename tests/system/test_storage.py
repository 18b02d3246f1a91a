"""Disks that are full, and disks that fail."""

import contextlib
import os
import re
import subprocess

import pytest

from carebus_bus import BusError, submission, wait_for
from carebus_readers import Feed


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 24 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def free_bytes(folder):
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


def fill(folder, leave):
    """Takes all but `leave` bytes; the file that takes them."""
    path = folder / "ballast"
    with open(path, "wb") as ballast:
        ballast.write(b"\1" * max(0, free_bytes(folder) - leave))
    return path


@pytest.mark.root
def test_below_the_reserve_senders_are_asked_to_try_later_and_all_resumes(make_bus, small_disk):
    bus = make_bus({"state": str(small_disk / "state"), "journal": {"reserve_bytes": "4 MiB", "segment_bytes": "256 KiB"}}).start()
    pas = bus.source("pas")
    first, = pas.send(submission("A-1"))
    ballast = fill(small_disk, 2 << 20)
    wait_for(lambda: bus.status().state == "storage-full", what="the full disk to be seen")
    one, two = pas.send(submission("A-2"), submission("A-3"))
    assert one.refused.reason == "storage-full" and not one.refused.permanent and one.refused.retry_after_ms > 0
    assert two.refused.reason == "behind-refused"
    assert bus.status().seq == first.stored.seq
    assert any("storage" in notice for notice in bus.status().notices)
    ballast.unlink()
    wait_for(lambda: bus.status().state == "running", what="the room to be seen")
    again = pas.send(submission("A-2"), submission("A-3"), number=2)
    assert [receipt.stored.seq for receipt in again] == [first.stored.seq + 1, first.stored.seq + 2]
    events = bus.log_events()
    assert events.count("STORAGE_FULL") == 1 and events.count("STORAGE_RESUMED") == 1


@pytest.mark.root
def test_write_that_finds_no_room_refuses_the_batch_and_resumes(make_bus, small_disk):
    """No reserve: only the write itself says so. Nothing that was acknowledged is missing, and numbers have no gap."""
    bus = make_bus({"state": str(small_disk / "state"), "journal": {"reserve_bytes": 0, "segment_bytes": "256 KiB"}}).start()
    pas = bus.source("pas")
    stored, number = [], 1
    ballast = fill(small_disk, 300_000)
    for turn in range(400):
        receipts = pas.send(*[submission(f"{turn}-{i}", original=os.urandom(3000), events=0) for i in range(10)], number=number)
        good = [receipt for receipt in receipts if receipt.WhichOneof("result") == "stored"]
        stored.extend(good)
        number += len(good)
        if len(good) < len(receipts):
            break
    else:
        raise BusError("the disk did not get full")
    refused = receipts[len(good):]
    assert refused[0].refused.reason == "storage-full"
    assert all(not receipt.refused.permanent for receipt in refused)
    assert bus.process.poll() is None
    assert bus.status().state == "storage-full"
    ballast.unlink()

    def resumed():
        receipt, = pas.send(submission("after", original=b"after", events=0), number=number)
        return receipt if receipt.WhichOneof("result") == "stored" else None
    after = wait_for(resumed, what="messages to be taken in again")
    assert [receipt.stored.seq for receipt in stored] == list(range(2, 2 + len(stored)))
    assert after.stored.seq == stored[-1].stored.seq + 1
    bus.wait_folded()
    bus.ctl("journal", "verify", check=0)
    bus.kill()
    bus.start()
    assert bus.status().seq == after.stored.seq


@pytest.mark.plain
def test_failed_sync_acknowledges_nothing_ends_the_daemon_and_loses_nothing(make_bus):
    """EIO on one fdatasync of the journal, by strace: the kernel reports it once and then pretends."""
    if subprocess.run(["strace", "-V"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs strace")
    bus = make_bus().start()
    pas = bus.source("pas")
    first = pas.send(*[submission(f"A-{i}") for i in range(10)])
    bus.wait_folded()
    intake = next(tid for tid in os.listdir(f"/proc/{bus.pid}/task")
                  if open(f"/proc/{bus.pid}/task/{tid}/comm", encoding="ascii").read().strip() == "intake")
    tracer = subprocess.Popen(["strace", "-qq", "-p", intake, "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1"],
                              stderr=subprocess.PIPE)
    try:
        wait_for(lambda: re.search(r"TracerPid:\s*[1-9]", open(f"/proc/{bus.pid}/task/{intake}/status", encoding="ascii").read()),
                 what="strace")
        pas.submit(submission("LOST"))
        message = pas.receive()
        assert message is None or [receipt.WhichOneof("result") for receipt in message.receipts.receipts] == ["refused"]
        assert bus.wait() == 74
    finally:
        tracer.kill()
        tracer.wait()
    bus.process = None
    assert "STORAGE_FAULT" in bus.log_events()
    bus.start()
    again = bus.source("pas").send(*[submission(f"A-{i}") for i in range(10)], submission("LOST"))
    assert [receipt.duplicate.of for receipt in again[:10]] == [receipt.stored.seq for receipt in first]
    assert again[10].WhichOneof("result") in ("stored", "duplicate")
    bus.wait_folded()
    bus.ctl("journal", "verify", check=0)


def test_state_does_not_grow_by_what_is_written_anew_while_nobody_asks(bus):
    """Whoever reads and waits holds on to nothing: what was overwritten is used again."""
    pas = bus.source("pas")
    path = bus.folder / "state" / "fold" / "data.mdb"
    for number in range(400):
        pas.send(submission(f"G{number}", original=b"the same"))
        bus.wait_folded()
        if number == 99:
            before = path.stat().st_size
    assert path.stat().st_size - before < 2_000_000, "300 transactions each rewrote some ten pages, 12 MB"


@pytest.fixture
def small_ext4(tmp_path):
    """A folder on an ext4 of 48 MiB of its own, on a loop device."""
    folder, image = tmp_path / "ext4", tmp_path / "image"
    folder.mkdir()
    with open(image, "wb") as file:
        file.truncate(48 << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], capture_output=True, check=False).returncode == 0
    if not made or subprocess.run(["mount", "-o", "loop", str(image), str(folder)], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs mkfs.ext4 and a loop device")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


LIMITS = {"journal": {"segment_bytes": "256 KiB"}, "storage": {"soft_bytes": "16 MiB", "hard_bytes": "4 MiB", "reserve_bytes": "4 MiB"}}


def some(count, start=0, size=3000):
    return [submission(f"S{start + i}", original=os.urandom(size)) for i in range(count)]


@pytest.mark.root
def test_soft_limit_is_said_and_stops_nothing_hard_limit_stops_intake_alone_and_all_resumes(make_bus, small_ext4):
    bus = make_bus({"state": str(small_ext4 / "state"), **LIMITS}).start()
    pas = bus.source("pas")
    pas.send(*some(20))
    bus.wait_folded()
    disk = bus.status().disk
    assert (disk.soft_bytes, disk.hard_bytes) == (16 << 20, 4 << 20)
    wait_for(lambda: bus.status().disk.reserve_bytes > 0, what="the reserve to be laid by")
    assert (small_ext4 / "state" / "reserve").stat().st_blocks * 512 >= bus.status().disk.reserve_bytes, "room that is taken, not a hole"
    ballast = fill(small_ext4, 12 << 20)
    wait_for(lambda: any("storage gets less" in notice for notice in bus.status().notices), what="the soft limit to be seen")
    assert bus.status().state == "running"
    stored, = pas.send(*some(1, 20))
    assert stored.WhichOneof("result") == "stored"
    ballast.unlink()
    ballast = fill(small_ext4, 2 << 20)
    wait_for(lambda: bus.status().state == "storage-full", what="the hard limit to be seen")
    refused, = pas.send(*some(1, 21))
    assert refused.refused.reason == "storage-full" and not refused.refused.permanent
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        feed.ack(feed.take(21)[-1])
    bus.ctl("tail", check=0)
    ballast.unlink()
    wait_for(lambda: bus.status().state == "running", what="the room to be seen")
    again, = pas.send(*some(1, 21), number=refused.number)
    assert again.WhichOneof("result") == "stored"
    events = bus.log_events()
    assert (events.count("STORAGE_FULL"), events.count("STORAGE_RESUMED")) == (1, 1) and events.count("STORAGE_LOW") >= 1
    bus.wait_folded()
    bus.ctl("rebuild", "--verify", check=0)
    bus.ctl("audit", "verify", check=0)


@pytest.mark.root
def test_limits_in_hundredths_follow_the_file_system_as_it_grows(make_bus, small_disk):
    storage = {"soft_bytes": 0, "soft": "60%", "hard": "75%", "reserve": "1%", "reserve_bytes": 0}
    bus = make_bus({"state": str(small_disk / "state"), "journal": {"segment_bytes": "256 KiB", "reserve_bytes": 0},
                    "storage": storage}).start()
    pas = bus.source("pas")
    first, = pas.send(*some(1))
    disk = bus.status().disk
    assert (disk.soft_bytes, disk.hard_bytes) == ((24 << 20) // 100 * 40, (24 << 20) // 100 * 25)
    fill(small_disk, 5 << 20)
    wait_for(lambda: bus.status().state == "storage-full", what="three quarters to be used")
    refused, = pas.send(*some(1, 1))
    assert refused.refused.reason == "storage-full"
    assert "nothing is taken in below 5 MiB" in bus.ctl("doctor", "--no-probe").stdout
    subprocess.run(["mount", "-o", "remount,size=96m", str(small_disk)], check=True)
    wait_for(lambda: bus.status().state == "running", what="the larger file system to be seen")
    again, = pas.send(*some(1, 1), number=refused.number)
    assert again.stored.seq == first.stored.seq + 1
    assert bus.status().disk.hard_bytes == (96 << 20) // 100 * 25
    reserve = small_disk / "state" / "reserve"
    wait_for(lambda: reserve.stat().st_size > (24 << 20) // 100, what="the reserve to grow with it")


@pytest.mark.root
def test_disk_that_others_fill_to_the_last_byte_takes_the_reserve_and_what_is_behind_goes_on(make_bus, small_ext4):
    """Somebody else's file leaves nothing at all: places of readers, the audit and the fold go on in what was laid by."""
    bus = make_bus({"state": str(small_ext4 / "state"), **LIMITS}).start()
    pas = bus.source("pas")
    pas.send(*some(200))
    bus.wait_folded()
    laid_by = wait_for(lambda: bus.status().disk.reserve_bytes, what="the reserve")
    with contextlib.suppress(OSError):
        fill(small_ext4, 0)
    ballast = small_ext4 / "ballast"
    wait_for(lambda: bus.status().state == "storage-full", what="the full disk")
    wait_for(lambda: bus.status().disk.reserve_bytes < laid_by, what="a step of the reserve to be given back")
    assert "STORAGE_RESERVE" in bus.log_events()
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        taken = feed.take(200)
        feed.ack(taken[-1])
    bus.kill()
    bus.start()
    with Feed(bus, "ward") as feed:
        assert feed.open().opened().place.seq == taken[-1].seq, "its place is on the disk"
    given = bus.status().disk.reserve_bytes
    assert given < laid_by
    ballast.unlink()
    wait_for(lambda: bus.status().state == "running", what="the room to be seen")
    wait_for(lambda: bus.status().disk.reserve_bytes == laid_by, what="the reserve to be laid by again")
    pas = bus.source("pas")
    assert pas.send(*some(1, 500))[0].WhichOneof("result") == "stored"
    bus.wait_folded()
    bus.ctl("rebuild", "--verify", check=0)
    bus.ctl("audit", "verify", check=0)
