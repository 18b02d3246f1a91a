"""The partners of the six scenarios of test_six_scenarios.py, what they say, and a record as lines that a reviewer can read.

Everything is of 2024: a spreadsheet with a day that has not come yet comes back.
"""

import json
import re

from carebus_bus import ROOT, Bus, record_pb2, wait_for
from csv_peer import Csv
from fhir_peer import Fhir
from mllp_peer import Mllp

NHS = "https://fhir.nhs.uk/Id/nhs-number"
CHI = "carebus:CHI"
SNOMED = "http://snomed.info/sct"
ALL = ["hospital", "community", "hospice", "marie-curie", "council", "helpline", "pds", "care-system"]
TEAMS = {
    "ward": ("Neurology", "clinical"),
    "nurses": ("Community nursing", "clinical"),
    "hospice": ("St Brigid's Hospice", "clinical"),
    "night": ("Night nursing", "voluntary"),
    "council": ("The council's social care", "social-care"),
    "helpline": ("Helpline", "clinical"),
}


def shipped(name, *traced):
    """A profile as shipped, of a partner that traces the numbers of these kinds and says so."""
    text = (ROOT / "etc" / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    for row in traced:
        assert row in text
        text = text.replace(row, row[:-1] + ", traced: true}")
    return text


def profiles():
    nhs = "{authority: nhs_number, system: \"https://fhir.nhs.uk/Id/nhs-number\", nhs_number: true}"
    chi = "{authority: chi_number, system: \"carebus:CHI\"}"
    of_hl7 = "{authority: CHI, system: \"carebus:CHI\"}"
    return {
        "traced-hl7": shipped("default", of_hl7),
        "traced-files": shipped("hospice-minimum", nhs, chi),
        "files": shipped("hospice-minimum"),
        "epr": shipped("uk-core").replace(
            "authorities:\n", "authorities:\n  - {authority: \"https://phs.scot/chi-number\", system: \"carebus:CHI\", traced: true}\n"),
    }


class Partners:
    """A bus with a hospital (HL7 v2), community nurses and PDS (FHIR), a hospice, a charity, a council and a helpline (spreadsheets)."""

    def __init__(self):
        self.bus = bus = Bus({"sources": {}, "teams": {}})
        folder = bus.folder / "profiles"
        folder.mkdir()
        for name, text in profiles().items():
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        bus.config["teams"] = {
            name: {"name": title, "class": kind, "may_read": list(ALL),
                   "contact_points": [{"name": title, "phone": f"01632 96000{number}", "hours": "24/7", "kind": "helpline"}]}
            for number, (name, (title, kind)) in enumerate(TEAMS.items())
        }
        bus.config["sources"] = {"care-system": {"team": "council", "adapter": "own"}}
        self.hospital = Mllp(bus, "hospital", profile="traced-hl7")
        self.community = Fhir(bus, "community", profile="epr", team="nurses")
        self.pds = Fhir(bus, "pds", profile="pds", team="nurses")
        self.hospice = Csv(bus, "hospice", team="hospice")
        self.night = Csv(bus, "marie-curie", team="night")
        self.council = Csv(bus, "council", team="council")
        self.helpline = Csv(bus, "helpline", team="helpline")
        for peer, profile in ((self.hospice, "traced-files"), (self.night, "traced-files"), (self.council, "traced-files"),
                              (self.helpline, "files")):
            bus.config["sources"][peer.source]["profile"] = profile
        for team in bus.config["teams"].values():
            team["may_read"] = list(ALL)
        bus.write_config()
        self.peers = [self.hospital, self.community, self.pds, self.hospice, self.night, self.council, self.helpline]
        self.clients = {}
        self.number = 0

    def start(self):
        self.bus.start()
        for peer in self.peers:
            peer.start()
        self.sender = self.hospital.sender()
        self.care_system = self.bus.source("care-system")
        return self

    def close(self):
        for peer in self.peers:
            peer.close()
        self.bus.close()

    # -- what each of them says

    def hl7(self, trigger, at, person, *segments):
        self.number += 1
        event = trigger.split("^")[1]
        answer = self.sender.ask("\r".join([
            rf"MSH|^~\&|PAS|RA9|CAREBUS|RA9|{at}||{trigger}|S{self.number:04}|T|2.4",
            f"EVN|{event}|{at}||||{at}", person, *segments]) + "\r")
        assert answer.code == "AA", answer.text

    def post(self, peer, *resources, at):
        made = {"resourceType": "Bundle", "type": "transaction", "timestamp": at, "entry": [
            {"fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012}", "resource": resource,
             "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}}
            for number, resource in enumerate(resources, 1)]}
        answer = peer.client().post("/", made)
        assert answer.status in (200, 201), (answer.status, answer.body)

    def rows(self, peer, name, *lines, statuses=None):
        """A file; the receipt's statuses, row by row."""
        receipt = peer.deliver(name, "\n".join(lines) + "\n")
        assert receipt.statuses() == (statuses or ["ok"] * (len(lines) - 1)), receipt.text
        return receipt

    # -- what the bus says

    def record(self, system, value):
        self.bus.wait_folded()
        return self.bus.ctl_json("record", system, value)[0]

    def find(self, *arguments):
        self.bus.wait_folded()
        return self.bus.ctl_json("find", *arguments)


def pid(local, family, given, born, sex, nhs="", chi=""):
    """PID of the hospital: NHS numbers are traced there, which PID-32 says."""
    numbers = [f"{local}^^^RA9^MR"] + [f"{nhs}^^^NHS^NH"] * bool(nhs) + [f"{chi}^^^CHI"] * bool(chi)
    name, day = f"{family.upper()}^{given.upper()}", born.replace("-", "")
    return f"PID|1||{'~'.join(numbers)}||{name}||{day}|{sex}" + "|" * 24 + ("NSTS01" if nhs else "")


def pv1(visit, kind, place, admitted, discharged="", destination="", method=""):
    fields = [""] * 46
    fields[2], fields[3], fields[19], fields[36], fields[37] = kind, place, f"{visit}^^^RA9^VN", method, destination
    fields[44], fields[45] = admitted, discharged
    return "|".join(["PV1", "1", *fields[2:]])


def patient(resource_id, system, value, family, given, born, sex, verified=True, **more):
    identifier = {"system": system, "value": value}
    if system == NHS and verified:
        identifier["extension"] = [{
            "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
            "valueCodeableConcept": {"coding": [{
                "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland", "code": "01"}]}}]
    return {"resourceType": "Patient", "id": resource_id, "identifier": [identifier], "name": [{"family": family, "given": [given]}],
            "gender": sex, "birthDate": born, **more}


def coded(system, code, display):
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


# -- a record as lines

# What of a fact's value is compared, by section: all that somebody would act on. Ids of the bus, times of receipt and the originals of
# codes are volatile or said twice.
SHOWN = {
    "encounters": ("class.code", "status", "place.point_of_care", "admitted_at", "discharged_at", "died"),
    "contacts": ("status", "start_at", "minutes", "mode", "by.name", "staff_role", "purpose", "outcome", "summary"),
    "care-packages": ("status", "hours_per_week", "start_at", "text"),
    "medications": ("drug", "status", "stopped_at", "stop_reason"),
    "documents": ("title", "type", "status", "content_text"),
    "referrals": ("status", "priority.code", "reason_text", "to.name", "decline_reason", "declined_by"),
    "death": ("status", "died_at", "how_known"),
    "bereavement": ("status", "relationship", "deceased_identifiers", "offered_at", "answered_at", "first_contact_at"),
    "conditions": ("code",),
    "allergies": ("substance", "severity"),
    "decisions": ("decision.code", "scope", "decided_at"),
    "measures": ("scale.code", "total.value"),
    "consent": ("kind", "state"),
}
BODIES = {field.name for field in record_pb2.Fact.DESCRIPTOR.oneofs_by_name["value"].fields}
MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z")
HIDDEN_SECTIONS = ("demographics", "merges")


def plain(value):
    """A code by its words, a time by its minute, a list by its elements."""
    if isinstance(value, list):
        return ", ".join(plain(one) for one in value)
    if isinstance(value, dict):
        if "utc_at" in value:
            return plain(value["utc_at"])
        for name in ("display", "text", "code", "value"):
            if name in value:
                return plain(value[name])
        return json.dumps(value, sort_keys=True)
    if isinstance(value, bool):
        return str(value).lower()
    return value[:-len(":00Z")] if isinstance(value, str) and MINUTE.fullmatch(value) else str(value)


def at_path(value, path):
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def name_of(demographics):
    names = demographics.get("names", [])
    return " ".join([*names[0].get("given", []), names[0].get("family", "")]) if names else "nobody"


def born(demographics):
    date = demographics.get("birth_date")
    if isinstance(date, dict):
        return "-".join(f"{date[part]:02}" for part in ("year", "month", "day") if part in date)
    return date or "not said"


def fact_lines(section):
    for fact in section["facts"]:
        body = next((fact[key] for key in fact if key in BODIES), {})
        said = [f"{path}={plain(value)}" for path in SHOWN[section["name"]] if (value := at_path(body, path)) is not None]
        key = at_path(body, "identifier.value") or (fact["key"].rpartition("|")[2] if section["name"] == "documents" else "")
        yield f"{section['name']} {fact['source']}{' ' + key if key else ''} {fact['status']}: {'; '.join(said)}"


def lines_of(record):
    overview = record.get("overview", {})
    lines = [f"number {identifier['system']} {identifier['value']}" for identifier in record.get("identifiers", [])]
    for section in record.get("sections", []):
        if section["name"] == "demographics":
            lines += [f"person {fact['source']}: {name_of(fact['demographics'])}, born {born(fact['demographics'])}"
                      for fact in section["facts"]]
        if section["name"] not in HIDDEN_SECTIONS:
            lines += fact_lines(section)
    lines += [f"conflict {one['section']} {one['reason']}{' closed' if 'closed_at' in one else ''}" for one in record.get("conflicts", [])]
    lines += [f"held {one['kind']} from {one['source']}" for one in record.get("held", [])]
    if "cpr" in overview:
        lines.append(f"overview cpr {overview['cpr']['state']}")
    if "death" in overview:
        lines.append(f"overview death {overview['death']}")
    return sorted(lines)


def expected(name):
    """The reviewed lines, without comments, by the person that they are of."""
    people = {}
    path = ROOT / "tests" / "system" / "expected" / f"{name}.record"
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            people[line[3:]] = lines = []
        elif line.strip() and not line.startswith("#"):
            lines.append(line)
    return {person: sorted(lines) for person, lines in people.items()}


def assert_records(partners, name):
    """Each person of the file, by SYSTEM VALUE, has the record that stands there and nothing else."""
    for person, lines in expected(name).items():
        found = lines_of(partners.record(*person.split()))
        missing, unexpected = [one for one in lines if one not in found], [one for one in found if one not in lines]
        assert found == lines, "\n".join([f"{name}, {person}", *(f"  - {one}" for one in missing), *(f"  + {one}" for one in unexpected)])


def wait_reviews(partners, count):
    def listed():
        found = [one for one in partners.bus.ctl_json("identity", "review") if "id" in one]
        return found if len(found) == count else None
    return wait_for(listed, what=lambda: f"{count} reviews; {partners.bus.ctl('identity', 'review').stdout}")
