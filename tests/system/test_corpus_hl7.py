"""HL7 v2 that nobody here wrote, through `carebus-mllp --translate`.

The corpus lies beside the checkout (../shared/corpus/hl7v2), or where CAREBUS_CORPUS names its folder. It is input: read, never
changed. Where a peer published what it makes of a message (fhir-converter/expected), identifiers, names, birth date, sex, class and the
times of a stay have to agree; where they do not, DIFFERENCES says why, by the mapping sheets of HL7 itself.
"""

import csv
import datetime
import json
import os
import pathlib
import re
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", SOURCE / "build"))
PROGRAM = BUILD / "adapters" / "mllp" / "carebus-mllp"
CORPUS = pathlib.Path(os.environ.get("CAREBUS_CORPUS", SOURCE.parent / "shared" / "corpus"))
HL7 = CORPUS / "hl7v2"
CONVERTER = HL7 / "fhir-converter"
SHEETS = CORPUS / "mapping" / "hl7-v2-to-fhir" / "codesystems"

pytestmark = pytest.mark.skipif(not HL7.is_dir(), reason=f"no corpus: {HL7} is not there (CAREBUS_CORPUS names another folder)")

# Problems that take no event away: the message was read, and part of what it says is only text.
REMARKS = {"map-miss", "bad-time"}

# What each trigger has to give, and where PV1-2 is E.
EVENTS = {
    "ADT^A01": "encounter.admitted",
    "ADT^A02": "encounter.transferred",
    "ADT^A03": "encounter.discharged",
    "ADT^A04": "encounter.registered",
    "ADT^A05": "encounter.preadmitted",
    "ADT^A06": "encounter.admitted",
    "ADT^A07": "encounter.updated",
    "ADT^A08": "patient.updated",
    "ADT^A09": "encounter.updated",
    "ADT^A10": "encounter.updated",
    "ADT^A11": "encounter.admission_cancelled",
    "ADT^A12": "encounter.transfer_cancelled",
    "ADT^A13": "encounter.discharge_cancelled",
    "ADT^A14": "encounter.admission_planned",
    "ADT^A15": "encounter.transfer_planned",
    "ADT^A16": "encounter.discharge_planned",
    "ADT^A18": "patient.merged",
    "ADT^A21": "encounter.leave_started",
    "ADT^A22": "encounter.leave_ended",
    "ADT^A24": "patient.linked",
    "ADT^A25": "encounter.discharge_plan_cancelled",
    "ADT^A26": "encounter.transfer_plan_cancelled",
    "ADT^A27": "encounter.admission_plan_cancelled",
    "ADT^A28": "patient.registered",
    "ADT^A30": "patient.merged",
    "ADT^A31": "patient.updated",
    "ADT^A34": "patient.merged",
    "ADT^A37": "patient.unlinked",
    "ADT^A38": "encounter.preadmission_cancelled",
    "ADT^A40": "patient.merged",
    "ADT^A41": "patient.moved",
    "ADT^A43": "patient.moved",
    "ADT^A45": "patient.moved",
    "ADT^A47": "patient.moved",
    "ADT^A50": "patient.moved",
    "ADT^A51": "patient.moved",
    "ADT^A60": "allergy.recorded",
    "SIU^S12": "appointment.booked",
    "SIU^S13": "appointment.rescheduled",
    "SIU^S14": "appointment.modified",
    "SIU^S15": "appointment.cancelled",
    "SIU^S16": "appointment.cancelled",
    "SIU^S17": "appointment.deleted",
    "SIU^S26": "appointment.did_not_attend",
}
EMERGENCY = {"ADT^A01": "encounter.ed_arrived", "ADT^A03": "encounter.ed_departed", "ADT^A04": "encounter.ed_arrived"}

# Segments that are a statement of their own each, with the fields of which one has to say something.
STATEMENTS = {b"AL1": ("allergy.recorded", (3, 5)), b"IAM": ("allergy.recorded", (3, 5, 7)), b"DG1": ("condition.recorded", (3, 4, 20))}
# A stay that never was leaves no diagnoses; a merge and a move say who somebody is, and no more.
SAYS_NO_MORE = re.compile(r"ADT\^A(11|27|38|09|10|18|24|30|34|37|4\d|5[01])|ADT\^A60")

# Values that the peer gives to the patient and we do not, with the field that they stand in. None is a number or a name of the patient's
# record in the mapping sheet "HL7 Segment - FHIR R4: PID[Patient]", or the sheet gives them to somebody else.
DIFFERENCES = {
    "identifier": {
        "DLN-123": "PID-20, driving licence: the sheet has it, withdrawn from the standard since 2.7; nobody finds a patient by it",
        "G-SSN-12": "GT1-12, number of the guarantor: the sheets have GT1 as Account.guarantor, not as the patient",
        "1516": "GT1-2, number of the guarantor",
        "55121": "GT1-19, employer of the guarantor",
        "DB123": "DB1-3, disability: no sheet gives it to Patient",
        "DB1456": "DB1-3, disability",
        "DL": "PID-20, driving licence: see above",
        "MB-12345": "IN2-61, insurance: Coverage",
        "Medicare-12345": "IN2-6, insurance: Coverage",
        "MCN-008": "IN2-8, insurance: Coverage",
        "MI-12345": "IN2-10, insurance: Coverage",
        "PNM1234": "IN2-61, insurance: Coverage",
    },
    "name": {
        ("RADIANT", "LUCY"): "GT1-3, name of the guarantor",
        ("Jack", "ADAM"): "IN2-7, name on the insurance card",
        ("123121234A", None): "IN2-7, a number where the name on the insurance card should be",
    },
    "code": {"I21": "PDA-1, cause of death: what a certificate says of a death is no condition of the living"},
    # Times of a stay that the peer takes from elsewhere when they are not said: what is planned has not happened. By the sheet
    # "PV1[Encounter]" a stay begins at PV1-44 and ends at PV1-45, and nowhere else.
    "time": {
        "admitted_at": ("expected_admission_at", "PV2-8, expected admission"),
        "discharged_at": ("expected_discharge_at", "PV2-9, expected discharge"),
    },
}


def files():
    if not HL7.is_dir():
        return []
    return sorted(path for path in HL7.rglob("*") if path.is_file() and path.suffix not in (".json", ".md"))


def name_of(path):
    return str(path.relative_to(HL7)) if isinstance(path, pathlib.Path) else "none"


def translate(path, *options):
    done = subprocess.run([PROGRAM, "--translate", path, *options], capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, 65), f"exit {done.returncode}: {done.stderr.decode()}"
    assert done.stderr == b""
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    for line in lines:
        assert set(line) == {"events", "unmapped", "problems"}
        assert line["events"] or line["problems"], "silently dropped"
    return done.returncode, lines


def messages(data):
    """Cuts at MSH at the start of a line, and knows no more of HL7 than that."""
    starts = [match.start(1) for match in re.finditer(rb"(?:\A(?:\xef\xbb\xbf|\x0b|\s)*|[\r\n\x0b\x1c])(MSH[^\w\s])", data)]
    return [data[start:end] for start, end in zip(starts, starts[1:] + [len(data)])]


def segments(message):
    return [line for line in re.split(rb"[\r\n\x0b\x1c]+", message) if line.strip()]


def fields_of(message, name):
    separator = message[3:4]
    for line in segments(message):
        if line[:3].upper() == name and line[3:4] == separator:
            return line.split(separator)
    return []


def field(message, name, number):
    found = fields_of(message, name)
    number -= name == b"MSH"
    return found[number].strip() if number < len(found) else b""


def trigger_of(message):
    parts = field(message, b"MSH", 9).split(message[4:5])
    return parts[0].decode(), (parts[1].decode() if len(parts) > 1 else field(message, b"EVN", 1).decode())


def has_person(message):
    return any(field(message, b"PID", number) for number in (2, 3, 4, 19))


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_every_file_is_translated_message_by_message(path):
    code, lines = translate(path)
    cut = messages(path.read_bytes())
    if not cut or not path.read_bytes().lstrip(b"\xef\xbb\xbf\x0b \r\n").startswith((b"MSH", b"FHS", b"BHS")):
        assert code == 65
        return
    assert len(lines) == len(cut)
    assert (code == 65) == any(problem["code"] not in REMARKS | {"unhandled-trigger"} for line in lines for problem in line["problems"])
    for message, line in zip(cut, lines):
        trigger = "^".join(trigger_of(message)) if len(message) > 8 else ""
        why = {problem["code"] for problem in line["problems"]} - REMARKS
        if trigger not in EVENTS or why:
            if trigger in EVENTS:
                assert why <= {"unknown-charset"} or not has_what_it_is_about(message), f"{trigger}: {line['problems']}"
            continue
        check_events(message, trigger, line["events"])


def has_what_it_is_about(message):
    return has_person(message) and (not trigger_of(message)[1] == "A60" or fields_of(message, b"IAM") or fields_of(message, b"AL1"))


def check_events(message, trigger, events):
    emergency = field(message, b"PV1", 2).split(message[4:5])[0] == b"E"
    types = [event["type"] for event in events]
    assert (EMERGENCY if emergency and trigger in EMERGENCY else EVENTS)[trigger] in types
    assert all(event["trigger"] == trigger for event in events)
    assert all(event["patient"]["identifiers"] for event in events)
    if not SAYS_NO_MORE.fullmatch(trigger):
        for name, (kind, numbers) in STATEMENTS.items():
            if name != b"IAM":
                assert types.count(kind) >= statements(message, name, numbers), name


def statements(message, name, numbers):
    """Segments of this name that say something in one of these fields."""
    separator = message[3:4]
    rows = [line.split(separator) for line in segments(message) if line[:3].upper() == name and line[3:4] == separator]
    return sum(any(row[n].strip(b'^~& "') for n in numbers if n < len(row)) for row in rows)


def test_messages_that_must_be_refused_are(tmp_path):
    """The number that is no NHS number identifies nobody; an order without numbers, and what is no message, give no event."""
    yaml = pytest.importorskip("yaml")
    path = HL7 / "simhospital" / "invalid_messages.yml"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    profile = tmp_path / "simhospital.yaml"
    profile.write_text(
        "authorities:\n  - {authority: NHSNMBR, system: 'https://fhir.nhs.uk/Id/nhs-number', nhs_number: true}\n"
        "  - {type: NHSNMBR, system: 'https://fhir.nhs.uk/Id/nhs-number', nhs_number: true}\n"
    )
    n_checked = 0
    for name, entry in yaml.safe_load(path.read_text()).items():
        text = "\r".join(entry["segments"]).replace("%s", "20240305101500", 1).replace("%s", name, 1)
        file = tmp_path / "message.hl7"
        file.write_text(text)
        code, lines = translate(file, "--profile", str(profile))
        assert len(lines) == 1
        if "ADT" not in text.split("\r", maxsplit=1)[0]:
            assert not lines[0]["events"] and lines[0]["problems"]
        else:
            statuses = {one["value"]: one.get("status") for one in lines[0]["events"][0]["patient"]["identifiers"]}
            assert statuses["2278322867"] == "invalid", "a number that fails its check digit"
        n_checked += 1
    assert n_checked >= 2


# ---- what a peer makes of the same messages


def resources(bundle, kind):
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def sheet(name, column):
    """Code to code of one of HL7's own sheets."""
    (path,) = SHEETS.glob(f"HL7_Concept_Map__{name}_-_Sheet1.csv")
    with path.open(newline="", encoding="utf-8-sig") as file:
        return {row[0]: row[column] for row in list(csv.reader(file))[2:] if row and row[0]}


def compared():
    if not CONVERTER.is_dir():
        return []
    return [
        path
        for path in sorted(CONVERTER.glob("*.hl7"))
        if (CONVERTER / "expected" / f"{path.stem}.fhir.json").is_file()
        and "^".join(trigger_of(messages(path.read_bytes())[0])) in EVENTS
    ]


def subject_of(events):
    for event in events:
        demographics = event.get("demographics") or event["patient"].get("demographics")
        if demographics:
            return event["patient"], demographics
    raise AssertionError("no event says who it is")


def check_identifiers(patient, expected):
    ours = {(one["value"], one.get("type")) for one in patient["identifiers"]}
    theirs = {(one["value"], one.get("type", {}).get("coding", [{}])[0].get("code")) for one in expected.get("identifier", [])}
    assert {value for value, _ in ours} <= {value for value, _ in theirs}, "a number that the peer does not have"
    missing = {value for value, _ in theirs} - {value for value, _ in ours}
    assert missing <= set(DIFFERENCES["identifier"]), f"not explained: {missing - set(DIFFERENCES['identifier'])}"
    # Where the sender named a type, it is the same; a field without one (PID-19) gets the peer's own.
    for value, kind in ours:
        if kind:
            assert (value, kind) in theirs


def check_names(demographics, expected):
    ours = [(one.get("family"), one.get("given", [])) for one in demographics.get("names", [])]
    theirs = [(one.get("family"), one.get("given", [])) for one in expected.get("name", [])]
    for family, given in ours:
        # XPN-15, "called by", is a further given name to the peer only.
        assert any(family == other and given == further[: len(given)] for other, further in theirs), "a name that the peer does not have"
    def first_names(names):
        return {(family, given[0] if given else None) for family, given in names}

    missing = first_names(theirs) - first_names(ours)
    assert missing <= set(DIFFERENCES["name"]), f"not explained: {missing - set(DIFFERENCES['name'])}"


def check_stay(event, expected):
    encounter = event["encounter"]
    classes = sheet("PatientClass_EncounterClass", 6)
    ours = encounter.get("class", {})
    said = ours.get("original", {}).get("code")
    assert classes.get(said) == expected["class"]["code"], f"class {said}"
    assert ours["code"] == expected["class"]["code"], f"class {said}"
    if "system" in expected["class"]:
        assert ours["system"] == expected["class"]["system"], f"class {said}"
    for ours, theirs in (("admitted_at", "start"), ("discharged_at", "end")):
        time = expected.get("period", {}).get(theirs)
        planned, _ = DIFFERENCES["time"][ours]
        if time is None:
            assert ours not in encounter, f"{ours}: the peer has none"
            continue
        said = [encounter[name] for name in (ours, planned) if name in encounter]
        assert said, f"{theirs} of the stay is {time} to the peer"
        if event["type"] != "encounter.admission_plan_cancelled":  # of what was only planned, the peer takes what was planned
            said = said[:1]
        assert moment(time) in [moment(one) for one in said]


def check_appointment(appointment, expected):
    ours = {appointment[name]["value"] for name in ("identifier", "placer_identifier") if name in appointment}
    assert ours == {one["value"] for one in expected["identifier"]}
    for ours, theirs in (("start_at", "start"), ("end_at", "end")):
        if theirs in expected:
            assert moment(appointment[ours]) == moment(expected[theirs])
    assert appointment["status"] in STATUSES[expected["status"]]


# Ours of each of the peer's: it knows the status of SCH-25 only, we know the trigger too.
STATUSES = {
    "booked": {"booked"},
    "cancelled": {"cancelled", "deleted"},
    "noshow": {"did-not-attend"},
    "proposed": {"proposed", "booked"},
    "entered-in-error": {"deleted"},
}


def check_codes(ours, theirs):
    """Each code that the peer has is one of ours."""
    codes = {one["original"]["code"] for one in ours if "original" in one} | {one["text"] for one in ours if "text" in one}
    for resource in theirs:
        coding = resource.get("code", {}).get("coding", [])
        said = {one.get(name) for one in coding for name in ("code", "display")}
        assert not coding or said & (codes | set(DIFFERENCES["code"])), f"{said} is not among {codes}"


@pytest.mark.parametrize("path", compared(), ids=name_of)
def test_a_peer_reads_the_same_out_of_it(path):
    _, (line,) = translate(path)
    bundle = json.loads((CONVERTER / "expected" / f"{path.stem}.fhir.json").read_text(encoding="utf-8-sig"))
    people = resources(bundle, "Patient")
    if not people:
        # The peer makes nothing of a merge, nor of a move.
        assert line["events"][0]["type"] in ("patient.merged", "patient.moved")
        return
    patient, demographics = subject_of(line["events"])
    check_identifiers(patient, people[0])
    check_names(demographics, people[0])
    assert demographics.get("birth_date") == people[0].get("birthDate")
    sex = demographics.get("sex", {})
    assert sheet("AdministrativeSex", 6).get(sex.get("original", {}).get("code")) == people[0].get("gender")
    assert sex.get("code") == people[0].get("gender")
    for event in line["events"]:
        if "encounter" in event:
            check_stay(event, resources(bundle, "Encounter")[0])
        if "appointment" in event:
            check_appointment(event["appointment"], resources(bundle, "Appointment")[0])
    check_codes([event["allergy"]["substance"] for event in line["events"] if "allergy" in event], resources(bundle, "AllergyIntolerance"))
    check_codes([event["condition"]["code"] for event in line["events"] if "condition" in event], resources(bundle, "Condition"))


def test_the_comparison_is_not_empty():
    assert len(compared()) >= 12
    assert len(files()) >= 200


# ---- what --translate says beside the events

ADMISSION = "MSH|^~\\&|PAS|RA9|||20240705101500||ADT^A31|M1|P|2.4\rEVN||20240705101400||||{}\rPID|1||5^^^X^MR||SMITH^JOHN|||F\r"


@pytest.mark.parametrize("said", ["20260230", "garbage"])
def test_a_time_that_cannot_be_read_is_reported_and_takes_no_event_away(tmp_path, said):
    file = tmp_path / "message.hl7"
    file.write_text(ADMISSION.format(said))
    code, (line,) = translate(file)
    assert code == 0
    assert line["problems"] == [{"code": "bad-time", "position": "EVN-6"}]
    (event,) = line["events"]
    assert moment(event["occurred_at"]) == moment("2024-07-05T09:14:00Z")
    assert said in json.dumps(event), "what was said is kept"


def test_a_line_that_is_no_segment_is_reported_and_changes_nobody(tmp_path):
    file = tmp_path / "message.hl7"
    file.write_text(ADMISSION.format("") + "garbage here|x\r")
    code, (line,) = translate(file)
    assert code == 65
    assert not line["events"]
    assert line["problems"] == [{"code": "broken-segment", "position": "PID-8"}]


CONFIGURATION = """
bus: test
environment: test
timezone: America/New_York
teams:
  hospital: {organisation: RA9, class: clinical}
sources:
  pas: {team: hospital, adapter: mllp, listen: "127.0.0.1:6661"}
  lab: {team: hospital, adapter: mllp, listen: "127.0.0.1:6662", timezone: Europe/Paris}
"""


@pytest.mark.parametrize(
    ("options", "profile", "said"),
    [
        ([], "", "2024-07-05T14:14:00Z"),
        (["--source", "pas"], "", "2024-07-05T14:14:00Z"),
        (["--source", "lab"], "", "2024-07-05T08:14:00Z"),
        (["--source", "soon"], "", "2024-07-05T14:14:00Z"),
        (["--source", "pas"], "timezone: Asia/Tokyo\n", "2024-07-05T01:14:00Z"),
        (["--source", "lab"], "timezone: Asia/Tokyo\n", "2024-07-05T08:14:00Z"),
    ],
)
def test_a_profile_is_tried_in_the_time_zone_of_the_configuration(tmp_path, options, profile, said):
    (tmp_path / "carebus.yaml").write_text(CONFIGURATION)
    (tmp_path / "profiles").mkdir()
    maps = 'maps:\n  demographics.sex:\n    F: {system: "https://own.test", code: female-by-own}\n'
    (tmp_path / "profiles" / "own.yaml").write_text(maps + profile)
    file = tmp_path / "message.hl7"
    file.write_text(ADMISSION.format(""))
    code, (line,) = translate(file, "--profile", "own", "--config", str(tmp_path / "carebus.yaml"), *options)
    assert code == 0
    (event,) = line["events"]
    assert moment(event["occurred_at"]) == moment(said)
    assert event["demographics"]["sex"]["code"] == "female-by-own", "the profile that was named"
