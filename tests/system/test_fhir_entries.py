"""What a request leaves out: an entry without its resource, a resource without a time."""

import datetime
import time

from fhir_peer import bundle, encounter, entry, patient
from test_fhir import events, fhir, make_fhir, quarantine  # noqa: F401


def test_entry_that_is_to_be_written_and_has_no_resource_is_no_success(fhir):  # noqa: F811
    client = fhir.client()
    empty = entry(method="PUT", url="Encounter/e7")
    answer = client.post("/", bundle("transaction", entry(patient("H1")), empty))
    assert answer.status == 400 and answer.paths[0] == "Bundle.entry[1].resource"
    assert answer.issues[0]["severity"] == "error"
    assert events(fhir.bus) == [], "all of a transaction or nothing"
    assert [item["reason"] for item in quarantine(fhir.bus)] == ["no-resource"], "what it was meant to say may be a decision"
    answer = client.post("/", bundle("batch", entry(patient("H2")), empty))
    said = [e["response"] for e in answer.json["entry"]]
    assert [r["status"][:3] for r in said] == ["201", "400"]
    assert said[1]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1].resource"]
    assert "location" not in said[1]
    assert len(events(fhir.bus)) == 1


def test_what_says_no_time_was_said_when_it_was_sent_here(fhir):  # noqa: F811
    """A clinical date may be years back: what was sent today is not older for it than what was sent yesterday."""
    client = fhir.client()
    before = time.time()
    sent = encounter("e1")
    assert [client.put("/Encounter/e1", sent).status for _ in range(2)] == [201, 200]
    (event,) = events(fhir.bus)
    said = datetime.datetime.fromisoformat(event["recorded_at"].replace("Z", "+00:00")).timestamp()
    assert before - 1 <= said <= time.time() + 1
    assert event["occurred_at"] == sent["period"]["start"] and event["occurred_at"] != event["recorded_at"]
    assert len(events(fhir.bus)) == 1, "the same request again is the same"
    client.put("/Encounter/e2", encounter("e2", visit="V2", meta={"lastUpdated": "2020-05-06T07:08:09Z"}))
    assert "2020-05-06" in str(events(fhir.bus)[-1]["recorded_at"])
