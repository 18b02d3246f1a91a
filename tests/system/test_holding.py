"""One event that nobody can place waits by itself: its message's others are given out, and it comes when it can."""

import json

import pytest
from carebus_bus import event_pb2, submission
from carebus_readers import Feed, Live, assert_chain, place, tail

NHS = "https://fhir.nhs.uk/Id/nhs-number"
NUMBER = "9434765919"


def registered(message_id, number):
    one = submission(message_id, events=0)
    event = one.events.add(type="patient.registered", action=event_pb2.ACTION_NEW)
    event.occurred_at.utc_at = 1_700_000_000_000_000
    event.patient.identifiers.add(system="carebus:pas", value=number, type="MR")
    event.patient.identifiers.add(system=NHS, value=NUMBER)
    event.demographics.names.add(family="Green")
    return one


def mixed(message_id, *numbers):
    """A stay for each of the source's own numbers; None: the national number alone, which here stands for two."""
    one = submission(message_id, events=0)
    for index, number in enumerate(numbers):
        event = one.events.add(type="encounter.admitted", action=event_pb2.ACTION_NEW)
        event.occurred_at.utc_at = 1_700_000_000_000_000 + index
        if number:
            event.patient.identifiers.add(system="carebus:pas", value=number, type="MR")
        else:
            event.patient.identifiers.add(system=NHS, value=NUMBER)
            event.patient.demographics.names.add(family="Waiting", given=["Wanda"])
        event.encounter.identifier.system = "carebus:pas"
        event.encounter.identifier.value = f"V{message_id}{index}"
    return one


def merged(message_id):
    one = submission(message_id, events=0)
    event = one.events.add(type="patient.merged", action=event_pb2.ACTION_NEW)
    event.occurred_at.utc_at = 1_700_000_001_000_000
    event.merge.surviving.add(system="carebus:pas", value="H1", type="MR")
    event.merge.retired.add(system="carebus:pas", value="H2", type="MR")
    return one


@pytest.fixture
def two(make_bus):
    bus = make_bus().start()
    bus.pas = bus.source("pas")
    bus.pas.send(registered("1", "H1"), registered("2", "H2"))
    # The teams have to do with both already: nothing is derived behind what the tests send.
    bus.pas.send(mixed("1a", "H1"), mixed("2a", "H2"))
    bus.wait_folded()
    return bus


def send(bus, one):
    seq = bus.pas.send(one)[0].stored.seq
    bus.wait_folded()
    return seq


def test_what_waits_is_given_to_nobody_and_the_others_at_once(two):
    with Feed(two, "ward") as feed, Live(two, "ward") as live:
        feed.open().opened()
        before = len([item for item in tail(two, "ward")])
        seq = send(two, mixed("3", "H1", None, "H2"))
        last = send(two, mixed("4", "H1"))
        deliveries = feed.take(before + 3)
        assert [place(delivery) for delivery in deliveries[before:]] == [(seq, 0), (seq, 2), (last, 0)]
        assert_chain(deliveries, (0, 0))
        assert [place(delivery) for _, delivery in live.take(3)] == [(seq, 0), (seq, 2), (last, 0)]
    shown = [(item.index, item.type) for item in tail(two) if item.seq == seq]
    assert shown == [(0, "encounter.admitted"), (1, "bus.held"), (2, "encounter.admitted")]
    assert [item.index for item in tail(two, "ward") if item.seq == seq] == [0, 2]
    trace = two.ctl("trace", str(seq), check=0).stdout
    assert "held=1" in trace and "ambiguous-identifier" in trace


def test_the_last_that_waits_leaves_no_gap_in_a_stream(two):
    seq = send(two, mixed("3", "H1", None, None))
    last = send(two, mixed("4", "H2"))
    with Feed(two, "ward") as feed, Feed(two, "ward", consumer="d") as from_now:
        from_now.open(start=3).opened()
        feed.open().opened()
        count = len(list(tail(two, "ward")))
        deliveries = feed.take(count)
        assert_chain(deliveries, (0, 0))
        assert [place(delivery) for delivery in deliveries[-2:]] == [(seq, 0), (last, 0)]
        newest = send(two, mixed("5", "H1"))
        delivery = from_now.take(1)[0]
        assert (place(delivery), (delivery.prev_seq, delivery.prev_index)) == ((newest, 0), (last, 0))


def test_a_stream_begins_behind_all_there_is_whatever_of_it_waits(two):
    """Where a feed begins is the same for everybody: it tells nobody what waits, and what comes next comes behind it."""
    seq = send(two, mixed("3", "H1", None))
    assert (two.status().seq or 0) >= seq
    with Feed(two, "ward") as feed:
        opened = feed.open(start=3).opened()
        assert (opened.head.seq, opened.head.index) == (seq, 1)
        newest = send(two, mixed("4", "H1"))
        delivery = feed.take(1)[0]
        assert (place(delivery), (delivery.prev_seq, delivery.prev_index)) == ((newest, 0), (seq, 1))


def test_a_retry_gives_what_waited_under_its_own_number_and_the_same_index(two):
    seq = send(two, mixed("3", "H1", None, "H2"))
    shown = json.loads(two.ctl("--json", "quarantine", "show", str(seq), check=0).stdout.splitlines()[0])
    assert shown["partly"] and shown["held"] == [1] and "matching" not in shown
    assert "events that wait, the others are in use: 1" in two.ctl("quarantine", "show", str(seq), check=0).stdout
    listed = two.ctl("--json", "quarantine", "list", check=0).stdout
    assert '"held"' in listed and not any(word in listed.lower() for word in ("wanda", "waiting", "matching")), "a list has no content"
    assert two.ctl("quarantine", "retry", str(seq)).returncode == 0
    two.wait_folded()
    send(two, merged("4"))
    two.ctl("quarantine", "retry", str(seq), check=0)
    two.wait_folded()
    types = ("encounter.admitted", "bus.held")
    again = [item for item in tail(two) if item.seq > seq and item.type in types and item.event.source_message_id in ("3", "")]
    assert [(item.index, item.type) for item in again] == [(0, "bus.held"), (1, "encounter.admitted"), (2, "bus.held")]
    assert again[1].event.belated and again[1].event.encounter.identifier.value == "V31"
    assert not two.ctl("quarantine", "list", check=0).stdout.count("ambiguous")
