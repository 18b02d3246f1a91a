"""One fact is one event, whatever language it came in.

Each fact is written three times, as HL7 v2, FHIR and CSV, and goes through `--translate` of its adapter: the reading, the profile's
maps and everything that the bus makes of it. The events have to be equal field by field, but for what PERMITTED names with its reason.
"""

import json
import os
import pathlib
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", SOURCE / "build"))
LANGUAGES = ("mllp", "fhir", "csv")
PROFILES = {"mllp": "default", "fhir": "uk-core", "csv": "hospice-minimum"}

# What may differ, wherever it stands, by the name of the field.
PERMITTED = {
    "text": "the source's own words",
    "original": "the source's own code",
    "original_status": "a state as each language calls it",
    "decision_text": "the source's own words of a decision",
    "authority": "as said: CX.4, the name of a column",
    "type": "of an identifier, as said: CX.5",
    "original_unit": "the source's own word for a unit",
}
# What one language alone can say of an event as a whole.
ENVELOPE = {
    "trigger": "the kind of message",
    "source_message_id": "HL7 numbers its messages, the others do not",
    "recorded_at": "EVN-2, OBR-22: FHIR and CSV say it elsewhere or not at all",
    "author": "EVN-5, OBX-16: only where it was said",
    "sender": "MSH-3, MSH-4",
    "complete": "which lists are whole is the profile's to say",
    "notes": "comments",
    "cleared": 'HL7 alone has ""',
}
# Of the person an HL7 message says everything each time, the others where it is the matter of the message.
PATIENT = {"demographics": "PID in every message of HL7"}

PERSON = "PID|1||9434765919^^^NHS^NH~H1^^^^PI||EXAMPLE^ANNA||19520314|F"
PATIENT_RESOURCE = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9434765919"}, {"value": "H1"}],
    "name": [{"family": "EXAMPLE", "given": ["ANNA"]}],
    "gender": "female",
    "birthDate": "1952-03-14",
}
SNOMED = "http://snomed.info/sct"
DESTINATION = "https://fhir.hl7.org.uk/CodeSystem/UKCore-DischargeDestinationEngland"


def hl7(code, *segments):
    return "\r".join((f"MSH|^~\\&|PAS|RA9|CAREBUS|BUS|20260401113000||{code}|M1|T|2.4",) + segments) + "\r"


def adt(event, at, *segments):
    return hl7(f"ADT^{event}", f"EVN|{event}|20260401113000||||{at}", PERSON, *segments)


def pv1(**fields):
    """PV1 by field number: pv1(f2="I", f44="...")."""
    values = [""] * 46
    for name, value in fields.items():
        values[int(name[1:])] = value
    return "PV1|1|" + "|".join(values[2:]).rstrip("|")


def bundle(resource, **patient):
    subject = {"subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"}}
    person = PATIENT_RESOURCE | patient
    entries = [{"fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111", "resource": person}]
    if resource:
        entries.append({"fullUrl": "urn:uuid:22222222-2222-4222-8222-222222222222", "resource": {"id": "r1"} | subject | resource})
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def coded(system, code, display=None):
    coding = {"system": system, "code": code}
    if display:
        coding["display"] = display
    return {"coding": [coding]}


def encounter(status, start, **more):
    return bundle(
        {
            "resourceType": "Encounter",
            "identifier": [{"value": "S1"}],
            "status": status,
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP", "display": "inpatient encounter"},
            "period": {"start": start} | ({"end": more.pop("end")} if "end" in more else {}),
        }
        | more
    )


def flag(status, code, **more):
    return bundle({"resourceType": "Flag", "identifier": [{"value": "O1"}], "status": status, "code": code} | more)


def order(control, words, reason=""):
    values = [""] * 37
    values[1:5] = ["1", "O1", "", f"^^^^{words}"]
    values[27] = "^^^^^^^Resus Status"
    values[36] = "20260401100000"
    orc = f"ORC|{control}|O1" + "|" * 14 + reason if reason else f"ORC|{control}|O1"
    return hl7("ORM^O01", PERSON, orc, "OBR|" + "|".join(values[1:]))


STAYS = "local_id,nhs_number,stay_id,admitted,discharged,to_place,died\nH1,9434765919,S1,"
PLAN = "local_id,nhs_number,item,value,status,decided_at,decision_id\nH1,9434765919,cpr,"

# name: type of the event, what has to be in it, and the three ways to say it; None where a language has none.
FACTS = {
    "admission": {
        "type": "encounter.admitted",
        "action": "new",
        "holds": {"encounter.class.code": "IMP", "encounter.admitted_at": "2026-04-01T08:15:00Z", "occurred_at": "2026-04-01T08:15:00Z"},
        "mllp": adt("A01", "20260401091500", pv1(f2="I", f19="S1", f44="20260401091500")),
        "fhir": encounter("in-progress", "2026-04-01T09:15:00+01:00"),
        "csv": ("stays.csv", STAYS + "2026-04-01 09:15,,,\n"),
    },
    "admission cancelled": {
        "type": "encounter.admission_cancelled",
        "action": "entered-in-error",
        "holds": {"encounter_id.value": "S1"},
        "mllp": adt("A11", "20260401091500", pv1(f2="I", f19="S1", f44="20260401091500")),
        "fhir": encounter("entered-in-error", "2026-04-01T09:15:00+01:00"),
        "csv": None,
    },
    "discharge": {
        "type": "encounter.discharged",
        "action": "update",
        "holds": {"encounter.discharge_destination.code": "88", "encounter.discharged_at": "2026-04-03T13:00:00Z"},
        "mllp": adt("A03", "20260403140000", pv1(f2="I", f19="S1", f37="hospice", f44="20260401091500", f45="20260403140000")),
        "fhir": encounter(
            "finished",
            "2026-04-01T09:15:00+01:00",
            end="2026-04-03T14:00:00+01:00",
            hospitalization={"dischargeDisposition": coded(DESTINATION, "88", "Non-NHS run hospice")},
        ),
        "csv": ("stays.csv", STAYS + "2026-04-01 09:15,2026-04-03 14:00,hospice,\n"),
    },
    "referral": {
        "type": "referral.requested",
        "action": "new",
        "holds": {"referral.priority.code": "urgent", "referral.requested_at": "2026-04-01T09:00:00Z", "referral.urgent": True},
        "mllp": hl7("REF^I12", "RF1||urgent||||R1|20260401100000", PERSON),
        "fhir": bundle(
            {
                "resourceType": "ServiceRequest",
                "identifier": [{"value": "R1"}],
                "status": "active",
                "intent": "order",
                "priority": "urgent",
                "authoredOn": "2026-04-01T10:00:00+01:00",
            }
        ),
        "csv": ("referrals.csv", "local_id,nhs_number,referral_id,priority,requested_date\nH1,9434765919,R1,Urgent,2026-04-01 10:00\n"),
    },
    "decision not to attempt resuscitation": {
        "type": "cpr_decision.recorded",
        "action": "new",
        "holds": {"decision.decision.system": SNOMED, "decision.decision.code": "450476008", "decision.status": "active"},
        "mllp": order("NW", "DNACPR"),
        "fhir": flag("active", coded(SNOMED, "450476008"), period={"start": "2026-04-01T10:00:00+01:00"}),
        "csv": ("plan.csv", PLAN + "do not attempt CPR,,2026-04-01 10:00,O1\n"),
    },
    "decision to attempt resuscitation, in an older code": {
        "type": "cpr_decision.recorded",
        "action": "new",
        "holds": {"decision.decision.code": "450475007"},
        "mllp": order("NW", "For attempted CPR"),
        "fhir": flag("active", coded(SNOMED, "304252001", "For resuscitation"), period={"start": "2026-04-01T10:00:00+01:00"}),
        "csv": ("plan.csv", PLAN + "attempt CPR,,2026-04-01 10:00,O1\n"),
    },
    "decision that nobody can read": {
        "type": "cpr_decision.recorded",
        "action": "new",
        "holds": {"decision.decision.system": "carebus:decision", "decision.decision.code": "meaning-not-known"},
        "mllp": order("NW", "FULL ACTIVE TREATMENT"),
        "fhir": bundle(
            {
                "resourceType": "Flag",
                "identifier": [{"value": "O1"}],
                "status": "active",
                "code": {"coding": [{"system": "urn:local", "code": "R7"}], "text": "CPR status"},
                "period": {"start": "2026-04-01T10:00:00+01:00"},
            }
        ),
        "csv": ("plan.csv", PLAN + "full active treatment,,2026-04-01 10:00,O1\n"),
    },
    "decision entered in error": {
        "type": "cpr_decision.ended",
        "action": "entered-in-error",
        "holds": {"decision.decision.code": "450476008", "decision.status": "entered-in-error"},
        "mllp": order("OC", "DNACPR", "ER^entered in error"),
        "fhir": flag("entered-in-error", coded(SNOMED, "450476008"), period={"start": "2026-04-01T10:00:00+01:00"}),
        "csv": ("plan.csv", PLAN + "do not attempt CPR,entered in error,2026-04-01 10:00,O1\n"),
    },
    "end of a decision": {
        "type": "cpr_decision.ended",
        "action": "update",
        "holds": {"decision.decision.code": "450476008"},
        "mllp": order("OC", "DNACPR").replace("20260401113000||", "20260401113000|DISCHAUTO|", 1),
        "fhir": flag(
            "inactive", coded(SNOMED, "450476008"), period={"start": "2026-04-01T10:00:00+01:00", "end": "2026-04-01T11:30:00+01:00"}
        ),
        "csv": ("plan.csv", PLAN + "do not attempt CPR,ended,2026-04-01 10:00,O1\n"),
    },
    "preferred place of death": {
        "type": "preference.place_of_death",
        "action": "new",
        "holds": {"decision.place.code": "108401000000102", "decision.decision.code": "108401000000102"},
        "mllp": hl7(
            "ORU^R01",
            PERSON,
            "OBR|1|||PREF^Preferences",
            "OBX|1|ST|395091006^Preferred place of death^SCT||Hospice||||||F|||20260401100000",
        ),
        "fhir": bundle(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": coded(SNOMED, "395091006"),
                "effectiveDateTime": "2026-04-01T10:00:00+01:00",
                "valueCodeableConcept": coded(SNOMED, "108401000000102", "Preferred place of death: hospice (finding)"),
            }
        ),
        "csv": ("plan.csv", PLAN.replace(",cpr,", ",ppd1,") + "hospice,,2026-04-01 10:00,\n"),
    },
    "score": {
        "type": "outcome.measured",
        "action": "new",
        "holds": {"measure.scale.code": "901361000000101", "measure.total.value": "40"},
        "mllp": hl7(
            "ORU^R01",
            PERSON,
            "OBR|1|||SCORES^Scores",
            "OBX|1|NM|901671000000100^AKPS score^SCT||40||||||F|||20260401101500",
        ),
        "fhir": bundle(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": coded(SNOMED, "901671000000100", "AKPS score"),
                "effectiveDateTime": "2026-04-01T10:15:00+01:00",
                "valueQuantity": {"value": 40, "unit": "score", "system": "http://unitsofmeasure.org", "code": "{score}"},
            }
        ),
        "csv": ("scores.csv", "local_id,nhs_number,scale,score,date\nH1,9434765919,AKPS,40,2026-04-01 10:15\n"),
    },
    "phase of illness": {
        "type": "outcome.measured",
        "action": "new",
        "holds": {"measure.scale.code": "1092801000000106", "measure.result.code": "deteriorating"},
        "mllp": hl7(
            "ORU^R01", PERSON, "OBR|1|||SCORES^Scores", "OBX|1|ST|PHASE^Phase of illness||Deteriorating||||||F|||20260401101500"
        ),
        "fhir": bundle(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": coded(SNOMED, "1092801000000106"),
                "effectiveDateTime": "2026-04-01T10:15:00+01:00",
                "valueCodeableConcept": {"text": "Deteriorating"},
            }
        ),
        "csv": ("scores.csv", "local_id,nhs_number,scale,score,date\nH1,9434765919,phase,deteriorating,2026-04-01 10:15\n"),
    },
    "death": {
        "type": "death.notified",
        "action": "new",
        "holds": {"death.died_at": "2026-04-02T03:30:00Z", "death.status": "informal"},
        "mllp": hl7("ADT^A31", "EVN|A31|20260402080000", PERSON + "|" * 21 + "20260402043000|Y"),
        "fhir": bundle(None, deceasedDateTime="2026-04-02T04:30:00+01:00"),
        "csv": ("people.csv", "local_id,nhs_number,deceased_date\nH1,9434765919,2026-04-02 04:30\n"),
    },
}

# Further fields that one language alone says of a fact, each with its reason.
DECIDED = {
    "decision.valid.start": "Flag.period says from when it is valid, besides when it was decided",
    "decision.valid.end": "the same of its end",
}
ENDED = DECIDED | {"decision.end_reason.code": "MSH-8 or ORC-16"}
NO_DAY = {
    "decision.ended_at": "the row of a spreadsheet has no day for the end, nor a Flag for when it was taken back",
    "occurred_at": "so there is no moment at which it happened",
}
OF_LANGUAGE = {
    ("admission cancelled", "fhir"): {"occurred_at": "an Encounter that is entered in error has no moment at which it became that"},
    ("decision entered in error", "fhir"): NO_DAY,
    ("decision entered in error", "csv"): NO_DAY,
    ("end of a decision", "csv"): NO_DAY,
}
MEASURED = {
    "measure.status": "OBX-11 and Observation.status: a spreadsheet has no such thing",
    "measure.identifier.system": "Observation has an id of its server; a row of scores has no number",
    "measure.identifier.value": "the same",
}
OF_FACT = {
    "referral": {"referral.effective_at": "RF1-7 is from when it holds, and the only day of a referral that HL7 has"},
    "score": MEASURED,
    "phase of illness": MEASURED,
    "death": {"death.how_known": "which field said it"},
    "decision entered in error": ENDED,
    "end of a decision": ENDED,
    "preferred place of death": {
        "decision.rank": "the spreadsheet alone asks for a first and a second choice",
        "decision.identifier.system": "an Observation has an id of its server",
        "decision.identifier.value": "the same",
        "order_id.system": "the same",
        "order_id.value": "the same",
    },
}


def translate(language, tmp_path, said):
    name, content = said if isinstance(said, tuple) else ({"mllp": "in.hl7", "fhir": "in.json"}[language], said)
    path = tmp_path / name
    path.write_text(content)
    program = BUILD / "adapters" / language / f"carebus-{language}"
    done = subprocess.run(
        [program, "--translate", path, "--profile", PROFILES[language]], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [problem for line in lines for problem in line["problems"]], done.stdout
    return [event for line in lines for event in line["events"]]


def is_permitted(path, name):
    if name.endswith(("_said", "_zone_assumed", "_precision")) or name in PERMITTED:
        return path != "" or name != "type"
    return (path == "" and name in ENVELOPE) or (path == "patient" and name in PATIENT)


def leaves(value, path="", skip=frozenset()):
    """Every field that is compared: its path and its value. Lists of identifiers are sets: who writes them orders them."""
    if isinstance(value, dict):
        for name, part in value.items():
            place = f"{path}.{name}" if path else name
            if not is_permitted(path, name) and place not in skip:
                yield from leaves(part, place, skip)
    elif isinstance(value, list):
        parts = sorted(tuple(sorted(leaves(part, "*", skip))) for part in value) if path.endswith("identifiers") else None
        for index, part in enumerate(parts if parts is not None else value):
            if parts is not None:
                yield (f"{path}[{index}]", str(part))
            else:
                yield from leaves(part, f"{path}[{index}]", skip)
    else:
        yield (path, value)


def at(event, path):
    for name in path.split("."):
        event = event[name]
    return event


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """fact -> language -> all events that came of it."""
    return {
        fact: {
            language: translate(language, tmp_path_factory.mktemp(language), row[language]) for language in LANGUAGES if row[language]
        }
        for fact, row in FACTS.items()
    }


def event_of(said, fact, language):
    found = [event for event in said[fact][language] if event["type"] == FACTS[fact]["type"]]
    assert len(found) == 1, (fact, language, [event["type"] for event in said[fact][language]])
    return found[0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fact", FACTS)
def test_each_language_says_the_fact(said, fact, language):
    if FACTS[fact][language] is None:
        pytest.skip(f"{language} has no way to say it: {fact}")
    event = event_of(said, fact, language)
    assert event["action"] == FACTS[fact]["action"]
    for path, value in FACTS[fact]["holds"].items():
        assert at(event, path) == value, path


@pytest.mark.parametrize("other", ("fhir", "csv"))
@pytest.mark.parametrize("fact", FACTS)
def test_the_same_fact_is_the_same_event(said, fact, other):
    if FACTS[fact][other] is None:
        pytest.skip(f"{other} has no way to say it: {fact}")
    skip = frozenset(OF_FACT.get(fact, DECIDED if "decision" in fact else {}) | OF_LANGUAGE.get((fact, other), {}))
    first = dict(leaves(event_of(said, fact, "mllp"), skip=skip))
    second = dict(leaves(event_of(said, fact, other), skip=skip))
    assert len(first) > 6
    paths = first.keys() | second.keys()
    differences = {path: (first.get(path), second.get(path)) for path in paths if first.get(path) != second.get(path)}
    assert not differences


def test_what_is_permitted_to_differ_does_differ(said):
    """A list of exceptions that nothing needs any more hides the next difference."""
    seen = set()
    for fact in FACTS:
        for language in said[fact]:
            text = json.dumps(event_of(said, fact, language))
            seen |= {name for name in (*PERMITTED, *ENVELOPE, *PATIENT) if f'"{name}":' in text}
    assert {"text", "original", "trigger", "demographics", "sender"} <= seen


def test_nothing_else_becomes_of_a_fact_but_the_person(said):
    for fact, row in FACTS.items():
        for language in said[fact]:
            others = {event["type"] for event in said[fact][language]} - {row["type"]}
            assert others <= {"patient.updated", "encounter.admitted"}, (fact, language, others)
