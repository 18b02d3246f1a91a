"""Live: at once or not at all, and a loss always shows."""

import os
import signal
import time

import pytest
from carebus_bus import curve_pair, feed_pb2, submission, wait_for
from carebus_readers import Feed, Live, as_user, assert_chain, place, previous

def teams(ward=None, **more):
    """Three teams: one that reads all, one that reads one source, one that reads nothing."""
    return {
        "ward": {"name": "Ward", "organisation": "RA9", "class": "clinical", "may_read": ["pas", "lab"], **(ward or {})},
        "clinic": {"name": "Clinic", "organisation": "RA9", "class": "clinical", "may_read": ["lab"]},
        "outside": {"name": "Outside", "organisation": "RB1", "class": "clinical", "may_read": []},
        **more,
    }


@pytest.fixture
def wards(make_bus):
    return make_bus({"teams": teams()}).start()


def test_event_comes_with_its_topic_and_the_place_before(wards):
    pas, lab = wards.source("pas"), wards.source("lab")
    with Live(wards, "ward") as live:
        for i in range(10):
            (pas, lab)[i % 2].send(submission(f"L-{i}"))
        taken = live.take(10)
        assert_chain([delivery for _, delivery in taken], live.began)
        for topic, delivery in taken:
            assert topic == f"{delivery.event.type}/{delivery.event.patient.patient_id}"
            assert delivery.event.event_id == f"{delivery.seq}.{delivery.index}"


def test_each_team_hears_its_sources_and_no_other(wards):
    pas, lab = wards.source("pas"), wards.source("lab")
    with Live(wards, "clinic") as clinic, Live(wards, "outside") as outside:
        for i in range(6):
            pas.send(submission(f"P-{i}"))
            lab.send(submission(f"L-{i}"))
        taken = clinic.take(6)
        assert {delivery.event.source for _, delivery in taken} == {"lab"}
        assert_chain([delivery for _, delivery in taken], clinic.began)
        for _ in range(2):
            topic, delivery = outside.hear(3)
            assert topic == "bus.place" and delivery.place_only and place(delivery) == outside.began


def test_topics_are_prefixes(wards):
    pas = wards.source("pas")
    with Live(wards, "ward", topics=("bus.place",), wait=True) as live:
        live.socket.subscribe("encounter.admitted/")
        live.socket.unsubscribe("bus.place")
        time.sleep(0.3)
        pas.send(submission("T-1"))
        topic, delivery = live.take(1)[0]
        assert topic.startswith("encounter.admitted/p")
        assert delivery.event.type == "encounter.admitted"


def test_idle_stream_says_its_place_once_a_second(wards):
    seq = wards.source("pas").send(submission("I-1"))[0].stored.seq
    wards.wait_folded()
    with Live(wards, "ward") as live:
        said = []
        end = time.monotonic() + 4.5
        while time.monotonic() < end:
            message = live.hear(max(0.01, end - time.monotonic()))
            if message:
                said.append(message)
        assert 2 <= len(said) <= 6
        for topic, delivery in said:
            assert topic == "bus.place"
            assert place(delivery) == previous(delivery) and delivery.seq == seq


def test_gap_that_live_leaves_shows_and_is_filled_by_the_feed(wards):
    """What was said while the subscriber was away is lost to it, and its next word tells so."""
    pas = wards.source("pas")
    with Live(wards, "ward") as live:
        pas.send(submission("G-0"))
        last = place(live.take(1)[0][1])
    missed = [pas.send(submission(f"G-{i}"))[0].stored.seq for i in range(1, 6)]
    with Live(wards, "ward") as live, Feed(wards, "ward") as feed:
        seq = pas.send(submission("G-6"))[0].stored.seq
        _, delivery = live.take(1)[0]
        assert place(delivery) == (seq, 0)
        assert previous(delivery) >= (missed[-1], 0) > last
        feed.open(feed_pb2.Open.FROM_PLACE, after=last).opened()
        filled = feed.take(len(missed))
        assert_chain(filled, last)
        assert [one.seq for one in filled] == missed
        assert previous(delivery) >= place(filled[-1])


def test_subscriber_that_stands_still_costs_nobody_anything(wards):
    pas = wards.source("pas")
    with Live(wards, "ward", high_water=10) as still, Live(wards, "ward", high_water=0) as quick:
        count = 4000
        last = None
        for start in range(0, count, 200):
            pas.send(*[submission(f"Q-{start + i}", original=b"x" * 500) for i in range(200)])
            deliveries = [delivery for _, delivery in quick.take(200)]
            if last:
                assert_chain(deliveries, last)
            last = place(deliveries[-1])
        # It may have lost some; if so, the gap shows.
        before, gaps, got = None, 0, 0
        while (message := still.hear(0.5)) is not None:
            _, delivery = message
            if delivery.place_only:
                continue
            if before and previous(delivery) != before:
                gaps += 1
            before, got = place(delivery), got + 1
        assert got == count or gaps > 0 or before < last


def test_live_goes_on_after_serve_was_killed(wards):
    pas = wards.source("pas")
    with Live(wards, "ward") as live:
        pas.send(submission("R-0"))
        last = place(live.take(1)[0][1])
        os.kill(wards.serve_pid, signal.SIGKILL)
        wait_for(lambda: wards.log().count("event=SERVE_READY") >= 2, what="another serve")
        live.wait_connected()
        seq = pas.send(submission("R-1"))[0].stored.seq
        _, delivery = live.take(1)[0]
        assert place(delivery) == (seq, 0)
        # That the ward has a relationship now may stand behind it, in the same entry.
        assert previous(delivery)[0] == last[0] and previous(delivery) >= last


@pytest.mark.root
def test_only_the_teams_own_user_is_let_in(make_bus):
    bus = make_bus({"teams": teams(theirs={**teams()["ward"], "user": 4242})}).start()

    def hears(team):
        def work():
            with Live(bus, team, wait=False) as live:
                return live.hear(3) is not None
        return work

    assert as_user(4242, hears("theirs")) == 0
    assert as_user(4242, hears("ward")) == 2
    assert as_user(4343, hears("theirs")) == 2
    assert not hears("theirs")()


def test_revoked_listener_is_cut_off_at_the_reload(make_bus):
    bus = make_bus({"teams": teams()}).start()
    pas = bus.source("pas")
    with Live(bus, "ward") as live, Live(bus, "clinic") as other:
        pas.send(submission("V-0"))
        live.take(1)
        bus.config["teams"]["ward"]["user"] = 4242
        bus.reload()
        while live.hear(0.01):
            pass
        pas.send(submission("V-1"))
        assert live.hear(2.5) is None
        other.wait_connected()  # the others go on


def test_team_that_is_added_at_a_reload_can_be_heard(make_bus):
    bus = make_bus({"teams": teams()}).start()
    lab = bus.source("lab")
    bus.config["teams"]["fresh"] = {**teams()["clinic"], "name": "Fresh"}
    bus.reload()
    with Live(bus, "fresh") as live:
        seq = lab.send(submission("N-0"))[0].stored.seq
        assert place(live.take(1)[0][1]) == (seq, 0)
    del bus.config["teams"]["fresh"]
    bus.reload()
    with Live(bus, "fresh", wait=False) as live:
        assert live.hear(2) is None


def test_tcp_needs_the_key_of_the_team(make_bus):
    bus_pair, own, other = curve_pair(), curve_pair(), curve_pair()
    endpoint = f"tcp://127.0.0.1:{20000 + (os.getpid() + 7000) % 20000}"
    bus = make_bus({"teams": teams(ward={"key": "ward.pub", "live": endpoint})})
    bus.write_keys(bus=bus_pair, ward=(own[0], None))
    bus.start()
    pas = bus.source("pas")
    with Live(bus, "ward", endpoint=endpoint, keys=(bus_pair[0], *own)) as live, \
            Live(bus, "ward", endpoint=endpoint, keys=(bus_pair[0], *other), wait=False) as stranger, \
            Live(bus, "ward", endpoint=endpoint, wait=False) as plain:
        seq = pas.send(submission("C-0"))[0].stored.seq
        assert place(live.take(1)[0][1]) == (seq, 0)
        assert stranger.hear(2) is None
        assert plain.hear(0.1) is None
        bus.write_keys(ward=(other[0], None))
        bus.reload()
        while live.hear(0.01):
            pass
        pas.send(submission("C-1"))
        assert live.hear(2.5) is None
