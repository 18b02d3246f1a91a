#!/usr/bin/python3
"""The smallest reader without the library: a durable feed over ZeroMQ and protobuf.

read.py FEED TEAM CONSUMER N     (modules made by: protoc --python_out=DIR carebus/v1/*.proto)
"""
import sys

import zmq
from carebus.v1 import feed_pb2

CREDIT = 64


def main(endpoint, team, consumer, wanted):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 1000
    socket.connect(endpoint)

    say = feed_pb2.FromReader()
    say.open.protocol, say.open.team, say.open.consumer, say.open.credit = 1, team, consumer, CREDIT
    socket.send(say.SerializeToString())

    left = int(wanted)
    while left > 0:
        if not socket.poll(10000):
            sys.exit("read.py: nothing for ten seconds")
        heard = feed_pb2.ToReader()
        heard.ParseFromString(socket.recv())
        if heard.HasField("refused"):
            sys.exit(f"read.py: refused: {heard.refused.reason}")
        if not heard.HasField("delivery"):
            continue
        delivery = heard.delivery
        # Sent before, and not acknowledged: what was to be done with it may have been done.
        again = f" sent-before={delivery.sent_before}" if delivery.sent_before else ""
        print(f"{delivery.seq}.{delivery.index} {delivery.event.type} {delivery.event.source} {delivery.event.patient.patient_id}{again}")
        left -= 1

        # What is acknowledged never comes again; so do it after the work. Credit asks for one more.
        for field in ("ack", "credit"):
            say = feed_pb2.FromReader()
            if field == "ack":
                say.ack.seq, say.ack.index = delivery.seq, delivery.index
            else:
                say.credit.more = 1
            socket.send(say.SerializeToString())
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
