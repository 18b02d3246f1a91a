"""One feed, many teams: whose event it is, by the profile of its source, in every language, through the bus and without one."""

import copy
import json
import subprocess

import pytest

from carebus_bus import CAREBUS_MLLP, SLOW
from csv_peer import CAREBUS_CSV, Csv
from fhir_peer import CAREBUS_FHIR, Fhir, encounter, patient
from mllp_peer import Mllp, adt

PROFILE = """
teams:
  - team: palliative
    when: {encounter.specialty: ["315", "Palliative Medicine"]}
  - team: hah
    when: {encounter.place.point_of_care: [ward8], encounter.class: [IMP]}
  - team: palliative
    when: {referral.from: ["Example Surgery"]}
  - team: hah
    when: {referral.to: ["Hospice at Home"]}
"""
TEAMS = {
    "ward": {"name": "Ward", "organisation": "RA9", "class": "clinical", "may_read": ["pas", "lab"]},
    "palliative": {"name": "Palliative medicine", "organisation": "RA9", "class": "clinical", "may_read": ["pas"]},
    "hah": {"name": "Hospice at Home", "organisation": "8HK42", "class": "clinical", "may_read": ["pas"]},
}
REFERRALS = "local_id,referral_id,received_date,from_org,decision,decision_date\n" \
            "H1,R1,2026-03-02,Example Surgery,accepted,2026-03-03\nH1,R2,2026-03-02,Other,,\n"


def stay(message_id, ward="WARD7", specialty=""):
    text = adt(message_id, local_id=message_id).replace("WARD7", ward)
    fields = text.split("\rPV1|")[1].split("|")
    fields[9] = specialty
    return text.split("\rPV1|")[0] + "\rPV1|" + "|".join(fields)


HL7 = {"S1": (stay("S1", specialty="315"), "palliative"), "S2": (stay("S2", ward="ward8"), "hah"), "S3": (stay("S3"), "ward")}


def fhir_stay(visit, **fields):
    return encounter(visit, subject="Patient/p1", visit=visit, **fields)


FHIR = {"E1": (fhir_stay("E1", serviceType={"text": "palliative medicine"}), "palliative"), "E3": (fhir_stay("E3"), "ward")}
REFERRAL = {"resourceType": "ServiceRequest", "id": "r1", "status": "active", "intent": "order", "subject": {"reference": "Patient/p1"},
            "authoredOn": "2026-03-02", "performer": [{"display": "Hospice at Home"}], "code": {"text": "palliative care"},
            "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}]}


@pytest.fixture
def bus(make_bus):
    bus = make_bus({"teams": copy.deepcopy(TEAMS)})
    folder = bus.folder / "profiles"
    folder.mkdir()
    (folder / "own.yaml").write_text(PROFILE, encoding="utf-8")
    return bus


def teams_of(bus, source, kind):
    bus.wait_folded()
    return [event["team"] for event in bus.ctl_json("tail") if event.get("source") == source and event["type"].startswith(kind)]


def test_hl7_goes_to_the_team_of_its_specialty_or_ward(bus):
    pas = Mllp(bus, profile="own")
    bus.start()
    sender = pas.start().sender()
    for text, _ in HL7.values():
        assert sender.ask(text).code == "AA"
    assert teams_of(bus, "pas", "encounter.") == [team for _, team in HL7.values()]
    pas.close()


def test_fhir_goes_to_the_team_of_its_service_or_of_whom_it_is_referred_to(bus):
    epr = Fhir(bus, profile="own")
    bus.start()
    client = epr.start().client()
    assert client.put("/Patient/p1", patient(resource_id="p1")).status < 300
    for visit, (resource, _) in FHIR.items():
        assert client.put(f"/Encounter/{visit}", resource).status < 300
    assert client.put("/ServiceRequest/r1", REFERRAL).status < 300
    assert teams_of(bus, "epr", "encounter.") == [team for _, team in FHIR.values()]
    assert set(teams_of(bus, "epr", "referral.")) == {"hah"}
    epr.close()


def test_all_steps_of_a_row_go_to_the_team_of_its_referrer(bus):
    hospice = Csv(bus, profile=PROFILE)
    bus.start()
    hospice.start()
    hospice.deliver("referrals.csv", REFERRALS)
    assert teams_of(bus, "hospice", "referral.") == ["palliative"] * 3 + ["ward"] * 2
    hospice.close()


@pytest.mark.parametrize("program, adapter, name, content, expected", [
    (CAREBUS_MLLP, {"adapter": "mllp", "listen": "127.0.0.1:2575"}, "a.hl7", "".join(text for text, _ in HL7.values()),
     [team for _, team in HL7.values()]),
    (CAREBUS_FHIR, {"adapter": "fhir", "listen": "127.0.0.1:2576"}, "a.json", json.dumps(FHIR["E3"][0]), ["ward"]),
    (CAREBUS_CSV, {"adapter": "csv", "folder": "/tmp"}, "referrals.csv", REFERRALS, ["palliative"] * 3 + ["ward"] * 2),
], ids=["hl7", "fhir", "csv"])
def test_a_dry_run_names_the_same_teams(bus, tmp_path, program, adapter, name, content, expected):
    bus.config["sources"]["tried"] = {"team": "ward", "profile": "own", **adapter}
    bus.write_config()
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    done = subprocess.run([str(program), "--config", str(bus.config_path), "--source", "tried", "--translate", str(path)],
                          capture_output=True, text=True, check=False, timeout=60 * SLOW)
    events = [event for line in done.stdout.splitlines() for event in json.loads(line)["events"]]
    assert [event["team"] for event in events if event["type"].startswith(("encounter.", "referral."))] == expected, done.stderr
