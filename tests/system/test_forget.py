"""A reader that never comes back: its place is given up by name, it holds nothing back any more, and where it does come it is told so."""

import pytest

from carebus_bus import control_pb2, feed_pb2, submission, wait_for
from carebus_readers import Feed, Records
from test_audit_retention import run
from test_retention import Later, kept_short

WHO = ("--who", "Dr Ng", "--why", "the program was taken down in spring")


def forget(bus, reader, check=0):
    return bus.ctl("feed", "forget", reader, *WHO, check=check)


def away(bus, consumer="c"):
    """Somebody who took the first of four messages, and left."""
    pas = bus.source("pas")
    with Feed(bus, "ward", consumer) as feed:
        feed.open().opened()
        pas.send(*[submission(f"M{i}") for i in range(4)])
        first, *_ = feed.take(4)
        feed.ack(first)
        feed.say(close=feed_pb2.Close())
    wait_for(lambda: places(bus).get(f"ward/{consumer}") is False, what="the reader to be gone")
    return first


def places(bus):
    """Whether each is connected."""
    return {f"{one.team}/{one.consumer}": one.open for one in bus.request("query", status=control_pb2.StatusRequest()).status.feeds}


def gone(bus, reader):
    wait_for(lambda: reader not in places(bus), what="the place to be gone")


def test_it_is_forgotten_with_who_and_why_and_says_what_was_kept_for_it(make_bus):
    bus = make_bus().start()
    first = away(bus)
    said = forget(bus, "ward/c").stdout
    assert f"forgotten: ward/c, for which alone the 3 entries from {first.seq + 1} on were kept" in said
    gone(bus, "ward/c")
    assert "FEED_FORGOTTEN" in bus.log_events()
    # The audit has the decision, and everything follows from the journal.
    wait_for(lambda: bus.ctl("audit", "export", "--fhir", "-", check=0).stdout.count('"110100"') >= 2, what="the decision in the audit")
    bus.ctl("rebuild", "--verify", check=0)
    bus.ctl("audit", "verify", check=0)


def test_one_that_comes_back_is_told_so_and_is_never_silently_at_the_end(make_bus):
    bus = make_bus().start()
    away(bus)
    forget(bus, "ward/c")
    gone(bus, "ward/c")
    for _ in range(2):
        with Feed(bus, "ward") as feed:
            feed.open()
            refused = feed.expect("refused")
            assert refused.reason == "forgotten" and "snapshot" in refused.detail and "by entry" in refused.detail
        bus.kill()  # it stands in the state: a start knows it too
        bus.start()
    with Feed(bus, "ward") as feed:
        feed.open(feed_pb2.Open.FROM_NOW).opened()
        bus.source("pas").send(submission("NEW"))
        feed.ack(feed.take(1)[0])
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        assert feed.silent()
    # The place that it has come to since is its own: a restart does not take it away.
    bus.stop()
    bus.start()
    with Feed(bus, "ward") as feed:
        feed.open().opened()


def test_a_reader_of_records_is_told_too_and_begins_with_a_snapshot(make_bus):
    bus = make_bus().start()
    bus.source("pas").send(submission("R1"))
    bus.wait_folded()
    with Records(bus, "ward") as replica:
        replica.open()
        wait_for(lambda: replica.follow(0.1).held, what="the records")
        replica.say(close=feed_pb2.Close())
    wait_for(lambda: places(bus).get("ward/replica") is False, what="it to be gone")
    assert "nothing was kept that others do not need" in forget(bus, "ward/replica").stdout
    gone(bus, "ward/replica")
    with Feed(bus, "ward", "replica") as feed:
        feed.open(what=feed_pb2.Open.WHAT_RECORDS)
        refused = feed.expect("refused")
        assert refused.reason == "forgotten" and "open from a snapshot" in refused.detail
    with Records(bus, "ward") as replica:
        replica.open(feed_pb2.Open.FROM_SNAPSHOT)
        wait_for(lambda: replica.follow(0.1).held, what="the records again")


def test_while_it_is_connected_it_is_refused(make_bus):
    bus = make_bus().start()
    away(bus)
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        wait_for(lambda: places(bus)["ward/c"], what="it to be connected")
        refused = forget(bus, "ward/c", check=1)
        assert refused.stdout == "" and "ward/c is connected, so it has come back" in refused.stderr
        # Whoever asks core itself, past that look: the reader hears of it at once.
        asked = control_pb2.ForgetReaderRequest(team="ward", consumer="c", who="Dr Ng", why="past the command")
        assert bus.request("control", forget_reader=asked).error == ""
        assert feed.expect("refused").reason == "forgotten"


def test_wrong_use_says_what_to_say(make_bus):
    bus = make_bus().start()
    away(bus)
    assert "no-such-reader" in forget(bus, "ward/nobody", check=None).stderr
    assert "TEAM/READER" in bus.ctl("feed", "forget", *WHO, check=64).stderr
    assert "--who NAME --why TEXT" in bus.ctl("feed", "forget", "ward/c", "--who", "Dr Ng", check=64).stderr
    for wrong in ("ward", "ward/", "/c", "ward/c/d", "Ward/c", "ward/" + "x" * 40):
        bus.ctl("feed", "forget", wrong, *WHO, check=64)
    bare = control_pb2.ForgetReaderRequest(team="ward", consumer="c", who=" ", why="")
    assert bus.request("control", forget_reader=bare).error == "who-and-why"
    assert "ward/c" in places(bus)


@pytest.mark.plain
def test_what_was_kept_for_it_alone_goes_and_the_doctor_names_the_command(make_bus):
    later = Later(make_bus, {"events": "30d"})
    bus = later.bus
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        bus.source("pas").send(kept_short("OLD1"), kept_short("OLD2"))
        feed.ack(feed.take(2)[0])
    bus.wait_folded()
    later.days(31)
    assert later.preview()["events"]["held"] == {"undelivered": 1}
    found = run(later, "doctor", "--no-probe").stdout
    assert "ward/c has taken nothing for 31 days, and 1 entries wait" in found and "carebusctl feed forget ward/c --who" in found
    assert "where it never comes back: carebusctl feed forget ward/c" in run(later, "retention", "--preview").stdout
    forget(bus, "ward/c")
    # The thread of retention and the preview go by the decision, whether serve has written its file or not.
    wait_for(lambda: later.preview()["events"]["held"] == {}, what="nothing to be held back")
    later.days(62)
    wait_for(lambda: later.preview()["events"]["goes"] == 0 and "RETENTION_PASSED" in bus.log_events(), seconds=60,
             what="the entries to go")
    assert later.preview()["events"]["held"] == {}
