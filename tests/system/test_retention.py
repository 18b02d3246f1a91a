"""What is kept long enough goes, class by class, behind a decision in the journal; what waits for somebody is kept, whatever its age."""

import json
import os
import pathlib
import shutil
import struct
import subprocess

import pytest

import journal_bytes
from carebus_bus import BUILD, CAREBUSCTL, submission, wait_for
from carebus_readers import Feed

DAY = 86_400 * 1_000_000
SEGMENT_HEADER, BATCH_HEADER, RECORD_HEADER = 4096, 80, 64

pytestmark = pytest.mark.plain


class Later:
    """A bus whose wall clock stands as many days ahead as was said; it is looked at once a day, and at a start."""

    def __init__(self, make_bus, retention, **more):
        shim = BUILD / "tests" / "system" / "wallclock.so"
        if not shim.exists():
            pytest.skip("needs wallclock.so, which sanitizers do not let preload")
        config = {"journal": {"segment_bytes": "64 KiB", "reserve_bytes": 0}, **({"retention": retention} if retention else {}), **more}
        self.bus = make_bus(config)
        # Where both processes may read, once their fences stand.
        self.path = self.bus.folder / "run" / "clock"
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_bytes(struct.pack("<q", 0))
        self.environment = {"LD_PRELOAD": str(shim), "CAREBUS_CLOCK": str(self.path)}
        self.bus.environment = self.environment
        self.bus.start()

    def days(self, days):
        self.bus.stop()
        self.path.write_bytes(struct.pack("<q", days * DAY))
        self.bus.start()

    def preview(self):
        """By class, as the clock of the bus has it."""
        done = subprocess.run([str(CAREBUSCTL), "--config", str(self.bus.config_path), "--json", "retention", "--preview"],
                              capture_output=True, text=True, check=True, env={**os.environ, **self.environment})
        return {row["class"]: row for row in map(json.loads, done.stdout.splitlines())}


def journal_has(bus, text):
    return journal_bytes.holds(bus.folder / "state" / "journal", text)


def unread(message_id):
    """Something that nobody could read: it waits in the quarantine."""
    result = submission(message_id, events=0, original=f"MSH|^~\\&|{message_id}|WAITS\r".encode())
    result.problem.code = "unhandled-trigger"
    result.problem.position = "MSH-9"
    return result


def kept_short(message_id):
    return submission(message_id, original=f"MSH|^~\\&|{message_id}|GOES\r".encode())


def patient(message_id):
    return next(identifier.value for identifier in submission(message_id).events[0].patient.identifiers)


def told(bus):
    return [line["source_message_id"] for line in bus.ctl_json("tail", "--from", "1") if line["type"] == "encounter.admitted"]


def test_originals_go_and_events_stay_and_what_waits_keeps_its_bytes(make_bus):
    later = Later(make_bus, {"originals": "30d"})
    bus = later.bus
    receipts = bus.source("pas").send(kept_short("OLD1"), kept_short("OLD2"), unread("BAD1"))
    waits = getattr(receipts[2], receipts[2].WhichOneof("result")).seq
    bus.wait_folded()
    assert later.preview()["originals"]["goes"] == 0
    before = told(bus)
    later.days(20)
    bus.source("pas").send(kept_short("YOUNG"))
    bus.wait_folded()
    later.days(31)
    wait_for(lambda: not journal_has(bus, "OLD1|GOES") and not journal_has(bus, "OLD2|GOES"), seconds=60,
             what="the originals are let go of")
    assert journal_has(bus, "BAD1|WAITS") and journal_has(bus, "YOUNG|GOES")
    wait_for(lambda: "RETENTION_PASSED" in bus.log_events(), seconds=60, what="the line in the log")
    preview = later.preview()["originals"]
    assert preview["goes"] == 0 and preview["held"] == {"quarantine": 1}
    assert told(bus) == [*before, "YOUNG"]
    bus.ctl("journal", "verify", check=0)
    bus.ctl("rebuild", "--verify", check=0)
    # The item is there with all its bytes, and a repeat of what has no original any more is still known as one.
    assert "WAITS" in bus.ctl("quarantine", "show", str(waits), "--original", check=0).stdout
    receipt, = bus.source("pas").send(kept_short("OLD1"))
    assert receipt.WhichOneof("result") == "duplicate"
    bus.stop()
    shutil.rmtree(f"{bus.folder}/state/fold")
    bus.start()
    bus.wait_folded()
    assert told(bus) == [*before, "YOUNG"]
    bus.ctl("rebuild", "--verify", check=0)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_an_event_altered_where_its_original_is_gone_is_found(make_bus):
    later = Later(make_bus, {"originals": "30d"})
    bus = later.bus
    bus.source("pas").send(kept_short("OLD1"))
    later.days(31)
    wait_for(lambda: not journal_has(bus, "OLD1|GOES"), seconds=60, what="the original is let go of")
    bus.ctl("journal", "verify", check=0)
    bus.stop()
    path = next(p for p in sorted(pathlib.Path(bus.folder, "state", "journal").glob("*.seg")) if b"VOLD1" in p.read_bytes())
    data = bytearray(path.read_bytes())
    data[data.index(b"VOLD1") + 1] ^= 1
    at = SEGMENT_HEADER
    while struct.unpack_from("<I", data, at + 8)[0] == 1:
        size, record = struct.unpack_from("<Q", data, at + 16)[0], at + BATCH_HEADER
        for _ in range(struct.unpack_from("<I", data, at + 12)[0]):
            length = RECORD_HEADER + (struct.unpack_from("<I", data, record + 8)[0] + 7) // 8 * 8
            struct.pack_into("<I", data, record, crc32c(bytes(data[record + 4:record + length])))
            record += length
        at += size
    path.write_bytes(data)
    found = bus.ctl("journal", "verify", check=1)
    assert "what-is-left" in found.stdout


def test_whole_entries_go_behind_a_base_once_every_reader_has_them(make_bus):
    later = Later(make_bus, {"events": "30d"})
    bus = later.bus
    with Feed(bus, "ward") as feed:
        feed.open()
        feed.opened()
        bus.source("pas").send(kept_short("OLD1"), kept_short("OLD2"), unread("BAD1"))
        first, _ = feed.take(2)
        feed.ack(first)
    bus.wait_folded()
    before = told(bus)
    later.days(31)
    preview = later.preview()["events"]
    assert preview["goes"] + preview["held"]["undelivered"] == 2 and preview["held"]["undelivered"] >= 1
    assert preview["held"]["quarantine"] == 1 and preview["furthest_reader"] == "ward/c"
    with Feed(bus, "ward") as feed:
        feed.open()
        feed.opened()
        *_, last = feed.take(preview["held"]["undelivered"])
        feed.ack(last)
    later.days(62)
    wait_for(lambda: not journal_has(bus, "OLD1|GOES") and not journal_has(bus, "OLD2|GOES"), seconds=60,
             what="the entries are let go of")
    assert journal_has(bus, "BAD1|WAITS") and not journal_has(bus, "VOLD1")
    assert told(bus) == [] and len(before) == 2
    # Records are as they were, and are so again out of the base.
    assert "encounters" in {section["name"] for section in bus.ctl_json("record", "carebus:pas", patient("OLD1"))[0]["sections"]}
    bus.ctl("journal", "verify", check=0)
    bus.ctl("rebuild", "--verify", check=0)
    bus.stop()
    shutil.rmtree(f"{bus.folder}/state/fold")
    bus.start()
    bus.wait_folded()
    assert later.preview()["events"]["held"] == {"quarantine": 1}
    bus.ctl("rebuild", "--verify", check=0)


def test_damaged_places_of_readers_hold_back_everything_that_they_may_lack(make_bus):
    later = Later(make_bus, {"events": "30d"})
    bus = later.bus
    with Feed(bus, "ward") as feed:
        feed.open()
        feed.opened()
        bus.source("pas").send(kept_short("OLD1"))
        feed.ack(feed.take(1)[0])
    bus.stop()
    places = pathlib.Path(bus.folder, "state", "serve", "cursors")
    places.write_bytes(places.read_bytes()[:-1] + b"?")
    done = subprocess.run([str(CAREBUSCTL), "--config", str(bus.config_path), "retention", "--preview"], capture_output=True, text=True,
                          check=False, env={**os.environ, **later.environment})
    assert done.returncode == 74 and "damaged" in done.stderr


def test_ages_that_are_too_short_are_refused_with_the_reason(make_bus):
    bus = make_bus({"retention": {"originals": "7d", "events": "2d"}})
    found = bus.ctl("check", check=78)
    assert "retention.originals: 7d is outside 30d to" in found.stderr and "nothing can be read again" in found.stderr
    assert "retention.events: 2d is outside 30d to" in found.stderr and "what it missed" in found.stderr


def test_nothing_said_keeps_everything(make_bus):
    later = Later(make_bus, None)
    bus = later.bus
    bus.source("pas").send(kept_short("OLD1"))
    later.days(4000)
    assert {row["age_seconds"] for row in later.preview().values()} == {0}
    assert "kept for ever" in bus.ctl("retention", "--preview", check=0).stdout
    assert journal_has(bus, "OLD1|GOES")
