"""What a broken glass does not open, how it ends, what stands of it in the audit, and who may park for whom."""

import datetime
import os
import time

import pytest
from carebus_bus import Bus, ask_pb2, bodies_pb2, control_pb2, event_pb2, feed_pb2, intake_pb2, journal_pb2, sharing_pb2, wait_for
from carebus_readers import Feed, as_user
from test_audit import who as audited
from test_break_glass import Program

SNOMED = "http://snomed.info/sct"
EMBRYO, HIV = "63487001", "86406008"
GLASS = {"name": "glass", "reason": "whoever has somebody in front of them", "classes": ["clinical"], "kinds": ["all"],
         "relationships": ["break-glass"]}
RULES = {"rules": [
            {"name": "stay", "reason": "who looks after somebody sees what is known", "classes": ["clinical"], "kinds": ["all"],
             "relationships": ["encounter"]},
            {**GLASS, "sensitive": ["sexual-health"], "despite_objection": True},
            {"name": "told", "reason": "whose record it is hears of it", "classes": ["all"], "kinds": ["notices"],
             "relationships": ["not-needed"]}],
         "sensitive": {"sexual-health": {"codes": [{"system": SNOMED, "code": HIV}]},
                       "assisted-conception": {"codes": [{"system": SNOMED, "code": EMBRYO}], "never": True}},
         "break_glass": {"reasons": ["emergency"]}}
TEAMS = {"ward": {"name": "Ward", "organisation": "RA9", "class": "clinical"},
         "clinic": {"name": "Clinic", "organisation": "RB1", "class": "clinical"},
         "dentist": {"name": "Dentist", "organisation": "RD1", "class": "clinical"}}
FOREIGN = 4242


def said(number, event_type, **fields):
    result = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", message_id=f"G{number}", original=f"MSH|G{number}\r".encode())
    event = result.events.add(type=event_type, action=event_pb2.ACTION_NEW, **fields)
    event.occurred_at.utc_at = 1_700_000_000_000_000 + number
    event.patient.identifiers.add(system="carebus:pas", value="P1", type="MR")
    return result


def stay(number):
    result = said(number, "encounter.admitted")
    event = result.events[0]
    event.encounter.identifier.system, event.encounter.identifier.value = "carebus:pas", "V1"
    event.encounter.status = "in-progress"
    return result


def condition(number, code):
    result = said(number, "condition.recorded")
    body = result.events[0].condition
    body.identifier.system, body.identifier.value = "carebus:pas", f"C{number}"
    body.code.system, body.code.code, body.code.text = SNOMED, code, f"condition {code}"
    return result


def objection(number):
    result = said(number, "consent.withdrawn")
    body = result.events[0].consent
    body.kind, body.state = bodies_pb2.Consent.KIND_SHARE, bodies_pb2.Consent.STATE_WITHDRAWN
    return result


@pytest.fixture
def make_world():
    """A bus with somebody who has a stay on the ward, and programs of other teams."""
    opened = []

    def make(rules=None, **more):
        bus = Bus({"teams": TEAMS, "sharing": rules or RULES, "scope": {"people": "all"}, **more})
        bus.__enter__()
        opened.append(bus)
        bus.programs = []
        bus.source("pas").send(stay(1), condition(2, HIV), condition(3, EMBRYO), condition(4, "22298006"))
        bus.wait_folded()
        bus.patient = bus.ctl_json("record", "carebus:pas", "P1")[0]["patient_id"]
        return bus

    yield make
    for bus in opened:
        for program in bus.programs:
            program.close()
        bus.__exit__(None, None, None)


def program(bus, team="clinic"):
    bus.programs.append(Program(bus, team))
    return bus.programs[-1]


def broken(bus, **fields):
    asked = {"patient_id": bus.patient, "reason": "emergency", "text": "collapsed at home, no letter", **fields}
    return sharing_pb2.BreakGlassRequest(**asked)


def record(bus, one):
    answer = one.ask(record=ask_pb2.RecordRequest(patient_id=bus.patient))
    return None if answer.error else answer.record


def codes(shown):
    return {fact.condition.code.code for section in shown.sections if section.name == "conditions" for fact in section.facts}


def refusals(bus):
    lines = [line["record"].get("refusal") for line in audited(bus, bus.patient)]
    return [line for line in lines if line]


def test_what_was_refused_stands_in_the_audit_with_who_asked(make_world):
    bus = make_world()
    clinic = program(bus)
    assert clinic.ask(who="dr.ng", break_glass=broken(bus, reason="curious")).error == "unknown-reason"
    assert clinic.ask(who="dr.ng", break_glass=broken(bus, text="urgent")).error == "who-and-why"
    told = wait_for(lambda: len(refusals(bus)) >= 2 and refusals(bus), what="both refusals in the audit")
    assert {one["code"] for one in told} == {"unknown-reason", "who-and-why"}
    for one in told:
        assert (one["team"], one["who"], one["system"]) == ("clinic", "dr.ng", "ward-desk")
        assert one["peer"] == f"unix:{os.getuid()}"
        assert "urgent" not in str(one), "no words of the asker"


def counts(bus):
    """How much was given under each broken glass, by team, the newest first."""
    result = {}
    for one in bus.ctl_json("break-glass", "list"):
        result.setdefault(one["team"], []).append(one["disclosures"])
    return result


def settled(bus):
    """Once live has said what it says of a glass that was just broken."""
    last = None
    while last != (last := counts(bus)):
        time.sleep(0.5)
    return last


def test_the_list_counts_what_was_given_under_each_and_shows_what_nobody_looked_at_first(make_world):
    bus = make_world()
    clinic, dentist = program(bus), program(bus, "dentist")
    assert clinic.ask(break_glass=broken(bus)).error == "" and dentist.ask(break_glass=broken(bus)).error == ""
    before = settled(bus)
    for _ in range(3):
        assert record(bus, clinic)
    after = counts(bus)
    assert {team: after[team][0] - before[team][0] for team in after} == {"clinic": 3, "dentist": 0}
    # Broken again: what was given before is the first one's.
    assert clinic.ask(break_glass=broken(bus, text="collapsed a second time")).error == ""
    before = settled(bus)
    assert record(bus, clinic)
    after = counts(bus)
    assert after["clinic"] == [before["clinic"][0] + 1, before["clinic"][1]], "the newest first"
    newest = bus.ctl_json("break-glass", "list")[0]
    bus.ctl("break-glass", "end", str(newest["seq"]), "--who", "Dr Ng", "--why", "transferred", check=0)
    wait_for(lambda: bus.ctl_json("break-glass", "list")[0].get("ended"), what="its end")
    bus.ctl("break-glass", "review", str(newest["seq"]), "--who", "Caldicott", "--why", "was right", check=0)
    every = bus.ctl_json("break-glass", "list", "--all")
    assert len(every) == 3 and every[-1]["seq"] == newest["seq"], "the newest, but somebody has looked at it"
    assert [one["seq"] for one in every[:2]] == sorted((one["seq"] for one in every[:2]), key=int, reverse=True)
    assert set(every[0]["noticed"]) >= {"ward"} and "clinic" not in every[-1]["noticed"]


def test_its_end_is_within_a_second_of_its_time_by_the_journal(make_world):
    bus = make_world()
    clinic = program(bus)
    granted = clinic.ask(break_glass=broken(bus, seconds=2)).granted
    assert record(bus, clinic)
    wait_for(lambda: record(bus, clinic) is None, what="it is closed")
    assert time.time() * 1e6 >= granted.until_at, "not before its time"
    ended, = [one for one in bus.ctl_json("tail") if one["type"] == "break_glass.ended"]
    came = datetime.datetime.fromisoformat(ended["received_at"]).timestamp() * 1e6
    assert 0 <= came - granted.until_at <= 1_000_000


def test_what_is_never_shown_is_not_shown_by_a_broken_glass(make_world):
    bus = make_world()
    clinic = program(bus)
    assert clinic.ask(break_glass=broken(bus)).error == ""
    shown = record(bus, clinic)
    assert codes(shown) == {HIV, "22298006"}, "a class that the rule names, and what is in none"
    answer = clinic.ask(events=feed_pb2.EventsRequest(patient_id=bus.patient))
    assert EMBRYO not in str(answer) and HIV in str(answer)


def test_an_objection_holds_against_a_broken_glass_but_where_the_rule_says_otherwise(make_world):
    rules = {**RULES, "rules": [rule for rule in RULES["rules"] if rule["name"] != "glass"] + [GLASS]}
    strict, open_ = make_world(rules=rules), make_world()
    for bus in (strict, open_):
        bus.source("pas").send(objection(5))
        bus.wait_folded()
        assert program(bus).ask(break_glass=broken(bus)).error == "", "it is written down, and told, in any case"
        assert [one for one in bus.ctl_json("tail") if one["type"] == "break_glass.opened"]
    assert record(open_, open_.programs[0]) is not None
    shown = record(strict, strict.programs[0])
    assert shown is None or not any(section.facts for section in shown.sections)


def wrong(number, said_by, code):
    """The condition that message `said_by` said was entered in error."""
    result = condition(number, code)
    result.events[0].action = event_pb2.ACTION_ENTERED_IN_ERROR
    result.events[0].condition.identifier.value = f"C{said_by}"
    return result


def test_what_a_record_had_only_under_a_broken_glass_is_corrected_and_nothing_else_that_is_sensitive(make_world):
    bus = make_world()
    clinic, pas = program(bus), bus.source("pas")
    granted = clinic.ask(break_glass=broken(bus)).granted
    assert HIV in codes(record(bus, clinic)) and EMBRYO not in codes(record(bus, clinic))
    bus.ctl("break-glass", "end", str(granted.seq), "--who", "Dr Ng", "--why", "transferred", check=0)
    wait_for(lambda: record(bus, clinic) is None, what="it is closed")
    pas.send(condition(5, HIV))
    bus.wait_folded()
    with Feed(bus, "clinic") as feed, Feed(bus, "dentist") as stranger:
        feed.open().opened()
        stranger.open().opened()
        # What is never shown, and what came behind the end, were in no record that they had.
        pas.send(wrong(6, 3, EMBRYO), wrong(7, 5, HIV), wrong(8, 2, HIV))
        bus.wait_folded()
        ids = [one["event_id"] for one in bus.ctl_json("tail") if one["type"] == "condition.recorded"]
        corrected = next(event for event in iter(lambda: feed.take(1)[0].event, None) if event.type == "record.corrected")
        assert list(corrected.notice.event_ids) == ids[:1], "the first, and of that alone"
        assert corrected.notice.section == "conditions" and HIV not in str(corrected)
        heard = iter(lambda: stranger.hear(0.3), None)
        assert not [one for one in heard if one.delivery.event.type == "record.corrected"]


def parked(bus):
    return journal_pb2.Parked(patient_id=bus.patient, from_seq=2, from_index=0, code="rejected")


@pytest.mark.root
def test_nobody_parks_for_a_team_that_is_not_theirs(make_world):
    bus = make_world(destinations={"out": {"team": "ward", "adapter": "own"}},
                     teams={**TEAMS, "dentist": {**TEAMS["dentist"], "user": FOREIGN}})

    def as_somebody_elses():
        with Feed(bus, "ward", "out") as feed:
            feed.open()
            if feed.refused() != "not-allowed":
                return False
            feed.say(park=feed_pb2.Park(id=1, parked=parked(bus)))
            return feed.refused() == "not-open"

    def as_their_own():
        """Of their own consumer they may: nobody is kept from anything by it."""
        with Feed(bus, "dentist", "own") as feed:
            feed.open().opened()
            feed.say(park=feed_pb2.Park(id=1, parked=parked(bus)))
            return not feed.expect("parked").error

    assert as_user(FOREIGN, as_somebody_elses) == 0
    assert bus.ctl_json("quarantine", "list") == []
    assert as_user(FOREIGN, as_their_own) == 0
    item, = bus.ctl_json("quarantine", "list")
    assert (item["parked"]["team"], item["parked"]["consumer"]) == ("dentist", "own")


@pytest.mark.root
def test_core_takes_no_parking_from_an_operator(make_world):
    bus = make_world(operators=[0, FOREIGN])
    request = control_pb2.ParkRequest(parked=parked(bus))
    request.parked.team, request.parked.consumer = "ward", "out"
    assert as_user(FOREIGN, lambda: bus.request("control", park=request).error == "not-allowed") == 0
    assert bus.ctl_json("quarantine", "list") == []
