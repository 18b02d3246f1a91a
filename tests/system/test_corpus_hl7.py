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

# What each trigger has to give; the second where PV1-2 is E.
EVENTS = {
    "A01": ("encounter.admitted", "encounter.ed_arrived"),
    "A02": ("encounter.transferred", "encounter.transferred"),
    "A03": ("encounter.discharged", "encounter.ed_departed"),
    "A04": ("encounter.registered", "encounter.ed_arrived"),
    "A05": ("encounter.preadmitted", "encounter.preadmitted"),
    "A08": ("patient.updated", "patient.updated"),
    "A11": ("encounter.admission_cancelled", "encounter.admission_cancelled"),
    "A12": ("encounter.transfer_cancelled", "encounter.transfer_cancelled"),
    "A13": ("encounter.discharge_cancelled", "encounter.discharge_cancelled"),
    "A18": ("patient.merged", "patient.merged"),
    "A28": ("patient.registered", "patient.registered"),
    "A30": ("patient.merged", "patient.merged"),
    "A31": ("patient.updated", "patient.updated"),
    "A34": ("patient.merged", "patient.merged"),
    "A40": ("patient.merged", "patient.merged"),
}

# Values that the peer gives to the patient and we do not, with the field that they stand in. None is a number or a name of the patient's
# record in the mapping sheet "HL7 Segment - FHIR R4: PID[Patient]", or the sheet gives them to somebody else.
DIFFERENCES = {
    "identifier": {
        "DLN-123": "PID-20, driving licence: the sheet has it, withdrawn from the standard since 2.7; nobody finds a patient by it",
        "G-SSN-12": "GT1-12, number of the guarantor: the sheets have GT1 as Account.guarantor, not as the patient",
        "1516": "GT1-2, number of the guarantor",
        "55121": "GT1-19, employer of the guarantor",
        "DB123": "DB1-3, disability: no sheet gives it to Patient",
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
        kind, trigger = trigger_of(message) if len(message) > 8 else ("", "")
        why = {problem["code"] for problem in line["problems"]} - REMARKS
        if kind != "ADT" or trigger not in EVENTS or why:
            if kind == "ADT" and trigger in EVENTS:
                assert why <= {"unknown-charset"} or not has_person(message), f"{trigger}: {line['problems']}"
            continue
        emergency = field(message, b"PV1", 2).split(message[4:5])[0] == b"E"
        types = [event["type"] for event in line["events"]]
        assert EVENTS[trigger][emergency] in types
        assert all(event["trigger"] == f"ADT^{trigger}" for event in line["events"])
        assert all(event["patient"]["identifiers"] for event in line["events"])


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
        and trigger_of(messages(path.read_bytes())[0])[0] == "ADT"
        and trigger_of(messages(path.read_bytes())[0])[1] in EVENTS
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
        if ours not in encounter:
            ours, _ = DIFFERENCES["time"][ours]
        if time is None:
            assert not ours.startswith(("admitted", "discharged")), f"{ours}: the peer has none"
        else:
            assert ours in encounter, f"{theirs} of the stay is {time} to the peer"
            assert moment(encounter[ours]) == moment(time)


@pytest.mark.parametrize("path", compared(), ids=name_of)
def test_a_peer_reads_the_same_out_of_it(path):
    _, (line,) = translate(path)
    bundle = json.loads((CONVERTER / "expected" / f"{path.stem}.fhir.json").read_text(encoding="utf-8-sig"))
    people = resources(bundle, "Patient")
    if not people:
        # The peer makes nothing of a merge.
        assert line["events"][0]["type"] == "patient.merged"
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
