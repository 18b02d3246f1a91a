"""Those who use a bus that is being killed: hospital engines that send until they are told yes, and readers that lose nothing."""

import collections
import random
import subprocess
import threading
import time

import zmq

from carebus_bus import ANSWER_SECONDS, BUILD, feed_pb2
from mllp_peer import Sender, adt

TRIGGERS = ["A28", "A01", "A02", "A08", "A31", "A03"]


class Engine(threading.Thread):
    """An interface engine: a connection, messages in order, each again until it is answered positively.

    `window` messages are on the way without an answer. After a lost connection, no answer in time or AE everything that has no
    positive answer is sent again, on a new connection, in order.
    """

    def __init__(self, port, name, window=1, pause=0.01, limit=None, seed=0, answer_seconds=15):
        super().__init__(daemon=True, name=name)
        self.port, self.window, self.pause, self.limit, self.answer_seconds = port, window, pause, limit, answer_seconds
        self.random = random.Random(f"{seed} {name}")
        self.finishing = threading.Event()
        self.sent, self.acked = [], []
        self.waiting = collections.deque()
        self.n_lost = self.n_later = 0
        self.abandoned = False
        self.problems = []
        self.answers = []

    def make(self):
        number = len(self.sent)
        message_id = f"{self.name}-{number}"
        text = adt(message_id, trigger=TRIGGERS[number % len(TRIGGERS)], local_id=f"{self.name.upper()}{number % 17}")
        self.sent.append(message_id)
        self.waiting.append((message_id, text))
        return message_id, text

    def has_more(self):
        return not self.finishing.is_set() and (self.limit is None or len(self.sent) < self.limit)

    def run(self):
        try:
            while not self.abandoned and (self.waiting or self.has_more()):
                try:
                    self.talk()
                except (OSError, EOFError):
                    self.n_lost += 1
                    time.sleep(0.02 + self.random.random() * 0.05)
        except Exception as error:  # a thread's own death must not look like silence
            self.problems.append(f"{self.name}: {error!r}")
            raise

    def talk(self):
        sender = Sender(self.port)
        again, on_way = collections.deque(self.waiting), collections.deque()
        try:
            while True:
                while len(on_way) < self.window and (again or self.has_more()):
                    one = again.popleft() if again else self.make()
                    sender.send(one[1])
                    on_way.append(one)
                if not on_way or self.abandoned:
                    return
                try:
                    answer = sender.receive(self.answer_seconds)
                except AssertionError:
                    raise EOFError from None
                if answer is None:
                    raise EOFError
                self.take(answer, on_way)
                time.sleep(self.random.random() * 2 * self.pause)
        finally:
            sender.close()

    def take(self, answer, on_way):
        message_id, _ = on_way.popleft()
        if answer.message_id != message_id:
            self.problems.append(f"{self.name}: {answer.code} for {answer.message_id}, not for {message_id}")
        self.answers.append(answer.code)
        if answer.code == "AA":
            self.acked.append(message_id)
            self.answered()
        elif answer.code == "AE":
            self.n_later += 1
            time.sleep(0.1)
            raise EOFError
        else:
            self.problems.append(f"{self.name}: {answer.code} for {message_id}: {answer.text!r}")
            self.answered()

    def answered(self):
        if not self.abandoned:
            self.waiting.popleft()

    def abandon(self):
        """Gives up what has no answer: the test is over."""
        self.abandoned = True
        self.finishing.set()

    def finish(self, seconds):
        """Sends nothing new; ends when everything has its answer."""
        self.finishing.set()
        self.join(seconds)
        assert not self.is_alive(), f"{self.name}: {len(self.waiting)} messages were never answered"


class FeedReader(threading.Thread):
    """A reader of the feed without libcarebus that takes GRAMMAR.md by its word and notes what does not fit."""

    def __init__(self, bus, team="ward", consumer="grammar", ack_every=7):
        super().__init__(daemon=True, name=consumer)
        self.endpoint, self.team, self.consumer, self.ack_every = bus.endpoint("feed"), team, consumer, ack_every
        self.events = {}          # place -> bytes of the event, in the order in which they came first
        self.durable = (0, 0)     # the newest Ack that was answered
        self.acked = (0, 0)       # the newest Ack that was sent
        self.n_again = self.n_sessions = 0
        self.problems = []
        self.ending = threading.Event()
        self.context = zmq.Context()

    def run(self):
        while not self.ending.is_set():
            dealer = self.context.socket(zmq.DEALER)
            dealer.linger = 0
            monitor = dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED)
            dealer.connect(self.endpoint)
            try:
                self.session(dealer, monitor)
            except Exception as error:
                self.problems.append(repr(error))
                raise
            finally:
                dealer.disable_monitor()
                monitor.close()
                dealer.close()
            time.sleep(0.02)

    def session(self, dealer, monitor):
        say = feed_pb2.FromReader()
        say.open.protocol, say.open.team, say.open.consumer, say.open.credit = 1, self.team, self.consumer, 64
        dealer.send(say.SerializeToString())
        last, unacked = None, 0
        poller = zmq.Poller()
        poller.register(dealer, zmq.POLLIN)
        poller.register(monitor, zmq.POLLIN)
        while not self.ending.is_set():
            ready = dict(poller.poll(50))
            if dealer in ready:
                heard = feed_pb2.ToReader.FromString(dealer.recv())
                kind = heard.WhichOneof("message")
                if kind == "refused":
                    return
                if kind == "opened":
                    last = self.opened(heard.opened)
                elif kind == "ack_answer":
                    self.durable = max(self.durable, (heard.ack_answer.seq, heard.ack_answer.index))
                elif kind == "delivery":
                    last = self.delivery(heard.delivery, last)
                    unacked += 1
            elif monitor in ready:
                return
            if unacked >= self.ack_every or (unacked and not ready):
                self.ack(dealer, last, unacked)
                unacked = 0

    def opened(self, opened):
        place = (opened.place.seq, opened.place.index)
        self.n_sessions += 1
        if not self.durable <= place <= self.acked:
            self.problems.append(f"resumed at {place}: {self.durable} was durable, {self.acked} was sent")
        return place

    def delivery(self, delivery, last):
        place, before = (delivery.seq, delivery.index), (delivery.prev_seq, delivery.prev_index)
        data = delivery.event.SerializeToString(deterministic=True)
        if last is None:
            self.problems.append(f"{place} before Opened")
        elif before != last:
            self.problems.append(f"{place} follows {before}, but {last} was the last")
        if place not in self.events:
            if self.events and place < next(reversed(self.events)):
                self.problems.append(f"{place} came new after {next(reversed(self.events))}")
            self.events[place] = data
        else:
            self.n_again += 1
            if place <= self.durable:
                self.problems.append(f"{place} came again, though {self.durable} was durable")
            if self.events[place] != data:
                self.problems.append(f"{place} came again with other bytes")
        return place

    def ack(self, dealer, place, count):
        # Before it is sent: what another thread compares with must not lag behind.
        self.acked = max(self.acked, place)
        for field in ("ack", "credit"):
            say = feed_pb2.FromReader()
            if field == "ack":
                say.ack.seq, say.ack.index = place
            else:
                say.credit.more = count
            dealer.send(say.SerializeToString())

    def stop(self):
        self.ending.set()
        self.join(ANSWER_SECONDS)
        self.context.term()


class StreamReader:
    """The library's own example of a reader, live and feed as one stream, over all that happens to the bus."""

    def __init__(self, bus, team="ward", consumer="library"):
        self.log = open(bus.folder / f"reader-{consumer}.log", "ab")
        command = ["stdbuf", "-oL", str(BUILD / "sdk" / "example-read"), bus.endpoint("feed"), bus.endpoint(f"live/{team}")]
        self.process = subprocess.Popen([*command, team, consumer, "1000000000"], stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.lines = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            # That it was sent before, without having come through, is no part of it.
            self.lines.append(line.strip().partition(" sent-before=")[0])

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(ANSWER_SECONDS)
        self.thread.join(ANSWER_SECONDS)
        self.process.stdout.close()
        self.log.close()
