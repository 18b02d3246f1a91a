"""Delivery into a FHIR server: nothing lost, nothing twice in effect, one order a person, nothing credited by an answer that is none."""

import base64
import hashlib
import json
import time

import pytest
from carebus_bus import ANSWER_SECONDS, Bus, wait_for
from fhir_receiver import FhirDestination, FhirReceiver
from test_destination import EVERYBODY, OPEN, items, said


@pytest.fixture
def make_world():
    """A bus with a source, a destination and its receiver; what a test says of the destination comes on top."""
    opened = []

    def make(start=True, shown=None, **destination):
        receiver = FhirReceiver(token=shown).start()
        settings = {"team": "ward", "adapter": "fhir", "url": receiver.url, "tries": 3, "pause_max": "1s", "timeout": "2s", "window": 4}
        settings.update(destination)
        bus = Bus({"sharing": OPEN, "scope": EVERYBODY, "destinations": {"out": settings}})
        bus.__enter__()
        bus.receiver, bus.out = receiver, FhirDestination(bus)
        opened.append(bus)
        if start:
            bus.out.start()
        return bus

    yield make
    for bus in opened:
        bus.out.close()
        bus.receiver.stop_stalling.set()
        if bus.receiver.server:
            bus.receiver.stop()
        bus.__exit__(None, None, None)


def stays(bus):
    """Numbers of the stays that the receiver has."""
    return {number["value"] for resource in bus.receiver.of_type("Encounter") for number in resource["identifier"]
            if number["system"] == "carebus:pas"}


def wait_stays(bus, wanted):
    wait_for(lambda: set(wanted) <= stays(bus), seconds=ANSWER_SECONDS,
             what=lambda: f"{sorted(set(wanted) - stays(bus))} did not come\n{bus.out.log()[-3000:]}")


def stays_of(bundle):
    return [number["value"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Encounter"
            for number in entry["resource"]["identifier"] if number["system"] == "carebus:pas"]


def letter_of(number, says):
    """A document, of text or of bytes."""
    message = said(number, 1, event_type="document.available")
    document = message.events[0].document
    document.identifier.system, document.identifier.value = "carebus:pas", f"D{number}"
    document.title = f"Letter {number}"
    if isinstance(says, str):
        document.content_text = says
    else:
        document.media_type, document.content, document.size = "image/tiff", says, len(says)
    return message


def said_ids(bundles):
    return [bundle["identifier"]["value"] for bundle in bundles]


def test_a_transaction_puts_by_ids_of_ours_with_the_person_whole(make_world):
    bus = make_world()
    bus.source("pas").send(said(1, 1, "V1"), said(2, 1, "V1"))
    wait_for(lambda: len(bus.receiver.taken) >= 2, what=lambda: bus.out.log()[-3000:])
    bundle = bus.receiver.taken[0]
    assert bundle["type"] == "transaction"
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert kinds[0] == "Patient" and "Encounter" in kinds, "nobody gets a stay of somebody whom they do not have"
    for entry in bundle["entry"]:
        name = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        assert entry["request"] == {"method": "PUT", "url": name} and entry["fullUrl"] == f"{bus.receiver.url}/{name}"
    assert len(bus.receiver.of_type("Encounter")) == 1, "two words on one stay are one resource"
    encounter = bus.receiver.of_type("Encounter")[0]
    assert encounter["subject"]["reference"] == f"Patient/{bus.receiver.of_type('Patient')[0]['id']}"
    assert any(number["system"].startswith("carebus:") and number["system"] != "carebus:pas" for number in encounter["identifier"])


@pytest.mark.parametrize("answer", ["html", "short", "vanish", "500", "401", "redirect", "late", "stall", "429", "202"])
def test_what_is_not_acknowledged_comes_again_the_same(make_world, answer):
    bus = make_world(start=False)
    bus.receiver.script = [answer]
    bus.source("pas").send(said(1, 1, "V1"))
    bus.out.start()
    wait_for(lambda: len(bus.receiver.bundles) >= 2, what=lambda: bus.out.log()[-3000:])
    wait_stays(bus, ["V1"])
    first, second = bus.receiver.bundles[:2]
    assert first == second, "the same bytes under the same id"
    assert len({resource["id"] for resource in bus.receiver.history if resource["resourceType"] == "Encounter"}) == 1


def test_what_the_receiver_will_never_have_waits_and_the_others_go_on(make_world):
    bus = make_world(start=False)
    bus.receiver.poison = lambda bundle: "422" if '"V1"' in json.dumps(bundle) else None
    bus.source("pas").send(said(1, 1, "V1"), said(2, 1, "V2"), said(3, 2, "V3"))
    bus.out.start()
    wait_stays(bus, ["V3"])
    wait_for(lambda: len(items(bus)) == 1, what=lambda: bus.out.log()[-3000:])
    assert "V2" not in stays(bus), "behind it, of the same person, nothing goes"
    assert len([bundle for bundle in bus.receiver.bundles if '"V1"' in json.dumps(bundle)]) == 1, "it is not asked again"
    bus.receiver.poison = lambda bundle: None
    bus.ctl("quarantine", "retry", str(items(bus)[0]["id"]), "--who", "a.person", "--why", "the receiver was mended", check=0)
    wait_stays(bus, ["V1", "V2"])


def entries_of(bundle, kind):
    return [entry for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


@pytest.mark.parametrize("status", ["409", "412"])
def test_a_conflict_over_nothing_that_is_there_is_tried_again_at_once(make_world, status):
    bus = make_world(start=False)
    bus.receiver.script = [status]
    bus.source("pas").send(said(1, 1, "V1"))
    bus.out.start()
    wait_stays(bus, ["V1"])
    first, second = bus.receiver.bundles[:2]
    assert first == second and "ifMatch" not in json.dumps(second)
    wanted = [entry["request"]["url"] for entry in first["entry"]]
    assert [entry["request"]["url"] for entry in bus.receiver.asked[0]["entry"]] == wanted, "by ids of ours, and nothing else"


def test_a_receiver_that_takes_updates_by_version_gets_the_version_that_it_has(make_world):
    bus = make_world(start=False)
    bus.receiver.by_version = True
    pas = bus.source("pas")
    pas.send(said(1, 1, "V1"))
    bus.out.start()
    wait_stays(bus, ["V1"])
    pas.send(said(2, 1, "V1", event_type="encounter.discharged"), said(3, 1, "V2"))
    wait_stays(bus, ["V2"])
    assert items(bus) == [], "nothing waits for a person"
    again = [bundle for bundle in bus.receiver.taken if any("ifMatch" in entry["request"] for entry in bundle["entry"])]
    assert again and all(entry["request"]["ifMatch"] == 'W/"1"' for entry in entries_of(again[0], "Encounter"))
    discharge = bus.receiver.of_type("Encounter")
    assert {resource["status"] for resource in discharge} == {"finished", "in-progress"}, "what was said last is there"


@pytest.mark.parametrize("change", ["said otherwise", "of somebody else"])
def test_what_is_not_our_own_copy_is_not_written_over(make_world, change):
    bus = make_world(start=False)
    bus.receiver.by_version = True
    pas = bus.source("pas")
    pas.send(said(1, 1, "V1"))
    bus.out.start()
    wait_stays(bus, ["V1"])
    stay, = bus.receiver.of_type("Encounter")
    name = f"Encounter/{stay['id']}"
    changed = {"status": "cancelled"} if change == "said otherwise" else {
        "identifier": [{"system": "urn:local", "value": "77"}], "meta": {}, "extension": []}
    bus.receiver.change(name, **changed)
    pas.send(said(2, 1, "V1", event_type="encounter.discharged"), said(3, 2, "V2"))
    wait_stays(bus, ["V2"])
    waits = wait_for(lambda: items(bus), what=lambda: bus.out.log()[-3000:])
    assert "412/not-ours" in json.dumps(waits), waits
    assert all(bus.receiver.resources[name][member] == value for member, value in changed.items()), "as it was there"


def test_a_receiver_that_was_away_gets_everything_in_order(make_world):
    bus = make_world()
    pas = bus.source("pas")
    bus.receiver.stop()
    pas.send(*[said(i, i % 3, f"V{i}") for i in range(30)])
    bus.out.wait_log("RECEIVER_AWAY")
    bus.receiver.start()
    wait_stays(bus, [f"V{i}" for i in range(30)])
    assert items(bus) == [], "who is not there is nobody's poison"
    for person in range(3):
        def order_of(person=person):
            return [numbers[0] for numbers in map(stays_of, bus.receiver.taken) if len(numbers) == 1 and int(numbers[0][1:]) % 3 == person]

        wanted = {f"V{i}" for i in range(person, 30, 3)}
        wait_for(lambda wanted=wanted, order=order_of: wanted <= set(order()), what="each stay by its own event")
        order = order_of()
        assert order == sorted(order, key=lambda stay: int(stay[1:])), "but for the record with which it begins"


def test_a_restart_loses_nothing_and_changes_nothing(make_world):
    bus = make_world()
    pas = bus.source("pas")
    pas.send(*[said(i, i % 4, f"V{i}") for i in range(20)])
    wait_for(lambda: len(bus.receiver.taken) > 3, what=lambda: bus.out.log()[-3000:])
    bus.out.process.kill()
    bus.out.process.wait()
    bus.out.start()
    pas.send(*[said(i, i % 4, f"V{i}") for i in range(20, 30)])
    wait_stays(bus, [f"V{i}" for i in range(30)])
    assert len(bus.receiver.of_type("Encounter")) == 30, "what came twice is there once"


def test_retry_after_is_kept(make_world):
    bus = make_world(start=False)
    bus.receiver.script = ["429/3"]
    bus.source("pas").send(said(1, 1, "V1"))
    bus.out.start()
    wait_for(lambda: len(bus.receiver.bundles) >= 1, what="the first try")
    began = time.monotonic()
    wait_stays(bus, ["V1"])
    assert time.monotonic() - began >= 2.5


def test_the_token_is_shown_and_read_anew_each_time(make_world, tmp_path):
    path = tmp_path / "token"
    path.write_text("the-wrong-token-of-old\n", encoding="ascii")
    path.chmod(0o600)
    bus = make_world(start=False, shown="right-token-of-today", token=str(path), tries=50)
    bus.source("pas").send(said(1, 1, "V1"))
    bus.out.start()
    wait_for(lambda: len(bus.receiver.bundles) >= 1, what="a try with the wrong token")
    assert stays(bus) == set()
    path.write_text("right-token-of-today\n", encoding="ascii")
    wait_stays(bus, ["V1"])
    assert "token-of" not in bus.out.log()


def test_a_message_is_credited_only_by_an_answer_to_itself(make_world):
    bus = make_world(start=False, form="message")
    bus.receiver.script = ["foreign"]
    bus.source("pas").send(said(1, 1, "V1"))
    bus.out.start()
    wait_for(lambda: len(bus.receiver.bundles) >= 2, what=lambda: bus.out.log()[-3000:])
    first, second = bus.receiver.bundles[:2]
    header = first["entry"][0]["resource"]
    assert first == second and first["type"] == "message"
    assert header["resourceType"] == "MessageHeader" and header["eventCoding"]["code"] == "encounter.updated"
    assert header["focus"] and all("request" not in entry for entry in first["entry"])


def test_a_notification_counts_and_carries_its_resource(make_world):
    bus = make_world(form="notification")
    bus.source("pas").send(said(1, 1, "V1"), said(2, 2, "V2"))
    wait_stays(bus, ["V1", "V2"])
    bundle = bus.receiver.taken[-1]
    parameters = {part["name"]: part for part in bundle["entry"][0]["resource"]["parameter"]}
    assert parameters["type"]["valueCode"] == "event-notification"
    numbers = [next(part["valueString"] for part in one["entry"][0]["resource"]["parameter"] if part["name"].startswith("events-since"))
               for one in bus.receiver.taken]
    assert {int(number) for number in numbers} == set(range(1, len(numbers) + 1))


def numbers_of(bundles):
    """The number of each notification, by what it is about."""
    return {bundle["identifier"]["value"]: int(next(part["valueString"] for part in bundle["entry"][0]["resource"]["parameter"]
                                                    if part["name"].startswith("events-since"))) for bundle in bundles}


def test_the_count_goes_on_over_a_restart_and_what_comes_again_has_its_number(make_world):
    bus = make_world(form="notification")
    bus.receiver.poison = lambda bundle: "503" if '"V2"' in json.dumps(bundle) else None
    pas = bus.source("pas")
    pas.send(said(1, 1, "V1"), said(2, 2, "V2"))
    wait_stays(bus, ["V1"])
    wait_for(lambda: any('"V2"' in json.dumps(bundle) for bundle in bus.receiver.bundles), what="a try of V2")
    before = numbers_of(bus.receiver.bundles)
    bus.out.process.kill()
    bus.out.process.wait()
    bus.receiver.poison = lambda bundle: None
    bus.out.start()
    pas.send(said(3, 3, "V3"))
    wait_stays(bus, ["V1", "V2", "V3"])
    after = numbers_of(bus.receiver.bundles)
    assert {name: after[name] for name in before} == before
    assert sorted(after.values()) == list(range(1, len(after) + 1)), "no number twice, and none left out"


def test_a_document_goes_out_with_its_bytes_unless_they_are_too_many(make_world):
    bus = make_world()
    scan, longest = bytes(range(256)) * 9 + b"\0", b"y" * ((512 << 10) + 1)
    bus.source("pas").send(letter_of(1, "Settled – no pain."), letter_of(2, scan), letter_of(3, longest))

    def letters():
        shown = [one["content"][0]["attachment"] for one in bus.receiver.of_type("DocumentReference")]
        return {one["title"]: one for one in shown}

    found = wait_for(lambda: len(letters()) == 3 and "data" in letters()["Letter 2"] and letters(), what=lambda: bus.out.log()[-3000:])
    assert base64.b64decode(found["Letter 1"]["data"]).decode() == "Settled – no pain."
    assert base64.b64decode(found["Letter 2"]["data"]) == scan and found["Letter 2"]["contentType"] == "image/tiff"
    assert "data" not in found["Letter 3"] and found["Letter 3"]["size"] == len(longest)
    for title, says in (("Letter 1", "Settled – no pain.".encode()), ("Letter 2", scan), ("Letter 3", longest)):
        shown, = (one["valueString"] for one in found[title]["extension"] if one["url"] == "urn:carebus:sha256")
        assert shown == hashlib.sha256(says).hexdigest() and found[title]["size"] == len(says), title
    for bundle in bus.receiver.bundles:  # the record with which a person begins has them as the event has
        for entry in entries_of(bundle, "DocumentReference"):
            attachment = entry["resource"]["content"][0]["attachment"]
            assert ("data" in attachment) == (attachment["title"] != "Letter 3") and "url" not in attachment
