"""Readers for the system tests, without any help of libcarebus: a feed's DEALER, a live SUB, and questions."""

import hashlib
import os
import time

import zmq

from carebus_bus import ANSWER_SECONDS, BusError, control_pb2, feed_pb2


def place(delivery):
    return (delivery.seq, delivery.index)


def previous(delivery):
    return (delivery.prev_seq, delivery.prev_index)


# That a team has to do with a person from now on, or no more: beside most first events of a person, and the subject of few tests.
GRANTS = ("record.granted", "record.withdrawn")


class WithoutGrants:
    """Leaves GRANTS out of a stream of deliveries as a reader does that has no use for them: what follows comes behind what came before."""

    def __init__(self):
        self.left_out = {}  # place to the place before it

    def passes(self, delivery):
        if delivery.event.type in GRANTS:
            self.left_out[place(delivery)] = self.left_out.get(previous(delivery), previous(delivery))
            return False
        if previous(delivery) in self.left_out:
            delivery.prev_seq, delivery.prev_index = self.left_out[previous(delivery)]
        return True


class Feed:
    """One reader of a feed. `keys` are the bus's public key and an own pair, for tcp. `grants`: GRANTS are taken like all else."""

    def __init__(self, bus, team, consumer="c", endpoint=None, keys=None, grants=False):
        self.team, self.consumer = team, consumer
        self.without = None if grants else WithoutGrants()
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
            if message.delivery.place_only:
                continue
            if self.without and message.HasField("delivery") and not self.without.passes(message.delivery):
                continue
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


def record_bytes(raw):
    """The bytes of Delivery.record within a ToReader as they came: what is digested is not what another library would pack."""
    def fields(data):
        offset = 0

        def number():
            nonlocal offset
            value = shift = 0
            while True:
                byte = data[offset]
                offset += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        while offset < len(data):
            key = number()
            if key & 7 == 0:
                number()
            elif key & 7 == 2:
                size = number()
                yield key >> 3, data[offset:offset + size]
                offset += size
            else:
                offset += 8 if key & 7 == 1 else 4

    delivery = dict(fields(raw))[2]
    return dict(fields(delivery))[11]


def bucket(patient_id):
    return hashlib.sha256(patient_id.encode()).digest()[0]


def digest_sum(digests):
    """Sum of digests, each a little-endian number, modulo 2^256."""
    return (sum(int.from_bytes(digest, "little") for digest in digests) % 2**256).to_bytes(32, "little")


class Records(Feed):
    """A replica of a team's records, kept by nothing but the protocol: `held` is patient id to (bytes, seq)."""

    def __init__(self, bus, team, consumer="replica", **options):
        super().__init__(bus, team, consumer, **options)
        self.held = {}
        self.gone = {}        # patient id to RecordGone, as last heard
        self.place = (0, 0)
        self.lineage = 0
        self.points = []      # SnapshotEnds, in order
        self.unnamed = None   # of a snapshot under way: who was not named yet
        self.verdicts = []
        self.compares = 0
        self.acks = True
        self.whole = False    # it has held all that there was at some place: whoever has less begins with a snapshot

    def open(self, start=feed_pb2.Open.FROM_RESUME, credit=10000, after=None, **fields):
        request = feed_pb2.Open(**{"protocol": 1, "team": self.team, "consumer": self.consumer, "from": start, "credit": credit,
                                   "what": feed_pb2.Open.WHAT_RECORDS, **fields})
        if after is not None:
            request.after.seq, request.after.index, request.after.lineage = *after, self.lineage
        self.say(open=request)
        return self

    def go_on_for(self, replaced):
        """Opens with what another held: behind its last acknowledgement, unless it was still at a snapshot that it began with nothing."""
        self.held, self.whole = dict(replaced.held), replaced.whole
        return self.open() if self.whole else self.open(feed_pb2.Open.FROM_SNAPSHOT)

    def digests(self):
        return {patient_id: hashlib.sha256(data).digest() for patient_id, (data, _) in self.held.items()}

    def sum(self):
        return digest_sum(self.digests().values())

    def step(self, seconds=ANSWER_SECONDS):
        """Takes one message; its kind, or None when there was none in time."""
        if not self.socket.poll(max(1, int(seconds * 1000))):
            return None
        raw = self.socket.recv()
        message = feed_pb2.ToReader.FromString(raw)
        kind = message.WhichOneof("message")
        getattr(self, f"on_{kind}")(getattr(message, kind), raw)
        return kind

    def on_opened(self, opened, _raw):
        self.place, self.lineage = (opened.place.seq, opened.place.index), opened.place.lineage
        self.unnamed = set(self.held) if self.place == (0, 0) else None

    def on_delivery(self, delivery, raw):
        assert previous(delivery) == self.place, f"{place(delivery)} says {previous(delivery)} came before it, not {self.place}"
        if delivery.place_only:
            return
        assert place(delivery) > self.place
        self.place = place(delivery)
        self.credit(1)
        if delivery.WhichOneof("what") == "gone":
            self.held.pop(delivery.gone.patient_id, None)
            self.gone[delivery.gone.patient_id] = delivery.gone
            return
        patient_id = delivery.record.patient_id
        self.held[patient_id] = (record_bytes(raw), delivery.seq)
        self.gone.pop(patient_id, None)
        if self.unnamed:
            self.unnamed.discard(patient_id)

    def on_snapshot_end(self, end, _raw):
        assert (end.seq, end.index) >= self.place
        self.place = (end.seq, end.index)
        for patient_id in self.unnamed or ():
            self.held.pop(patient_id, None)
        self.unnamed = None
        self.whole = True
        self.points.append(end)
        if self.acks:
            self.say(ack=feed_pb2.Ack(seq=end.seq, index=end.index, digest=self.sum()))

    def on_ack_answer(self, answer, _raw):
        self.verdicts.append(answer.digest)

    def on_compare(self, compare, _raw):
        self.compares += 1
        answer = feed_pb2.Compared(id=compare.id, seq=self.place[0], index=self.place[1])
        if not compare.HasField("bucket"):
            sums = [[] for _ in range(256)]
            for patient_id, digest in self.digests().items():
                sums[bucket(patient_id)].append(digest)
            answer.sums.extend(digest_sum(digests) for digests in sums)
        else:
            answer.bucket = compare.bucket
            for patient_id, digest in self.digests().items():
                if bucket(patient_id) == compare.bucket:
                    answer.persons.add(patient_id=patient_id, digest=digest, seq=self.held[patient_id][1])
        self.say(compared=answer)

    def on_refused(self, refused, _raw):
        raise BusError(f"refused: {refused.reason}")

    def follow(self, seconds=0.3):
        """Takes all that comes until nothing comes for a while."""
        while self.step(seconds):
            pass
        return self

    def reach(self, seq, seconds=ANSWER_SECONDS):
        """Until a point of agreement lies at or beyond this entry and nothing more comes for a moment."""
        end = time.monotonic() + seconds
        while not self.points or self.points[-1].seq < seq:
            if time.monotonic() > end:
                raise BusError(f"no point of agreement at {seq}; the last was {self.points[-1].seq if self.points else None}")
            self.step(0.2)
        return self.follow(0.05)


class Live:
    """A plain SUB socket. `grants`: GRANTS are taken like all else."""

    def __init__(self, bus, team, topics=("",), endpoint=None, keys=None, wait=True, high_water=None, grants=False):
        self.without = None if grants else WithoutGrants()
        self.began = None  # where the stream stood when it let us in
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
                self.began = place(message[1])
                return

    def hear(self, seconds=ANSWER_SECONDS):
        """(topic, Delivery) or None."""
        end = time.monotonic() + seconds
        while True:
            if not self.socket.poll(max(0, int((end - time.monotonic()) * 1000))):
                return None
            topic, payload = self.socket.recv_multipart()
            delivery = feed_pb2.Delivery.FromString(payload)
            if not self.without or delivery.place_only or self.without.passes(delivery):
                return topic.decode(), delivery

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


def tail(bus, team=None, from_seq=1, limit=0, grants=False):
    """All items from there on, page by page; GRANTS where they are asked for."""
    items = []
    while True:
        request = control_pb2.TailRequest(from_seq=from_seq)
        if team:
            request.team = team
        if limit:
            request.limit = limit
        reply = ask(bus, tail=request)
        items.extend(item for item in reply.items if grants or item.type not in GRANTS)
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
