"""Peers that flap, crowd, come back late or lie, and clocks that are wrong from the start."""

import collections
import contextlib
import os
import resource
import shutil
import signal
import socket
import threading
import time

import faulty
import promises
import pytest
from carebus_bus import ANSWER_SECONDS, BusError, Source, curve_pair, feed_pb2, submission, wait_for
from carebus_readers import Feed
from mllp_peer import START, Mllp, adt
from test_recovery import Clock

pytestmark = pytest.mark.plain

DAY = 86_400 * 1_000_000


# ---- readers


def test_reader_that_never_acknowledges_or_acknowledges_what_it_was_not_given_holds_up_nobody(load):
    bus = load.bus
    load.start()
    load.progress(30)
    with Feed(bus, "ward", "never", grants=True) as never, Feed(bus, "ward", "liar", grants=True) as liar:
        never.open(credit=5).opened()
        assert len(never.take(5)) == 5
        liar.open(credit=5).opened()
        given = liar.take(5)
        liar.ack((given[-1].seq + 10_000, 0), wait=False)
        told = wait_for(lambda: liar.hear(1), what="a word about the wrong acknowledgement")
        assert told.WhichOneof("message") == "refused", told
        load.progress(30)
        assert never.silent(0.2), "more than it gave credit for"
    with Feed(bus, "ward", "liar") as honest:
        place = honest.open().opened().place
        assert place.seq <= given[-1].seq, "the wrong acknowledgement counted"
    load.finish_and_check()


class Repeater:
    """A reader that keeps its effects, dies behind one of them without acknowledging it, and comes again."""

    def __init__(self, bus):
        self.bus, self.effects = bus, []

    def run(self, n, acks=0, dies="closes"):
        """Takes n events; each is an effect. Acknowledges the first `acks` of them, and is gone."""
        with Feed(self.bus, "ward") as feed:
            feed.open().opened()
            taken = feed.take(n)
            self.effects += taken
            if acks:
                feed.ack(taken[acks - 1])
            if dies == "says so":
                feed.say(close=feed_pb2.Close())
        return taken


def test_reader_that_dies_between_effect_and_acknowledgement_is_given_the_very_same_again_under_its_number_and_how_often(memory_bus):
    bus = memory_bus
    bus.start()
    ids = [f"A-{i}" for i in range(6)]
    bus.source("pas").send(*[submission(message_id) for message_id in ids])
    bus.wait_folded()
    reader = Repeater(bus)
    first = reader.run(6)
    assert [one.sent_before for one in first] == [0] * 6
    assert not any(one.HasField("sent_before") for one in first), "the first time costs a byte"
    again = reader.run(6, acks=3, dies="says so")  # it never acknowledged anything until now
    assert [one.sent_before for one in again] == [1] * 6
    for times, dies in enumerate(["closes", "says so", "closes", "closes"], 2):
        last = reader.run(3, dies=dies)
        assert [one.sent_before for one in last] == [times] * 3
        assert [one.event.SerializeToString(deterministic=True) for one in last] == [
            one.event.SerializeToString(deterministic=True) for one in first[3:]]
        assert [one.event.event_id for one in last] == [one.event.event_id for one in first[3:]]
    by_id = collections.Counter(one.event.event_id for one in reader.effects)
    assert [by_id[one.event.event_id] for one in last] == [one.sent_before + 1 for one in last], "the number is how often it had it before"
    bus.source("pas").send(submission("A-6"))
    ids.append("A-6")
    assert [one.sent_before for one in reader.run(4)] == [6, 6, 6, 0], "what is new was said to have come before"
    with Feed(bus, "ward", "other") as other:
        other.open().opened()
        assert [one.sent_before for one in other.take(7)] == [0] * 7, "another consumer's count"
    promises.check_bus(bus, "pas", ids, ids)


def test_number_of_times_before_is_not_too_high_after_a_restart_and_what_is_acknowledged_never_counts(memory_bus):
    bus = memory_bus
    bus.start()
    ids = [f"A-{i}" for i in range(4)]
    bus.source("pas").send(*[submission(message_id) for message_id in ids])
    bus.wait_folded()
    reader = Repeater(bus)
    reader.run(4, acks=1)
    assert [one.sent_before for one in reader.run(3)] == [1] * 3
    os.kill(bus.serve_pid, signal.SIGKILL)
    before = len(reader.effects)
    after = wait_for(lambda: tried(lambda: reader.run(3)), what="serve to be there again")
    assert len(reader.effects) == before + 3
    assert all(one.sent_before <= 2 for one in after), "more often than it was sent"
    known = after[0].sent_before
    assert [one.sent_before for one in reader.run(3, acks=3)] == [known + 1] * 3, "a reconnect behind the restart does not count"
    with Feed(bus, "ward") as feed:
        feed.open(start=feed_pb2.Open.FROM_PLACE, after=(0, 0)).opened()
        assert [one.sent_before for one in feed.take(4)] == [0] * 4, "who goes back wants it once more"
    promises.check_bus(bus, "pas", ids, ids)


def tried(call):
    try:
        return call()
    except (BusError, AssertionError):
        return None


# ---- too many


@contextlib.contextmanager
def many_descriptors(count):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < count:
        pytest.skip(f"needs {count} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(count, before[0]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def idle_connections(path, count, family=socket.AF_UNIX, seconds=60):
    """As many; a door whose queue is full is knocked at again."""
    opened, end = [], time.monotonic() + seconds
    while len(opened) < count and time.monotonic() < end:
        one = socket.socket(family)
        one.settimeout(1)
        try:
            one.connect(path)
        except OSError:
            one.close()
            time.sleep(0.005)
            continue
        opened.append(one)
    return opened


def test_5000_idle_connections_at_every_door_cost_nobody_an_answer(load):
    """A sixth of them at once, then more while others work: who says nothing is let go of after seconds."""
    bus = load.bus
    with many_descriptors(6000):
        load.start()
        load.progress(20)
        opened = []
        try:
            for door in ("intake", "feed", "control", "query", "metrics"):
                opened += idle_connections(f"{bus.config['run']}/{door}", 1000)
                load.progress(5)
            assert len(opened) == 5000, "a door is shut"
            assert bus.status().ready
            load.progress(20)
        finally:
            for one in opened:
                one.close()
    load.progress(20)
    load.finish_and_check()


def test_without_descriptors_those_who_are_there_go_on_and_the_journal_too(memory_bus):
    """Core may open 200 files in all; segments are small, so that the journal needs new ones all the while."""
    bus = memory_bus
    bus.wrapper = ["prlimit", "--nofile=200:200"]
    bus.start()
    bus.wait_folded()
    source = bus.source("pas")
    ids = [f"A-{i}" for i in range(60)]
    source.send(submission(ids[0], faulty.original(ids[0])))
    opened = idle_connections(f"{bus.config['run']}/intake", 300)
    try:
        for message_id in ids[1:]:
            receipt, = source.send(submission(message_id, faulty.original(message_id)))
            assert receipt.WhichOneof("result") == "stored"
        assert bus.process.poll() is None
    finally:
        for one in opened:
            one.close()
    assert wait_for(lambda: bus.status().ready, what="a new connection to be answered")
    promises.check_bus(bus, "pas", ids, ids)


def test_adapter_that_connects_ten_times_a_second_costs_the_others_nothing(load):
    bus = load.bus
    load.start()
    ending, errors = threading.Event(), []

    def flap():
        while not ending.is_set():
            try:
                Source(bus.endpoint("intake"), "lab").close()
            except BusError as error:
                errors.append(error)
            time.sleep(0.1)
    flapping = threading.Thread(target=flap)
    flapping.start()
    try:
        load.progress(200)
    finally:
        ending.set()
        flapping.join(ANSWER_SECONDS)
    assert not errors
    lines = [line for line in bus.log().splitlines() if "source=lab" in line]
    assert len(lines) <= 20 + 2 * 10, f"{len(lines)} lines of one who flaps"
    load.finish_and_check()


def test_senders_that_begin_a_message_and_never_end_it_cost_the_others_nothing(load):
    """A hundred of them, a byte now and then: places are bounded, and those who work keep theirs."""
    load.start()
    data = START + adt("SLOW").encode()
    slow = [socket.create_connection(("127.0.0.1", load.mllp.port), timeout=5) for _ in range(20)]
    try:
        for at in range(1, 20):
            for one in slow:
                with contextlib.suppress(OSError):
                    one.sendall(data[at - 1:at])
            load.progress(5)
    finally:
        for one in slow:
            one.close()
    load.progress(20)
    load.finish_and_check()
    assert "SLOW" not in promises.first_entries(load.bus.ctl_json("tail"), "pas")


@pytest.mark.nightly
def test_sender_that_never_ends_its_message_is_ended_within_two_minutes(memory_bus):
    mllp = Mllp(memory_bus)
    memory_bus.start()
    mllp.start()
    sender = mllp.sender()
    sender.send_raw(START + b"MSH|")
    wait_for(lambda: "SENDER_TIMED_OUT" in mllp.log(), 120, "the sender to be ended")
    mllp.close()
    promises.check_balance(memory_bus)


# ---- the same again, and the same name with something else


def test_repeat_is_known_at_once_after_a_restart_and_a_month_later_and_other_bytes_never_take_its_place(memory_bus, tmp_path):
    bus = memory_bus
    clock = Clock(tmp_path)
    bus.environment = clock.environment
    bus.start()
    first, = bus.source("pas").send(submission("A-1", b"the first"))
    known = []
    for step in ("at once", "after a restart", "after a kill", "after 30 days"):
        if step == "after a restart":
            bus.restart()
        elif step == "after a kill":
            bus.kill()
            bus.start()
        elif step == "after 30 days":
            clock.jump(30 * DAY)
        with Source(bus.endpoint("intake"), "pas") as source:
            same, other = source.send(submission("A-1", b"the first"), submission("A-1", f"other {step}".encode()))
        assert same.duplicate.of == first.stored.seq, step
        known.append(other.stored.seq)
    bus.wait_folded()
    items = bus.ctl_json("quarantine", "list")
    assert [(item["reason"], item["class"]) for item in items] == [("same-id-other-bytes", "urgent")] * 4
    assert sorted(item["id"] for item in items) == sorted(known)
    lines = bus.ctl_json("tail")
    events = [line for line in lines if line["type"] == "encounter.admitted"]
    assert [line["seq"] for line in events] == [first.stored.seq], "it took effect"
    promises.check_balance(bus)
    promises.check_storage(bus)


# ---- the clock from the start


@pytest.mark.parametrize("away", [-3650 * DAY, 3650 * DAY, None], ids=["ten years back", "ten years ahead", "1970"])
def test_bus_that_starts_with_a_wrong_clock_keeps_its_order_and_goes_on_when_it_is_set_right(memory_bus, tmp_path, away):
    bus = memory_bus
    clock = Clock(tmp_path)
    bus.environment = clock.environment
    bus.start()
    ids = ["BEFORE"]
    bus.source("pas").send(submission("BEFORE"))
    bus.stop()
    away = away if away is not None else -int(time.time()) * 1_000_000 + 60_000_000
    clock.jump(away)
    bus.start()
    with Source(bus.endpoint("intake"), "pas") as source:
        for when in ("WRONG", "RIGHT"):
            if when == "RIGHT":
                clock.jump(-away)
            for i in range(5):
                ids.append(f"{when}-{i}")
                receipt, = source.send(submission(ids[-1]))
                assert receipt.stored.seq == len(ids) + 1
            assert source.events(0.2).count("DISCONNECTED") == 0, "a clock cost a connection"
    bus.wait_folded()
    times = [line["received_at"] for line in bus.ctl_json("tail") if "received_at" in line]
    assert times == sorted(times), "the journal's time goes back"
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        assert len(feed.take(len(ids))) == len(ids)
    promises.check_bus(bus, "pas", ids, ids)


# ---- who has no business here


@pytest.mark.root
def test_unknown_keys_replayed_handshakes_and_forged_names_get_nothing_and_cost_nothing(memory_bus):
    bus = memory_bus
    server, good, stranger = curve_pair(), curve_pair(), curve_pair()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bus.write_keys(bus=server, pas=(good[0], None))
    bus.config["listen"] = {"intake": f"tcp://127.0.0.1:{port}"}
    bus.write_config()
    bus.start()
    endpoint = f"tcp://127.0.0.1:{port}"
    honest = bus.source("pas", endpoint=endpoint, keys=(server[0], *good))
    honest.send(submission("A-0"))
    unknown = bus.source("pas", endpoint=endpoint, keys=(server[0], *stranger), hello=False)
    assert unknown.wait_event("HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_AUTH") == "HANDSHAKE_FAILED_AUTH"
    forged = bus.source("lab", endpoint=endpoint, keys=(server[0], *good), hello=False)
    with pytest.raises(BusError, match="refused"):
        forged.hello()
    replayed = replay_a_handshake(port, server, good)
    assert replayed == b"", "what was recorded opened the door a second time"
    ids = ["A-0", "A-1"]
    assert honest.send(submission("A-1"))[0].WhichOneof("result") == "stored"
    promises.check_bus(bus, "pas", ids, ids)
    assert not promises.first_entries(bus.ctl_json("tail"), "lab")


def replay_a_handshake(port, server, keys):
    """Records one honest connection, and sends its side again. What was answered behind the bus's own greeting and handshake."""
    said, answered = record_connection(port, server, keys)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as again:
        again.sendall(said)
        heard = b""
        with contextlib.suppress(OSError):
            while part := again.recv(65536):
                heard += part
    # The bus speaks first words to everybody (greeting, WELCOME); what an honest peer hears goes on behind them.
    return heard[300:] if len(heard) >= len(answered) else b""


def record_connection(port, server, keys):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    said, answered = bytearray(), bytearray()

    def carry(one, other, kept):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                kept.extend(data)
                other.sendall(data)

    def accept():
        near, _ = listener.accept()
        far = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=carry, args=(far, near, answered), daemon=True).start()
        carry(near, far, said)
        far.close()
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    source = Source(f"tcp://127.0.0.1:{listener.getsockname()[1]}", "pas", keys=(server[0], *keys))
    source.close()
    thread.join(ANSWER_SECONDS)
    listener.close()
    return bytes(said), bytes(answered)


def test_audit_that_was_put_back_to_an_earlier_day_is_found_out(memory_bus):
    """Somebody restores what stood there before they looked: the anchor that is kept elsewhere tells."""
    bus = memory_bus
    bus.start()
    bus.source("pas").send(submission("A-1"))
    bus.wait_folded()
    read_all(bus, 1)
    bus.stop()
    audit = bus.folder / "state" / "serve" / "audit"
    early = bus.folder / "early"
    shutil.copytree(audit, early)
    bus.start()
    bus.sources.clear()
    with Source(bus.endpoint("intake"), "pas") as source:
        source.send(*[submission(f"B-{i}") for i in range(5)])
    bus.wait_folded()
    read_all(bus, 5)
    bus.stop()
    anchors = bus.folder / "anchors"
    anchors.write_text(bus.ctl("audit", "anchor", check=0).stdout)
    bus.ctl("audit", "verify", "--anchor", str(anchors), check=0)
    shutil.rmtree(audit)
    shutil.copytree(early, audit)
    done = bus.ctl("audit", "verify", "--anchor", str(anchors))
    assert done.returncode == 1, done.stdout


def read_all(bus, count):
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        feed.ack(feed.take(count)[-1])


def test_journal_that_was_put_back_to_an_earlier_day_does_not_start_as_if_nothing_were_missing(memory_bus):
    bus = memory_bus
    bus.start()
    with Source(bus.endpoint("intake"), "pas") as source:
        source.send(*[submission(f"A-{i}") for i in range(5)])
    bus.stop()
    early = bus.folder / "early"
    shutil.copytree(bus.folder / "state" / "journal", early)
    bus.start()
    with Source(bus.endpoint("intake"), "pas") as source:
        source.send(*[submission(f"B-{i}") for i in range(5)])
    bus.wait_folded()
    bus.stop()
    shutil.rmtree(bus.folder / "state" / "journal")
    shutil.copytree(early, bus.folder / "state" / "journal")
    bus.start(wait=False)
    assert bus.wait() == faulty.EXIT_STORAGE
    bus._ended()
    assert "STATE_BEYOND_JOURNAL" in bus.log_events()
