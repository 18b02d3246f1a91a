#!/usr/bin/python3
"""Asks without the library, in the name of a person who looks: breaks the glass, opens a contact, reads what happened to somebody.

ask.py FEED TEAM WHO PATIENT-ID break-glass REASON TEXT
ask.py FEED TEAM WHO PATIENT-ID contact CALLER REASON
ask.py FEED TEAM WHO PATIENT-ID events           (modules made by: protoc --python_out=DIR carebus/v1/*.proto)
"""
import sys

import zmq
from carebus.v1 import feed_pb2


def ask(endpoint, request):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoint)
    socket.send(feed_pb2.FromReader(request=request).SerializeToString())
    if not socket.poll(10000):
        sys.exit("ask.py: no answer from the bus")
    answer = feed_pb2.ToReader.FromString(socket.recv()).answer
    if answer.error:  # a code for the program, and what to do next for people
        print(f"ask.py: {answer.error}: {answer.detail}", file=sys.stderr)
        sys.exit(77)
    return answer


def main(endpoint, team, who, patient_id, command, *words):
    # Who looks, in which program, and what for: it stands in the audit.
    request = feed_pb2.TeamRequest(id=1, team=team, who=who, system="example", purpose="direct-care")
    if command == "break-glass":
        request.break_glass.patient_id, request.break_glass.reason, request.break_glass.text = patient_id, *words
    elif command == "contact":
        request.open_contact.patient_id, request.open_contact.caller, request.open_contact.reason = patient_id, *words
    else:
        request.events.patient_id = patient_id
    answer = ask(endpoint, request)
    if answer.HasField("granted"):
        granted = answer.granted
        print(f"granted {granted.patient_id} by {granted.seq} until {granted.until_at // 1_000_000}")
    for delivery in answer.events.deliveries:
        print(f"{delivery.seq}.{delivery.index} {delivery.event.type}")


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
