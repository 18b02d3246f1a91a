"""What a record system is promised by carebus-fhir, over real sockets."""

import concurrent.futures
import http.client
import json
import socket
import ssl
import subprocess
import time

import pytest

from carebus_bus import ANSWER_SECONDS, SLOW, free_port, wait_for
from carebus_readers import GRANTS
from fhir_peer import CAREBUS_FHIR, JSON, Client, Fhir, bundle, encounter, entry, is_ended, patient
from test_mllp import certificates, client_context  # noqa: F401

TOKEN = "x2V5-token.of~the_community/epr=="
URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"


@pytest.fixture
def make_fhir(make_bus):
    """A bus and its adapter, both running."""
    made = []

    def make(config=None, start_bus=True, **settings):
        bus = make_bus(config)
        fhir = Fhir(bus, **settings)
        made.append(fhir)
        if start_bus:
            bus.start()
        return fhir.start()

    yield make
    for fhir in made:
        fhir.close()


@pytest.fixture
def fhir(make_fhir):
    return make_fhir()


def tail(bus, source="epr"):
    bus.wait_folded()
    return [line for line in bus.ctl_json("tail") if line.get("source") == source]


def events(bus):
    """Without what the bus says of itself, and of who has to do with whom."""
    return [line for line in tail(bus) if not line["type"].startswith("bus.") and line["type"] not in GRANTS]


def quarantine(bus):
    bus.wait_folded()
    return bus.ctl_json("quarantine", "list")


def original(bus, item):
    return bus.ctl("quarantine", "show", str(item["id"]), "--original", check=0, text=False).stdout


# ---- one resource


def test_created_means_the_resource_is_in_the_journal_whatever_happens_next(fhir):
    answer = fhir.client().post("/Patient", patient())
    fhir.bus.kill()
    fhir.bus.start()
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    event, = events(fhir.bus)
    assert event["type"] == "patient.registered" and event["patient"]["identifiers"][0]["value"] == "H1"


def test_create_that_comes_again_gives_the_same_id_and_doubles_nothing(fhir):
    client = fhir.client()
    first, second = client.post("/Patient", patient()), client.post("/Patient", patient())
    assert (first.status, second.status) == (201, 200)
    assert first.id == second.id and first.headers["ETag"] == second.headers["ETag"] == 'W/"1"'
    assert len(events(fhir.bus)) == 1


def test_other_content_is_another_resource(fhir):
    client = fhir.client()
    assert client.post("/Patient", patient("H1")).id != client.post("/Patient", patient("H2")).id


def test_an_update_counts_versions_and_the_same_content_is_the_same_version(fhir):
    client = fhir.client()
    answers = [client.put("/Patient/p1", patient(resource_id="p1", family=name)) for name in ("ONE", "ONE", "TWO")]
    assert [a.status for a in answers] == [201, 200, 200]
    assert [a.headers["ETag"] for a in answers] == ['W/"1"', 'W/"1"', 'W/"2"']
    assert answers[2].headers["Location"] == "/Patient/p1/_history/2"
    assert answers[2].headers["Last-Modified"].endswith("GMT")
    assert len(events(fhir.bus)) == 2


def test_the_version_that_the_source_says_is_the_version(fhir):
    answer = fhir.client().put("/Patient/p1", patient(resource_id="p1", version="7"))
    assert answer.headers["ETag"] == 'W/"7"'


def test_same_version_and_content_again_is_no_news_and_other_content_waits_for_a_person(fhir):
    client = fhir.client()
    said = [client.put("/Patient/p1", patient(resource_id="p1", version="3", family=name)).status for name in ("ONE", "ONE", "TWO")]
    assert said == [201, 200, 200]
    assert len(events(fhir.bus)) == 1
    item, = quarantine(fhir.bus)
    assert (item["reason"], item["class"]) == ("same-id-other-bytes", "urgent")


def test_update_of_a_version_that_does_not_stand_is_refused_and_a_lost_answer_is_given_again(fhir):
    client = fhir.client()
    client.put("/Patient/p1", patient(resource_id="p1", family="ONE"))
    change = patient(resource_id="p1", family="TWO")
    assert client.put("/Patient/p1", change, if_match='W/"1"').status == 200
    assert client.put("/Patient/p1", change, if_match='W/"1"').status == 200, "the same content again"
    stale = client.put("/Patient/p1", patient(resource_id="p1", family="THREE"), if_match='W/"1"')
    assert stale.status == 412 and stale.issues[0]["code"] == "conflict"
    assert client.put("/Patient/p2", patient(resource_id="p2"), if_match='W/"1"').status == 412, "of a resource that is not known"
    assert client.put("/Patient/p1", patient(resource_id="p1"), if_none_match="*").status == 412
    assert len(events(fhir.bus)) == 2


def test_a_resource_that_refers_to_an_earlier_one_is_of_the_same_person(fhir):
    client = fhir.client()
    client.put("/Patient/p1", patient("H1", resource_id="p1"))
    client.put("/Encounter/e1", encounter("e1", subject="Patient/p1"))
    one, other = events(fhir.bus)
    assert one["patient"]["patient_id"] == other["patient"]["patient_id"]
    assert {"system": "https://wester.example/pas", "value": "H1"} in other["patient"]["identifiers"]


def test_what_the_answer_named_can_be_referred_to(fhir):
    client = fhir.client()
    created = client.post("/Patient", {"resourceType": "Patient", "name": [{"family": "EXAMPLE"}], "birthDate": "1952-03-14"})
    assert client.put("/Encounter/e1", encounter("e1", subject=f"Patient/{created.id}")).status == 201
    one, other = events(fhir.bus)
    assert one["patient"]["patient_id"] == other["patient"]["patient_id"]


def test_delete_enters_in_error_and_again_changes_nothing(fhir):
    client = fhir.client()
    client.put("/Patient/p1", patient(resource_id="p1"))
    client.put("/Encounter/e1", encounter("e1"))
    assert [client.delete("/Encounter/e1").status for _ in range(2)] == [200, 200]
    assert client.delete("/Encounter/e1", prefer="return=minimal").status == 204
    registered, admitted, deleted = events(fhir.bus)
    assert deleted["action"] == "entered-in-error"
    assert deleted["encounter_id"] == admitted["encounter_id"]
    assert deleted["patient"]["patient_id"] == registered["patient"]["patient_id"]
    assert client.put("/Encounter/e1", encounter("e1")).status == 201, "it can be said again"


def test_delete_of_what_nobody_knows_is_stored_all_the_same(fhir):
    answer = fhir.client().delete("/Consent/c1")
    item, = quarantine(fhir.bus)
    assert answer.status == 200
    assert answer.issues[-1]["severity"] == "warning" and item["reason"] in answer.text
    assert b'"url":"Consent/c1"' in original(fhir.bus, item)


@pytest.mark.parametrize("prefer, has_body", [
    (None, "OperationOutcome"), ("return=OperationOutcome", "OperationOutcome"), ("respond-async, return=representation", "Patient"),
    ("return=minimal", None), ("return=minimalist", "OperationOutcome"),
])
def test_the_client_chooses_what_it_gets_back(fhir, prefer, has_body):
    sent = patient(multipleBirthInteger=1)
    answer = fhir.client().post("/Patient", sent, **({"prefer": prefer} if prefer else {}))
    assert answer.status == 201
    assert (answer.json or {}).get("resourceType") == has_body
    if has_body == "Patient":
        assert answer.json == {**sent, "id": answer.id}


def test_numbers_come_back_with_the_digits_that_they_came_with(fhir):
    sent = ('{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"weight"},'
            '"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":1.10,"unit":"kg"}}')
    answer = fhir.client().put("/Observation/o1", sent, prefer="return=representation")
    assert b'"value":1.10,' in answer.body


# ---- conditions


def test_conditional_create_finds_none_then_one_then_several(fhir):
    client = fhir.client()
    query = "identifier=https://wester.example/pas|H1"
    first = client.post("/Patient", patient("H1"), if_none_exist=query)
    again = client.post("/Patient", patient("H1", family="OTHER"), if_none_exist="identifier=https%3A%2F%2Fwester.example%2Fpas%7CH1")
    assert (first.status, again.status) == (201, 200)
    assert again.headers["Location"] == first.headers["Location"] and again.headers["ETag"] == first.headers["ETag"]
    assert len(events(fhir.bus)) == 1
    client.put("/Patient/p9", patient("H1", resource_id="p9"))
    several = client.post("/Patient", patient("H1", family="THIRD"), if_none_exist=query)
    assert several.status == 412 and several.issues[0]["code"] == "multiple-matches"
    assert client.post("/Patient", patient("H2"), if_none_exist="identifier=https://wester.example/pas|H2").status == 201


@pytest.mark.parametrize("query", ["name=example", "identifier=H1", "identifier=a|b,c|d", "identifier=a|b&birthdate=1952",
                                   "identifier=%zz|1"])
def test_condition_that_cannot_be_answered_is_refused(fhir, query):
    answer = fhir.client().post("/Patient", patient(), if_none_exist=query)
    assert answer.status == 400 and answer.issues[0]["code"] == "not-supported"
    assert events(fhir.bus) == []


def test_an_identifier_that_was_taken_away_is_found_no_more(fhir):
    client = fhir.client()
    client.put("/Patient/p1", patient("H1", resource_id="p1"))
    client.put("/Patient/p1", patient("H2", resource_id="p1"))
    assert client.post("/Patient", patient("H1"), if_none_exist="identifier=https://wester.example/pas|H1").status == 201
    assert client.post("/Patient", patient("H2"), if_none_exist="identifier=https://wester.example/pas|H2").id == "p1"


def test_memory_survives_a_restart_and_its_loss_costs_conditions_alone(fhir):
    query = "identifier=https://wester.example/pas|H1"
    fhir.client().put("/Patient/p1", patient("H1", resource_id="p1"))
    fhir.kill()
    fhir.start()
    assert fhir.client().post("/Patient", patient("H1"), if_none_exist=query).id == "p1"
    fhir.stop()
    file, = (fhir.bus.folder / "state" / "adapters" / "epr").glob("*.mdb")
    whole = file.read_bytes()
    for damage in (b"no memory at all" * 1000, whole[:5000]):
        file.write_bytes(damage)
        fhir.start()
        assert fhir.client().put("/Encounter/e1", encounter("e1", subject="Patient/p1")).status == 201
        assert "MEMORY_MADE_ANEW" in fhir.log()
        fhir.stop()
        fhir.forget_log()
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_second_adapter_of_a_source_is_refused(fhir):
    fhir.bus.config["sources"]["epr"]["listen"] = "127.0.0.1:1"
    other = Fhir.__new__(Fhir)
    other.__dict__ = {**fhir.__dict__, "clients": [], "process": None, "log_path": fhir.bus.folder / "other.log"}
    config = fhir.bus.config_path.read_text(encoding="utf-8")
    fhir.bus.config["sources"]["epr"]["listen"] = f"127.0.0.1:{free_port()}"
    fhir.bus.write_config()
    other.start(wait=False)
    assert other.process.wait(ANSWER_SECONDS) == 75
    assert "memory.lock" in other.log()
    fhir.bus.config_path.write_text(config, encoding="utf-8")


# ---- Bundles


def test_transaction_is_one_submission_and_its_placeholders_become_ids(fhir):
    sent = bundle("transaction", entry(patient("H1"), full_url=URN), entry(encounter(subject=URN)),
                  entry(encounter("e9", subject=URN, visit="V9"), "PUT", "Encounter/e9"))
    client = fhir.client()
    answers = [client.post("/", sent) for _ in range(2)]
    assert [a.status for a in answers] == [200, 200]
    assert answers[0].json["type"] == "transaction-response"
    said = [e["response"] for e in answers[0].json["entry"]]
    assert [r["status"] for r in said] == ["201 Created"] * 3
    assert said[2]["location"] == "Encounter/e9/_history/1" and said[2]["etag"] == 'W/"1"' and said[2]["lastModified"].endswith("Z")
    again = [e["response"] for e in answers[1].json["entry"]]
    assert [r["location"] for r in again] == [r["location"] for r in said] and [r["status"] for r in again] == ["200 OK"] * 3
    made = events(fhir.bus)
    assert len(made) == 3 and len({event["source_message_id"] for event in made}) == 1
    assert len({event["patient"]["patient_id"] for event in made}) == 1
    person = said[0]["location"].split("/")[1]
    client.put("/Encounter/e2", encounter("e2", subject=f"Patient/{person}", visit="V2"))
    assert events(fhir.bus)[-1]["patient"]["patient_id"] == made[0]["patient"]["patient_id"]


def test_transaction_leaves_out_what_is_there_already(fhir):
    client = fhir.client()
    client.put("/Patient/p1", patient("H1", resource_id="p1"))
    condition = {"ifNoneExist": "identifier=https://wester.example/pas|H1"}
    sent = bundle("transaction", entry(patient("H1", family="LEFT-OUT"), full_url=URN, **condition), entry(encounter(subject=URN)))
    answer = client.post("/", sent)
    said = [e["response"] for e in answer.json["entry"]]
    assert [r["status"] for r in said] == ["200 OK", "201 Created"] and said[0]["location"] == "Patient/p1/_history/1"
    registered, admitted = events(fhir.bus)
    assert admitted["type"].startswith("encounter.")
    assert admitted["patient"]["patient_id"] == registered["patient"]["patient_id"]
    only = client.post("/", bundle("transaction", entry(patient("H1"), **condition)))
    assert only.json["entry"][0]["response"]["status"] == "200 OK"
    client.put("/Patient/p2", patient("H1", resource_id="p2"))
    several = client.post("/", sent)
    assert several.status == 412 and several.paths == ["Bundle.entry[0].request.ifNoneExist"]


@pytest.mark.parametrize("wrong, status, path", [
    (entry(method="GET", url="Patient/p1"), 405, "Bundle.entry[1].request.method"),
    (entry(method="PATCH", url="Patient/p1"), 405, "Bundle.entry[1].request.method"),
    (entry(patient(), "PUT", "Patient?identifier=a|b"), 412, "Bundle.entry[1].request.url"),
    (entry(method="DELETE", url="Patient?identifier=a|b"), 412, "Bundle.entry[1].request.url"),
    (entry(encounter("e1"), "PUT", "Encounter/e1", ifMatch='W/"4"'), 412, "Bundle.entry[1].request.ifMatch"),
])
def test_transaction_with_one_wrong_entry_is_refused_with_its_place_and_nothing_of_it_is_taken(fhir, wrong, status, path):
    answer = fhir.client().post("/", bundle("transaction", entry(patient()), wrong))
    assert (answer.status, answer.paths) == (status, [path])
    assert events(fhir.bus) == []


def test_batch_takes_each_entry_by_itself(fhir):
    client = fhir.client()
    client.put("/Patient/p1", patient(resource_id="p1"))
    client.put("/Encounter/e3", encounter("e3", visit="V3"))
    answer = client.post("/", bundle("batch", entry(encounter(visit="V1")), entry(method="GET", url="Patient/p1"),
                                     entry(encounter("e2", visit="V2"), "PUT", "Encounter/e2"), entry(method="DELETE", url="Encounter/e3")))
    said = [e["response"] for e in answer.json["entry"]]
    assert answer.status == 200 and answer.json["type"] == "batch-response"
    assert [r["status"] for r in said] == ["201 Created", "405 Method Not Allowed", "201 Created", "200 OK"]
    assert said[1]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1].request.method"]
    made = events(fhir.bus)
    assert len({event["source_message_id"] for event in made}) == 5
    assert [event["action"] for event in made].count("entered-in-error") == 1
    assert {event["patient"]["patient_id"] for event in made} == {made[0]["patient"]["patient_id"]}


def test_batch_beyond_a_thousand_entries_is_refused(fhir):
    answer = fhir.client().post("/", bundle("batch", *[entry(method="DELETE", url=f"Flag/f{i}") for i in range(1001)]))
    assert answer.status == 413 and answer.issues[0]["code"] == "too-costly"


def message(event="servicerequest-request", header_id="m1"):
    header = {"resourceType": "MessageHeader", "id": header_id, "source": {"endpoint": "urn:sender"},
              "eventCoding": {"system": "https://fhir.nhs.uk/CodeSystem/message-events-bars", "code": event}}
    sent = bundle("message", {"fullUrl": "urn:uuid:1d9862fa-c7cd-40ef-ab5b-128d9bcc4490", "resource": header},
                  {"fullUrl": URN, "resource": patient("H1")},
                  {"fullUrl": "urn:uuid:ddd8fb02-876b-4201-9a11-0b670f5f25e8", "resource": encounter(subject=URN)})
    return {**sent, "id": "b1", "timestamp": "2026-11-01T10:11:12Z"}


@pytest.mark.parametrize("path", ["/$process-message", "/"])
def test_message_is_taken_whole_and_answered(fhir, path):
    client = fhir.client()
    assert client.post(path, message()).json["resourceType"] == "OperationOutcome"
    answer = client.post(path, message(), prefer="return=representation")
    header = answer.json["entry"][0]["resource"]
    assert answer.status == 200 and answer.json["type"] == "message"
    assert header["response"] == {"identifier": "m1", "code": "ok"}
    assert header["eventCoding"]["code"] == "servicerequest-request" and header["destination"] == [{"endpoint": "urn:sender"}]
    made = events(fhir.bus)
    assert made and len({event["patient"]["patient_id"] for event in made}) == 1


def test_process_message_takes_messages_alone_and_keeps_the_rest_for_a_person(fhir):
    answer = fhir.client().post("/$process-message", bundle("collection"))
    assert answer.status == 400 and answer.paths == ["Bundle.type"]
    item, = quarantine(fhir.bus)
    assert item["reason"] == "not-a-message"


@pytest.mark.parametrize("kind", ["collection", "document", "searchset", "history"])
def test_any_other_bundle_is_what_was_said(fhir, kind):
    answer = fhir.client().post("/", bundle(kind, {"resource": patient(resource_id="p1")}))
    assert answer.status == 200
    assert [event["type"].split(".")[0] for event in events(fhir.bus)] == ["patient"]


# ---- what cannot be used


@pytest.mark.parametrize("body, says", [
    (b'{"resourceType":"Patient",\n "gender": x}', "Line 2 column 12"),
    (b'{"resourceType":"Patient","id":"a","id":"b"}', "Line 1 column"),
    (b"", "nothing"),
    (b"\xff\xfe", "Line 1 column 1"),
    (b'{"resourceType":"Patient"} {}', "Line 1 column 28"),
    (b"[" * 100000, "deeper"),
    (b'{"a":1}', "resourceType"),
    (b'"Patient"', "resourceType"),
])
def test_what_is_no_resource_is_refused_with_its_place_and_kept_for_a_person(fhir, body, says):
    answer = fhir.client().post("/Patient", body)
    assert answer.status == 400 and says in answer.text
    assert "kept" in answer.text
    if body:
        item, = quarantine(fhir.bus)
        assert original(fhir.bus, item) == body


@pytest.mark.parametrize("method, path, resource, where", [
    ("POST", "/Encounter", patient(), "Resource.resourceType"),
    ("PUT", "/Patient/p2", patient(resource_id="p1"), "Resource.id"),
    ("PUT", "/Patient/p2", patient(), "Resource.id"),
    ("POST", "/Patient", patient(resource_id="no id of FHIR"), "Resource.id"),
])
def test_resource_that_is_not_what_the_path_says_is_refused_and_kept_for_a_person(fhir, method, path, resource, where):
    answer = fhir.client().ask(method, path, resource)
    assert (answer.status, answer.paths) == (400, [where])
    item, = quarantine(fhir.bus)
    assert json.loads(original(fhir.bus, item)) == resource and events(fhir.bus) == []


def test_resource_of_a_type_that_nobody_reads_is_stored_and_says_so(fhir):
    answer = fhir.client().post("/Substance", {"resourceType": "Substance", "code": {"text": "x"}})
    item, = quarantine(fhir.bus)
    assert answer.status == 201
    assert {issue["severity"] for issue in answer.issues} == {"warning"}
    assert item["reason"] in answer.issues[-1]["diagnostics"] and "person" in answer.issues[-1]["diagnostics"]


@pytest.mark.parametrize("name", ["n_structure_open_object.json", "n_string_incomplete_surrogate.json",
                                  "n_structure_open_object_comma.json",
                                  "n_object_lone_continuation_byte_in_key_and_trailing_comma.json", "n_number_NaN.json",
                                  "i_string_invalid_lonely_surrogate.json",
                                  "n_structure_null-byte-outside-string.json", "i_string_UTF-16LE_with_BOM.json",
                                  "n_string_1_surrogate_then_escape_u1x.json", "i_structure_500_nested_arrays.json"])
def test_hostile_json_is_refused_over_http_and_the_next_request_is_taken(fhir, name):
    from test_corpus_hl7 import CORPUS
    files = list((CORPUS / "hostile-json").rglob(name)) if CORPUS else []
    if not files:
        pytest.skip("needs the corpus: set CAREBUS_CORPUS")
    client = fhir.client()
    answer = client.post("/Patient", files[0].read_bytes())
    assert answer.status == 400 and answer.issues[0]["severity"] == "error"
    assert client.post("/Patient", patient()).status == 201


# ---- what is asked of it, and is not offered


@pytest.mark.parametrize("method, path, status, allow", [
    ("GET", "/Patient/p1", 405, "PUT, DELETE"), ("PATCH", "/Patient/p1", 405, "PUT, DELETE"), ("GET", "/Patient?name=x", 405, "POST"),
    ("GET", "/", 405, "POST"), ("POST", "/Patient/p1", 405, "PUT, DELETE"), ("POST", "/metadata", 405, "GET, HEAD"),
    ("OPTIONS", "/Patient", 405, "POST"), ("TRACE", "/", 405, "POST"),
    ("GET", "/Patient/p1/_history/1", 404, None), ("POST", "/Patient/_search", 404, None), ("POST", "/patient", 404, None),
    ("POST", "/Patient/$everything", 404, None), ("PUT", "/../etc/passwd", 404, None), ("POST", "/" + "A" * 300, 404, None),
    ("PUT", "/Patient/" + "a" * 65, 400, None), ("PUT", "/Patient/a%2Fb", 404, None), ("PUT", "/Patient/a_b", 400, None),
    ("PUT", "/Patient/p1?identifier=a", 412, None), ("DELETE", "/Patient/p1?identifier=a", 412, None),
    ("POST", "/Patient?identifier=a", 400, None),
])
def test_what_is_not_offered_is_refused_with_an_outcome(fhir, method, path, status, allow):
    body = patient() if method in ("POST", "PUT", "PATCH") else None
    answer = fhir.client().ask(method, path, body)
    assert (answer.status, answer.headers["Allow"]) == (status, allow)
    assert answer.json["resourceType"] == "OperationOutcome" and answer.text
    assert events(fhir.bus) == []


@pytest.mark.parametrize("headers, status", [
    ({"content_type": "application/fhir+xml"}, 415), ({"content_type": "text/plain"}, 415), ({"content_type": None}, 415),
    ({"content_type": "application/fhir+json; charset=ISO-8859-1"}, 415), ({"content_type": "application/fhir+json; fhirVersion=3.0"}, 415),
    ({"content_encoding": "gzip"}, 415), ({"accept": "application/fhir+xml"}, 406), ({"accept": "text/html"}, 406),
    ({"content_type": "application/json"}, 201), ({"content_type": 'application/fhir+json;charset="UTF-8"; fhirVersion=4.0'}, 201),
    ({"accept": "application/fhir+xml;q=0.9, application/fhir+json"}, 201), ({"accept": "*/*"}, 201),
    ({"content_encoding": "identity"}, 201), ({"content_type": "APPLICATION/FHIR+JSON"}, 201),
])
def test_content_is_json_of_r4_in_utf_8_and_nothing_else(fhir, headers, status):
    answer = fhir.client().post("/Patient", patient(), **headers)
    assert answer.status == status
    assert answer.json["resourceType"] == "OperationOutcome" and answer.text


def test_plain_json_is_given_to_who_accepts_that_alone(fhir):
    client = fhir.client()
    assert client.get("/metadata", accept="application/json").headers["Content-Type"] == "application/json; charset=utf-8"
    assert client.get("/metadata?_format=json", accept="text/html").status == 200
    assert client.get("/metadata?_format=xml").status == 406


def test_metadata_says_what_is_taken_and_is_open(make_fhir):
    fhir = make_fhir(token=TOKEN)
    statement = fhir.client(token=None).get("/metadata").json
    assert (statement["resourceType"], statement["fhirVersion"], statement["kind"]) == ("CapabilityStatement", "4.0.1", "instance")
    rest = statement["rest"][0]
    types = {resource["type"]: [i["code"] for i in resource["interaction"]] for resource in rest["resource"]}
    assert {"Patient", "Encounter", "ServiceRequest"} <= set(types) and types["Patient"] == ["create", "update", "delete"]
    assert len(types) == len(rest["resource"])
    assert [i["code"] for i in rest["interaction"]] == ["transaction", "batch"]
    assert "token" in rest["security"]["service"][0]["text"]
    assert statement["software"]["version"].count(".") == 2


# ---- who may speak


def test_without_the_token_nothing_is_taken(make_fhir):
    fhir = make_fhir(token=TOKEN)
    for authorization in (None, "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"):
        answer = fhir.client(token=None).post("/Patient", patient(), **({"authorization": authorization} if authorization else {}))
        assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.issues[0]["code"] == "login"
    assert events(fhir.bus) == []
    assert fhir.client().post("/Patient", patient()).status == 201
    assert "SENDER_NOT_AUTHENTICATED" in fhir.log() and TOKEN not in fhir.log()


def test_tokens_are_read_again_at_reload_and_a_file_that_is_open_to_all_is_refused(make_fhir):
    fhir = make_fhir(token=TOKEN)
    assert fhir.client().post("/Patient", patient("H0")).status == 201
    fhir.write_tokens("# the old one is gone", "another-token")
    assert fhir.client().post("/Patient", patient("H1")).status == 201, "before the reload"
    fhir.reload()
    assert fhir.client().post("/Patient", patient("H2")).status == 401
    assert fhir.client(token="another-token").post("/Patient", patient("H2")).status == 201
    fhir.write_tokens("third-token", mode=0o644)
    fhir.reload()
    assert "RELOAD_REFUSED" in fhir.log()
    assert fhir.client(token="another-token").post("/Patient", patient("H3")).status == 201, "what was in force stays in force"


def test_connection_that_is_there_lives_through_a_reload(fhir):
    client = fhir.client()
    assert client.post("/Patient", patient("H1")).status == 201
    before = client.connection.sock.getsockname()
    fhir.reload()
    assert client.post("/Patient", patient("H2")).status == 201
    assert client.connection.sock.getsockname() == before
    assert fhir.client().post("/Patient", patient("H3")).status == 201


def test_address_that_may_not_connect_is_refused(make_fhir):
    fhir = make_fhir(allow_from=["192.0.2.0/24"])
    with pytest.raises((OSError, http.client.HTTPException)):
        fhir.client().post("/Patient", patient())
    assert "SENDER_REFUSED" in fhir.log()


def test_listener_that_anybody_could_use_does_not_start(make_bus):
    bus = make_bus()
    fhir = Fhir(bus, listen=f"0.0.0.0:{free_port()}")
    fhir.start(wait=False)
    assert fhir.process.wait(ANSWER_SECONDS) == 78
    assert "token" in fhir.log() and "client_ca" in fhir.log()


def tls_settings(folder, mutual=False):
    settings = {"certificate": str(folder / "server.pem"), "key": str(folder / "server.key")}
    return {**settings, "client_ca": str(folder / "ca.pem")} if mutual else settings


def test_tls_carries_requests_and_plain_text_gets_no_answer(make_fhir, certificates):  # noqa: F811
    fhir = make_fhir(tls=tls_settings(certificates), token=TOKEN)
    client = fhir.client(tls=client_context(certificates))
    assert [client.post("/Patient", patient(f"H{i}")).status for i in range(20)] == [201] * 20
    with pytest.raises((OSError, http.client.HTTPException)):
        fhir.client().post("/Patient", patient("H99"))
    assert len(events(fhir.bus)) == 20


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version, taken", [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_tls_is_1_2_or_later(make_fhir, certificates, version, taken):  # noqa: F811
    fhir = make_fhir(tls=tls_settings(certificates))
    context = client_context(certificates)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    try:
        status = fhir.client(tls=context).post("/Patient", patient()).status
    except (ssl.SSLError, OSError):
        status = None
    assert status == (201 if taken else None)


def test_mutual_tls_lets_in_only_who_has_a_certificate_of_the_ca(make_fhir, certificates):  # noqa: F811
    fhir = make_fhir(tls=tls_settings(certificates, mutual=True))
    assert fhir.client(tls=client_context(certificates, "client")).post("/Patient", patient("H1")).status == 201
    for name in (None, "stranger"):
        with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
            fhir.client(tls=client_context(certificates, name)).post("/Patient", patient("H2"))
    assert len(events(fhir.bus)) == 1
    wait_for(lambda: "SENDER_TLS_FAILED" in fhir.log(), what="the failed handshake in the log")


def test_new_certificate_is_shown_after_a_reload_and_a_wrong_one_changes_nothing(make_fhir, certificates):  # noqa: F811
    own = certificates / "reload"
    own.mkdir(exist_ok=True)
    for kind in ("pem", "key"):
        (own / f"server.{kind}").write_bytes((certificates / f"server.{kind}").read_bytes())
        (own / f"server.{kind}").chmod(0o600)
    fhir = make_fhir(tls={"certificate": str(own / "server.pem"), "key": str(own / "server.key")})

    def shown():
        return ssl.get_server_certificate(("127.0.0.1", fhir.port))

    first = shown()
    (own / "server.pem").write_bytes((certificates / "client.pem").read_bytes())
    fhir.reload()
    assert "RELOAD_REFUSED" in fhir.log() and shown() == first, "the key is not the certificate's"
    (own / "server.key").write_bytes((certificates / "client.key").read_bytes())
    fhir.reload()
    assert shown() != first


# ---- limits


def raw(fhir, seconds=ANSWER_SECONDS):
    return socket.create_connection(("127.0.0.1", fhir.port), timeout=seconds)


def read_all(connection):
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except (ConnectionResetError, TimeoutError):
        pass
    return said


def test_body_beyond_the_limit_is_refused_and_the_next_is_taken(make_fhir):
    fhir = make_fhir(max_message_bytes=4096)
    client = fhir.client()
    large = patient(text={"status": "empty", "div": "x" * 100000})
    answer = client.post("/Patient", large)
    assert answer.status == 413 and answer.issues[0]["code"] == "too-long"
    assert client.post("/Patient", patient()).status == 201
    chunks = (json.dumps(large)[i:i + 1000].encode() for i in range(0, 100000, 1000))
    client.connection.request("POST", "/Patient", chunks, {"Content-Type": JSON, "Transfer-Encoding": "chunked"}, encode_chunked=True)
    response = client.connection.getresponse()
    assert response.status == 413 and response.read()
    wait_for(lambda: fhir.bus.source_status("epr").refused == 2, what="the count of what was refused")
    assert len(events(fhir.bus)) == 1


def test_announced_flood_is_refused_before_it_comes(make_fhir):
    fhir = make_fhir(max_message_bytes=4096)
    with raw(fhir) as connection:
        connection.sendall(b"POST /Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n"
                           b"Expect: 100-continue\r\nContent-Length: 900000000000\r\n\r\n")
        said = read_all(connection)
    assert said.startswith(b"HTTP/1.1 413") and b"100 Continue" not in said


def test_chunked_body_is_taken_whole(fhir):
    client = fhir.client()
    data = json.dumps(patient()).encode()
    client.connection.request("POST", "/Patient", (data[i:i + 7] for i in range(0, len(data), 7)),
                              {"Content-Type": JSON, "Transfer-Encoding": "chunked"}, encode_chunked=True)
    response = client.connection.getresponse()
    response.read()
    assert response.status == 201 and len(events(fhir.bus)) == 1


def test_headers_without_end_are_refused(fhir):
    with raw(fhir) as connection:
        try:
            connection.sendall(b"POST /Patient HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 200000)
        except ConnectionError:
            pass
        said = read_all(connection)
    assert said == b"" or said.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert fhir.client().post("/Patient", patient()).status == 201


@pytest.mark.parametrize("request_bytes", [
    b"nonsense\r\n\r\n", b"POST /Patient HTTP/1.1\r\n\r\n", b"POST /Patient HTTP/9.9\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00" * 20,
    b"POST /Patient HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\n{}",
    b"POST /Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
])
def test_what_is_no_http_costs_its_own_connection_alone(fhir, request_bytes):
    with raw(fhir, seconds=2) as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        said = read_all(connection)
    assert b" 20" not in said[:14]
    assert fhir.client().post("/Patient", patient()).status == 201


def test_pipelined_requests_are_answered_in_their_order(fhir):
    with raw(fhir) as connection:
        sent = b""
        for i in range(50):
            body = json.dumps(patient(f"H{i}", resource_id=f"p{i}")).encode()
            sent += (f"PUT /Patient/p{i} HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        connection.sendall(sent + b"GET /metadata HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = read_all(connection)
    heads = [part.split(b"\r\n\r\n")[0] for part in said.split(b"HTTP/1.1 ")[1:]]
    assert [head[:3] for head in heads] == [b"201"] * 50 + [b"200"]
    locations = [head.split(b"Location: ")[1].split(b"\r\n")[0].decode() for head in heads[:50]]
    assert locations == [f"/Patient/p{i}/_history/1" for i in range(50)]


def test_two_hundred_clients_at_once_are_all_answered(make_fhir):
    fhir = make_fhir(max_connections=400)
    clients = [fhir.client() for _ in range(200)]

    def say(number):
        return [clients[number].put(f"/Patient/p{number}", patient(f"H{number}", resource_id=f"p{number}", family=family)).status
                for family in ("ONE", "TWO")]

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(say, range(200)))
    assert answers == [[201, 200]] * 200
    assert len(events(fhir.bus)) == 400


def test_one_address_cannot_take_all_connections(make_fhir):
    fhir = make_fhir(max_connections=8)
    idle = [raw(fhir) for _ in range(12)]
    for connection in idle:
        connection.setblocking(False)
    wait_for(lambda: sum(map(is_ended, idle)) >= 6, what="most of them to be sent away")
    for connection in idle:
        connection.close()
    wait_for(fhir.takes_a_patient, what="room again")


@pytest.mark.nightly
def test_client_that_dribbles_is_ended_within_two_minutes(fhir):
    with raw(fhir, seconds=5) as slow, raw(fhir, seconds=5) as slow_body:
        slow.sendall(b"POST /Patient HTTP/1.1\r\n")
        slow_body.sendall(b"POST /Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 1000\r\n\r\n")
        end = time.monotonic() + 120
        alive = {slow, slow_body}
        while alive and time.monotonic() < end:
            for connection in list(alive):
                try:
                    connection.sendall(b"X: y\r\n" if connection is slow else b" ")
                except OSError:
                    alive.discard(connection)
            time.sleep(2)
        assert not alive
    assert "SENDER_TIMED_OUT" in fhir.log()


def test_a_slow_client_holds_up_nobody(fhir):
    with raw(fhir) as slow:
        slow.sendall(b"POST /Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 1000\r\n\r\n{")
        assert fhir.client().post("/Patient", patient()).status == 201
        slow.setblocking(False)
        with pytest.raises(BlockingIOError):  # neither answered nor ended: the other was not let wait until it was
            slow.recv(1)


# ---- when the bus cannot


def test_without_a_bus_the_client_is_told_to_come_again_and_nothing_is_lost_or_doubled(fhir):
    fhir.bus.kill()
    client = Client(fhir.port, seconds=30 * SLOW)
    started = time.monotonic()
    answer = client.post("/Patient", patient())
    assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0 and answer.issues[0]["code"] == "timeout"
    assert time.monotonic() - started > 8
    fhir.bus.start()
    retried = wait_for(lambda: [a for a in [client.post("/Patient", patient())] if a.status in (200, 201)], 30 * SLOW, "the bus to take it")
    assert retried[0].id
    assert len(events(fhir.bus)) == 1
    assert "ANSWER_OVERDUE" in fhir.log()
    client.close()


def test_bus_that_dies_between_request_and_receipt_costs_a_retry_and_no_double(fhir):
    client = fhir.client(seconds=30 * SLOW)
    assert client.post("/Patient", patient("H0")).status == 201
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        fhir.bus.process.send_signal(19)  # SIGSTOP: it hears nothing any more
        waiting = pool.submit(client.post, "/Patient", patient("H1"))
        time.sleep(0.5)
        fhir.bus.kill()
        first = waiting.result(30 * SLOW)
    assert first.status == 503
    fhir.bus.start()
    wait_for(lambda: client.post("/Patient", patient("H1")).status in (200, 201), 30 * SLOW, "the retry")
    assert [e["patient"]["identifiers"][0]["value"] for e in events(fhir.bus)] == ["H0", "H1"]


def test_short_absence_of_the_bus_is_waited_out(fhir):
    client = fhir.client(seconds=30 * SLOW)
    assert client.post("/Patient", patient("H0")).status == 201
    fhir.bus.kill()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.post, "/Patient", patient("H1"))
        fhir.bus.start()
        answer = waiting.result(30 * SLOW)
    assert answer.status == 201 if SLOW == 1 else answer.status in (201, 503)


def test_client_that_leaves_before_the_answer_costs_nothing(fhir):
    body = json.dumps(patient()).encode()
    fhir.bus.process.send_signal(19)
    for _ in range(20):
        with raw(fhir) as connection:
            connection.sendall(f"POST /Patient HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                               + body)
    time.sleep(0.5)
    fhir.bus.process.send_signal(18)
    assert fhir.client().post("/Patient", patient("H2")).status == 201
    assert len(events(fhir.bus)) == 2


def test_stop_answers_what_is_on_the_way_and_ends_well(fhir):
    client = fhir.client()
    assert client.post("/Patient", patient("H0")).status == 201
    fhir.bus.process.send_signal(19)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.post, "/Patient", patient("H1"))
        time.sleep(0.3)
        fhir.process.send_signal(15)
        time.sleep(0.3)
        fhir.bus.process.send_signal(18)
        assert waiting.result(ANSWER_SECONDS).status == 201
    assert fhir.process.wait(ANSWER_SECONDS) == 0
    fhir.process = None


def test_full_storage_is_a_later(make_fhir):
    fhir = make_fhir({"journal": {"reserve_bytes": "1000 GiB", "segment_bytes": "4 MiB"}})
    answer = fhir.client().post("/Patient", patient())
    assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0 and answer.issues[0]["code"] == "transient"


def test_retranslated_original_has_the_ids_that_it_had(make_fhir):
    fhir = make_fhir()
    profile = fhir.bus.folder / "profiles"
    profile.mkdir()
    extension = {"url": "https://wester.example/not-known", "valueBoolean": True}
    sent = bundle("transaction", entry({**patient("H1"), "modifierExtension": [extension]}, full_url=URN), entry(encounter(subject=URN)))
    answer = fhir.client().post("/", sent)
    assert answer.status == 200
    item, = quarantine(fhir.bus)
    (profile / "own.yaml").write_text("ignore: [Patient.modifierExtension]\n", encoding="utf-8")
    fhir.bus.config["sources"]["epr"]["profile"] = "own"
    fhir.bus.write_config()
    fhir.reload()
    fhir.bus.ctl("quarantine", "retry", str(item["id"]), "--who", "A. Engineer", "--why", "the profile knows it now", check=0)
    wait_for(lambda: quarantine(fhir.bus) == [], what="the retry")
    person = answer.json["entry"][0]["response"]["location"].split("/")[1]
    said = [i["value"] for event in events(fhir.bus) for i in event["patient"]["identifiers"]]
    assert f"Patient/{person}" in said


# ---- without a listener


def run(fhir, *arguments, **options):
    return subprocess.run([str(CAREBUS_FHIR), "--config", str(fhir.bus.config_path), *map(str, arguments)], capture_output=True, text=True,
                          timeout=60 * SLOW, check=False, **options)


def test_files_of_before_today_are_taken_in_as_history(fhir, tmp_path):
    files = [tmp_path / "people.json", tmp_path / "more.ndjson"]
    files[0].write_text(json.dumps(bundle("collection", {"resource": patient("H1", resource_id="p1")})), encoding="utf-8")
    files[1].write_text("".join(json.dumps(patient(f"H{i}", resource_id=f"p{i}")) + "\n" for i in (2, 3)), encoding="utf-8")
    fhir.stop()
    done = run(fhir, "--source", "epr", "--load", *files)
    assert done.returncode == 0, done.stderr
    assert [(e["patient"]["identifiers"][0]["value"], e["loaded"]) for e in events(fhir.bus)] == [("H1", True), ("H2", True), ("H3", True)]
    fhir.start()


def test_translate_shows_what_a_file_would_become_and_talks_to_nobody(fhir):
    done = run(fhir, "--translate", "-", input=json.dumps(patient()))
    line, = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and line["events"][0]["type"].startswith("patient.")
    assert run(fhir, "--translate", "-", input="{").returncode == 65
    assert events(fhir.bus) == []


@pytest.mark.parametrize("arguments, code", [((), 64), (("--source", "nobody"), 78), (("--source", "pas"), 78), (("x",), 64),
                                             (("--source", "epr", "--load"), 64), (("--nonsense",), 64)])
def test_wrong_use_says_what_to_do(fhir, arguments, code):
    done = run(fhir, *arguments)
    assert done.returncode == code and done.stderr


# ---- privacy


def test_nothing_of_a_body_or_path_is_logged(make_fhir):
    fhir = make_fhir(token=TOKEN)
    client = fhir.client()
    secret = "Zyxquorvle"
    client.post("/Patient", patient(secret, family=secret))
    client.put(f"/Patient/{secret}", patient(resource_id=secret))
    client.put(f"/Patient/{secret}2", patient(resource_id=secret))
    client.post("/Patient", f'{{"resourceType":"{secret}", {secret}')
    client.get(f"/Patient/{secret}?name={secret}")
    client.delete(f"/Consent/{secret}")
    client.post(f"/{secret}", patient(), if_none_exist=f"identifier={secret}|{secret}")
    client.post("/Patient", patient(secret), authorization=f"Bearer {secret}")
    client.post("/", bundle(secret, entry(patient(secret), url=secret)))
    client.post("/Patient", patient(), content_type=secret, accept=secret)
    with raw(fhir, seconds=1) as connection:
        connection.sendall(f"{secret} /{secret} HTTP/1.1\r\n{secret}\r\n\r\n".encode())
        read_all(connection)
    fhir.stop()
    assert "COUNTS" in fhir.log()
    for text in (fhir.log(), fhir.bus.log()):
        assert secret.lower() not in text.lower() and TOKEN not in text
