"""What a hospital's engine and a FHIR server say of who is whom, over real sockets: before anybody is known, in chains and circles, again
and again, late, refused and undone. What the record answers under each old number is what counts."""

import itertools
import shutil

import pytest
from carebus_bus import ROOT
from fhir_peer import Fhir
from mllp_peer import Mllp

OLDER = ("A40", "A34", "A18")
NHS = "https://fhir.nhs.uk/Id/nhs-number"


def pid(*local_ids, nhs=None, traced=True, family="HAWTHORNE", given="ADA", born="19410203", account=""):
    numbers = [f"{one}^^^RA9^MR" for one in local_ids] + ([f"{nhs}^^^NHS^NH"] if nhs else [])
    fields = ["PID", "1", "", "~".join(numbers), "", f"{family}^{given}", "", born, "2"] + [""] * 24
    fields[18] = account
    fields[32] = "NSTS01" if nhs and traced else ""
    return "|".join(fields).rstrip("|")


def mrg(*local_ids, account="", visit="", alternate=""):
    return "|".join(["MRG", "~".join(f"{one}^^^RA9^MR" for one in local_ids), "", account, "", visit, alternate]).rstrip("|")


def pv1(visit, ward="W5", alternate=""):
    fields = ["PV1", "1", "I", f"{ward}^B^3^RA901"] + [""] * 47
    fields[19] = f"{visit}^^^RA9" if visit else ""
    fields[44] = "20260701093000"
    fields[50] = f"{alternate}^^^RA9" if alternate else ""
    return "|".join(fields).rstrip("|")


def allergy(code, text):
    return f"AL1|1|DA|{code}^{text}^L||Rash|20200101"


class Hospital:
    def __init__(self, bus, mllp):
        self.bus, self.mllp, self.sender, self.minute = bus, mllp, mllp.sender(), 0

    def message(self, trigger, *segments, at=None):
        self.minute += 1
        at = at or f"202607{1 + self.minute // 60:02}10{self.minute % 60:02}00"
        return "\r".join([f"MSH|^~\\&|PAS|RA9|BUS|RA9|{at}||ADT^{trigger}|M{self.minute}|T|2.4", f"EVN|{trigger}|{at}||||{at}",
                          *segments]) + "\r"

    def send(self, *messages):
        for one in messages:
            answer = self.sender.ask(one)
            assert answer.code == "AA", answer.text
        self.bus.wait_folded()

    def say(self, trigger, *segments, at=None):
        self.send(self.message(trigger, *segments, at=at))

    def record(self, local):
        (record,) = self.bus.ctl_json("record", "carebus:RA9", local)
        return record

    def who(self, local):
        return self.record(local)["patient_id"]

    def names(self, local, section="allergies"):
        return sorted(fact["allergy"]["substance"]["text"] for fact in facts(self.record(local), section))

    def quarantined(self):
        return [(one.get("reason"), one.get("position")) for one in self.bus.ctl_json("quarantine", "list")]


def facts(record, section):
    return [fact for one in record["sections"] if one["name"] == section for fact in one.get("facts", [])]


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


@pytest.fixture
def server(make_bus):
    bus = make_bus()
    adapter = Fhir(bus)
    bus.start()
    adapter.start()
    yield bus, adapter.client()
    adapter.close()


def same_after_rebuild(bus):
    bus.stop()
    verified = bus.ctl("rebuild", "--verify")
    assert verified.returncode == 0, verified.stderr


@pytest.mark.parametrize("trigger", OLDER)
def test_a_merge_before_either_is_known_is_one_person_under_both_numbers(hospital, trigger):
    hospital.say(trigger, pid("H1"), mrg("H2"))
    hospital.say("A01", pid("H2"), pv1("V2"), allergy("PEN", "Penicillin"))
    hospital.say("A01", pid("H1"), pv1("V1"), allergy("NUT", "Nut"))
    assert hospital.who("H1") == hospital.who("H2")
    assert hospital.names("H2") == ["Nut", "Penicillin"]
    hospital.say(trigger, pid("H1"), mrg("H2"))
    assert hospital.names("H1") == ["Nut", "Penicillin"], "said again it is the same"
    assert hospital.quarantined() == []
    same_after_rebuild(hospital.bus)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_chain_of_merges_in_any_order_leads_from_every_old_number_to_the_last(hospital, order):
    chain = [hospital.message("A40", pid("H2"), mrg("H1")), hospital.message("A40", pid("H3"), mrg("H2")),
             hospital.message("A40", pid("H4"), mrg("H3"))]
    hospital.send(*(chain[i] for i in order))
    hospital.say("A31", pid("H1"), allergy("PEN", "Penicillin"))
    assert len({hospital.who(one) for one in ("H1", "H2", "H3", "H4")}) == 1
    assert hospital.names("H4") == ["Penicillin"]


def test_a_circle_of_merges_is_one_person_and_ends(hospital):
    for survivor, retired in (("H2", "H1"), ("H3", "H2"), ("H1", "H3"), ("H2", "H1")):
        hospital.say("A40", pid(survivor), mrg(retired))
    hospital.say("A01", pid("H1"), pv1("V1"))
    assert len({hospital.who(one) for one in ("H1", "H2", "H3")}) == 1
    same_after_rebuild(hospital.bus)


def test_links_come_and_go_and_both_numbers_stay_alive(hospital):
    hospital.say("A24", pid("H1"), pid("H2"))
    hospital.say("A01", pid("H1"), pv1("V1"), allergy("PEN", "Penicillin"))
    hospital.say("A01", pid("H2"), pv1("V2"), allergy("NUT", "Nut"))
    assert hospital.names("H1") == hospital.names("H2") == ["Nut", "Penicillin"]
    hospital.say("A37", pid("H1"), pid("H2"))
    assert (hospital.names("H1"), hospital.names("H2")) == (["Penicillin"], ["Nut"])
    late = hospital.message("A24", pid("H1"), pid("H2"), at="20260601100000")
    hospital.send(late)
    assert hospital.who("H1") != hospital.who("H2"), "an older link is not the last word"


def test_a_number_that_was_on_the_wrong_person_takes_along_what_was_said_under_it(hospital):
    hospital.say("A01", pid("H1"), pv1("V1"), allergy("PEN", "Penicillin"))
    hospital.say("A01", pid("H2", family="OTHER", given="RUTH", born="19880101"), pv1("V2"), allergy("NUT", "Nut"))
    hospital.say("A43", pid("H2", family="OTHER", given="RUTH", born="19880101"), mrg("H1"))
    assert hospital.names("H2") == ["Nut", "Penicillin"]
    assert hospital.who("H1") == hospital.who("H2"), "the old number answers for ever"
    assert hospital.quarantined() == []


def test_a_visit_moves_to_whom_it_belongs_whatever_comes_first(hospital):
    hospital.say("A45", pid("H2", family="OTHER"), mrg("H1", visit="V1^^^RA9"), pv1("V1"))
    hospital.say("A01", pid("H1"), pv1("V1"))
    hospital.say("A01", pid("H2", family="OTHER"), pv1("V2"))

    def stays(local):
        return sorted(fact["encounter"]["identifier"]["value"] for fact in facts(hospital.record(local), "encounters"))

    assert (stays("H1"), stays("H2")) == ([], ["V1", "V2"])
    hospital.say("A02", pid("H1"), pv1("V1", "W9"))
    assert (stays("H1"), stays("H2")) == ([], ["V1", "V2"]), "what still comes under the old number follows"


@pytest.mark.parametrize("first", [True, False])
def test_another_number_of_a_visit_is_one_stay(hospital, first):
    rename = lambda: hospital.say("A50", pid("H1"), mrg("H1", visit="V1^^^RA9"), pv1("V9"))  # noqa: E731
    if first:
        rename()
    hospital.say("A01", pid("H1"), pv1("V1"))
    if not first:
        rename()
    hospital.say("A02", pid("H1"), pv1("V9", "W9"))
    stay, = facts(hospital.record("H1"), "encounters")
    assert stay["encounter"]["place"]["point_of_care"] == "W9"


def test_another_alternate_number_of_a_visit_waits_for_nobody(hospital):
    hospital.say("A01", pid("H1"), pv1("V1", alternate="X1"))
    hospital.say("A51", pid("H1"), mrg("H1", alternate="X1^^^RA9"), pv1("V1", alternate="X2"))
    assert len(facts(hospital.record("H1"), "encounters")) == 1
    assert hospital.quarantined() == []


def test_another_number_of_a_person_is_one_person(hospital):
    hospital.say("A47", pid("H9"), mrg("H1"))
    hospital.say("A31", pid("H1"), allergy("PEN", "Penicillin"))
    assert hospital.names("H9") == ["Penicillin"] and hospital.who("H1") == hospital.who("H9")


def test_two_verified_numbers_stay_two_persons_through_merge_chain_and_link(hospital):
    first, second = "9434765919", "9000000009"
    hospital.say("A28", pid("H1", nhs=first))
    hospital.say("A28", pid("H2", nhs=second))
    hospital.say("A40", pid("H1", nhs=first), mrg("H2"))
    assert hospital.who("H1") != hospital.who("H2")
    hospital.say("A40", pid("H3"), mrg("H1"))
    hospital.say("A40", pid("H3"), mrg("H2"))
    assert hospital.who("H1") != hospital.who("H2"), "not by way of a third either"
    assert hospital.who("H3") == hospital.who("H1")
    hospital.say("A24", pid("H1", nhs=first), pid("H2", nhs=second))
    assert hospital.who("H1") != hospital.who("H2")
    hospital.say("A01", pid("H2", nhs=second), pv1("V2"), allergy("NUT", "Nut"))
    assert hospital.names("H2") == ["Nut"] and hospital.names("H1") == [], "its messages flow, to their own person"
    urgent = hospital.bus.ctl_json("identity", "review", "--urgent")
    assert {one["reason"] for one in urgent} == {"two-verified-numbers"}
    merges = facts(hospital.record("H1"), "merges")
    assert merges and any(fact["merge"].get("disputed") for fact in merges)
    same_after_rebuild(hospital.bus)


def test_a_number_that_is_verified_no_more_lets_the_merge_count(hospital):
    hospital.say("A28", pid("H1", nhs="9434765919"))
    hospital.say("A28", pid("H2", nhs="9000000009"))
    hospital.say("A40", pid("H1", nhs="9434765919"), mrg("H2"))
    assert hospital.who("H1") != hospital.who("H2")
    hospital.say("A31", pid("H2", nhs="9000000009", traced=False))
    assert hospital.who("H1") == hospital.who("H2")
    assert hospital.bus.ctl_json("identity", "review") == []


# ---- FHIR ------------------------------------------------------------------------------------------------------------------------


def resource(logical, family="Hawthorne", active=None, nhs=None, **links):
    one = {"resourceType": "Patient", "id": logical, "name": [{"family": family, "given": ["Ada"]}], "birthDate": "1941-02-03"}
    if nhs:
        one["identifier"] = [{"system": NHS, "value": nhs}]
    if active is not None:
        one["active"] = active
    if links:
        one["link"] = [{"type": kind.replace("_", "-"), "other": {"reference": f"Patient/{other}"}} for kind, other in links.items()]
    return one


def put(client, one, at=None):
    one = dict(one, meta={"lastUpdated": at}) if at else one
    answer = client.put(f"/Patient/{one['id']}", one)
    assert answer.status in (200, 201), answer.text


def of(bus, logical):
    found = bus.ctl_json("record", "carebus:epr", f"Patient/{logical}")
    return found[0]["patient_id"]


PAIRS = {
    "replaced-by": lambda: [resource("p2", active=False, replaced_by="p1"), resource("p1")],
    "replaces": lambda: [resource("p1", replaces="p2"), resource("p2", active=False)],
    "both": lambda: [resource("p1", replaces="p2"), resource("p2", active=False, replaced_by="p1")],
    "refer": lambda: [resource("p1", refer="p2"), resource("p2")],
    "seealso": lambda: [resource("p2", seealso="p1"), resource("p1", seealso="p2")],
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", sorted(PAIRS))
def test_links_of_fhir_make_one_of_two_in_any_order_and_again(server, kind, backwards):
    bus, client = server
    pair = PAIRS[kind]()
    for one in list(reversed(pair)) if backwards else pair:
        put(client, one)
    bus.wait_folded()
    assert of(bus, "p1") == of(bus, "p2")
    for one in pair:
        put(client, dict(one, gender="female"))
    bus.wait_folded()
    assert of(bus, "p1") == of(bus, "p2")
    assert bus.ctl_json("quarantine", "list") == []


def test_chains_and_circles_of_fhir_links_end_in_one_person(server):
    bus, client = server
    for one in (resource("p1", active=False, replaced_by="p2"), resource("p3", replaces="p2"),
                resource("p2", active=False, replaced_by="p3"), resource("p3", active=False, replaced_by="p1")):
        put(client, one)
    bus.wait_folded()
    assert len({of(bus, one) for one in ("p1", "p2", "p3")}) == 1
    same_after_rebuild(bus)
