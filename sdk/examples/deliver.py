#!/usr/bin/python3
"""Brings a team's events on, without the library, to a system that may refuse them: here standard output, which refuses type POISON.

deliver.py FEED TEAM CONSUMER POISON SECONDS     (modules made by: protoc --python_out=DIR carebus/v1/*.proto)

What is refused is parked, all of that person behind it waits, and once somebody retried it, it comes again. Ends after so many idle
seconds.
"""
import sys

import zmq
from carebus.v1 import feed_pb2


class Delivery:
    def __init__(self, endpoint, team, consumer, poison):
        self.poison, self.waiting, self.parking, self.done = poison, set(), False, None
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 1000
        self.socket.connect(endpoint)
        self.say(open=feed_pb2.Open(protocol=1, team=team, consumer=consumer, credit=64))

    def say(self, **message):
        self.socket.send(feed_pb2.FromReader(**message).SerializeToString())

    def on_opened(self, opened):
        self.waiting = {parked.patient_id for parked in opened.parked}  # from an earlier run

    def on_delivery(self, delivery):
        place, person = f"{delivery.seq}.{delivery.index}", delivery.event.patient.patient_id
        if not delivery.redelivered and person in self.waiting:
            print(f"waits {place}")  # it comes again with the others
        elif not delivery.redelivered and delivery.event.type == self.poison:
            park = feed_pb2.Park(id=1)
            park.parked.patient_id, park.parked.from_seq, park.parked.from_index = person, delivery.seq, delivery.index
            park.parked.code, park.parked.tries = "rejected", 1
            self.say(park=park)
            self.waiting.add(person)
            self.parking = True
        elif not delivery.place_only:
            print(f"{'again' if delivery.redelivered else 'took'} {place} {delivery.event.type} {person}")
            if delivery.HasField("so_far"):  # the first that the team is given of this person: what was known before
                print(f"so-far {person} {len(delivery.so_far.sections)} sections")
        if not delivery.redelivered:
            self.done = feed_pb2.Ack(seq=delivery.seq, index=delivery.index)
        self.say(credit=feed_pb2.Credit(more=1))

    def on_parked(self, parked):
        self.parking = bool(parked.error)
        print(f"parked {parked.seq}" if not parked.error else f"not parked: {parked.error}")

    def on_redelivered(self, again):
        self.waiting.discard(again.patient_id)
        self.say(resumed=feed_pb2.Resumed(patient_id=again.patient_id, seq=again.seq))
        print(f"resumed {again.seq}")

    def run(self, seconds):
        while self.socket.poll(seconds * 1000):
            heard = feed_pb2.ToReader.FromString(self.socket.recv())
            kind = heard.WhichOneof("message")
            if kind == "refused":
                sys.exit(f"deliver.py: refused: {heard.refused.reason}")
            getattr(self, f"on_{kind}", lambda _: None)(getattr(heard, kind))
            if self.done and not self.parking:  # never beyond what the bus has not parked yet
                self.say(ack=self.done)
                self.done = None
            sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    Delivery(*sys.argv[1:5]).run(int(sys.argv[5]))
