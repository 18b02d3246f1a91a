"""A server that is asked: carebus-fhir with `poll:`, and a FHIR server in this process that sorts, pages and misbehaves."""

import json
import ssl
import time

import pytest

from carebus_bus import SLOW, wait_for
from fhir_peer import Fhir, Server, encounter, patient
from test_fhir import events, quarantine
from test_mllp import certificates  # noqa: F401

TOKEN = "what-we-show-to-them"


@pytest.fixture
def make_poll(make_bus):
    """A bus, a server, and the adapter that asks it."""
    made = []

    def make(server, start=True, **settings):
        bus = make_bus()
        poll = {"url": server.url, "every": 5, "resources": ["Patient", "Encounter"], **settings}
        fhir = Fhir(bus, poll=poll)
        made.append((fhir, server))
        bus.start()
        return fhir.start() if start else fhir

    yield make
    for fhir, server in made:
        fhir.close()
        server.close()


def at(second, minute=0):
    return f"2026-11-01T10:{minute:02d}:{second:02d}Z"


def persons(bus):
    return sorted(event["patient"]["identifiers"][0]["value"] for event in events(bus) if event["type"].startswith("patient."))


def wait_persons(fhir, expected, seconds=20 * SLOW):
    wait_for(lambda: persons(fhir.bus) == sorted(expected), seconds, f"{len(expected)} persons")


def fill(server, count, start=0):
    for i in range(start, start + count):
        server.put(patient(f"H{i:03d}", resource_id=f"p{i}"), at(i % 60, i // 60))
    return [f"H{i:03d}" for i in range(count + start)]


def test_all_pages_are_read_and_a_change_is_read_once(make_poll):
    server = Server(page=3)
    expected = fill(server, 10)
    server.put(encounter("e1", subject="Patient/p1"), at(30))
    fhir = make_poll(server)
    wait_persons(fhir, expected)
    fhir.reload()  # asks at once
    server.put(patient("H001", resource_id="p1", family="CHANGED"), at(0, 30), version="2")
    wait_persons(fhir, [*expected, "H001"])
    asked = len(server.asked)
    wait_for(lambda: len(server.asked) > asked + 4, what="more rounds")
    wait_persons(fhir, [*expected, "H001"])
    stay = next(event for event in events(fhir.bus) if event["type"].startswith("encounter."))
    person = next(event for event in events(fhir.bus) if event["patient"]["identifiers"][0]["value"] == "H001")
    assert stay["patient"]["patient_id"] == person["patient"]["patient_id"]
    assert all("_sort=_lastUpdated" in path for path in server.asked if "_offset" not in path)
    assert any("_lastUpdated=ge2026-11-01T10:29:50Z" in path for path in server.asked)


def test_what_was_there_before_the_first_question_is_history_and_what_comes_later_is_news(make_poll):
    server = Server(page=2)
    expected = fill(server, 5)
    fhir = make_poll(server)
    wait_persons(fhir, expected)
    server.put(patient("H900", resource_id="p900"), at(0, 40))
    wait_persons(fhir, [*expected, "H900"])
    loaded = {event["patient"]["identifiers"][0]["value"]: event.get("loaded", False) for event in events(fhir.bus)}
    assert loaded == {**{value: True for value in expected}, "H900": False}


def test_resources_of_one_instant_are_all_seen(make_poll):
    server = Server(page=2)
    for i in range(4):
        server.put(patient(f"H{i}", resource_id=f"p{i}"), at(7))
    fhir = make_poll(server)
    wait_persons(fhir, ["H0", "H1", "H2", "H3"])
    server.put(patient("H4", resource_id="p4"), at(7))  # the same instant, after we were there
    wait_persons(fhir, ["H0", "H1", "H2", "H3", "H4"])


def test_adapter_that_is_killed_in_the_middle_goes_on_where_it_stood(make_poll):
    server = Server(page=5)
    expected = fill(server, 100)
    stop_at = 8

    def stall(handler):
        if len(server.asked) >= stop_at:
            time.sleep(0.3)
        return False

    server.misbehave = stall
    fhir = make_poll(server)
    wait_for(lambda: len(server.asked) > stop_at + 1, what="the middle")
    fhir.kill()
    asked = len(server.asked)
    server.misbehave = None
    fhir.start()
    wait_persons(fhir, expected)
    assert "_lastUpdated=ge" in server.asked[asked], "it did not begin at the beginning"
    assert len(persons(fhir.bus)) == len(set(persons(fhir.bus)))
    assert all(event.get("loaded") for event in events(fhir.bus)), "the first reading is history to its end"


def test_bus_that_is_away_moves_nothing(make_poll):
    server = Server(page=5)
    expected = fill(server, 20)
    fhir = make_poll(server, start=False)
    fhir.bus.kill()
    fhir.start()
    wait_for(lambda: server.asked, what="a question")
    time.sleep(1)
    assert len(server.asked) == 1, "the next page waits for the receipts of the first"
    fhir.bus.start()
    wait_persons(fhir, expected, 40 * SLOW)


def test_server_that_does_not_answer_is_said_once_and_asked_again_after_a_while(make_poll):
    server = Server()
    expected = fill(server, 4)

    def fail(handler):
        handler.say(503, {"resourceType": "OperationOutcome"}, Retry_After="1")
        return True

    server.misbehave = fail
    fhir = make_poll(server)
    wait_for(lambda: len(server.asked) >= 3, 20 * SLOW, "three questions")
    server.misbehave = None
    wait_persons(fhir, expected)
    wait_for(lambda: "POLL_ANSWERS" in fhir.log(), what="the line that it answers")
    assert fhir.log().count("event=POLL_SILENT") == 1 and fhir.log().count("event=POLL_ANSWERS") == 1
    assert "status=503" in fhir.log()


def test_retry_after_is_honoured(make_poll):
    server = Server()
    times = []

    def fail(handler):
        times.append(time.monotonic())
        handler.say(429, {"resourceType": "OperationOutcome"}, Retry_After="4")
        return True

    server.misbehave = fail
    make_poll(server)
    wait_for(lambda: len(times) >= 2, 20 * SLOW, "a second question")
    assert times[1] - times[0] >= 3.9


def misbehaviour(kind, server):
    """Answers that must not be taken, nor crash, nor move anything."""
    wrong = {
        "no JSON": b"<html>login</html>", "no Bundle": json.dumps(patient()).encode(), "nested": b'{"a":' * 10000,
        "twice": b'{"resourceType":"Bundle","type":"searchset","type":"searchset"}', "empty": b"",
    }

    def answer(handler):
        if kind == "large":
            handler.say(200, b'{"resourceType":"Bundle","x":"' + b"y" * (17 << 20) + b'"}')
        elif kind == "redirect":
            handler.say(302, b"", Location=server.url + "/Patient?elsewhere")
        elif kind == "cut":
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            handler.wfile.write(b'{"resourceType":')
            handler.close_connection = True
        elif kind == "elsewhere":
            page = server.search(handler.path)
            page["link"] = [{"relation": "next", "url": "http://192.0.2.1/r4/Patient?page=2"}]
            handler.say(200, page)
        elif kind == "circle":
            page = server.search(handler.path)
            page["link"] = [{"relation": "next", "url": handler.path}]
            handler.say(200, page)
        else:
            handler.say(200, wrong[kind])
        return True

    return answer


@pytest.mark.parametrize("kind", ["no JSON", "no Bundle", "nested", "twice", "empty", "large", "redirect", "cut", "elsewhere", "circle"])
def test_server_that_answers_wrongly_is_said_and_asked_again(make_poll, kind):
    server = Server()
    expected = fill(server, 2)
    server.misbehave = misbehaviour(kind, server)
    fhir = make_poll(server)
    wait_for(lambda: "POLL_SILENT" in fhir.log(), 20 * SLOW, "the line that it does not answer")
    assert not any("elsewhere" in path for path in server.asked)
    server.misbehave = None
    wait_persons(fhir, expected, 30 * SLOW)
    assert quarantine(fhir.bus) == []


def test_type_that_is_not_served_is_said_once_and_the_others_are_read(make_poll):
    server = Server()
    expected = fill(server, 2)

    def no_encounters(handler):
        if "/Encounter" not in handler.path:
            return False
        handler.say(404, {"resourceType": "OperationOutcome"})
        return True

    server.misbehave = no_encounters
    fhir = make_poll(server, resources=["Encounter", "Patient"])
    wait_persons(fhir, expected)
    wait_for(lambda: sum("/Encounter" in path for path in server.asked) >= 3, what="three rounds")
    assert fhir.log().count("event=POLL_TYPE_NOT_SERVED") == 1


def test_server_that_does_not_sort_loses_nothing(make_poll):
    server = Server(page=2)
    expected = fill(server, 7)
    sorted_search = server.search

    def backwards(handler):
        page = sorted_search(handler.path)
        if server.asked.index(handler.path) == 0:
            last = max(server.resources.values(), key=lambda r: r["meta"]["lastUpdated"])
            page["entry"].insert(0, {"resource": last})
        handler.say(200, page)
        return True

    server.misbehave = backwards
    fhir = make_poll(server, resources=["Patient"])
    wait_persons(fhir, expected)


def test_resource_that_the_bus_cannot_use_waits_for_a_person_and_holds_up_nothing(make_poll):
    server = Server()
    server.put({"resourceType": "Encounter", "id": "e1", "status": "in-progress"}, at(1))
    server.put(encounter("e2", subject="Patient/p0"), at(2))
    expected = fill(server, 1)
    fhir = make_poll(server)
    wait_persons(fhir, expected)
    wait_for(lambda: any(e["type"].startswith("encounter.") for e in events(fhir.bus)), what="the stay")
    assert [item["reason"] for item in quarantine(fhir.bus)] == ["no-patient"]


def test_token_is_shown_and_read_again_each_time(make_poll, tmp_path):
    server = Server(token=TOKEN)
    expected = fill(server, 2)
    file = tmp_path / "token"
    file.write_text("an-old-one\n", encoding="ascii")
    file.chmod(0o600)
    fhir = make_poll(server, token=str(file))
    wait_for(lambda: "POLL_SILENT" in fhir.log(), what="the refusal in the log")
    assert "status=401" in fhir.log() and server.wrong_tokens > 0
    file.write_text(TOKEN + "\n", encoding="ascii")
    wait_persons(fhir, expected, 30 * SLOW)
    assert TOKEN not in fhir.log()


def server_context(folder, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def test_server_with_a_certificate_of_nobody_is_not_asked(make_poll, certificates):  # noqa: F811
    server = Server(tls=server_context(certificates, "server"))
    fill(server, 2)
    fhir = make_poll(server, authority=str(certificates / "other.pem"))
    wait_for(lambda: "POLL_SILENT" in fhir.log(), what="the refusal in the log")
    assert server.asked == []


def test_nothing_of_what_is_read_is_logged(make_poll):
    server = Server()
    secret = "Zyxquorvle"
    server.put(patient(secret, resource_id=secret, family=secret), at(1))
    fhir = make_poll(server)
    wait_persons(fhir, [secret])
    server.misbehave = misbehaviour("no JSON", server)
    wait_for(lambda: "POLL_SILENT" in fhir.log(), what="the line that it does not answer")
    fhir.stop()
    assert secret.lower() not in fhir.log().lower()
