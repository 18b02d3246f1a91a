"""Nothing acknowledged is lost, nothing counts twice: real processes, killed under load by turns."""

import os
import random
import signal
import time

import pytest

import promises
from carebus_bus import ANSWER_SECONDS, feed_pb2, wait_for
from engine import Engine, FeedReader, StreamReader
from mllp_peer import Mllp

pytestmark = pytest.mark.plain

N_ENGINES = 6
SEED = int(os.environ.get("CAREBUS_SEED", random.randrange(1 << 31)))


class Ward:
    """A bus under load: engines that send through a real carebus-mllp, two readers, and somebody who kills."""

    def __init__(self, make_bus, seed):
        self.random = random.Random(seed)
        self.bus = make_bus()
        self.mllp = Mllp(self.bus)
        self.bus.start()
        self.mllp.start()
        self.reader, self.stream = FeedReader(self.bus), StreamReader(self.bus)
        self.reader.start()
        self.engines = [Engine(self.mllp.port, f"e{i}", window=(1, 1, 2, 8)[i % 4], seed=seed) for i in range(N_ENGINES)]
        for engine in self.engines:
            engine.start()

    def n_acked(self):
        return sum(len(engine.acked) for engine in self.engines)

    def progress(self, more, what):
        aim = self.n_acked() + more
        wait_for(lambda: self.n_acked() >= aim, ANSWER_SECONDS * 2, f"{more} more acknowledgements after {what}")

    def kill(self, victim):
        if victim == "core":
            # Alone: serve ends by itself when core is gone, and must not stand in the next one's way.
            self.bus.kill(serve_too=self.random.random() < 0.5)
            self.bus.start()
        elif victim == "serve":
            before = self.bus.serve_pid
            os.kill(before, signal.SIGKILL)
            wait_for(lambda: self.bus.serve_pid != before, what="another serve process")
        else:
            self.mllp.kill()
            self.mllp.start()

    def close(self):
        for engine in self.engines:
            engine.abandon()
        self.reader.stop()
        self.stream.stop()
        self.mllp.close()


def kill_by_turns(make_bus, times, seed):
    print(f"CAREBUS_SEED={seed}")
    ward = Ward(make_bus, seed)
    try:
        victims = []
        while len(victims) < times:
            turn = ["core", "serve", "adapter"]
            ward.random.shuffle(turn)
            victims += turn
        for victim in victims[:times]:
            ward.progress(20, "the last kill")
            time.sleep(ward.random.random() * 0.15)
            ward.kill(victim)
        ward.progress(20, "all kills")
        for engine in ward.engines:
            engine.finish(ANSWER_SECONDS * 2)
        check_ward(ward)
    finally:
        ward.close()


def check_ward(ward):
    acked = [message_id for engine in ward.engines for message_id in engine.acked]
    sent = [message_id for engine in ward.engines for message_id in engine.sent]
    assert [problem for engine in ward.engines for problem in engine.problems] == []
    lines, seqs = promises.check_bus(ward.bus, "pas", acked, sent)
    assert sorted(seqs) == sorted(sent), "every message was acknowledged in the end, so every one is there"
    for engine in ward.engines:
        # Told to try again in the middle of a pipeline, a sender has sent what comes behind already.
        if engine.window == 1 or engine.n_later == 0:
            promises.check_sent_order(seqs, engine.sent, engine.name)
    places, visible = promises.wait_readers(ward.bus, "ward", ward.reader, ward.stream, ANSWER_SECONDS * 2)
    promises.check_readers(places, visible, ward.reader, ward.stream)
    assert ward.stream.process.poll() is None, "the library's reader lived through all of it"
    assert sum(engine.n_lost for engine in ward.engines) > 0 and ward.reader.n_sessions > 1, "nothing was killed"
    print(f"{len(sent)} messages, {len(lines)} lines, {sum(e.n_lost for e in ward.engines)} lost connections, "
          f"{sum(e.n_later for e in ward.engines)} told to try again, "
          f"{ward.reader.n_again} events came again in {ward.reader.n_sessions} sessions")


def test_nothing_acknowledged_is_lost_and_nothing_counts_twice_over_30_kills_under_load(make_bus):
    kill_by_turns(make_bus, 30, SEED)


@pytest.mark.nightly
@pytest.mark.parametrize("turn", range(10))
def test_nothing_acknowledged_is_lost_and_nothing_counts_twice_over_300_kills_under_load(make_bus, turn):
    kill_by_turns(make_bus, 30, SEED + turn + 1)


# ---- the checks themselves: one that cannot fail would promise nothing


def lines_of(*ids, duplicate=()):
    lines = [{"seq": 1, "index": 0, "type": "bus.settings"}]
    for message_id in ids:
        kind = "bus.duplicate" if len(lines) in duplicate else "encounter.admitted"
        lines.append({"seq": len(lines) + 1, "index": 0, "type": kind, "source": "pas", "source_message_id": message_id})
    return lines


def test_the_check_sees_what_is_lost_doubled_or_strange():
    good = lines_of("a", "b", "a", duplicate=(3,))
    assert promises.check_messages(good, "pas", ["a", "b"], ["a", "b"]) == {"a": 2, "b": 3}
    for lines, acknowledged, attempted, said in [
        (lines_of("a"), ["a", "b"], ["a", "b"], "lost"),
        (lines_of("a", "b", "a"), ["a"], ["a", "b"], "twice"),
        (lines_of("a", "x"), ["a"], ["a"], "nobody"),
    ]:
        with pytest.raises(AssertionError, match=said):
            promises.check_messages(lines, "pas", acknowledged, attempted)


def test_the_check_sees_gaps_repeats_and_lost_order():
    promises.check_order(lines_of("a", "b"))
    gap, again = lines_of("a", "b", "c"), lines_of("a", "b")
    del gap[2]
    for lines in (gap, again + again[-1:], again[::-1], again[1:]):
        with pytest.raises(AssertionError):
            promises.check_order(lines)
    promises.check_sent_order({"a": 2, "b": 5}, ["a", "b"], "who")
    with pytest.raises(AssertionError, match="order lost"):
        promises.check_sent_order({"a": 5, "b": 2}, ["a", "b"], "who")


def delivery(place, before, value="x"):
    one = feed_pb2.Delivery(seq=place[0], index=place[1], prev_seq=before[0], prev_index=before[1])
    one.event.type = value
    return one


def test_the_reader_sees_gaps_and_needless_repeats(bus):
    def read(*deliveries, durable=(0, 0), begin=(0, 0)):
        reader = FeedReader(bus)
        last = begin
        for one in deliveries:
            last = reader.delivery(one, last)
        reader.durable = durable
        for one in deliveries:
            reader.delivery(one, (one.prev_seq, one.prev_index))
        reader.context.term()
        return reader.problems

    good = [delivery((2, 0), (0, 0)), delivery((4, 0), (2, 0))]
    assert read(*good) == []
    assert any("was the last" in problem for problem in read(good[0], delivery((5, 0), (4, 0))))
    assert any("came again, though" in problem for problem in read(*good, durable=(2, 0)))
    assert any("other bytes" in problem for problem in read(*good, delivery((4, 0), (4, 0), "y")))
