"""Who is given what, with real processes: each way before a team has to do with a person, while it has, after, and by rules that change."""

import time

import pytest

from carebus_bus import ask_pb2, event_pb2, feed_pb2, intake_pb2, wait_for
from carebus_readers import Feed, Live, Records, place, tail

SENSITIVE = {name: {"codes": []} for name in ("termination", "assisted-conception", "gender-reassignment", "very-restricted")}
RULES = {
    "rules": [
        {"name": "care", "reason": "direct care", "classes": ["clinical"], "kinds": ["all"],
         "relationships": ["encounter", "referral", "episode", "care-team"]},
    ],
    "sensitive": {**SENSITIVE, "sexual-health": {"codes": [{"system": "http://snomed.info/sct", "code": "86406008"}], "words": ["hiv"]}},
    "restricted": {"types": ["Address", "Telecom", "RelatedPerson"], "fields": ["demographics.practice"]},
    "existence": [],
}
TEAMS = {
    "ward": {"name": "Ward", "organisation": "RA9", "class": "clinical"},
    "hospice": {"name": "Hospice", "organisation": "8HV48", "class": "clinical"},
    "driver": {"name": "Volunteers", "organisation": "VOL01", "class": "volunteer"},
}
SOURCES = {
    "pas": {"team": "ward", "adapter": "own"},
    "lab": {"team": "ward", "adapter": "own"},
    "notes": {"team": "hospice", "adapter": "own"},
}


def config(**more):
    return {"teams": TEAMS, "sources": SOURCES, "sharing": RULES, **more}


@pytest.fixture
def bus(make_bus):
    return make_bus(config()).start()


def said(kind, message_id, number="N-1", source="pas", **fields):
    result = intake_pb2.Submission(media_type="application/json", message_id=message_id, original=message_id.encode())
    event = result.events.add(type=kind, action=event_pb2.ACTION_NEW)
    event.occurred_at.utc_at = 1_700_000_000_000_000
    identifier = event.patient.identifiers.add(system=f"carebus:{source}", value=number)
    identifier.type = "MR"
    event.patient.demographics.names.add(family="Canary", given=["Jean"])
    event.patient.demographics.birth_date.year = 1941
    event.patient.demographics.birth_date.month = 3
    event.patient.demographics.birth_date.day = 9
    event.patient.demographics.addresses.add(line=["9 Secret Lane"], postal_code="SY1 1AA")
    return result, event


def referral(message_id, status="requested", to="8HV48", number="N-1"):
    result, event = said("referral.requested" if status == "requested" else "referral.closed", message_id, number)
    event.referral_id.system, event.referral_id.value = "carebus:pas", "REF-1"
    event.referral.identifier.CopyFrom(event.referral_id)
    event.referral.status = status
    event.referral.to.organisation.identifier.system = "https://fhir.nhs.uk/Id/ods-organization-code"
    event.referral.to.organisation.identifier.value = to
    return result


def stay(message_id, number="N-1"):
    result, event = said("encounter.admitted", message_id, number)
    event.encounter.identifier.system, event.encounter.identifier.value = "carebus:pas", f"V-{number}"
    event.encounter_id.CopyFrom(event.encounter.identifier)
    event.encounter.status = "in-progress"
    return result


def diagnosis(message_id, code="254837009", text="Malignant neoplasm of breast", number="N-1"):
    result, event = said("condition.recorded", message_id, number)
    event.condition.code.system, event.condition.code.code, event.condition.code.text = "http://snomed.info/sct", code, text
    return result


def types(items):
    return [item.type for item in items]


def patient_of(bus):
    return next(item.event.patient.patient_id for item in tail(bus) if item.event.patient.patient_id)


def request(bus, team, **fields):
    """A question of a team's program over its feed."""
    with Feed(bus, team, "asks") as feed:
        feed.say(request=feed_pb2.TeamRequest(id=1, team=team, **fields))
        return feed.expect("answer")


def record_error(bus, team, patient_id):
    return request(bus, team, record=ask_pb2.RecordRequest(patient_id=patient_id)).error


def test_nobody_is_given_anything_without_a_relationship(bus):
    with Live(bus, "hospice") as live, Feed(bus, "hospice") as feed, Records(bus, "hospice") as replica:
        feed.open().opened()
        replica.open()
        bus.source("pas").send(stay("S-1"), diagnosis("S-2"))
        bus.wait_folded()
        assert feed.silent(1)
        assert {message[0] for message in iter(lambda: live.hear(0.5), None)} <= {"bus.place"}
        replica.follow(0.5)
        assert not replica.held and not replica.gone
        assert tail(bus, "hospice", grants=True) == []
        patient_id = patient_of(bus)
        # Somebody who is hidden, and nobody at all, are answered alike.
        hidden = request(bus, "hospice", record=ask_pb2.RecordRequest(patient_id=patient_id))
        nobody = request(bus, "hospice", record=ask_pb2.RecordRequest(patient_id="p999999.0"))
        assert (hidden.error, hidden.detail) == (nobody.error, nobody.detail) and hidden.error == "not-found"
        found = request(bus, "hospice", find=ask_pb2.FindRequest(name="Jean Canary"))
        assert not found.error and not found.found.candidates
        assert request(bus, "hospice", events=feed_pb2.EventsRequest(patient_id=patient_id)).error == "not-found"
        # The ward has its own word.
        assert types(tail(bus, "ward")) == ["encounter.admitted", "condition.recorded"]


def test_a_referral_shows_the_record_at_once_with_all_that_was_before(bus):
    pas = bus.source("pas")
    pas.send(stay("S-1"), diagnosis("S-2"))
    bus.wait_folded()
    with Feed(bus, "hospice", grants=True) as feed, Live(bus, "hospice", grants=True) as live, Records(bus, "hospice") as replica:
        feed.open().opened()
        replica.open().follow()
        pas.send(referral("S-3"))
        taken = [feed.take(1)[0] for _ in range(2)]
        assert [one.event.type for one in taken] == ["referral.requested", "record.granted"]
        granted = taken[1]
        assert granted.event.notice.team == "hospice"
        assert {section.name for section in granted.so_far.sections} >= {"conditions", "demographics", "referrals"}
        heard = [message[1] for message in live.take(2)]
        assert [place(one) for one in heard] == [place(one) for one in taken]
        assert heard[1].so_far.patient_id == granted.so_far.patient_id
        wait_for(lambda: replica.follow(0.1).held, what="the record in the replica")
        pas.send(diagnosis("S-4", "363346000", "Cancer"))
        assert feed.take(1)[0].event.type == "condition.recorded"
        assert request(bus, "hospice", record=ask_pb2.RecordRequest(patient_id=granted.so_far.patient_id)).record.patient_id
        events = request(bus, "hospice", events=feed_pb2.EventsRequest(patient_id=granted.so_far.patient_id)).events
        assert "condition.recorded" in [one.event.type for one in events.deliveries]


def test_rules_that_are_taken_away_count_within_a_second_also_for_who_resumes_and_replays(bus):
    pas = bus.source("pas")
    pas.send(stay("S-1"), referral("S-2"))
    bus.wait_folded()
    with Feed(bus, "hospice") as feed, Live(bus, "hospice") as live, Records(bus, "hospice") as replica:
        feed.open().opened()
        feed.ack(feed.take(2)[1])
        replica.open()
        wait_for(lambda: replica.follow(0.2).held, what="the record")
        rules = {**RULES, "rules": [{**RULES["rules"][0], "relationships": ["encounter"]}]}
        bus.config["sharing"] = rules
        bus.reload()
        reloaded = time.monotonic()
        pas.send(diagnosis("S-3"))
        bus.wait_folded()
        wait_for(lambda: replica.follow(0.1).gone, what="the end of the record")
        assert time.monotonic() - reloaded < 10
        gone, = replica.gone.values()
        assert gone.reason == "withdrawn" and gone.not_kept_up_from > 0
        assert not replica.held
        assert feed.silent(1)
        assert all(message[1].place_only for message in iter(lambda: live.hear(0.3), None))
        feed.open(feed_pb2.Open.FROM_PLACE, after=(1, 0)).opened()
        assert feed.silent(1)
        assert record_error(bus, "hospice", patient_of(bus)) == "not-found"


def test_what_is_sensitive_is_given_to_nobody_but_who_said_it(bus):
    pas = bus.source("pas")
    pas.send(stay("S-1"), referral("S-2"), diagnosis("S-3", "86406008", "Human immunodeficiency virus infection"),
             diagnosis("S-4", "254837009", "has HIV too"))
    bus.wait_folded()
    assert "condition.recorded" not in types(tail(bus, "hospice"))
    assert types(tail(bus, "ward")).count("condition.recorded") == 2
    record = request(bus, "hospice", record=ask_pb2.RecordRequest(patient_id=patient_of(bus))).record
    assert "conditions" not in [section.name for section in record.sections]
    assert b"86406008" not in record.SerializeToString() and b"HIV" not in record.SerializeToString()


def test_place_of_the_bus_is_the_same_for_who_sees_all_and_who_sees_nothing(bus):
    bus.source("pas").send(stay("S-1"), diagnosis("S-2"))
    bus.wait_folded()
    heads = []
    for team in ("ward", "hospice", "driver"):
        with Feed(bus, team) as feed:
            opened = feed.open(feed_pb2.Open.FROM_NOW).opened()
            heads.append((opened.head.seq, opened.head.index, opened.place.seq, opened.place.index))
    assert len(set(heads)) == 1


def test_shipped_rules_give_a_volunteer_nothing_of_a_stay(make_bus):
    bus = make_bus(config(sharing=None)).start()
    bus.source("pas").send(stay("S-1"), referral("S-2", to="VOL01"), diagnosis("S-3"))
    bus.wait_folded()
    shown = b"".join(item.SerializeToString() for item in tail(bus, "driver"))
    assert b"neoplasm" not in shown and b"254837009" not in shown


def test_operators_are_shown_who_has_to_do_with_a_person_and_by_which_rule(bus):
    bus.source("pas").send(stay("S-1"), referral("S-2"))
    bus.wait_folded()
    patient_id = patient_of(bus)
    shown, = bus.ctl_json("sharing", "show", patient_id)
    assert {"encounter", "referral"} <= {one["kind"] for one in shown["person"]["relationships"]}
    sights = {team["team"]: {kind["kind"]: kind for kind in team["kinds"]} for team in shown["teams"]}
    assert sights["hospice"]["conditions"]["rules"] == ["care"]
    assert sights["driver"]["conditions"]["reason"] == "no-rule"
    one, = bus.ctl_json("sharing", "show", patient_id, "--team", "driver")
    assert [team["team"] for team in one["teams"]] == ["driver"]
    assert "care: direct care" in bus.ctl("sharing", "show").stdout
