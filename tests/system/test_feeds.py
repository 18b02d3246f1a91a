"""Feeds of the real daemon: in one order, without a gap, through every death."""

import os
import random
import signal
import time

import pytest
from carebus_bus import BusError, curve_pair, feed_pb2, free_port, submission, wait_for
from carebus_readers import Feed, Live, as_user, assert_chain, place, tail

PLACE, NOW = feed_pb2.Open.FROM_PLACE, feed_pb2.Open.FROM_NOW

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


def fill(bus, count, prefix="A", sources=("pas", "lab")):
    """Messages of the sources in turn; the numbers that they got, by source."""
    seqs = {name: [] for name in sources}
    speakers = {name: bus.source(name) for name in sources}
    for i in range(count):
        name = sources[i % len(sources)]
        seqs[name].append(speakers[name].send(submission(f"{prefix}-{name}-{i}"))[0].stored.seq)
    return seqs


def test_feed_is_in_order_without_gaps_and_names_the_place_before(wards):
    seqs = fill(wards, 60)
    with Feed(wards, "ward") as feed:
        feed.open().opened()
        deliveries = feed.take(60)
    assert [delivery.seq for delivery in deliveries] == sorted(seqs["pas"] + seqs["lab"])
    assert_chain(deliveries, (0, 0))
    for delivery in deliveries:
        event = delivery.event
        assert event.event_id == f"{delivery.seq}.{delivery.index}"
        assert event.source in ("pas", "lab")
        assert event.received_at > 0
        assert event.patient.patient_id.startswith("p")
        assert event.source_message_id


def test_each_team_sees_its_sources_and_no_other(wards):
    seqs = fill(wards, 20)
    with Feed(wards, "clinic") as clinic, Feed(wards, "outside") as outside:
        clinic.open().opened()
        outside.open().opened()
        deliveries = clinic.take(10)
        assert [delivery.seq for delivery in deliveries] == seqs["lab"]
        assert_chain(deliveries, (0, 0))
        assert all(delivery.event.source == "lab" for delivery in deliveries)
        assert clinic.silent()
        assert outside.silent()


def test_events_of_one_submission_have_indexes_and_come_whole(wards):
    seq = wards.source("lab").send(submission("L-1", events=3))[0].stored.seq
    with Feed(wards, "clinic") as feed:
        feed.open().opened()
        assert [place(delivery) for delivery in feed.take(3)] == [(seq, 0), (seq, 1), (seq, 2)]
        feed.open(PLACE, after=(seq, 1))
        opened = feed.opened()
        assert (opened.place.seq, opened.place.index) == (seq, 1)
        assert_chain(feed.take(1), (seq, 1))


def test_consumer_that_is_killed_resumes_behind_its_last_acknowledgement(wards):
    fill(wards, 10)

    def read_some():
        feed = Feed(wards, "ward").open()
        feed.opened()
        deliveries = feed.take(6)
        feed.ack(deliveries[3])
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            read_some()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    with Feed(wards, "ward") as feed:
        opened = feed.open().opened()
        deliveries = feed.take(6)
        assert len(deliveries) == 6
        assert_chain(deliveries, (opened.place.seq, opened.place.index))


def test_killed_serve_costs_a_reconnect_and_nothing_else(wards):
    """The reader goes on where it stands; intake does not notice."""
    pas = wards.source("pas")
    with Feed(wards, "ward") as feed:
        feed.open().opened()
        last = (0, 0)
        sent = 0
        for turn in range(3):
            for _ in range(20):
                pas.send(submission(f"K-{sent}"))
                sent += 1
            deliveries = feed.take(20)
            assert_chain(deliveries, last)
            last = place(deliveries[-1])
            feed.ack(last)
            before = wards.serve_pid
            os.kill(before, signal.SIGKILL)
            # Taken in while nothing is given out.
            assert pas.send(submission(f"K-{sent}"))[0].stored.seq
            sent += 1
            wait_for(lambda pid=before: wards.serve_pid != pid, what="another serve")
            wait_for(lambda pid=before: wards.log().count("event=SERVE_READY") >= turn + 2, what="serve to be ready")
            # The connection is made again by ZeroMQ; serve says that it does not know it.
            feed.open()
            opened = feed.opened()
            assert (opened.place.seq, opened.place.index) == last
            deliveries = feed.take(1)
            assert_chain(deliveries, last)
            last = place(deliveries[-1])


def test_whole_bus_killed_under_load_loses_nothing_and_repeats_nothing_acknowledged(wards):
    random.seed(seed := int(time.time()))
    print(f"seed {seed}")
    pas = wards.source("pas")
    stored, taken, last = [], [], (0, 0)
    for turn in range(3):
        for _ in range(random.randint(5, 40)):
            stored.append(pas.send(submission(f"W-{len(stored)}"))[0].stored.seq)
        with Feed(wards, "ward") as feed:
            opened = feed.open().opened()
            assert (opened.place.seq, opened.place.index) == last
            for delivery in feed.take(random.randint(1, len(stored) - len(taken))):
                taken.append(delivery.seq)
                last = place(delivery)
            feed.ack(last)
            pas.submit(*[submission(f"X-{turn}-{i}") for i in range(5)])  # nobody waits for these
            wards.kill()
        wards.sources.remove(pas)
        pas.close()
        wards.start()
        pas = wards.source("pas")
        known = [item.seq for item in tail(wards, "ward")]
        stored = known  # what was sent last may have got there or not
    with Feed(wards, "ward") as feed:
        feed.open().opened()
        taken.extend(delivery.seq for delivery in feed.take(len(stored) - len(taken)))
    assert taken == stored


def test_stalled_consumer_delays_nobody_and_misses_nothing(wards):
    """It takes nothing from its socket at all; its credit is large."""
    pas = wards.source("pas")
    count = 3000
    with Feed(wards, "ward", "stalled") as stalled, Feed(wards, "ward", "quick") as quick:
        stalled.open(credit=1_000_000)
        quick.open(credit=1_000_000).opened()
        last = (0, 0)
        for start in range(0, count, 100):
            pas.send(*[submission(f"S-{start + i}", original=b"x" * 2000) for i in range(100)])
            deliveries = quick.take(100)
            assert_chain(deliveries, last)
            last = place(deliveries[-1])
        # And what it then reads is all of it.
        stalled.opened()
        deliveries = stalled.take(count)
        assert_chain(deliveries, (0, 0))
        assert place(deliveries[-1]) == last


def test_consumers_have_places_of_their_own_over_restarts(wards):
    fill(wards, 10)
    with Feed(wards, "ward", "one") as one, Feed(wards, "ward", "two") as two:
        one.open().opened()
        two.open().opened()
        first, second = one.take(10), two.take(10)
        one.ack(first[2])
        two.ack(second[7])
    wards.restart()
    with Feed(wards, "ward", "one") as one, Feed(wards, "ward", "two") as two:
        assert one.open().opened().place.seq == first[2].seq
        assert two.open().opened().place.seq == second[7].seq
        assert place(one.take(1)[0]) == place(first[3])
        assert place(two.take(1)[0]) == place(second[8])


def test_from_now_gives_what_comes_and_from_a_place_what_lies_behind_it(wards):
    seqs = fill(wards, 6, sources=("pas",))["pas"]
    wards.wait_folded()
    with Feed(wards, "ward") as feed:
        now = feed.open(NOW).opened().place
        assert now.seq == seqs[-1]
        assert feed.silent(0.3)
        new = fill(wards, 1, "B", ("pas",))["pas"]
        assert_chain(feed.take(1), (now.seq, now.index))
        feed.open(PLACE, after=(seqs[2], 0)).opened()
        deliveries = feed.take(4)
        assert [delivery.seq for delivery in deliveries] == seqs[3:] + new
        assert_chain(deliveries, (seqs[2], 0))


def test_nothing_is_given_out_without_credit(wards):
    fill(wards, 10)
    with Feed(wards, "ward", grants=True) as feed:
        feed.open(credit=4).opened()
        feed.take(4)
        assert feed.silent()
        feed.credit(2)
        feed.take(2)
        assert feed.silent()


def test_second_reader_of_a_consumer_takes_over(wards):
    fill(wards, 2)
    with Feed(wards, "ward") as first, Feed(wards, "ward") as second:
        first.open().opened()
        first.take(2)
        second.open().opened()
        second.take(2)
        assert first.refused() == "taken-over"


def test_what_is_wrong_is_refused_with_a_reason(wards):
    fill(wards, 2)
    with Feed(wards, "ward") as feed:
        feed.open(team="nobody")
        assert feed.refused() == "unknown-team"
        feed.open(protocol=9)
        assert feed.refused() == "protocol"
        feed.open(consumer="Not A Name")
        assert feed.refused() == "bad-name"
        feed.open(NOW, what=feed_pb2.Open.WHAT_RECORDS)
        assert feed.refused() == "not-offered"
        feed.open(PLACE, after=(10_000, 0))
        assert feed.refused() == "beyond-end"
        feed.ack((1, 0), wait=False)
        assert feed.refused() == "not-open"
        feed.open().opened()
        feed.take(2)
        feed.ack((10_000, 0), wait=False)
        assert feed.refused() == "bad-ack"
        feed.socket.send(b"\xff\xff\xff")
        assert feed.refused() in ("not-protobuf", "truncated")
        feed.open().opened()  # and is none the worse for it
        feed.take(2)


@pytest.mark.root
def test_foreign_user_is_not_let_in_and_one_of_another_team_is_refused(make_bus):
    bus = make_bus({"teams": teams(theirs={**teams()["clinic"], "user": 4242})}).start()
    fill(bus, 2)

    def foreign():
        with Feed(bus, "ward") as feed:
            feed.open()
            return feed.hear(2) is None

    def other_team():
        with Feed(bus, "ward") as feed:
            feed.open()
            return feed.refused() == "not-allowed"

    def own_team():
        with Feed(bus, "theirs") as feed:
            feed.open().opened()
            return len(feed.take(1)) == 1

    assert as_user(4343, foreign) == 0
    assert as_user(4242, other_team) == 0
    assert as_user(4242, own_team) == 0
    with Feed(bus, "theirs") as feed:  # not even the daemon's own user, when another is named
        feed.open()
        assert feed.refused() == "not-allowed"


def test_right_that_is_taken_away_ends_the_open_feed(make_bus):
    bus = make_bus({"teams": teams()}).start()
    fill(bus, 2)
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        feed.take(2)
        bus.config["teams"]["ward"]["user"] = 4242
        bus.reload()
        assert feed.refused() == "not-allowed"
        feed.open()
        assert feed.refused() == "not-allowed"


def test_source_that_is_taken_away_is_seen_no_more_and_granted_again_is_seen(make_bus):
    # What its own sources say no team loses.
    bus = make_bus({"teams": teams(), "sources": {"lab": {"team": "clinic", "adapter": "own"}}}).start()
    fill(bus, 2)
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        feed.take(2)
        bus.config["teams"]["ward"]["may_read"] = ["pas"]
        bus.reload()
        fill(bus, 4, "B")
        assert [delivery.event.source for delivery in feed.take(2)] == ["pas", "pas"]
        assert feed.silent()
        bus.config["teams"]["ward"]["may_read"] = ["pas", "lab"]
        bus.reload()
        fill(bus, 2, "C")
        assert sorted(delivery.event.source for delivery in feed.take(2)) == ["lab", "pas"]


def test_tcp_needs_the_key_of_the_team(make_bus):
    bus_pair, own, other = curve_pair(), curve_pair(), curve_pair()
    port = free_port()
    bus = make_bus({"listen": {"feed": f"tcp://127.0.0.1:{port}"}, "teams": teams(ward={"key": "ward.pub"})})
    bus.write_keys(bus=bus_pair, ward=(own[0], None))
    bus.start()
    fill(bus, 2)
    endpoint = f"tcp://127.0.0.1:{port}"
    with Feed(bus, "ward", endpoint=endpoint, keys=(bus_pair[0], *own)) as feed:
        feed.open().opened()
        feed.take(2)
        with Feed(bus, "ward", "d", endpoint=endpoint, keys=(bus_pair[0], *other)) as stranger:
            stranger.open()
            assert stranger.hear(2) is None
        with Feed(bus, "ward", "e", endpoint=endpoint) as plain:
            plain.open()
            assert plain.hear(2) is None
        # The key is replaced: the connection that has the old one is told at its next word, or before.
        bus.write_keys(ward=(other[0], None))
        bus.reload()
        assert feed.refused() == "not-allowed"
        with Feed(bus, "ward", "f", endpoint=endpoint, keys=(bus_pair[0], *other)) as fresh:
            fresh.open().opened()
            fresh.take(2)


def test_who_runs_a_destination_asks_for_what_it_delivers_and_for_nothing_else(make_bus):
    """An adapter is a user, or a key, of its own: it is not the team, whose people look for persons and break the glass."""
    bus_pair, own = curve_pair(), curve_pair()
    port = free_port()
    bus = make_bus({"listen": {"feed": f"tcp://127.0.0.1:{port}"}, "teams": teams(),
                    "destinations": {"ward-out": {"team": "ward", "adapter": "own", "key": "out.pub"}}})
    bus.write_keys(bus=bus_pair, out=(own[0], None))
    bus.start()
    fill(bus, 1)
    bus.wait_folded()
    with Feed(bus, "ward", "ward-out", endpoint=f"tcp://127.0.0.1:{port}", keys=(bus_pair[0], *own)) as feed:
        def ask(team="ward", **question):
            feed.say(request=feed_pb2.TeamRequest(id=1, team=team, system="ward-out", purpose="delivery", who="somebody", **question))
            return feed.expect("answer")

        answer = ask(sources={})
        assert not answer.error and [source.name for source in answer.sources.sources] == ["lab", "pas"]
        assert ask(record={"patient_id": "p9.0"}).error == "not-found"
        for question in ({"find": {"name": "Fred Bloggs"}},
                         {"break_glass": {"patient_id": "p9.0", "reason": "emergency", "text": "collapsed at home, no letter"}},
                         {"open_contact": {"patient_id": "p9.0", "caller": "family", "reason": "in pain, at home"}}):
            assert ask(**question).error == "not-allowed", question
        assert ask("clinic", sources={}).error == "not-allowed"


INHERIT = """
import os, socket, sys
feed, live = (socket.create_server(("127.0.0.1", int(port))) for port in sys.argv[1:3])
os.dup2(feed.fileno(), 63), os.dup2(live.fileno(), 64)
os.dup2(63, 3), os.dup2(64, 4)
os.set_inheritable(3, True), os.set_inheritable(4, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="feed:live-ward")
os.execv(sys.argv[3], sys.argv[3:])
"""


def test_listeners_that_a_service_manager_hands_over_are_used(make_bus):
    """The sockets come from outside, as under systemd: an address that is taken already is no matter."""
    bus_pair, own = curve_pair(), curve_pair()
    ports = [free_port(), free_port()]
    bus = make_bus({"listen": {"feed": f"tcp://127.0.0.1:{ports[0]}"},
                    "teams": teams(ward={"key": "ward.pub", "live": f"tcp://127.0.0.1:{ports[1]}"})})
    bus.write_keys(bus=bus_pair, ward=(own[0], None))
    bus.wrapper = ["/usr/bin/python3", "-c", INHERIT, *map(str, ports)]
    bus.start()
    keys = (bus_pair[0], *own)
    for turn in range(2):
        fill(bus, 2, f"T{turn}")
        with Feed(bus, "ward", f"c{turn}", endpoint=f"tcp://127.0.0.1:{ports[0]}", keys=keys) as feed, \
                Live(bus, "ward", endpoint=f"tcp://127.0.0.1:{ports[1]}", keys=keys) as live:
            feed.open(NOW).opened()
            seq = fill(bus, 1, f"L{turn}", ("pas",))["pas"][0]
            assert place(live.take(1)[0][1]) == place(feed.take(1)[0]) == (seq, 0)
            bus.reload()  # binds nothing anew: both go on
            seq = fill(bus, 1, f"R{turn}", ("pas",))["pas"][0]
            assert place(live.take(1)[0][1]) == place(feed.take(1)[0]) == (seq, 0)
        # The second time by the serve that comes after the one that died.
        os.kill(bus.serve_pid, signal.SIGKILL)
        wait_for(lambda known=turn: bus.log().count("event=SERVE_READY") >= known + 2, what="another serve")


def test_backup_that_is_older_than_a_cursor_is_noticed(wards):
    """Entries that a consumer has seen are gone, and others may come under their numbers."""
    fill(wards, 4)
    wards.stop()
    journal = wards.folder / "state" / "journal"
    fold = wards.folder / "state" / "fold"
    saved = {path: path.read_bytes() for folder in (journal, fold) for path in folder.iterdir() if path.is_file()}
    wards.start()
    wards.sources.clear()
    fill(wards, 4, "B")
    with Feed(wards, "ward") as feed:
        feed.open().opened()
        feed.ack(feed.take(8)[-1])
    wards.stop()
    for folder in (journal, fold):
        for path in folder.iterdir():
            if path.is_file() and path.name != "lock.mdb":
                path.unlink()
    for path, content in saved.items():
        path.write_bytes(content)
    wards.start()
    wards.sources.clear()
    with Feed(wards, "ward") as feed:
        feed.open()
        assert feed.refused() == "beyond-end"
    fill(wards, 6, "C")
    with Feed(wards, "ward") as feed:
        feed.open()
        assert feed.refused() == "other-journal"
        feed.open(NOW).opened()


def test_no_reader_learns_of_a_team_that_is_gone(make_bus):
    bus = make_bus({"teams": teams()}).start()
    fill(bus, 2)
    with Feed(bus, "clinic") as feed:
        feed.open().opened()
        feed.ack(feed.take(1)[0])
        del bus.config["teams"]["clinic"]
        bus.reload()
        assert feed.refused() == "not-allowed"
        feed.open()
        with pytest.raises(BusError, match="unknown-team"):
            feed.opened()
