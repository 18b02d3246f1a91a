#!/usr/bin/python3
"""The smallest source without the library: ZeroMQ and protobuf only. GRAMMAR.md says who says what.

submit.py ENDPOINT SOURCE MESSAGE-ID LOCAL-ID     (modules made by: protoc --python_out=DIR carebus/v1/*.proto)
"""
import sys
import time

import zmq
from carebus.v1 import event_pb2, intake_pb2


def ask(socket, message):
    socket.send(message.SerializeToString())
    if not socket.poll(10000):
        sys.exit("submit.py: no answer from the bus")
    answer = intake_pb2.ToSource()
    answer.ParseFromString(socket.recv())
    return answer


def admitted(local_id):
    event = event_pb2.Event(type="encounter.admitted", action=event_pb2.ACTION_NEW)
    event.occurred_at.utc_at = int(time.time() * 1_000_000)
    event.patient.identifiers.add(system="carebus:example", value=local_id)
    event.encounter.admitted_at.utc_at = event.occurred_at.utc_at
    return event


def main(endpoint, source, message_id, local_id):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoint)

    hello = intake_pb2.FromSource()
    hello.hello.protocol, hello.hello.source, hello.hello.adapter = 1, source, "example"
    answer = ask(socket, hello)
    if not answer.HasField("welcome"):
        sys.exit(f"submit.py: refused: {answer.refused.reason}")

    submit = intake_pb2.FromSource()
    submission = submit.submit.submissions.add(
        number=answer.welcome.next_number, message_id=message_id, media_type="text/plain", original=local_id.encode()
    )
    submission.events.append(admitted(local_id))
    submission.message_time.utc_at = submission.events[0].occurred_at.utc_at

    receipt = ask(socket, submit).receipts.receipts[0]
    print(receipt.WhichOneof("result"), receipt.stored.seq or receipt.duplicate.of or receipt.refused.reason)
    return 75 if receipt.HasField("refused") else 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
