"""Time enters the journal when something falls due: once, after a restart too, and a rebuild meets it at the same place."""

import time

import pytest
from carebus_bus import common_pb2, event_pb2, submission, wait_for
from carebus_readers import tail


def decision(message_id, review_in, number="H1"):
    """A decision whose review falls due in so many seconds."""
    now = int(time.time() * 1_000_000)
    one = submission(message_id, events=0, time_at=now)
    event = one.events.add(type="cpr_decision.recorded", action=event_pb2.ACTION_NEW)
    event.occurred_at.utc_at = now
    event.patient.identifiers.add(system="carebus:pas", value=number, type="MR")
    event.order_id.value = f"O{number}"
    event.decision.identifier.value = f"O{number}"
    event.decision.decision.system, event.decision.decision.code = "http://snomed.info/sct", "450476008"
    event.decision.decided_at.utc_at = now
    # Of a time to the second, its minute has to be over.
    event.decision.review_at.utc_at = now + int((review_in - 60) * 1_000_000)
    event.decision.review_at.precision = common_pb2.When.PRECISION_SECOND
    return one


def ticks(bus):
    return [item.seq for item in tail(bus) if item.type in ("bus.tick", "decision.review_passed")]


@pytest.fixture
def bus(make_bus):
    bus = make_bus().start()
    bus.pas = bus.source("pas")
    return bus


def test_a_tick_is_written_when_something_falls_due_and_only_then(bus):
    bus.pas.send(decision("1", 1.5))
    bus.wait_folded()
    assert ticks(bus) == []
    (seq,) = wait_for(lambda: ticks(bus), what="a tick")
    assert next(item for item in tail(bus) if item.seq == seq).type == "decision.review_passed"
    time.sleep(1.2)
    assert ticks(bus) == [seq], "it came again"


def test_what_fell_due_while_nobody_ran_comes_at_the_start(bus):
    bus.pas.send(decision("1", 1.0), decision("2", 1.2, "H2"), decision("3", 3600, "H3"))
    bus.wait_folded()
    bus.stop()
    time.sleep(1.5)
    bus.start()
    wait_for(lambda: len(ticks(bus)) >= 2, what="what fell due")
    assert len(set(ticks(bus))) == 1, "one tick for all of it"
    bus.stop()
    bus.start()
    time.sleep(1.0)
    assert len(set(ticks(bus))) == 1, "a start is no reason for another"
    bus.stop()
    bus.ctl("rebuild", "--verify", check=0)


def test_the_journals_time_never_goes_back(bus):
    bus.pas.send(decision("1", 0.5))
    wait_for(lambda: ticks(bus), what="a tick")
    bus.pas.send(submission("later"))
    bus.wait_folded()
    times = [item.received_at for item in tail(bus)]
    assert times == sorted(times)
