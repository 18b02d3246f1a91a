"""The facade: a team's system reads records as FHIR R4, with the team's rights, under the name of the person who looks.

A client of Node (fhir-kit-client, and the validator of the package fhir) reads it too, where CAREBUS_NODE names a folder that has them
in node_modules.
"""

import http.client
import json
import os
import shutil
import subprocess
import urllib.parse

import pytest
from carebus_bus import SLOW, Bus, wait_for
from fhir_receiver import FhirDestination
from mllp_peer import free_port
from test_destination import EVERYBODY, OPEN, said

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
    kinds = [entry["resource"]["resourceType"] for entry in everything.json["entry"]]
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
        assert page["total"] == whole["total"] and len(page["entry"]) == 1
        seen += page["entry"]
        url = next(("/" + link["url"] for link in page["link"] if link["relation"] == "next"), None)
    assert seen == whole["entry"]


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
    assert len(said_by_client["everything"]["entry"]) == 3
    assert said_by_client["summary"]["entry"][0]["resource"]["resourceType"] == "Composition"
    assert said_by_client["capabilities"]["fhirVersion"] == "4.0.1"
