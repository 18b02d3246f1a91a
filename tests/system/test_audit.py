"""The audit: who was given what, is it what was written, and what becomes of it when something dies or is full."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from carebus_bus import submission, wait_for
from carebus_readers import Feed
from test_storage import small_disk  # noqa: F401

HOSPICE = {"hospice": {"name": "Hospice", "organisation": "8AB12", "class": "clinical"}}
CANARY = "XylophoneCanary"


def folder(bus):
    return bus.folder / "state" / "serve" / "audit"


def verify(bus, *more):
    answer = bus.ctl("--json", "audit", "verify", *more)
    return answer.returncode, json.loads(answer.stdout)


def begin(feed):
    feed.open().opened()
    return feed


def admission(message_id, **fields):
    """Of a person of its own."""
    result = submission(message_id, **fields)
    for event in result.events:
        event.patient.identifiers[0].value = f"P-{message_id}"
    return result


def person_of(delivery):
    return delivery.event.patient.patient_id


def who(bus, person, *more):
    answer = bus.ctl("--json", "audit", "who", person, *more)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def disclosures(lines, team):
    return [line["record"]["disclosure"] for line in lines if line["record"].get("disclosure", {}).get("team") == team]


def events_given(bus, person, team):
    return {(int(item["seq"]), int(item.get("index", 0))): item for one in disclosures(who(bus, person), team)
            if one.get("way") == "feed" for item in one["items"] if not item.get("record")}


def test_who_saw_this_person_says_team_time_rule_and_way(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    pas = bus.source("pas")
    pas.send(admission("A-1"), admission("B-2"))
    with Feed(bus, "hospice", "list") as hospice:
        deliveries = begin(hospice).take(2)
    mine, other = deliveries
    lines = who(bus, person_of(mine))
    given, = [d for d in disclosures(lines, "hospice") if d["way"] == "feed"]
    assert given["consumer"] == "list" and given["peer"] == f"unix:{os.getuid()}"
    assert [int(item["seq"]) for item in given["items"]] == [mine.seq]
    assert {item["patient_id"] for item in given["items"]} == {person_of(mine)} != {person_of(other)}
    words = bus.ctl("audit", "who", person_of(mine)).stdout
    assert "team hospice" in words and "by rule" in words and f"event {mine.seq}.{mine.index}" in words
    assert [line for line in who(bus, person_of(mine), "--until", "2001-01-01")] == []
    assert who(bus, person_of(mine), "--from", "2001-01-01")
    asked = [d for line in who(bus, person_of(mine)) for d in [line["record"].get("disclosure", {})] if d and "team" not in d]
    assert asked and asked[0]["way"] == "query"


def test_the_digest_is_that_of_the_bytes_that_the_reader_got(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    bus.source("pas").send(admission("A-1"))
    with Feed(bus, "hospice", "list") as hospice:
        delivery, = begin(hospice).take(1)
    given = events_given(bus, person_of(delivery), "hospice")
    digest = given[(delivery.seq, delivery.index)]["digest"]
    own = hashlib.sha256(delivery.event.SerializeToString()).digest()
    assert digest in (own.hex(), base64.b64encode(own).decode())


def test_no_word_of_a_patient_stands_in_the_audit(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    said = admission("A-1")
    said.events[0].notes.add(text=CANARY)
    said.events[0].patient.identifiers[0].value = CANARY
    bus.source("pas").send(said)
    with Feed(bus, "hospice", "list") as hospice:
        delivery, = begin(hospice).take(1)
    assert CANARY in str(delivery)
    bus.ctl("record", person_of(delivery), "--team", "hospice")
    bus.ctl("find", "--identifier", CANARY)
    bus.ctl("why", f"{delivery.seq}.{delivery.index}", "hospice")
    bus.stop()
    for path in folder(bus).rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def test_what_a_reader_received_is_in_the_audit_whenever_serve_dies(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    pas = bus.source("pas")
    received = {}
    for round_number in range(3):
        pas.send(*[admission(f"{round_number}-{n}") for n in range(60)])
        with Feed(bus, "hospice", "list") as hospice:
            for delivery in begin(hospice).take(40):
                received[(delivery.seq, delivery.index)] = person_of(delivery)
            dead = bus.serve_pid
            os.kill(dead, signal.SIGKILL)
            while True:
                message = hospice.hear(0.2)
                if message is None:
                    break
                if message.WhichOneof("message") == "delivery" and not message.delivery.place_only:
                    received[(message.delivery.seq, message.delivery.index)] = person_of(message.delivery)
        wait_for(lambda: bus.serve_pid not in (None, dead) and bus.ctl("status").returncode == 0, what="serve answers again")
    for person in set(received.values()):
        given = wait_for(lambda p=person: events_given(bus, p, "hospice"), what="an answer")
        assert {place for place, whose in received.items() if whose == person} <= set(given)
    bus.stop()
    code, said = verify(bus)
    assert code == 0 and said["anchored"] == said["records"]


def test_verify_finds_what_was_altered_and_serve_gives_nothing_out_over_it(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    bus.source("pas").send(admission("A-1"))
    with Feed(bus, "hospice", "list") as hospice:
        begin(hospice).take(1)
    bus.stop()
    elsewhere = bus.folder / "elsewhere"
    elsewhere.write_text(bus.ctl("audit", "anchor").stdout)
    assert verify(bus, "--anchor", str(elsewhere))[0] == 0
    segment = min(folder(bus).glob("*.audit"))
    whole = segment.read_bytes()
    segment.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    code, said = verify(bus)
    assert (code, said["intact"], said["reason"]) == (1, False, "checksum")
    bus.start(wait=False)
    wait_for(lambda: "AUDIT_DAMAGED" in bus.log(), what="the log says that the audit is damaged")
    bus.kill()
    segment.write_bytes(whole[: len(whole) - 40])
    assert verify(bus)[0] == 1
    shutil.rmtree(folder(bus))
    bus.start()
    bus.stop()
    assert verify(bus)[0] == 0
    code, said = verify(bus, "--anchor", str(elsewhere))
    assert code == 1 and said["saved"], said
    assert bus.ctl("audit", "verify", "--folder", str(bus.folder / "nowhere")).returncode == 74


def cram(disk, name):
    """Takes all that is free; the file that takes it."""
    path = disk / name
    with open(path, "wb", buffering=0) as ballast:
        try:
            while ballast.write(b"\1" * 4096):
                pass
        except OSError:
            pass
    return path


def test_what_cannot_be_audited_is_not_given_out_and_all_resumes(make_bus, small_disk):  # noqa: F811
    bus = make_bus({"state": str(small_disk / "state"), "teams": HOSPICE,
                    "journal": {"reserve_bytes": 0, "segment_bytes": "256 KiB"}}).start()
    pas = bus.source("pas")
    pas.send(admission("A-1"))
    with Feed(bus, "hospice", "list") as hospice:
        begin(hospice).take(1)
        pas.send(*[admission(f"N-{n}") for n in range(20)])
        bus.wait_folded()
        hospice.take(20)
        crammed = [cram(small_disk, "ballast")]
        (small_disk / "state" / "serve" / "audit" / "reserve").unlink()
        crammed.append(cram(small_disk, "more"))
        answer = None
        for _ in range(200):  # each fills a little of the last page
            answer = bus.ctl("why", "2.0", "hospice")
            if answer.returncode != 0:
                break
        assert answer.returncode != 0 and "disk is full" in answer.stderr
        wait_for(lambda: "AUDIT_FULL" in bus.log(), what="the log says that there is no room")
        for path in crammed:
            path.unlink()
        wait_for(lambda: bus.ctl("why", "2.0", "hospice").returncode == 0, what="questions are answered again")
        wait_for(lambda: "AUDIT_RESUMED" in bus.log(), what="the log says that there is room again")
        assert bus.log().count("event=AUDIT_FULL") == 1
        wait_for(lambda: pas.send(admission("Z-1"))[0].WhichOneof("result") == "stored", what="the source is taken again")
        hospice.take(1)
    bus.stop()
    assert bus.ctl("audit", "verify").returncode == 0


def test_export_is_one_audit_event_a_line_with_agent_source_and_entity(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    bus.source("pas").send(admission("A-1"), admission("B-2"))
    with Feed(bus, "hospice", "list") as hospice:
        mine, other = begin(hospice).take(2)
    target = bus.folder / "march.ndjson"
    assert bus.ctl("audit", "export", "--fhir", str(target)).returncode == 0
    assert bus.ctl("audit", "export", "--fhir", str(target)).returncode == 74  # nothing is written over
    resources = [json.loads(line) for line in target.read_text().splitlines()]
    assert {resource["resourceType"] for resource in resources} == {"AuditEvent"}
    for resource in resources:
        assert resource["type"]["code"] and resource["recorded"].endswith("Z") and resource["action"] in "CRUDE"
        assert resource["outcome"] in ("0", "4") and resource["source"]["observer"]["identifier"]["value"] == "test-bus"
        assert len([agent for agent in resource["agent"] if agent["requestor"]]) == 1
    of_person = [r for r in resources for e in r.get("entity", []) if e["what"]["identifier"]["value"] == person_of(mine)]
    assert of_person
    for resource in of_person:
        assert person_of(other) not in {e["what"]["identifier"]["value"] for e in resource["entity"]}
    assert any(a["who"]["identifier"]["value"] == "hospice" for r in of_person for a in r["agent"])
    assert bus.ctl("audit", "export", "--fhir", "-", "--until", "2001-01-01").stdout == ""


def test_decisions_and_settings_stand_there_once_each_across_restarts(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    bus.source("pas").send(admission("A-1"))
    bus.wait_folded()
    for _ in range(2):
        bus.stop()
        bus.start()
    bus.stop()
    resources = [json.loads(line) for line in bus.ctl("audit", "export", "--fhir", "-").stdout.splitlines()]
    settings = [r for r in resources if r["subtype"][0]["code"] == "110129"]
    assert len(settings) == 1
    codes = [r["subtype"][0]["code"] for r in resources]
    assert codes.count("110120") == codes.count("110121") == 3


def why_of(bus, event, team):
    return json.loads(bus.ctl("--json", "why", event, team).stdout)


def delivery_of(answer, consumer):
    only, = [one for one in answer["deliveries"] if one.get("consumer") == consumer]
    return only


def test_why_tells_apart_what_the_rules_say_and_what_happened(make_bus):
    bus = make_bus({"teams": {**HOSPICE, "stranger": {"name": "Stranger", "organisation": "RX1", "class": "clinical",
                                           "may_read": ["lab"]}}}).start()
    bus.source("pas").send(admission("A-1"))
    with Feed(bus, "hospice", "list") as hospice:
        delivery, = begin(hospice).take(1)
        event = f"{delivery.seq}.{delivery.index}"
        sent = why_of(bus, event, "hospice")
        assert sent["sight"] == "whole" and sent["rule"]
        # What is published live is audited too, by another thread, before or after.
        assert "acknowledged_at" not in delivery_of(sent, "list")
        hospice.ack(delivery)
        wait_for(lambda: "acknowledged_at" in delivery_of(why_of(bus, event, "hospice"), "list"), what="the acknowledgement shows")
    hidden = json.loads(bus.ctl("--json", "why", "pas", "A-1", "stranger").stdout.splitlines()[0])
    assert hidden["sight"] == "hidden" and hidden["reason"] == "source-not-read" and not hidden.get("deliveries")
    assert "may_read" in bus.ctl("why", event, "stranger").stdout
    assert bus.ctl("why", event, "nobody").returncode != 0
    assert bus.ctl("why", "999999.0", "hospice").returncode != 0


def test_receipts_say_what_came_of_each_message_without_content(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    pas = bus.source("pas")
    first = admission("A-1", time_at=1_700_000_000_000_000)
    pas.send(first)
    pas.send(admission("B-2"))
    bus.wait_folded()
    with Feed(bus, "hospice", "list") as hospice:
        deliveries = begin(hospice).take(2)
        hospice.ack(deliveries[0])
        wait_for(lambda: "acknowledged" in bus.ctl("receipts", "pas").stdout, what="the acknowledgement shows")
    receipts = [json.loads(line) for line in bus.ctl("--json", "receipts", "pas").stdout.splitlines()]
    assert [one["message_id"] for one in receipts] == ["B-2", "A-1"]
    assert {one["outcome"] for one in receipts} == {"used"}
    states = {(team["team"], team.get("consumer")): team["state"] for team in receipts[1]["teams"]}
    assert states[("hospice", "list")] == "acknowledged"
    assert {team["state"] for team in receipts[0]["teams"] if team.get("consumer") == "list"} == {"sent"}
    only, = bus.ctl("--json", "receipts", "pas", "--message", "A-1").stdout.splitlines()
    assert json.loads(only)["seq"] == receipts[1]["seq"]
    assert person_of(deliveries[0]) not in bus.ctl("--json", "receipts", "pas").stdout
    assert bus.ctl("receipts", "nobody").returncode != 0


# ---- who was refused at the door, and over the control socket

AT_THE_DOOR = """
import os, sys
sys.path.insert(0, sys.argv[1])
import zmq
os.setgroups([]); os.setgid(2); os.setuid(2)
for kind, endpoint in ((zmq.DEALER, sys.argv[2]), (zmq.SUB, sys.argv[3]), (zmq.DEALER, sys.argv[4])):
    context = zmq.Context()
    socket = context.socket(kind)
    socket.linger = 0
    monitor = socket.get_monitor_socket()
    socket.connect(endpoint)
    while True:
        if not monitor.poll(60000):
            sys.exit(1)
        name = zmq.Event(int.from_bytes(monitor.recv_multipart()[0][:2], "little")).name
        if name.startswith("HANDSHAKE_FAILED"):
            break
    socket.disable_monitor()
    monitor.close()
    socket.close()
    context.term()
"""


def refusals(bus):
    lines = bus.ctl("audit", "export", "--fhir", "-").stdout.splitlines()
    return [resource for resource in map(json.loads, lines) if resource["outcome"] == "4"]


@pytest.mark.root
def test_who_does_not_get_past_the_handshake_of_feed_live_or_control_stands_in_the_audit(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    endpoints = [bus.endpoint("feed"), bus.endpoint("live/hospice"), bus.endpoint("control")]
    done = subprocess.run([sys.executable, "-c", AT_THE_DOOR, os.path.dirname(__file__), *endpoints], check=False, timeout=240)
    assert done.returncode == 0
    found = wait_for(lambda: len(said := [one for one in map(json.dumps, refusals(bus)) if '"unix:2"' in one]) >= 3 and said,
                     what="three refusals in the audit")
    assert any("hospice" in one for one in found), "whose stream it was"
    assert all("not-allowed" in one for one in found)
    bus.stop()
    assert bus.ctl("audit", "verify").returncode == 0


def test_what_core_refuses_over_the_control_socket_stands_in_the_audit(make_bus):
    bus = make_bus({"teams": HOSPICE}).start()
    assert bus.ctl("quarantine", "retry", "77", "--who", "Dr Ng").returncode != 0
    assert bus.ctl("break-glass", "p999999.0", "--team", "hospice", "--reason", "emergency", "--why", "collapsed at home, no letter",
                   "--who", "Dr Ng").returncode != 0
    both = wait_for(lambda: len(found := [json.dumps(one) for one in refusals(bus)]) >= 2 and found, what="two refusals in the audit")
    assert any("hospice" in one and "not-found" in one and "p999999.0" in one for one in both), both
    assert all(f"unix:{os.getuid()}" in one for one in both)
