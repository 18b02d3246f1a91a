"""Readers for the system tests, without any help of libcarebus: a feed's DEALER, a live SUB, and questions."""

import os
import time

import zmq

from carebus_bus import ANSWER_SECONDS, BusError, control_pb2, feed_pb2


def place(delivery):
    return (delivery.seq, delivery.index)


def previous(delivery):
    return (delivery.prev_seq, delivery.prev_index)


class Feed:
    """One reader of a feed. `keys` are the bus's public key and an own pair, for tcp."""

    def __init__(self, bus, team, consumer="c", endpoint=None, keys=None):
        self.team, self.consumer = team, consumer
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        if keys:
            self.socket.curve_serverkey, self.socket.curve_publickey, self.socket.curve_secretkey = (key.encode() for key in keys)
        self.socket.connect(endpoint or bus.endpoint("feed"))
        self.early = []  # what came before it was asked for

    def say(self, **fields):
        self.socket.send(feed_pb2.FromReader(**fields).SerializeToString())

    def hear(self, seconds=ANSWER_SECONDS):
        """The next message, or None; `place_only` deliveries are passed over."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left < 0 or not self.socket.poll(max(1, int(left * 1000))):
                return None
            message = feed_pb2.ToReader.FromString(self.socket.recv())
            if not message.delivery.place_only:
                return message

    def expect(self, kind, seconds=ANSWER_SECONDS):
        """The next message of this kind. Deliveries and AckAnswers that come before it are kept; a refusal is a failure."""
        for index, message in enumerate(self.early):
            if message.WhichOneof("message") == kind:
                del self.early[index]
                return getattr(message, kind)
        while True:
            message = self.hear(seconds)
            if message is None:
                raise BusError(f"no {kind} within {seconds} s")
            got = message.WhichOneof("message")
            if got == kind:
                return getattr(message, kind)
            if got not in ("ack_answer", "delivery"):
                raise BusError(f"instead of {kind}: {message}")
            self.early.append(message)

    def open(self, start=feed_pb2.Open.FROM_RESUME, credit=1000, after=None, **fields):
        request = feed_pb2.Open(**{"protocol": 1, "team": self.team, "consumer": self.consumer, "from": start, "credit": credit, **fields})
        self.early = [message for message in self.early if message.WhichOneof("message") != "delivery"]
        if after is not None:
            request.after.seq, request.after.index = after
        self.say(open=request)
        return self

    def opened(self):
        return self.expect("opened")

    def refused(self):
        return self.expect("refused").reason

    def take(self, count, seconds=ANSWER_SECONDS):
        return [self.expect("delivery", seconds) for _ in range(count)]

    def silent(self, seconds=0.5):
        """Nothing is delivered for a while."""
        return not self.early and self.hear(seconds) is None

    def credit(self, more):
        self.say(credit=feed_pb2.Credit(more=more))

    def ack(self, delivery, wait=True):
        """Acknowledges a delivery (or a place); with `wait` until it is on disk."""
        seq, index = delivery if isinstance(delivery, tuple) else place(delivery)
        self.say(ack=feed_pb2.Ack(seq=seq, index=index))
        while wait:
            answer = self.expect("ack_answer")
            if (answer.seq, answer.index) >= (seq, index):
                return answer

    def close(self):
        self.socket.close()
        self.context.term()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Live:
    """A plain SUB socket."""

    def __init__(self, bus, team, topics=("",), endpoint=None, keys=None, wait=True, high_water=None):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.linger = 0
        if high_water is not None:
            self.socket.rcvhwm = high_water
        if keys:
            self.socket.curve_serverkey, self.socket.curve_publickey, self.socket.curve_secretkey = (key.encode() for key in keys)
        for topic in topics:
            self.socket.subscribe(topic)
        self.socket.connect(endpoint or bus.endpoint(f"live/{team}"))
        if wait:
            self.wait_connected()

    def wait_connected(self):
        """It is let in when the stream says its place, as it does once a second."""
        while True:
            message = self.hear()
            if message is None:
                raise BusError("live says nothing")
            if message[0] == "bus.place":
                return

    def hear(self, seconds=ANSWER_SECONDS):
        """(topic, Delivery) or None."""
        if not self.socket.poll(int(seconds * 1000)):
            return None
        topic, payload = self.socket.recv_multipart()
        return topic.decode(), feed_pb2.Delivery.FromString(payload)

    def take(self, count, seconds=ANSWER_SECONDS):
        """The next events; places said in between are passed over."""
        taken = []
        while len(taken) < count:
            message = self.hear(seconds)
            if message is None:
                raise BusError(f"{len(taken)} of {count} by live")
            if not message[1].place_only:
                taken.append(message)
        return taken

    def close(self):
        self.socket.close()
        self.context.term()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def assert_chain(deliveries, start):
    """Each names the place of the one before it."""
    before = start
    for delivery in deliveries:
        assert previous(delivery) == before, f"{place(delivery)} says {previous(delivery)} came before it, not {before}"
        assert place(delivery) > before
        before = place(delivery)


def ask(bus, seconds=ANSWER_SECONDS, **command):
    """A question to serve; the answer, or an AssertionError with the reason."""
    reply = bus.request("query", seconds, **command)
    assert not reply.error, f"{reply.error}: {reply.detail}"
    return getattr(reply, reply.WhichOneof("answer"))


def tail(bus, team=None, from_seq=1, limit=0):
    """All items from there on, page by page."""
    items = []
    while True:
        request = control_pb2.TailRequest(from_seq=from_seq)
        if team:
            request.team = team
        if limit:
            request.limit = limit
        reply = ask(bus, tail=request)
        items.extend(reply.items)
        if reply.next_seq > reply.head_seq:
            return items
        assert reply.next_seq > from_seq, "a page that does not go on"
        from_seq = reply.next_seq


def as_user(uid, work):
    """Runs `work` in a child of that user; its result is an exit code (True: 0)."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            code = 0 if work() else 2
        except BaseException as error:  # pylint: disable=broad-except
            os.write(2, f"{error!r}\n".encode())
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
