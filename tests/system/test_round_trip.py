"""Said in one language and delivered in the others: the same, by the rules that ship, with every program as it is installed.

Every event that a team may see is looked for in what its receiver was sent, read again by our own reader of that language, and compared
with the event of the bus. PERMITTED names what may differ, with its reason.
"""

import collections
import fnmatch
import json
import os
import pathlib
import random
import re
import signal
import time

import pytest
import yaml

import test_three_languages as three
from carebus_bus import wait_for
from round_trip import RECEIVERS, SECONDS, World, translate, translate_each
from round_trip_facts import Person, facts, introduce, say

BUS = "carebus:test-bus"
LANGUAGE_OF = {"hospice": "mllp", "community": "fhir", "surgery": "csv"}

# (language, type of event, path, new lost or other): why. Everything else has to come back as it was.
PERMITTED = {
    # The envelope is the bus's own.
    ("*", "*", "team", "lost"): "whose event it is, on this bus",
    ("*", "*", "caused_by[]", "lost"): "our own numbers of events",
    ("*", "*", "confirms", "lost"): "that it was said before is the bus's own knowledge",
    ("*", "*", "unconfirmed", "lost"): "whose it is waits to be checked: lists for people say it, programs hear identity.review_opened",
    ("mllp", "*", "carried_id.*", "new"): "whose event it is that comes back",
    ("*", "patient.merged", "merge.surviving_patient_id", "lost"): "our own number",
    ("*", "patient.merged", "merge.retired_patient_ids[]", "lost"): "our own number",
    ("*", "patient.merged", "merge.surviving[].status", "other"): "whether a number was traced is not told on",
    ("*", "patient.merged", "merge.retired[].status", "other"): "the same",
    ("*", "*", "occurred_at", "new"): "where the source said no time, a reader takes that of the message",
    ("*", "document.available", "document.original_part", "*"): "where in the message it stands",
    ("*", "document.available", "document.sha256", "lost"): "a document in words is those words; another goes as a notification",
    ("*", "death.notified", "death.how_known", "other"): "which field said it",
    # HL7 v2
    ("mllp", "*", "*.original_use", "new"): "HL7's own word for a use",
    ("mllp", "*", "decision.valid.start", "lost"): "OBX has one time: when it was decided",
    ("mllp", "cpr_decision.ended", "decision.ended_at", "lost"): "OBX has one time: when it was decided",
    ("mllp", "cpr_decision.ended", "occurred_at", "other"): "the same",
    ("mllp", "appointment.*", "occurred_at", "other"): "SIU has no EVN: the message's time",
    ("mllp", "*", "*.system", "other"): "an address (urn:) is an authority like any other to a reader without a profile",
    ("mllp", "encounter.discharged", "encounter.discharge_destination.*", "lost"): "the sender's own word",
    ("mllp", "referral.requested", "referral.effective_at", "new"): "RF1-7 is the only day of a referral",
    ("mllp", "referral.requested", "referral.to.*", "*"): "PRD of version 2.4 names an organisation without its code",
    ("mllp", "patient.merged", "merge.surviving[].*", "*"): "beside the source's numbers the bus's own, so that their order is another",
    ("mllp", "patient.merged", "merge.retired[].*", "*"): "the same",
    ("mllp", "patient.merged", "patient.identifiers[]", "new"): "PID-3 has all numbers of the one who stays",
    ("mllp", "allergy.recorded", "allergy.criticality.*", "lost"): "IAM-4 is how severe it was, not how dangerous it is",
    ("mllp", "allergy.recorded", "allergy.set_id", "new"): "lines are numbered",
    # FHIR
    ("fhir", "*", "patient.identifiers[]", "*"): "a reference names the person by one number, the Patient before it by all",
    ("fhir", "*", "*_id.*", "lost"): "a record so far holds facts: their numbers stand in the facts alone",
    ("fhir", "*", "*.identifier.*", "new"): "the bus's own number, where the source gave none",
    ("fhir", "*", "order_id.*", "new"): "the same",
    # CSV: the columns of the templates are what can be said.
    ("csv", "*", "carried_id.*", "new"): "whose event it is that is handed on",
    ("csv", "*", "decision.valid.*", "lost"): "no column",
    ("csv", "document.available", "document.content_text", "lost"): "what a document says is no cell of a table",
    ("csv", "referral.requested", "referral.effective_at", "lost"): "no column",
    ("csv", "referral.requested", "referral.to.*", "lost"): "to whom it goes is whoever reads the file",
    ("csv", "referral.requested", "referral.from.*", "*"): "one column",
    ("csv", "referral.requested", "referral.type.*", "lost"): "no column",
}
# What a language tells in words, and not as the event that it was: type to why.
IN_WORDS = {
    "mllp": {"cpr_decision.ended": "an OBX has no state for what ended without having been wrong",
             "death.retracted": "PID-30 N empties, and retracts nothing"},
    "fhir": {},
    "csv": {},
}
# One Patient says what all sources together say: test_one_patient_says_what_all_say.
TOGETHER = ("patient.updated", "death.notified", "death.retracted")
TOLD = tuple(sorted({kind for kind, _, _ in facts().values()}))


def stripped(event):
    event = json.loads(json.dumps(event))
    for name in ("seq", "index", "event_id", "source", "received_at", "source_message_id", "trigger", "sender"):
        event.pop(name, None)
    person = event.get("patient", {})
    person.pop("patient_id", None)
    for holder in (person, event.get("demographics", {})):
        if "identifiers" in holder:
            holder["identifiers"] = [{"system": one.get("system"), "value": one["value"]} for one in holder["identifiers"]
                                     if one.get("system") != BUS and not one["value"].startswith("Patient/")]
    return event


def differences(said, told, language):
    first, second = dict(three.leaves(stripped(said))), dict(three.leaves(stripped(told)))
    found = []
    for path in first.keys() | second.keys():
        if first.get(path) == second.get(path):
            continue
        kind = "lost" if path not in second else "new" if path not in first else "other"
        found.append((re.sub(r"\[\d+\]", "[]", path), kind, first.get(path), second.get(path)))
    return found


def reason_of(language, event_type, path, kind):
    for row in PERMITTED:
        said = zip((language, event_type, path, kind), row)
        if all(fnmatch.fnmatchcase(value, pattern.replace("[]", "[[]]")) for value, pattern in said):
            return row
    return None


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """All facts in all languages, and what the receivers were sent: (events by team, team to event id to what was read again)."""
    world = World()
    try:
        world.start()
        told = [(fact, language) for fact, (_, _, said) in facts().items() for language in three.LANGUAGES if said[language]]
        people = {which: Person(number) for number, which in enumerate(told)}
        with world.rows_together():
            for (_, language), person in people.items():
                introduce(world, person, language)
        tie_rows(world, {fact: person for (fact, language), person in people.items() if language == "csv"})
        with world.rows_together():
            for (fact, language), person in people.items():
                before = facts()[fact][1]
                if before:
                    say(world, person, language, facts()[before][2][language])
        with world.rows_together():
            for (fact, language), person in people.items():
                say(world, person, language, facts()[fact][2][language])
        last = Person(len(people))  # what every team is told: it comes behind all the others
        introduce(world, last, "mllp")
        say(world, last, "mllp", facts()["admission"][2]["mllp"])
        events = {team: world.events(team) for team in LANGUAGE_OF}
        wait_told(world, events)
        folder = tmp_path_factory.mktemp("told")
        read = {"hospice": read_hl7(world, events["hospice"], folder), "community": read_fhir(world, events["community"], folder),
                "surgery": read_rows(world, events["surgery"])}
        events["patients"] = {patient["id"].removeprefix("test-bus-"): patient for patient in world.community.of_type("Patient")}
        assert not world.bus.ctl_json("quarantine", "list"), "nothing that was said, and nothing that was to be told, waits for a person"
        return events, read
    finally:
        world.close()


def tie_rows(world, people):
    """The sheet cannot say to whom somebody was referred: PAS did, of a person who is the same."""
    rows = ["local_id,nhs_number,family_name,given_name,birth_date,sex"]
    for person in people.values():
        born = f"{person.born[:4]}-{person.born[4:6]}-{person.born[6:]}"
        rows.append(f"{person.local},{person.nhs},EXAMPLE{person.index},ANNA,{born},F")
    world.say_rows("people-first.csv", "\n".join(rows) + "\n")
    ids = {}
    for event in world.events(None):
        for number in event.get("patient", {}).get("identifiers", []):
            ids[event["source"], number["value"]] = event["patient"]["patient_id"]
    for person in people.values():
        pas, sheet = ids["pas", person.local], ids["sheet", person.local]
        if pas != sheet:
            world.bus.ctl("identity", "link", pas, sheet, "--who", "a clerk", "--why", "the same number and name", check=0)


def wait_told(world, events):
    """Until each receiver was sent the last event of its team; an exact row of it need not be there."""
    last = {team: max((event["seq"], event["index"]) for event in events[team]) for team in events}

    def arrived():
        said = "".join(message.text for message in world.hospice.seen)
        bundles = json.dumps(world.community.bundles)
        rows = "".join(path.read_text(encoding="utf-8") for path in world.lists.files("list-*.csv"))
        final = {team: f"{place[0]}.{place[1]}" for team, place in last.items()}
        return f"|{final['hospice']}^" in said and final["community"] in bundles and f",{final['surgery']}\r" in rows.replace("\n", "\r")
    logs = (world.to_hospice, world.to_community, world.lists)
    wait_for(arrived, SECONDS, lambda: f"{last}\n" + "\n".join(one.log()[-1500:] for one in logs))
    time.sleep(2)


def read_hl7(world, events, folder):
    sent = {}
    for message in world.hospice.seen:
        sent[message.value("ZBU", 1).split("^")[0]] = message.data
    wanted = [event for event in events if event["type"] in TOLD and event["event_id"] in sent]
    (folder / "in.hl7").write_bytes(b"".join(sent[event["event_id"]] for event in wanted))
    found = translate_each("mllp", folder / "in.hl7")
    assert len(found) == len(wanted) and not any(problems for _, problems in found), [problems for _, problems in found]
    return {event["event_id"]: one for event, (one, _) in zip(wanted, found)}


def read_fhir(world, events, folder):
    """By Provenance and identifiers of ours; a Patient, which all of a person share, by whose it is."""
    read, people = {}, collections.defaultdict(list)
    (folder / "in.ndjson").write_text("".join(json.dumps(bundle) + "\n" for bundle in world.community.bundles))
    each = translate_each("fhir", folder / "in.ndjson", "uk-core")
    assert len(each) == len(world.community.bundles)
    for bundle, (found, problems) in zip(world.community.bundles, each):
        assert not problems, (problems, [entry["resource"]["resourceType"] for entry in bundle["entry"]])
        for entry in bundle["entry"]:
            source = entry["resource"].get("meta", {}).get("source", "")
            if source.startswith(f"{BUS}#"):
                read.setdefault(source.split("#")[1], []).extend(found)
            if entry["resource"]["resourceType"] == "Patient":
                people[entry["resource"]["id"].removeprefix("test-bus-")] += found
    for event in events:
        read.setdefault(event["event_id"], people[event.get("patient", {}).get("patient_id")])
    return read


def read_rows(world, events):
    read = collections.defaultdict(list)
    for path in world.lists.files("exact/*.csv"):
        found, problems = translate("csv", path, "carebus-exact")
        assert not problems, (path.name, problems)
        for event in found:
            read[event["carried_id"]["value"]].append(event)
            for number in event["patient"]["identifiers"]:
                if number["system"] == BUS:  # a record so far has facts, and of each the event that said it last
                    read[number["value"]].append(event)
    return {event["event_id"]: read[event["event_id"]] or read[event.get("patient", {}).get("patient_id")] for event in events}


@pytest.mark.parametrize("team", LANGUAGE_OF)
def test_everything_that_was_said_is_told_as_it_was_said(told, team):
    events, read = told
    language, wrong, checked = LANGUAGE_OF[team], [], collections.Counter()
    for event in events[team]:
        if event["type"] not in TOLD or (event["type"] == "patient.merged" and "surviving_patient_id" not in event["merge"]):
            continue
        if language == "fhir" and event["type"] in TOGETHER:
            continue
        again = [one for one in read[team].get(event["event_id"], []) if one["type"] == event["type"]]
        if event["type"] in IN_WORDS[language] and not again:
            assert read[team][event["event_id"]], event["type"]
            continue
        if not again:
            wrong.append((event["type"], event["source"], "was not told"))
            continue
        best = min((differences(event, one, language) for one in again), key=len)
        checked[event["type"]] += 1
        wrong += [(event["type"], event["source"], *one) for one in best if not reason_of(language, event["type"], one[0], one[1])]
    assert not wrong, "\n".join(map(str, wrong))
    assert len(checked) >= 9, checked


def test_one_patient_says_what_all_say(told):
    """Who died has a day of death; who did after all not die has none; names and addresses are the last that were said."""
    events, _ = told
    died = {}
    for event in events["community"]:
        if event["type"] in ("death.notified", "death.retracted"):
            died[event["patient"]["patient_id"]] = event["type"] == "death.notified"
    assert len(died) == 4 and sum(died.values()) == 3
    patients = events["patients"]
    for patient_id, is_dead in died.items():
        assert bool(patients[patient_id].get("deceasedDateTime")) == is_dead, (patient_id, patients[patient_id])
        assert not patients[patient_id].get("deceasedBoolean")
    named = [patient for patient in patients.values() if patient.get("name", [{}])[0].get("family", "").startswith("O'NEIL")]
    assert len(named) == 3 and all(patient["name"][0]["family"] == "O'NEIL-\u015eAH\u0130N" for patient in named)
    assert len([patient for patient in named if patient["address"][0].get("line", [None])[0] == "1 & 2 High St"]) == 2


# ---- what comes back

@pytest.fixture
def loop():
    """The hospice and the community team send what they are told straight back, as systems do that send whatever they have stored."""
    world = World(echo=True).start()
    yield world
    world.close()


def give_back(world):
    """Each message that was delivered, under a message number of the receiver's own."""
    sender, client = world.hospice_source.sender(), world.community_source.client()
    messages, bundles = list(world.hospice.seen), list(world.community.bundles)
    for number, message in enumerate(messages):
        fields = message.text.split("\r")
        header = fields[0].split("|")
        header[2], header[3], header[9] = "HOSPICE-EPR", "8HV48", f"BACK{number}"
        fields[0] = "|".join(header)
        assert sender.ask("\r".join(fields)).code == "AA"
    for number, bundle in enumerate(bundles):
        back = json.loads(json.dumps(bundle))
        back["identifier"] = {"system": "urn:theirs", "value": f"back-{number}"}
        answer = client.post("/", back)
        assert answer.status in (200, 201), (answer.status, answer.body)
    return len(messages), len(bundles)


def wait_quiet(world, seconds=3):
    """Until nobody has been told anything for a while, and somebody something before."""
    seen, since = None, time.monotonic()
    end = since + SECONDS
    while time.monotonic() - since < seconds or not all(seen):
        assert time.monotonic() < end, seen
        now = (len(world.hospice.seen), len(world.community.bundles))
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.1)


def record_of(world, patient_id):
    world.bus.wait_folded()
    record = world.bus.ctl_json("record", patient_id)[0]
    return {section["name"]: section for section in record["sections"]}


def test_what_a_receiver_sends_back_is_no_news_to_anybody_and_the_loop_does_not_run(loop):
    world, person = loop, Person(0)
    introduce(world, person, "mllp")
    for fact in ("admission", "decision not to attempt resuscitation", "allergy", "score"):
        say(world, person, "mllp", facts()[fact][2]["mllp"])
    before = world.events(None)
    patient_id = next(event["patient"]["patient_id"] for event in before if event.get("patient"))
    wait_quiet(world)
    decisions = [fact for fact in record_of(world, patient_id)["decisions"]["facts"]]
    hl7, fhir = give_back(world)
    assert hl7 >= 4 and fhir >= 4
    world.bus.wait_folded()
    time.sleep(10)
    assert (len(world.hospice.seen), len(world.community.bundles)) == (hl7, fhir), \
        [message.text for message in world.hospice.seen[hl7:]] + world.community.bundles[fhir:]
    after = world.events(None)
    kinds = collections.Counter(event["type"] for event in after[len(before):])
    assert not {kind for kind in kinds if kind.startswith("conflict.")}, kinds
    for team in ("ward", "surgery"):
        assert not [event for event in world.events(team) if event.get("source") in ("hospice-epr", "community-epr")], team
    found = record_of(world, patient_id)["decisions"]["facts"]
    standing = [fact for fact in found if not fact.get("echo")]
    assert len(standing) == len(decisions), found
    assert [fact.get("confirmed_at") for fact in standing] == [fact.get("confirmed_at") for fact in decisions]


# ---- a receiver that was away, and one message that it will not have

def stay_rows(person, number, event="A08"):
    return person.of(three.adt(event, "20260401091500", three.pv1(f2="I", f3=f"WARD{number}", f19="S1", f44="20260401091500")))


def parked(world):
    return [item for item in world.bus.ctl_json("quarantine", "list") if item["class"] == "delivery"]


def wards_of(world, person):
    """Where the hospice was told the person lies, in order, each message number once; the A28 of a record so far is left out."""
    found = {}
    for message in list(world.hospice.seen):
        if person.local in message.value("PID", 3) and message.type in ("ADT^A01", "ADT^A08"):
            found.setdefault(message.id, int(message.value("PV1", 3).split("^")[0][4:]))
    return list(found.values())


def test_everything_comes_in_order_after_a_long_time_away_with_kills_in_between():
    seed = int(time.time())
    print("seed", seed)
    dice, world = random.Random(seed), World().start()
    try:
        people = [Person(number) for number in range(6)]
        for person in people:
            introduce(world, person, "mllp")
        wait_quiet(world)
        world.hospice.stop()
        said = {person.index: [] for person in people}
        for number in range(300):
            person = dice.choice(people)
            said[person.index].append(number)
            world.say_hl7(stay_rows(person, number, "A01" if len(said[person.index]) == 1 else "A08"))
            if number in (60, 180):
                world.to_hospice.stop(signal.SIGKILL)
                world.to_hospice.start()
            if number == 120:
                os.kill(world.bus.serve_pid, signal.SIGKILL)
            if number == 240:
                world.bus.kill()
                world.bus.start()
        world.hospice.start()
        wait_for(lambda: all(len(wards_of(world, person)) >= len(said[person.index]) for person in people), 4 * SECONDS,
                 lambda: f"seed {seed}: {[(len(wards_of(world, one)), len(said[one.index])) for one in people]}")
        for person in people:
            assert wards_of(world, person) == said[person.index], f"seed {seed}"
        assert not parked(world), "to be away is no poison"
    finally:
        world.close()


def test_behind_a_poison_message_one_person_waits_and_admission_and_death_overtake():
    world = World().start()
    try:
        sick, other = Person(0), Person(1)
        for person in (sick, other):
            introduce(world, person, "mllp")
            world.say_hl7(stay_rows(person, 0, "A01"))
        wait_quiet(world)
        refused = []
        world.hospice.say = lambda message: "AR" if message.value("PV1", 3) == "WARD1" and sick.local in message.value(
            "PID", 3) and not refused else "AA"
        for number in range(1, 5):
            world.say_hl7(stay_rows(sick, number))
            world.say_hl7(stay_rows(other, number))
        wait_for(lambda: wards_of(world, other) == [0, 1, 2, 3, 4], SECONDS,
                 lambda: f"the other person's messages: {wards_of(world, other)} {world.hospice.errors}")
        item = wait_for(lambda: parked(world), SECONDS, "the item")[0]
        wait_for(lambda: any("delivery.stopped" in message.text for message in list(world.hospice.seen)), SECONDS, "the team to be told")
        say(world, sick, "mllp", facts()["death"][2]["mllp"])
        wait_for(lambda: any(sick.local in message.value("PID", 3) and message.value("PID", 30) == "Y"
                             for message in list(world.hospice.seen)), SECONDS, "the death, past what waits")
        assert wards_of(world, sick) == [0, 1], "behind the refused one nothing of an ordinary kind came"
        refused.append(True)
        world.bus.ctl("quarantine", "retry", str(item["id"]), "--who", "a.clerk", "--why", "the receiver was mended", check=0)
        wait_for(lambda: wards_of(world, sick) == [0, 1, 2, 3, 4], SECONDS, lambda: wards_of(world, sick))
    finally:
        world.close()


# ---- those who left, and the list that is left

def test_who_left_is_told_in_each_language_that_what_they_hold_does_not_stand():
    rules = yaml.safe_load((pathlib.Path(__file__).resolve().parents[2] / "etc" / "sharing.yaml").read_text(encoding="utf-8"))
    rules["linger"] = {"discharge": "1s", "death": "1s"}
    world = World({"sharing": rules}).start()
    try:
        person = Person(0)
        introduce(world, person, "mllp")
        say(world, person, "mllp", facts()["admission"][2]["mllp"])
        say(world, person, "mllp", facts()["decision not to attempt resuscitation"][2]["mllp"])
        wait_quiet(world)
        for number, to in enumerate(RECEIVERS):
            closed = person.referral("mllp", number, to).replace("REF^I12", "REF^I15").replace("RF1|P|", "RF1|R|")
            world.say_hl7(closed)
        def left():
            return {one["notice"]["team"] for one in world.events(None) if one["type"] == "record.withdrawn"}
        wait_for(lambda: left() >= set(LANGUAGE_OF), SECONDS, left)
        wait_quiet(world)
        say(world, person, "mllp", facts()["decision entered in error"][2]["mllp"])
        say(world, person, "mllp", facts()["admission cancelled"][2]["mllp"])
        wait_for(lambda: any("record.corrected" in message.text for message in list(world.hospice.seen)), SECONDS, "the hospice to be told")
        wait_for(lambda: any("record.corrected" in json.dumps(one) for one in list(world.community.bundles)), SECONDS, "the nurses")
        wait_quiet(world)
        corrected = [message for message in world.hospice.seen if "record.corrected" in message.text]
        assert len(corrected) == 2 and all("01632 960007" in message.text for message in corrected)
        assert all("DNACPR" not in message.text and "450476008" not in message.text for message in corrected)
        bundles = [json.dumps(one) for one in world.community.bundles if "record.corrected" in json.dumps(one)]
        assert all("01632 960007" in one and "450476008" not in one for one in bundles)
        def told_in_rows():
            rows = world.lists.rows("list-*.csv")
            return [row for row in rows if row["What"].startswith("WITHDRAWN") and "01632 960007" in row["Details"]]
        wait_for(lambda: len(told_in_rows()) == 2, SECONDS, told_in_rows)
        assert all("450476008" not in row["Details"] and "attempt" not in row["Details"].lower() for row in told_in_rows())
    finally:
        world.close()


def test_the_last_known_list_is_written_of_nobody_and_read_with_the_bus_down():
    world = World().start()
    try:
        empty = world.lists.wait_text("last-known.txt", "Nobody is on it")
        assert "Last-known list of Surgery" in empty
        person = Person(0)
        introduce(world, person, "mllp")
        say(world, person, "mllp", facts()["decision not to attempt resuscitation"][2]["mllp"])
        text = world.lists.wait_text("last-known.txt", "DO NOT ATTEMPT CPR")
        assert "01632 960007" in text and person.nhs in text
        assert not re.search(r"RING: *$", text, re.MULTILINE), "a sentence that breaks off"
        world.bus.stop()
        text = world.lists.wait_text("last-known.txt", "THE BUS IS AWAY")
        assert "DO NOT ATTEMPT CPR" in text
    finally:
        world.close()
