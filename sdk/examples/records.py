#!/usr/bin/python3
"""The smallest replica without the library: keeps each record of a team in a file, and proves at each point of agreement what it holds.

records.py FEED TEAM CONSUMER FOLDER N     (modules made by: protoc --python_out=DIR carebus/v1/*.proto)

Begins afresh each time, takes until N points of agreement or ten idle seconds. GRAMMAR.md, "Feeds of records", says who says what.
"""
import hashlib
import pathlib
import sys

import zmq
from carebus.v1 import feed_pb2

CREDIT = 64


def fields(data):
    """Number and bytes of the fields of a packed message that have a length; the others are passed over."""
    def varint(at):
        value = shift = 0
        while True:
            value |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 0x80:
                return value, at

    at = 0
    while at < len(data):
        key, at = varint(at)
        if key & 7 == 2:
            size, at = varint(at)
            yield key >> 3, data[at:at + size]
            at += size
        else:
            at = varint(at)[1] if key & 7 == 0 else at + (8 if key & 7 == 1 else 4)


def record_bytes(message):
    """Delivery.record (11) within ToReader.delivery (2), as it came: what another library packs again may be other bytes."""
    return dict(fields(dict(fields(message))[2]))[11]


class Replica:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.digests = {}  # patient id -> SHA-256, and the entry of the delivery that brought it
        for path in self.folder.glob("p*"):
            path.unlink()  # a snapshot names all that there are

    def keep(self, patient_id, record, seq):
        beside = self.folder / ".new"
        beside.write_bytes(record)
        beside.rename(self.folder / patient_id)  # a crash leaves the one before
        self.digests[patient_id] = (hashlib.sha256(record).digest(), seq)

    def let_go(self, patient_id):
        (self.folder / patient_id).unlink(missing_ok=True)
        self.digests.pop(patient_id, None)

    @staticmethod
    def sum(digests):
        return (sum(int.from_bytes(digest, "little") for digest, _ in digests) % (1 << 256)).to_bytes(32, "little")

    def bucket(self, number):
        """Who is in it."""
        return [who for who in sorted(self.digests) if hashlib.sha256(who.encode()).digest()[0] == number]


class Reader:
    def __init__(self, endpoint, team, consumer, folder):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 1000
        self.socket.connect(endpoint)
        self.replica = Replica(folder)
        self.place = (0, 0)  # of the newest delivery that is in the replica
        self.say(open=feed_pb2.Open(protocol=1, team=team, consumer=consumer, what=feed_pb2.Open.WHAT_RECORDS,
                                    credit=CREDIT, **{"from": feed_pb2.Open.FROM_SNAPSHOT}))

    def say(self, **message):
        self.socket.send(feed_pb2.FromReader(**message).SerializeToString())

    def take(self, delivery, message):
        if delivery.HasField("record"):
            self.replica.keep(delivery.record.patient_id, record_bytes(message), delivery.seq)
            print(f"{delivery.seq}.{delivery.index} {delivery.record.patient_id}")
        else:
            self.replica.let_go(delivery.gone.patient_id)
            print(f"{delivery.seq}.{delivery.index} {delivery.gone.patient_id} gone: {delivery.gone.reason}")
        self.place = (delivery.seq, delivery.index)
        self.say(ack=feed_pb2.Ack(seq=delivery.seq, index=delivery.index))
        self.say(credit=feed_pb2.Credit(more=1))

    def compared(self, compare):
        """On whom do we differ? The sums of all buckets, or who is in one, at most 128 a message."""
        answer = {"id": compare.id, "seq": self.place[0], "index": self.place[1]}
        if not compare.HasField("bucket"):
            sums = [self.replica.sum(self.replica.digests[who] for who in self.replica.bucket(number)) for number in range(256)]
            self.say(compared=feed_pb2.Compared(sums=sums, **answer))
            return
        persons = self.replica.bucket(compare.bucket)
        for first in range(0, max(1, len(persons)), 128):
            said = feed_pb2.Compared(bucket=compare.bucket, more=first + 128 < len(persons), **answer)
            for who in persons[first:first + 128]:
                digest, seq = self.replica.digests[who]
                said.persons.add(patient_id=who, digest=digest, seq=seq)
            self.say(compared=said)

    def run(self, wanted):
        left, persons = wanted, 0
        while left > 0 and self.socket.poll(10000):
            message = self.socket.recv()
            heard = feed_pb2.ToReader.FromString(message)
            kind = heard.WhichOneof("message")
            if kind == "refused":
                sys.exit(f"records.py: refused: {heard.refused.reason}")
            if kind == "delivery":
                self.take(heard.delivery, message)
            elif kind == "snapshot_end":
                persons = heard.snapshot_end.persons
                self.say(ack=feed_pb2.Ack(seq=heard.snapshot_end.seq, index=heard.snapshot_end.index,
                                          digest=self.replica.sum(self.replica.digests.values())))
            elif kind == "compare":
                self.compared(heard.compare)
            elif kind == "ack_answer" and heard.ack_answer.digest in ("equal", "differs"):
                print(f"{heard.ack_answer.seq}.{heard.ack_answer.index} {heard.ack_answer.digest}: {persons} persons", flush=True)
                left -= 1
        return 0 if left == 0 else 75


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    sys.exit(Reader(*sys.argv[1:5]).run(int(sys.argv[5])))
