"""What a clinician sees in the record after what a hospital really sends: over a real socket, through a real bus."""

import shutil

import pytest

from carebus_bus import ROOT
from mllp_peer import Mllp

PID = "PID|1||H1^^^RA9||HAWTHORNE^ADA||19410203|2"
ORDER = "ORC|RE|O1|F1\rOBR|1|O1|F1|P^Panel|||20260712080000|||||||||||||||20260712090000|||F\r"


def pv1(place="W5", **fields):
    parts = ["PV1", "1", "I", f"{place}^B^3^RA901"] + [""] * 43
    parts[19] = "V1^^^RA9"
    parts[44] = "20260701093000"
    for name, value in fields.items():
        parts[int(name[1:])] = value
    return "|".join(parts).rstrip("|") + "\r"


class Hospital:
    def __init__(self, bus, mllp):
        self.bus, self.sender, self.sent = bus, mllp.sender(), 0

    def send(self, trigger, at, body, pid=PID, evn=True):
        self.sent += 1
        head = f"MSH|^~\\&|PAS|RA9|BUS|RA9|{at}||{trigger}|M{self.sent}|T|2.4\r"
        answer = self.sender.ask(head + (f"EVN||{at}||||{at}\r" if evn else "") + pid + "\r" + body)
        assert answer.code == "AA", answer.text

    def facts(self, section):
        self.bus.wait_folded()
        (record,) = self.bus.ctl_json("record", "carebus:RA9", "H1")
        return [fact for one in record["sections"] if one["name"] == section for fact in one["facts"]]

    def stay(self):
        (fact,) = self.facts("encounters")
        return fact["encounter"]


@pytest.fixture
def hospital(make_bus):
    bus = make_bus()
    folder = bus.folder / "profiles"
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "etc" / "profiles" / "itk.yaml", folder / "own.yaml")
    mllp = Mllp(bus, profile="own")
    bus.start()
    yield Hospital(bus, mllp.start())
    mllp.close()


def test_a_stay_is_told_through_leave_transfer_discharge_and_all_that_undoes_them(hospital):
    hospital.send("ADT^A01", "20260701093000", pv1())
    hospital.send("ADT^A02", "20260702100000", pv1("W6", f6="W5^B^3^RA901"))
    assert (hospital.stay()["status"], hospital.stay()["place"]["point_of_care"]) == ("in-progress", "W6")
    hospital.send("ADT^A21", "20260703100000", pv1("W6"))
    assert hospital.stay()["status"] == "on-leave"
    hospital.send("ADT^A22", "20260704100000", pv1("W6"))
    hospital.send("ADT^A12", "20260704110000", pv1("W5"))
    stay = hospital.stay()
    assert (stay["status"], stay["place"]["point_of_care"]) == ("in-progress", "W5")
    assert "transferred_at" not in stay
    hospital.send("ADT^A03", "20260705110000", pv1(f36="1", f37="19", f45="20260705110000"))
    assert hospital.stay()["discharged_at"] == "2026-07-05T10:00:00Z"
    hospital.send("ADT^A13", "20260705120000", pv1(f36="1", f37="19", f45="20260705110000"))
    stay = hospital.stay()
    assert stay["status"] == "in-progress"
    assert "discharged_at" not in stay and "discharge_method" not in stay
    hospital.send("ADT^A11", "20260705130000", pv1())
    (fact,) = hospital.facts("encounters")
    assert fact["status"] == "cancelled"


def test_nobody_is_dead_by_a_discharge_that_was_undone_before_it_was_told(hospital):
    hospital.send("ADT^A01", "20260701093000", pv1())
    hospital.send("ADT^A13", "20260705120000", pv1(f36="4", f37="79", f45="20260705110000"))
    assert not hospital.facts("death")
    assert "died" not in hospital.stay()


def test_a_late_update_changes_nothing_and_a_repeat_only_confirms(hospital):
    where = PID + "|||%s"
    hospital.send("ADT^A01", "20260701093000", pv1(), pid=where % "1 OLD ST^^TORQUAY")
    hospital.send("ADT^A08", "20260703093000", pv1("W7"), pid=where % "2 NEW ST^^EXETER")
    hospital.send("ADT^A08", "20260703100000", pv1("W7"), pid=where % "2 NEW ST^^EXETER")
    hospital.send("ADT^A08", "20260702093000", pv1("W6"), pid=where % "1 OLD ST^^TORQUAY")
    (fact,) = hospital.facts("demographics")
    assert [address["city"] for address in fact["demographics"]["addresses"]] == ["EXETER"]
    assert hospital.stay()["place"]["point_of_care"] == "W7"
    assert hospital.facts("encounters")[0]["confirmed_event_id"]


def test_a_new_general_practitioner_takes_the_place_of_the_former(hospital):
    hospital.send("ADT^A28", "20260701093000", "PD1||||G1^GREEN\r")
    hospital.send("ADT^A31", "20260702093000", "PD1||||G2^BROWN\r")
    (fact,) = hospital.facts("care-team")
    assert [member["practitioner"]["name"]["family"] for member in fact["care_team"]["members"]] == ["BROWN"]
    hospital.send("ADT^A31", "20260703093000", 'PD1||||""\r')
    assert [fact["status"] for fact in hospital.facts("care-team")] == ["ended"]


def test_a_remark_on_a_decision_neither_takes_its_place_nor_ends_it(hospital):
    said = "OBX|1|ST|CPR^CPR decision^L||DNACPR||||||F\rOBX|2|ST|F^DNACPR in place^L||Yes||||||F\r"
    hospital.send("ORU^R01", "20260712111111", ORDER + said, evn=False)
    meant = {fact["decision"]["decision"]["code"]: fact["status"] for fact in hospital.facts("decisions")}
    assert meant == {"450476008": "current", "meaning-not-known": "current"}
    hospital.send("ORU^R01", "20260713111111", ORDER + "OBX|2|ST|F^DNACPR in place^L||||||||D\r", evn=False)
    meant = {fact["decision"]["decision"]["code"]: fact["status"] for fact in hospital.facts("decisions")}
    assert meant == {"450476008": "current", "meaning-not-known": "entered-in-error"}
    hospital.send("ORU^R01", "20260714111111", ORDER + "OBX|1|ST|CPR^CPR decision^L||||||||D\r", evn=False)
    assert {fact["status"] for fact in hospital.facts("decisions")} == {"entered-in-error"}


def test_a_score_that_is_deleted_is_current_no_more(hospital):
    hospital.send("ORU^R01", "20260712111111", ORDER + "OBX|1|NM|AKPS^AKPS^L||40||||||F\r", evn=False)
    hospital.send("ORU^R01", "20260713111111", ORDER + "OBX|1|NM|AKPS^AKPS^L||||||||D\r", evn=False)
    assert [fact["status"] for fact in hospital.facts("measures")] == ["entered-in-error"]


def test_an_item_of_a_plan_that_is_worded_anew_is_one_item(hospital):
    hospital.send("PPR^PC1", "20260712111111", "PRB|AD|20260712|PAIN^Pain^L|PRB1^RA9\r", evn=False)
    hospital.send("PPR^PC2", "20260713111111", "PRB|UP|20260713|PAIN2^Severe pain^L|PRB1^RA9\r", evn=False)
    items = [item["problem_text"] for fact in hospital.facts("care-plans") for item in fact["care_plan"]["items"]]
    assert items == ["Severe pain"]


def test_a_section_that_is_always_sent_whole_ends_what_it_has_nothing_of(make_bus):
    bus = make_bus()
    folder = bus.folder / "profiles"
    folder.mkdir(exist_ok=True)
    own = (ROOT / "etc" / "profiles" / "itk.yaml").read_text(encoding="utf-8")
    (folder / "own.yaml").write_text(own + "\ncomplete_lists: [related_persons, conditions]\n", encoding="utf-8")
    mllp = Mllp(bus, profile="own")
    bus.start()
    try:
        hospital = Hospital(bus, mllp.start())
        said = "AL1|1|DA|^Penicillin\rDG1|1||G35^MS^I10\rDG1|2||G20^PD^I10\r"
        hospital.send("ADT^A08", "20260701093000", "NK1|1|BOB^B|1\r" + pv1() + said)
        hospital.send("ADT^A08", "20260702093000", pv1() + "DG1|1||G35^MS^I10\r")
        hospital.send("ADT^A02", "20260703093000", pv1("W6"))
        ends = {fact["condition"]["code"]["code"]: fact["status"] for fact in hospital.facts("conditions")}
        assert ends == {"G35": "current", "G20": "ended"}
        assert "related_persons" not in hospital.facts("demographics")[0]["demographics"]
        assert [fact["status"] for fact in hospital.facts("allergies")] == ["current"]
    finally:
        mllp.close()
