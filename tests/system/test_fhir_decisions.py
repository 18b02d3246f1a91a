"""A decision about resuscitation that comes by FHIR, through the real adapter and the real bus: it is one in the record too."""

import json

import pytest

from fhir_peer import Fhir, bundle, entry, patient

PAS = "https://wester.example/pas"
NOT_FOR_CPR, FOR_CPR = "450476008", "450475007"


@pytest.fixture
def fhir(make_bus):
    bus = make_bus(None)
    adapter = Fhir(bus)
    bus.start()
    adapter.start()
    adapter.client().put("/Patient/p1", patient("H1", resource_id="p1"))
    yield adapter
    adapter.close()


def flag(code=NOT_FOR_CPR, version=None, status="active", **fields):
    resource = {"resourceType": "Flag", "id": "f1", "status": status, "subject": {"reference": "Patient/p1"}, **fields}
    resource["code"] = {"coding": [{"system": "http://snomed.info/sct", "code": code}]}
    if version:
        resource["meta"] = {"versionId": str(version), "lastUpdated": f"2026-11-01T10:{version:02d}:00Z"}
    return resource


def decisions(bus):
    """Of the person with the hospital number H1: status and code of each."""
    bus.wait_folded()
    record, = bus.ctl_json("record", PAS, "H1")
    facts = [fact for section in record["sections"] if section["name"] == "decisions" for fact in section["facts"]]
    return [(fact["decision"]["status"], fact["decision"]["decision"]["code"]) for fact in facts]


def test_a_decision_lives_one_life_through_all_its_versions(fhir):
    client, bus = fhir.client(), fhir.bus
    steps = [
        (flag(version=2), ("active", NOT_FOR_CPR)),
        (flag(version=2), ("active", NOT_FOR_CPR)),  # the same again
        (flag(FOR_CPR, version=1), ("active", NOT_FOR_CPR)),  # an older one, late
        (flag(version=3, status="inactive"), ("ended", NOT_FOR_CPR)),
        (flag(version=4), ("active", NOT_FOR_CPR)),
        (flag(version=5, status="entered-in-error"), ("entered-in-error", NOT_FOR_CPR)),
        (flag(version=6), ("active", NOT_FOR_CPR)),
    ]
    for number, (resource, wanted) in enumerate(steps):
        assert client.put("/Flag/f1", resource).status in (200, 201)
        assert decisions(bus) == [wanted], f"step {number}"


@pytest.mark.parametrize("version", (None, 6))
def test_a_deleted_decision_stands_no_more_whatever_its_own_times_were(fhir, version):
    client = fhir.client()
    client.put("/Flag/f1", flag(version=version, period={"start": "2026-03-01", "end": "2026-03-02"}))
    assert decisions(fhir.bus) == [("active", NOT_FOR_CPR)]
    assert client.delete("/Flag/f1").status == 200
    assert decisions(fhir.bus) == [("entered-in-error", NOT_FOR_CPR)]


@pytest.mark.parametrize("kind", ("transaction", "collection", "batch"))
def test_a_decision_is_in_the_record_though_its_neighbour_waits_for_a_person(fhir, kind):
    letter = {"resourceType": "DocumentReference", "id": "d1", "status": "current", "subject": {"reference": "Patient/p1"},
              "content": [{"attachment": {"contentType": "application/pdf", "data": "!!"}}]}
    answer = fhir.client().post("/", bundle(kind, entry(letter, "PUT", "DocumentReference/d1"), entry(flag(), "PUT", "Flag/f1")))
    assert answer.status == 200
    assert decisions(fhir.bus) == [("active", NOT_FOR_CPR)]
    item, = fhir.bus.ctl_json("quarantine", "list")
    assert item["reason"] == "bad-base64" and (item.get("partly") or kind == "batch")
    assert "entry[0].resource.content[0].attachment.data" in json.dumps(answer.json), "the sender is told what was not read"


def test_a_word_about_a_relative_empties_nothing_of_the_person(make_bus):
    bus = make_bus(None)
    fhir = Fhir(bus, profile="uk-core")
    bus.start()
    fhir.start()
    try:
        client = fhir.client()
        client.put("/Patient/p1", patient("H1", resource_id="p1", telecom=[{"system": "phone", "value": "01632 960587"}]))
        client.put("/RelatedPerson/r1", {"resourceType": "RelatedPerson", "id": "r1", "patient": {"reference": "Patient/p1"},
                                         "name": [{"text": "Ann"}], "relationship": [{"text": "daughter"}]})
        bus.wait_folded()
        record, = bus.ctl_json("record", PAS, "H1")
        said = json.dumps(record)
        assert "EXAMPLE" in said and "960587" in said and "daughter" in said
    finally:
        fhir.close()
