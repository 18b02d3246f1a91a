"""Whom the bus keeps a record of: who is looked after by one organisation has numbers and stays, and what else was said is let go of."""

import glob
import pathlib
import shutil

import journal_bytes
from carebus_bus import OPEN_SHARING, Bus, event_pb2, intake_pb2, wait_for

TEAMS = {
    "ward": {"name": "Ward", "organisation": "RA9", "class": "clinical"},
    "hospice": {"name": "Hospice", "organisation": "8HK42", "class": "clinical"},
}
SOURCES = {"pas": {"team": "ward", "adapter": "own"}, "lab": {"team": "ward", "adapter": "own"},
           "hospice-epr": {"team": "hospice", "adapter": "own"}}
CANARY = "Zwetschgenallergie"


def bus_of(originals="7d", **more):
    return Bus({"teams": TEAMS, "sources": SOURCES, "sharing": None, **more, "scope": {"people": "related", "originals": originals}})


def allergy(message_id, mrn="H1"):
    """Something that is neither a number nor a stay."""
    result = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", message_id=message_id)
    result.original = f"MSH|^~\\&|{message_id}|{CANARY}\r".encode()
    event = result.events.add(type="allergy.recorded", action=event_pb2.ACTION_NEW)
    event.patient.identifiers.add(system="carebus:pas", value=mrn, type="MR")
    event.allergy.text = CANARY
    event.allergy.identifier.system = "carebus:pas"
    event.allergy.identifier.value = f"A{message_id}"
    return result


def stay(message_id, mrn="H1", type_="encounter.admitted", status="in-progress"):
    result = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", message_id=message_id)
    result.original = f"MSH|^~\\&|{message_id}\r".encode()
    event = result.events.add(type=type_, action=event_pb2.ACTION_NEW)
    event.patient.identifiers.add(system="carebus:pas", value=mrn, type="MR")
    event.encounter.identifier.system = "carebus:pas"
    event.encounter.identifier.value = "V1"
    event.encounter.status = status
    return result


def referral(message_id, to, mrn="H1"):
    result = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", message_id=message_id)
    result.original = f"MSH|^~\\&|{message_id}\r".encode()
    event = result.events.add(type="referral.requested", action=event_pb2.ACTION_NEW)
    event.patient.identifiers.add(system="carebus:pas", value=mrn, type="MR")
    event.referral.identifier.system = "carebus:pas"
    event.referral.identifier.value = f"R{message_id}"
    event.referral.status = "requested"
    event.referral.to.organisation.identifier.system = "https://fhir.nhs.uk/Id/ods-organization-code"
    event.referral.to.organisation.identifier.value = to
    return result


def record(bus, mrn="H1"):
    return bus.ctl_json("record", "carebus:pas", mrn)[0]


def sections(bus, mrn="H1"):
    return {section["name"] for section in record(bus, mrn).get("sections", [])}


def test_who_is_looked_after_by_one_organisation_alone_has_numbers_and_stays_until_another_begins():
    with bus_of() as bus:
        pas = bus.source("pas")
        pas.send(stay("M1"))
        pas.send(allergy("M2"))
        bus.wait_folded()
        assert sections(bus) == {"encounters"}
        # What is not kept never reads as none.
        alone = record(bus)
        assert alone["not_followed"]
        states = {state["section"]: state["states"] for state in alone["states"]}
        assert states["allergies"] == ["not-followed"] and "none-recorded" not in states["decisions"]
        assert alone["overview"]["cpr"]["state"] == "not-followed"
        assert "NOT KEPT" in bus.ctl("record", "carebus:pas", "H1").stdout
        pas.send(referral("M3", "8HK42"))
        bus.wait_folded()
        assert {"encounters", "allergies", "referrals"} <= sections(bus)
        assert "not_followed" not in record(bus)
        assert record(bus)["overview"]["cpr"]["state"] == "none-recorded"
        pas.send(allergy("M4"))
        bus.wait_folded()
        allergies = [s for s in record(bus)["sections"] if s["name"] == "allergies"][0]
        assert len(allergies["facts"]) == 2


def test_a_referral_to_somebody_who_is_not_on_the_bus_changes_nothing():
    with bus_of() as bus:
        pas = bus.source("pas")
        pas.send(stay("M1"))
        pas.send(referral("M2", "XYZ99"))
        bus.wait_folded()
        assert sections(bus) == {"encounters"}


def journal_has(bus, text):
    return journal_bytes.holds(bus.folder / "state" / "journal", text)


def test_what_nobody_needed_in_time_is_gone_from_the_disk_and_a_rebuild_still_comes_to_the_same():
    with bus_of(originals="1s") as bus:
        pas = bus.source("pas")
        pas.send(stay("M1"), allergy("M2"))
        pas.send(stay("M3", mrn="H2"), referral("M4", "8HK42", mrn="H2"), allergy("M5", mrn="H2"))
        assert journal_has(bus, "AM2") and journal_has(bus, "AM5")
        wait_for(lambda: not journal_has(bus, "AM2"), seconds=60, what="the allergy is let go of")
        # Who is followed is not touched.
        assert journal_has(bus, "AM5")
        assert "allergies" in sections(bus, "H2")
        # The stay that is still going on is known, and the number.
        assert sections(bus) == {"encounters"}
        bus.ctl("journal", "verify", check=0)
        bus.ctl("rebuild", "--verify", check=0)
        # Who comes to be followed now begins with what is left.
        pas.send(referral("M6", "8HK42"))
        bus.wait_folded()
        assert sections(bus) == {"encounters", "referrals"}
        bus.ctl("rebuild", "--verify", check=0)


def test_a_state_that_is_gone_begins_with_the_sealed_base():
    with bus_of(originals="1s") as bus:
        pas = bus.source("pas")
        pas.send(stay("M1"), allergy("M2"))
        wait_for(lambda: not journal_has(bus, "AM2"), seconds=60, what="the allergy is let go of")
        before = record(bus)
        bus.stop()
        shutil.rmtree(f"{bus.folder}/state/fold")
        bus.start()
        after = record(bus)
        assert after["patient_id"] == before["patient_id"]
        assert {s["name"] for s in after["sections"]} == {"encounters"}
        bus.ctl("rebuild", "--verify", check=0)


def test_without_a_base_that_holds_nothing_is_built_and_nothing_changed():
    with bus_of(originals="1s") as bus:
        pas = bus.source("pas")
        pas.send(stay("M1"), allergy("M2"))
        wait_for(lambda: not journal_has(bus, "AM2"), seconds=60, what="the allergy is let go of")
        bus.stop()
        shutil.rmtree(f"{bus.folder}/state/fold")
        for seal in glob.glob(f"{bus.folder}/state/base/*/seal"):
            path = pathlib.Path(seal)
            path.write_text(path.read_text().replace("seq ", "seq 1"), encoding="utf-8")
        bus.start(wait=False)
        assert bus.process.wait(60) == 74
        assert "BASE_NOT_USABLE" in bus.log_events()
        bus.process = None


def test_a_feed_passes_over_what_is_gone_and_gives_what_is_left():
    with bus_of(originals="1s", sharing=OPEN_SHARING) as bus:
        pas = bus.source("pas")
        pas.send(stay("M1"), allergy("M2"))
        pas.send(stay("M3", mrn="H2"), referral("M4", "8HK42", mrn="H2"), allergy("M5", mrn="H2"))
        wait_for(lambda: not journal_has(bus, "AM2"), seconds=60, what="the allergy is let go of")
        bus.wait_folded()
        told = bus.ctl_json("tail", "--from", "1")
        assert [line["source_message_id"] for line in told if line["type"] == "allergy.recorded"] == ["M5"]
        assert CANARY in str(told)
        seqs = {line["seq"] for line in told}
        assert {int(seq) for seq in seqs} == set(range(1, bus.status().seq + 1)), "a place is kept for what is gone"
