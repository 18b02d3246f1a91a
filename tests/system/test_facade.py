"""The facade: a team's system reads records as FHIR R4, with the team's rights, under the name of the person who looks.

A client of Node (fhir-kit-client, and the validator of the package fhir) reads it too, where CAREBUS_NODE names a folder that has them
in node_modules.
"""

import base64
import datetime
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import time
import urllib.parse

import pytest
from carebus_bus import SLOW, Bus, wait_for
from fhir_receiver import FhirDestination
from mllp_peer import free_port
from test_destination import EVERYBODY, OPEN, said
from test_fhir_destination import letter_of

TOKEN = "a-token-of-the-ward-system"
WHO = "nurse.jones"

CLIENT = """
const { Fhir } = require('fhir');
const [baseUrl, token, number] = process.argv.slice(1);
(async () => {
  const { Client } = await import('fhir-kit-client');
  const client = new Client({ baseUrl, customHeaders: { Authorization: 'Bearer ' + token, 'X-Carebus-Who': 'nurse.jones' } });
  const found = await client.search({ resourceType: 'Patient', searchParams: { identifier: number } });
  const id = found.entry[0].resource.id;
  const patient = await client.read({ resourceType: 'Patient', id });
  const everything = await client.operation({ name: 'everything', resourceType: 'Patient', id, method: 'GET' });
  const summary = await client.operation({ name: 'summary', resourceType: 'Patient', id, method: 'GET' });
  const capabilities = await client.capabilityStatement();
  const fhir = new Fhir();
  const problems = [];
  for (const one of [patient, everything, summary, found])
    for (const message of fhir.validate(one, { errorOnUnexpected: true }).messages)
      if (message.severity === 'error' || message.severity === 'fatal') problems.push(one.resourceType + ' ' + JSON.stringify(message));
  console.log(JSON.stringify({ id, patient, everything, summary, capabilities, problems }));
})().catch(error => { console.error(error.message, JSON.stringify(error.response || {})); process.exit(1); });
"""


class Facade:
    """A bus with a destination that only answers, and a client of it."""

    def __init__(self, tmp_path, sharing=OPEN, **destination):
        self.port = free_port()
        tokens = tmp_path / "tokens"
        tokens.write_text(f"# who may ask\n{TOKEN} wardsystem\n", encoding="ascii")
        tokens.chmod(0o600)
        settings = {"team": "ward", "adapter": "fhir", "facade": f"127.0.0.1:{self.port}", "facade_token": str(tokens), **destination}
        clinic = {"name": "Clinic", "organisation": "RB1", "class": "clinical"}
        self.bus = Bus({"sharing": sharing, "scope": EVERYBODY, "teams": {"clinic": clinic}, "destinations": {"out": settings}})
        self.bus.__enter__()
        self.out = FhirDestination(self.bus).start()
        self.out.wait_log("FACADE_LISTENS")

    def close(self):
        self.out.close()
        self.bus.__exit__(None, None, None)

    def get(self, path, token=TOKEN, who=WHO, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20 * SLOW)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if who:
            headers["X-Carebus-Who"] = who
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        response.json = json.loads(body) if body else None
        return response

    def find(self, value, system="carebus:pas"):
        return self.get("/Patient?identifier=" + urllib.parse.quote(f"{system}|{value}"))

    def patient(self, value):
        found = wait_for(lambda: self.find(value).json.get("entry"), what=f"{value} at the facade")
        return found[0]["resource"]


@pytest.fixture
def make_facade(tmp_path):
    made = []

    def make(**settings):
        made.append(Facade(tmp_path, **settings))
        return made[-1]

    yield make
    for facade in made:
        facade.close()


@pytest.fixture
def facade(make_facade):
    facade = make_facade()
    facade.bus.source("pas").send(said(1, 1, "V1"), said(2, 1, "V2"), said(3, 2, "V3"))
    facade.bus.wait_folded()
    return facade


def matches(bundle):
    return [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "match"]


def states(bundle):
    """Of $everything: the code and the words of each section, by its title."""
    outcome, = (entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "outcome")
    assert outcome["resourceType"] == "OperationOutcome"
    pairs = [(issue["details"]["text"].partition(": "), issue) for issue in outcome["issue"]]
    return {title: (issue["code"], issue["details"]["coding"][0]["code"], words) for (title, _, words), issue in pairs}


def assert_whole(node):
    """No null, no "", no empty list or object, anywhere."""
    assert node not in (None, "", [], {})
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        assert_whole(child)


def test_a_person_is_found_by_a_number_and_read(facade):
    patient = facade.patient("P1")
    assert patient["resourceType"] == "Patient"
    assert ("carebus:pas", "P1") in [(number.get("system"), number["value"]) for number in patient["identifier"]]
    read = facade.get(f"/Patient/{patient['id']}")
    assert read.status == 200 and read.json["id"] == patient["id"]
    everything = facade.get(f"/Patient/{patient['id']}/$everything")
    kinds = [resource["resourceType"] for resource in matches(everything.json)]
    assert everything.json["type"] == "searchset" and kinds[0] == "Patient" and kinds.count("Encounter") == 2
    for entry in everything.json["entry"]:
        assert_whole(entry)
        assert "P2" not in json.dumps(entry) and "V3" not in json.dumps(entry), "nobody else's"


def test_everything_comes_in_pages(facade):
    patient = facade.patient("P1")["id"]
    whole = facade.get(f"/Patient/{patient}/$everything").json
    url, seen = f"/Patient/{patient}/$everything?_count=1", []
    while url:
        page = facade.get(url).json
        assert page["total"] == whole["total"] == len(matches(whole)) and len(matches(page)) == 1
        assert page["entry"][-1] == whole["entry"][-1], "what is not shown, and why, stands on every page"
        seen += matches(page)
        url = next(("/" + link["url"] for link in page["link"] if link["relation"] == "next"), None)
    assert seen == matches(whole)


def test_a_summary_is_a_document_whose_empty_sections_say_why(facade):
    patient = facade.patient("P1")["id"]
    summary = facade.get(f"/Patient/{patient}/$summary").json
    assert summary["type"] == "document" and summary["entry"][0]["resource"]["resourceType"] == "Composition"
    assert_whole(summary)
    composition = summary["entry"][0]["resource"]
    for section in composition["section"]:
        assert section["text"]["div"].startswith("<div xmlns=")
        assert ("entry" in section) != ("emptyReason" in section), section["title"]
    stays = next(section for section in composition["section"] if section["title"] == "Stays and attendances")
    assert len(stays["entry"]) == 2
    allergies = next(section for section in composition["section"] if section["title"].startswith("Allergies"))
    assert allergies["emptyReason"]["coding"][0]["code"] != "nilknown", "that nobody wrote one down is not that there is none"


def test_hidden_is_told_as_hidden_and_by_whom(make_facade):
    rules = [dict(rule, kinds=["demographics", "encounters", "alerts"]) for rule in OPEN["rules"]]
    facade = make_facade(sharing={"rules": rules}, team="clinic")
    facade.bus.source("pas").send(said(1, 1, "V1"))
    facade.bus.wait_folded()
    patient = facade.patient("P1")["id"]
    composition = facade.get(f"/Patient/{patient}/$summary").json["entry"][0]["resource"]
    sections = {section["title"]: section for section in composition["section"]}
    hidden, shown = sections["Allergies and intolerances"], sections["Alerts"]
    assert hidden["emptyReason"]["coding"][0]["code"] == "withheld"
    assert hidden["emptyReason"]["coding"][1]["code"] == "hidden"
    assert hidden["emptyReason"]["text"].startswith("Not shown to your team")
    assert shown["emptyReason"]["coding"][0]["code"] != "withheld"
    told = states(facade.get(f"/Patient/{patient}/$everything").json)
    assert told["Allergies and intolerances"] == ("suppressed", "hidden", hidden["emptyReason"]["text"])
    assert told["Alerts"] != told["Allergies and intolerances"] and told["Alerts"][1] == shown["emptyReason"]["coding"][1]["code"]
    assert "Stays and attendances" not in told or told["Stays and attendances"][1] not in ("hidden", "none-recorded")


def test_hidden_held_not_known_and_none_never_look_alike(make_facade):
    """As a clinician reads it: what hides, what waits, what was not heard and what nobody wrote down have words and codes of their own."""
    rules = [dict(rule, kinds=["demographics", "encounters", "alerts", "conditions"]) for rule in OPEN["rules"]]
    facade = make_facade(sharing={"rules": rules}, team="clinic")
    facade.bus.source("pas").send(said(1, 1, "V1"))
    facade.bus.wait_folded()
    patient = facade.patient("P1")["id"]
    composition = facade.get(f"/Patient/{patient}/$summary").json["entry"][0]["resource"]
    everything = states(facade.get(f"/Patient/{patient}/$everything").json)
    empty = {section["title"]: section["emptyReason"] for section in composition["section"] if "emptyReason" in section}
    assert set(empty) <= set(everything), "both ways of asking say the same"
    words, standard = {}, {}
    for title, reason in empty.items():
        state = reason["coding"][1]["code"]
        assert everything[title][1:] == (state, reason["text"])
        words.setdefault(state, set()).add(reason["text"].split(",")[0].split(".")[0])
        standard.setdefault(state, set()).add(reason["coding"][0]["code"])
    assert {"hidden"} < set(words), words
    texts = [text for of_state in words.values() for text in of_state]
    assert len(texts) == len(set(texts)), words
    assert all(len(codes) == 1 for codes in standard.values())
    assert standard["hidden"] == {"withheld"} and not any("withheld" in codes or "nilknown" in codes
                                                          for state, codes in standard.items() if "hidden" not in state)


def test_each_question_stands_in_the_audit_under_the_name_of_who_looked(facade):
    patient = facade.patient("P1")["id"]
    for path, who in (("", "dr.ng"), ("/$everything", "nurse.lee"), ("/$summary", "pharmacist.oh")):
        assert facade.get(f"/Patient/{patient}{path}", who=who).status == 200
    facade.get(f"/Patient/{patient}", who=None)
    known = facade.bus.ctl_json("record", "carebus:pas", "P1")[0]["patient_id"]
    lines = [line["record"].get("disclosure", {}) for line in facade.bus.ctl_json("audit", "who", known)]
    given = [line for line in lines if line.get("way") == "request"]
    assert {"dr.ng", "nurse.lee", "pharmacist.oh"} <= {line.get("who") for line in given}
    for line in given:
        assert (line["team"], line["system"], line["purpose"]) == ("ward", "wardsystem", "direct-care") and line["who"]


def test_what_came_since_a_moment_comes_alone_and_the_page_says_what_was_asked(facade):
    patient = facade.patient("P1")["id"]
    whole = facade.get(f"/Patient/{patient}/$everything").json
    time.sleep(1.1)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    asked = f"/Patient/{patient}/$everything?_since={urllib.parse.quote(now)}"
    assert [one["resourceType"] for one in matches(facade.get(asked).json)] == ["Patient"]
    facade.bus.source("pas").send(said(7, 1, "V7"))
    facade.bus.wait_folded()
    changed = wait_for(lambda: (page := facade.get(asked).json) and page["total"] == 2 and page, what="what came since")
    assert "V7" in json.dumps(matches(changed)) and "V1" not in json.dumps(matches(changed))
    assert states(changed).keys() == states(whole).keys(), "what is not shown does not follow from when"
    first = facade.get(f"{asked}&_count=1").json
    more = next(link["url"] for link in first["link"] if link["relation"] == "next")
    assert matches(facade.get("/" + more).json) == matches(changed)[1:], "the next page is of the same question"
    for moment in ("yesterday", "2026-11-22T07:00:00", "20261122", "2026-13-01"):
        assert facade.get(f"/Patient/{patient}/$everything?_since={moment}").status == 400, moment
    assert facade.get(f"/Patient/{patient}/$summary?_since=2026-01-01").status == 400


def letters_of(facade, patient):
    return {one["content"][0]["attachment"]["title"]: one["content"][0]["attachment"]
            for one in matches(facade.get(f"/Patient/{patient}/$everything").json) if one["resourceType"] == "DocumentReference"}


def hash_of(attachment):
    said_hash, = (one["valueString"] for one in attachment["extension"] if one["url"] == "urn:carebus:sha256")
    return said_hash


def test_a_document_comes_with_what_it_says_and_its_bytes_are_a_binary(facade):
    """Bytes are with the event that brought them, and are read from there as they came; a record has their size and their hash."""
    letter, scan = "Seen at home.\nSettled; morphine 5 mg twice – no pain.", b"II*" * 700
    longest, typed = bytes(range(256)) * 3000, "A long letter. – " * 500
    facade.bus.source("pas").send(letter_of(11, letter), letter_of(12, scan), letter_of(13, longest), letter_of(14, typed))
    facade.bus.wait_folded()
    patient = facade.patient("P1")["id"]
    found = letters_of(facade, patient)
    assert base64.b64decode(found["Letter 11"]["data"]).decode() == letter
    assert found["Letter 11"]["contentType"].startswith("text/plain")
    for number, says in ((12, scan), (13, longest), (14, typed.encode())):
        attachment = found[f"Letter {number}"]
        assert "data" not in attachment and attachment["size"] == len(says)
        assert hash_of(attachment) == hashlib.sha256(says).hexdigest()
        binary = facade.get("/" + attachment["url"])
        assert binary.status == 200 and binary.json["resourceType"] == "Binary" and attachment["url"] == f"Binary/{binary.json['id']}"
        assert base64.b64decode(binary.json["data"], validate=True) == says
        assert binary.json["contentType"] == ("text/plain; charset=utf-8" if number == 14 else "image/tiff")
        assert binary.json["securityContext"] == {"reference": f"Patient/{patient}"}
    assert found["Letter 12"]["url"] in json.dumps(facade.get(f"/Patient/{patient}/$summary").json)


def test_a_binary_is_of_the_person_and_the_event_that_it_is_named_by(facade):
    facade.bus.source("pas").send(letter_of(12, b"II*" * 700))
    facade.bus.wait_folded()
    patient, other = facade.patient("P1")["id"], facade.patient("P2")["id"]
    url = letters_of(facade, patient)["Letter 12"]["url"]
    place = url.rpartition("-")[2]
    assert facade.get("/" + url).status == 200
    seq, index = map(int, place.split("."))
    for wrong in (f"{other}-{place}", f"{patient}-{seq}.{index + 1}", f"{patient}-1.0", f"{patient}-0.0", f"{patient}-{seq}", f"{patient}-",
                  patient, f"{patient}-99999999999999999999.0", "x" * 65, f"other-{url}"):
        refused = facade.get(f"/Binary/{wrong}")
        assert refused.status == 404 and refused.json["resourceType"] == "OperationOutcome", wrong
    assert facade.get(f"/{url}?_format=json&x=1").status == 400
    assert facade.get("/" + url, token=None).status == 401 and facade.get("/" + url, who=None).status == 403


def test_bytes_of_a_document_are_not_given_to_whom_it_is_hidden_from(make_facade):
    facade = make_facade(team="clinic")
    facade.bus.source("pas").send(said(1, 1, "V1"), letter_of(12, b"II*" * 700))
    facade.bus.wait_folded()
    patient = facade.patient("P1")["id"]
    url = "/" + letters_of(facade, patient)["Letter 12"]["url"]
    assert facade.get(url).status == 200
    facade.bus.config["sharing"] = {"rules": [dict(rule, kinds=["demographics", "encounters"]) for rule in OPEN["rules"]]}
    facade.bus.reload()
    wait_for(lambda: facade.get(url).status == 404, what="the rules that hold now")
    assert letters_of(facade, patient) == {}


def test_nobody_asks_without_a_token_and_a_name(facade):
    patient = facade.patient("P1")["id"]
    assert facade.get(f"/Patient/{patient}", token=None).status == 401
    assert facade.get(f"/Patient/{patient}", token="another-token-of-nobody").status == 401
    nameless = facade.get(f"/Patient/{patient}", who=None)
    assert nameless.status == 403 and "who" in nameless.json["issue"][0]["diagnostics"]
    assert facade.get("/metadata", token=None, who=None).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(facade, method):
    answer = facade.get("/Patient", method=method)
    assert answer.status == 405 and answer.json["resourceType"] == "OperationOutcome" and "GET" in answer.headers["Allow"]


def test_who_is_not_there_and_who_is_not_shown_look_the_same(make_facade):
    rules = [dict(rule, relationships=["referral"]) for rule in OPEN["rules"]]
    facade = make_facade(sharing={"rules": rules}, team="clinic")
    facade.bus.source("pas").send(said(1, 1, "V1"))
    facade.bus.wait_folded()
    known = facade.bus.ctl_json("record", "carebus:pas", "P1")[0]["patient_id"]
    there, nowhere = (facade.get(f"/Patient/{facade.bus.config['bus']}-{person}") for person in (known, "p999999.0"))
    assert there.status == nowhere.status == 404 and there.json == nowhere.json
    assert facade.find("P1").json == facade.find("P-nobody").json


def test_what_has_not_changed_is_not_sent_again(facade):
    patient = facade.patient("P1")["id"]
    first = facade.get(f"/Patient/{patient}")
    again = facade.get(f"/Patient/{patient}", If_None_Match=first.headers["ETag"])
    assert again.status == 304 and again.json is None


@pytest.mark.parametrize("path", ["/Patient", "/Patient?identifier=P1", "/Patient?name=x", "/Patient?identifier=|P1",
                                  "/Patient?identifier=a|b&name=x"])
def test_other_searches_are_refused_with_what_to_ask(facade, path):
    answer = facade.get(path)
    assert answer.status == 400 and answer.json["issue"][0]["diagnostics"]


@pytest.mark.parametrize("path", ["/", "/Observation", "/Patient/x", "/Patient/..%2F..", "/Patient/a/$nothing", "/Patient/a/b/c"])
def test_other_paths_are_not_there(facade, path):
    assert facade.get(path).status == 404


def test_one_token_has_its_measure(facade):
    statuses = [facade.get("/Patient/x").status for _ in range(250)]
    assert 429 in statuses and statuses[0] == 404
    assert wait_for(lambda: facade.get("/Patient/x").status == 404, what="a measure that is full again")


def test_a_client_of_node_reads_it(facade):
    folder = os.environ.get("CAREBUS_NODE")
    if not folder or not shutil.which("node"):
        pytest.skip("CAREBUS_NODE names no folder with fhir-kit-client and fhir in node_modules (npm install fhir-kit-client fhir)")
    facade.patient("P1")
    done = subprocess.run(["node", "-e", CLIENT, f"http://127.0.0.1:{facade.port}", TOKEN, "carebus:pas|P1"], cwd=folder,
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said_by_client = json.loads(done.stdout)
    assert said_by_client["problems"] == []
    assert said_by_client["patient"]["id"] == said_by_client["id"]
    assert len(matches(said_by_client["everything"])) == 3
    assert said_by_client["summary"]["entry"][0]["resource"]["resourceType"] == "Composition"
    assert said_by_client["capabilities"]["fhirVersion"] == "4.0.1"
