"""What a running bus logs: little, in lines that mean something, of nobody's patients, and never at the cost of a message."""

import os
import pathlib
import re
import time

import pytest
from carebus_bus import BusError, log_rows, submission, wait_for
from carebus_readers import Feed
from mllp_peer import Mllp, adt
from test_destination import Receiver

# Said once of a source's first thousand messages or so, whenever that is.
ONCE = {"DICTIONARY_ADDED"}

SOURCES = ("pas", "lab", "community")
TEAMS = ("ward", "clinic", "nursing", "hospice")


def many_teams(make_bus, **config):
    teams = {name: {"name": name, "organisation": "RA9", "class": "clinical", "may_read": list(SOURCES)} for name in TEAMS}
    sources = {name: {"team": team, "adapter": "own"} for name, team in zip(SOURCES, TEAMS)}
    return make_bus({"teams": teams, "sources": sources, **config})


def row_of(line):
    """Of a line that is one: the row of the table and the names of its fields."""
    rows = log_rows.rows_in(line)
    assert len(rows) == 1, line
    return rows.pop()


def lines_of(bus):
    return [line for line in bus.log().splitlines() if line]


def work(bus, seconds):
    """Three sources that speak, four teams that read and acknowledge, for so long. How many messages, and the lines of that time."""
    speakers = [bus.source(name) for name in SOURCES]
    feeds = [Feed(bus, team) for team in TEAMS]
    for feed in feeds:
        feed.open().opened()
    wait_for(lambda: bus.log_events().count("FEED_OPENED") == len(TEAMS), what="four feeds in the log")
    before, n, end = len(lines_of(bus)), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for speaker in speakers:
            speaker.send(submission(f"{speaker.name}-{n}"))
            n += 1
        for feed in feeds:
            feed.ack(feed.take(len(SOURCES))[-1])
            feed.credit(len(SOURCES))
        time.sleep(0.05)
    lines = lines_of(bus)[before:]
    for feed in feeds:
        feed.close()
    return n, lines


def check_quiet(bus, seconds):
    n, lines = work(bus, seconds)
    said = [line for line in lines if row_of(line)[0] not in ONCE]
    assert n > 20
    assert len(said) <= seconds // 60, f"{n} messages in {seconds} s:\n" + "\n".join(said)


def test_messages_and_deliveries_write_no_line(make_bus):
    check_quiet(many_teams(make_bus).start(), 8)


@pytest.mark.nightly
def test_steady_state_writes_less_than_a_line_a_minute(make_bus):
    check_quiet(many_teams(make_bus).start(), 90)


def test_messages_through_an_adapter_and_deliveries_to_a_destination_write_no_line(make_bus):
    bus = make_bus({"destinations": {"out": {"team": "ward", "adapter": "own"}}})
    mllp, receiver = Mllp(bus), Receiver(bus)
    bus.start()
    mllp.start()
    receiver.start()
    sender = mllp.sender()

    def send_and_take(numbers):
        for number in numbers:
            assert sender.ask(adt(f"M{number}", local_id=f"H{number}")).code == "AA"
        receiver.wait_stays([f"VH{number}" for number in numbers])

    try:
        send_and_take(range(1))  # what nobody reads of such a message is told of once
        before = [bus.log(), mllp.log(), receiver.log()]
        send_and_take(range(1, 41))
        lines = [log[len(old):] for log, old in zip([bus.log(), mllp.log(), receiver.log()], before)]
        assert lines == ["", "", ""]
    finally:
        mllp.close()
        receiver.stop()


def test_every_line_is_an_event_of_the_table_with_fields_of_the_table(make_bus):
    bus = many_teams(make_bus).start()
    work(bus, 1)
    with pytest.raises(BusError):
        bus.source("nobody-knows")
    bus.reload()
    bus.stop()
    lines = lines_of(bus)
    assert len(lines) > 10
    for line in lines:
        assert set(row_of(line)[1]) <= log_rows.fields(), line
    assert {"JOURNAL_OPENED", "STARTED", "SOURCE_CONNECTED", "SOURCE_REFUSED", "RELOADED", "STOPPED"} <= set(bus.log_events())


def test_what_a_peer_says_of_itself_reaches_no_line(make_bus):
    """Names in a Hello, ids and texts of messages: a stranger writes nothing into the log, least of all what a terminal would obey."""
    canary = "Xylocopa"
    hostile = [f"{canary}\nMESSAGE=forged", f"\x1b]0;{canary}\x07", f"{canary}\u202egnorw\u2066", f"{canary} event=STOPPED", canary * 400]
    bus = many_teams(make_bus).start()
    speaker = bus.source("pas")
    for i, text in enumerate(hostile):
        with pytest.raises(BusError):
            bus.source(text)
        broken = submission(f"{canary}-{i}", original=text.encode())
        broken.problem.code = "parse-failed"
        broken.problem.position = text[:200]
        speaker.send(broken)
        with pytest.raises(BusError), Feed(bus, "ward", consumer=text) as feed:
            feed.open().opened()
        with pytest.raises(BusError), Feed(bus, text) as feed:
            feed.open().opened()
    bus.wait_folded()
    bus.stop()
    log = bus.log_path.read_bytes()
    assert b"event=SOURCE_REFUSED" in log and b"event=FEED_REFUSED" in log
    for part in (b"\x1b", b"\x07", "\u202e".encode(), "\u2066".encode()):
        assert part not in log
    assert all(row_of(line) for line in lines_of(bus))
    assert bus.log_events().count("STOPPED") <= 1
    words = [path for path in pathlib.Path(bus.config["state"]).rglob("last-words")]
    assert words
    assert canary.encode() not in log + b"".join(path.read_bytes() for path in words)


def full_pipe():
    """A pipe that nobody reads and that takes nothing any more."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for size in (65536, 1):
        try:
            while os.write(writer, b"x" * size):
                pass
        except BlockingIOError:
            continue
    os.set_blocking(writer, True)
    return reader, writer


def drain(reader):
    os.set_blocking(reader, False)
    text = b""
    try:
        while part := os.read(reader, 65536):
            text += part
    except BlockingIOError:
        pass
    return text


def test_reader_of_the_log_who_stops_reading_holds_up_no_message(make_bus):
    bus = make_bus()
    reader, writer = full_pipe()
    bus.wrapper = ["bash", "-c", f'exec "$0" "$@" 2>&{writer}']
    bus.pass_fds = [writer]
    bus.start()
    pas = bus.source("pas")
    receipts = pas.send(*[submission(f"A-{i}") for i in range(50)])
    assert all(receipt.WhichOneof("result") == "stored" for receipt in receipts)
    words = pathlib.Path(bus.config["state"]) / "last-words"
    wait_for(lambda: b"event=SOURCE_CONNECTED" in words.read_bytes(), what="the last words")
    assert words.stat().st_size == 65536
    # Who reads again is told how many lines there were, though nothing else is to be said.
    assert set(drain(reader)) == {ord("x")}
    told = b""

    def heard(part):
        nonlocal told
        told += drain(reader)
        return part in told
    wait_for(lambda: heard(b"event=LINES_LOST\n"), what="how many lines were lost")
    log_rows.hear(told.decode())
    lost = re.search(rb"no message was lost by that count=(\d+) event=LINES_LOST", told)
    assert lost and int(lost.group(1)) >= 3
    bus.source("lab")
    wait_for(lambda: heard(b"source=lab"), what="a line behind the gap")
    assert bus.stop() == 0
    os.close(reader)
    os.close(writer)


def test_daemon_without_stderr_goes_on(make_bus):
    bus = make_bus()
    bus.wrapper = ["sh", "-c", 'exec "$0" "$@" 2>&-']
    bus.start()
    receipt, = bus.source("pas").send(submission("A-1"))
    assert receipt.stored.seq
    assert bus.stop() == 0


def test_configured_silence_is_told_of_once_and_its_end_once(make_bus):
    own = {"team": "ward", "adapter": "own"}
    bus = make_bus({"sources": {"pas": {**own, "silent_after": "1m"}, "lab": own}}).start()
    pas = bus.source("pas")
    lab = bus.source("lab")
    pas.send(submission("A-1"))
    lab.send(submission("B-1"))
    wait_for(lambda: "SOURCE_SILENT" in bus.log_events(), 240, "the line that it is silent")
    assert bus.source_status("pas").silent_since_at == bus.source_status("pas").last_heard_at
    assert not bus.source_status("lab").silent_since_at
    assert "SILENT" in bus.ctl("status", check=0).stdout
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        notices = [delivery.event.notice for delivery in feed.take(3) if delivery.event.type == "partner.silent"]
    assert [(notice.source, notice.code) for notice in notices] == [("pas", "silent")]
    # A restart tells nobody again.
    bus.restart()
    assert bus.source_status("pas").silent_since_at
    bus.source("pas").send(submission("A-2"))
    wait_for(lambda: "SOURCE_SPEAKS_AGAIN" in bus.log_events(), what="the line that it speaks")
    wait_for(lambda: not bus.source_status("pas").silent_since_at, what="the end of the silence")
    assert bus.log_events().count("SOURCE_SILENT") == bus.log_events().count("SOURCE_SPEAKS_AGAIN") == 1
