"""Canaries: words that stand in every field of every type of event, in what a team must not see, and never come out on any way."""

import pathlib
import re

import pytest

from carebus_bus import ask_pb2, event_pb2, feed_pb2, intake_pb2
from carebus_readers import Feed, Live, Records, tail
from test_sharing import RULES, TEAMS, config, referral, stay

CANARY = b"zqcanary"
# Messages that hold themselves, however deep.
DEPTH_MAX = 4
# Set by the bus, or what makes it another event or another person.
LEFT_ALONE = {"event_id", "received_at", "source", "type", "action", "patient", "caused_by", "replaces", "cleared", "complete", "belated",
              "confirms", "loaded", "unconfirmed", "echo_of", "redacted", "team", "occurred_at", "recorded_at", "sensitivity",
              "source_message_id", "trigger"}


def fill(message, word, depth=0, leave=()):
    """A canary in every text of the message and of all that it holds."""
    for field in message.DESCRIPTOR.fields:
        if field.name in leave or depth > DEPTH_MAX:
            continue
        if field.containing_oneof and field.containing_oneof.name == "body":
            continue
        many = field.label == field.LABEL_REPEATED
        if field.type == field.TYPE_STRING:
            text = f"{word}{field.name.replace('_', '')}"
            if many:
                getattr(message, field.name).append(text)
            else:
                setattr(message, field.name, text)
        elif field.type == field.TYPE_MESSAGE:
            fill(getattr(message, field.name).add() if many else getattr(message, field.name), word, depth + 1)
    return message


def event_types():
    """(type, body) of all events that a source may say, by the tables of GRAMMAR.md."""
    grammar = (pathlib.Path(__file__).resolve().parents[2] / "proto" / "GRAMMAR.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_.]+)` \| `([a-z_]+)` \|", grammar, re.M)
    return [(name, body) for name, body in rows if body in event_pb2.Event.DESCRIPTOR.fields_by_name and body not in ("notice", "merge")]


def seeded(name, body, number):
    """An event of this type about the person, full of canaries."""
    result = intake_pb2.Submission(media_type="text/plain", message_id=f"C-{name}", original=CANARY + b" as it came")
    event = result.events.add(type=name, action=event_pb2.ACTION_NEW)
    event.occurred_at.utc_at = 1_700_000_000_000_000
    fill(event, "zqcanary", leave=LEFT_ALONE)
    fill(getattr(event, body), "zqcanary")
    event.patient.identifiers.add(system="carebus:pas", value=number).type = "MR"
    return result


def seed_all(bus, number, but=()):
    """One by one: what the bus does not take says nothing either. Returns how many it took."""
    lab, taken = bus.source("lab"), 0
    for name, body in event_types():
        if name.startswith(but):
            continue
        receipt, = lab.send(seeded(name, body, number))
        taken += receipt.WhichOneof("outcome") == "stored" if receipt.DESCRIPTOR.oneofs_by_name.get("outcome") else 1
    bus.wait_folded()
    return taken


def request_bytes(bus, team, patient_id):
    with Feed(bus, team, "asks") as feed:
        answers = []
        for fields in ({"record": ask_pb2.RecordRequest(patient_id=patient_id)},
                       {"events": feed_pb2.EventsRequest(patient_id=patient_id, limit=1000)},
                       {"find": ask_pb2.FindRequest(name="Jean Canary")},
                       {"find": ask_pb2.FindRequest(postcode="zqcanarypostalcode", phone="zqcanaryvalue", name="zqcanaryfamily")}):
            feed.say(request=feed_pb2.TeamRequest(id=1, team=team, **fields))
            answers.append(feed.expect("answer").SerializeToString())
        return b"".join(answers)


def all_bytes(bus, team, live, feed, replica, patient_id):
    """Whatever this team can get hold of, on every way there is."""
    out = []
    while (message := feed.hear(0.5)) is not None:
        out.append(message.SerializeToString())
    while (message := live.hear(0.3)) is not None:
        out.append(message[0].encode() + message[1].SerializeToString())
    replica.follow(0.5)
    out += [data for data, _ in replica.held.values()] + [gone.SerializeToString() for gone in replica.gone.values()]
    out += [item.SerializeToString() for item in tail(bus, team, grants=True)]
    out.append(request_bytes(bus, team, patient_id))
    with Feed(bus, team, "again", grants=True) as again:
        again.open(feed_pb2.Open.FROM_RESUME, credit=10000).opened()
        while (message := again.hear(0.5)) is not None:
            out.append(message.SerializeToString())
    return b"".join(out)


def outsiders(sharing):
    """A team that the referral brings a relationship, but the rules show it nothing of what the laboratory says."""
    return config(sharing=sharing, teams={**TEAMS, "care": {"name": "Care home", "organisation": "VM1", "class": "care-home"}})


@pytest.mark.parametrize("team, sharing, but", [
    pytest.param("driver", RULES, (), id="no rule for its class"),
    pytest.param("hospice", {**RULES, "rules": [{**RULES["rules"][0], "sources": ["pas"]}]}, (), id="rules that name another source"),
    pytest.param("hospice", {**RULES, "rules": [{**RULES["rules"][0], "kinds": ["encounters", "referrals"]}]},
                 ("encounter.", "referral.", "advice."), id="rules that name other sections"),
])
def test_no_canary_comes_out_to_who_may_not_see_it(make_bus, team, sharing, but):
    bus = make_bus(outsiders(sharing)).start()
    to = TEAMS[team]["organisation"]
    with Live(bus, team, grants=True) as live, Feed(bus, team, grants=True) as feed, Records(bus, team) as replica:
        feed.open(credit=10000).opened()
        replica.open()
        bus.source("pas").send(stay("S-1"), referral("S-2", to=to))
        bus.wait_folded()
        taken = seed_all(bus, "N-1", but)
        assert taken > 50
        patient_id = next(item.event.patient.patient_id for item in tail(bus) if item.event.patient.patient_id)
        shown = all_bytes(bus, team, live, feed, replica, patient_id)
    hidden = [line for line in shown.split(b"\x0a") if CANARY in line.lower()]
    assert not hidden, hidden[:5]


def test_no_canary_stands_in_any_log(make_bus):
    bus = make_bus(config()).start()
    bus.source("pas").send(stay("S-1"), referral("S-2"))
    assert seed_all(bus, "N-1") > 50
    with Feed(bus, "hospice", grants=True) as feed:
        feed.open(credit=10000).opened()
        while feed.hear(0.5) is not None:
            pass
    request_bytes(bus, "hospice", "p3.0")
    assert CANARY not in bus.log().encode().lower()


def test_canaries_do_come_out_to_who_may_see_them(make_bus):
    """So that the tests above can fail."""
    bus = make_bus(config()).start()
    bus.source("pas").send(stay("S-1"), referral("S-2"))
    assert seed_all(bus, "N-1") > 50
    shown = b"".join(item.SerializeToString() for item in tail(bus, "hospice"))
    assert shown.count(CANARY) > 1000
