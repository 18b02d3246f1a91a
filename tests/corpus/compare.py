#!/usr/bin/python3
"""How far our events agree with what a peer made of the same HL7 v2 messages, field by field, and why not where they do not.

For each message with an expected FHIR bundle beside it, what the bundle says is held against what `carebus-mllp --translate` says: a set
of values a field on either side. A value that only one side has is given a reason: first by where it stands in the message (the mapping
sheets of HL7 say which segments are about the patient), then by the rules of reasons.py. What has none is printed, and the test refuses it.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import reasons

FIELDS = (
    "identifier", "name", "birth date", "sex", "telecom", "address", "class", "stay begins", "stay ends", "result code", "result value",
    "result time", "diagnosis", "allergy", "medicine", "appointment time", "document", "order", "practitioner", "relative", "whose it is",
)


def pairs(corpus):
    """(peer, message file, expected bundle)."""
    hl7 = corpus / "hl7v2"
    found = []
    for folder, peer in ((hl7 / "fhir-converter", "fhir-converter"), (hl7 / "reportstream", "reportstream")):
        for expected in sorted(folder.rglob("expected/*.fhir.json")):
            message = expected.parent.parent / expected.name.replace(".fhir.json", ".hl7")
            if message.is_file():
                found.append((peer, message, expected))
    guide = hl7 / "hl7-v2-to-fhir"
    if (guide / "Message.hl7_MDM_T02.txt").is_file():
        found.append(("hl7-v2-to-fhir", guide / "Message.hl7_MDM_T02.txt", guide / "FHIR_bundle.hl7_MDM_T02.json"))
    return found


# Elements that R4 has as lists, of those that are looked at.
LISTS = {"identifier", "name", "telecom", "address", "coding", "line", "given", "entry"}


def of_xml(text):
    """The guide's bundle is FHIR in XML, whatever its name ends in."""

    def of_element(element):
        children = list(element)
        if not children:
            return element.get("value", "")
        value = {}
        for child in children:
            name = child.tag.rsplit("}", 1)[1]
            inner = of_element(child)
            if name == "resource":
                inner = dict(of_element(child[0]), resourceType=child[0].tag.rsplit("}", 1)[1])
            if name in LISTS and not (name == "name" and isinstance(inner, str)):
                value.setdefault(name, []).append(inner)
            else:
                value[name] = inner
        return value

    return of_element(xml.etree.ElementTree.fromstring(text))


# The number that a fragment without any is given, so that what it is a fragment for can be compared.
NUMBER = "COMPARE"


def with_number(message):
    """Peers read messages about nobody; we ask whose they are. A fragment gets a number in PID-3, and is otherwise as it was."""
    end = b"\r" if b"\r" in message else b"\n"
    lines = message.replace(b"\r\n", end).split(end)
    for at, line in enumerate(lines):
        if line[:3] == b"PID":
            fields = line.split(b"|") + [b""] * 3
            fields[3] = NUMBER.encode() + b"^^^TEST^MR" + (b"~" + fields[3] if fields[3] else b"")
            lines[at] = b"|".join(fields)
            return end.join(lines)
    return end.join([lines[0], b"PID|1||" + NUMBER.encode() + b"^^^TEST^MR", *lines[1:]])


def translate(program, path):
    events, problems = translate_bytes(program, path.read_bytes())
    if not events and {"no-identifier", "no-patient"} & set(problems):
        events, problems = translate_bytes(program, with_number(path.read_bytes()))
    return events, problems


def translate_bytes(program, message):
    done = subprocess.run([program, "--translate", "-"], input=message, capture_output=True, timeout=120, check=False)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return [event for line in lines for event in line["events"]], [problem["code"] for line in lines for problem in line["problems"]]


# ---- values in one form


def phone(text):
    digits = re.sub(r"\D", "", text or "")
    return "@" + text.lower() if "@" in (text or "") else digits[-10:]


def when(text):
    """A moment to the second, or a date as far as it was said: (precision, text)."""
    if not text:
        return None
    text = text.strip()
    if "T" not in text:
        return text
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?", text)
    if not match:
        return text
    import datetime

    zone = match.group(4) or "+00:00"
    moment = datetime.datetime.fromisoformat(match.group(1) + (match.group(2) or ":00") + zone.replace("Z", "+00:00"))
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def name(one):
    """The given names but the first may stand in one text or in several."""
    return ((one.get("family") or "").strip(), (one.get("given") or [""])[0].strip())


def address(one):
    parts = ((one.get("line") or [""])[0], one.get("city"), one.get("postalCode", one.get("postal_code")))
    return tuple((text or "").strip() for text in parts)


def code_values(concept):
    """Codes with their systems; a code of an unknown system counts without one."""
    values = set()
    for coding in concept.get("coding", []):
        if coding.get("code"):
            values.add((reasons.system(coding.get("system")), coding["code"].strip()))
    return values


def own_codes(coded):
    values = set()
    if coded.get("code"):
        values.add((reasons.system(coded.get("system")), coded["code"].strip()))
    original = coded.get("original", {})
    if original.get("code"):
        values.add((reasons.system(original.get("system")), original["code"].strip()))
    for further in coded.get("further", []):
        values |= own_codes(further)
    return values


# ---- what the peer says


def add(into, field, values):
    into[field] |= {value for value in values if value not in (None, "", (), ("", ""), ("", "", ""))}


def observation_values(resource):
    for key, value in resource.items():
        if key == "valueQuantity":
            yield quantity(value.get("value"))
        elif key == "valueString":
            yield value.strip()
        elif key == "valueCodeableConcept":
            for coding in value.get("coding", []):
                yield coding.get("code", "").strip()
        elif key in ("valueDateTime", "valueTime"):
            yield when(value)


def of_patient(resource, into):
    add(into, "identifier", (one.get("value", "").strip() for one in resource.get("identifier", [])))
    add(into, "name", (name(one) for one in resource.get("name", [])))
    add(into, "birth date", [resource.get("birthDate")])
    add(into, "sex", [resource.get("gender")])
    add(into, "telecom", (phone(one.get("value")) for one in resource.get("telecom", [])))
    add(into, "address", (address(one) for one in resource.get("address", [])))


def of_encounter(resource, into):
    add(into, "class", [resource.get("class", {}).get("code")])
    add(into, "stay begins", [when(resource.get("period", {}).get("start"))])
    add(into, "stay ends", [when(resource.get("period", {}).get("end"))])


def of_observation(resource, into):
    add(into, "result code", code_values(resource.get("code", {})))
    add(into, "result value", observation_values(resource))
    add(into, "result time", [when(resource.get("effectiveDateTime"))])


def of_appointment(resource, into):
    add(into, "appointment time", [when(resource.get("start")), when(resource.get("end"))])


PEER = {
    "Patient": of_patient,
    "Encounter": of_encounter,
    "Observation": of_observation,
    "Condition": lambda resource, into: add(into, "diagnosis", code_values(resource.get("code", {}))),
    "AllergyIntolerance": lambda resource, into: add(into, "allergy", code_values(resource.get("code", {}))),
    "Medication": lambda resource, into: add(into, "medicine", code_values(resource.get("code", {}))),
    "MedicationRequest": lambda resource, into: add(into, "medicine", code_values(resource.get("medicationCodeableConcept", {}))),
    "Appointment": of_appointment,
    "DocumentReference": lambda resource, into: add(into, "document", code_values(resource.get("type", {}))),
    "ServiceRequest": lambda resource, into: add(into, "order", code_values(resource.get("code", {}))),
    "Practitioner": lambda resource, into: add(into, "practitioner", (one.get("value") for one in resource.get("identifier", []))),
    "RelatedPerson": lambda resource, into: add(into, "relative", (name(one) for one in resource.get("name", []))),
}


def entries(bundle):
    return [entry["resource"] for entry in bundle.get("entry", []) if "resource" in entry]


ABOUT_A_PERSON = ("Observation", "Condition", "AllergyIntolerance", "Encounter", "DocumentReference")


def of_peer(bundle):
    into = collections.defaultdict(set)
    people = {}
    for resource in entries(bundle):
        kind = resource["resourceType"]
        if kind in PEER:
            PEER[kind](resource, into)
        if kind == "Patient":
            people[f"Patient/{resource.get('id')}"] = sorted(one.get("value", "").strip() for one in resource.get("identifier", []))
    # References: whose the facts are, by the first number of the person that they lead to.
    for resource in entries(bundle):
        subject = resource.get("subject") or resource.get("patient")
        reference = subject.get("reference") if isinstance(subject, dict) else None
        if reference in people and resource["resourceType"] in ABOUT_A_PERSON:
            add(into, "whose it is", people[reference])
    return into


# ---- what we say


def walk(node, visit):
    if isinstance(node, dict):
        visit(node)
        for value in node.values():
            walk(value, visit)
    elif isinstance(node, list):
        for value in node:
            walk(value, visit)


def quantity(value):
    """Digits mean the same with zeros before and behind them."""
    text = str(value if value is not None else "")
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text.lstrip("+"))
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return sign + (re.sub(r"^0+(?=\d)", "", text) if text[:1] == "0" else text) if text else ""


def own_value(observation):
    for key in ("value", "value_low", "value_numerator"):
        if isinstance(observation.get(key), dict):
            yield quantity(observation[key].get("value"))
    if observation.get("value_text"):
        yield observation["value_text"].strip()
    if observation.get("value_coded"):
        coded = observation["value_coded"]
        yield (coded.get("original", {}).get("code") or coded.get("code") or "").strip()
        yield (coded.get("code") or "").strip()
    if observation.get("value_time"):
        yield when(observation["value_time"])


def of_own_demographics(body, into):
    add(into, "name", (name(one) for one in body.get("names", [])))
    add(into, "birth date", [body.get("birth_date")])
    add(into, "sex", [body.get("sex", {}).get("code")])
    add(into, "telecom", (phone(one.get("value")) for one in body.get("telecom", [])))
    add(into, "address", (address(one) for one in body.get("addresses", [])))
    add(into, "relative", (name(one.get("name", {})) for one in body.get("related_persons", [])))


def of_own_observation(body, into):
    add(into, "result code", own_codes(body.get("code", {})))
    add(into, "result value", own_value(body))
    add(into, "result time", [when(body.get("observed_at"))])
    add(into, "order", own_codes(body.get("panel", {})))
    for part in body.get("parts", []):
        add(into, "result code", own_codes(part.get("code", {})))
        add(into, "result value", own_value(part))


def of_own_encounter(body, into):
    add(into, "class", [body.get("class", {}).get("code")])
    add(into, "stay begins", [when(body.get("admitted_at"))])
    add(into, "stay ends", [when(body.get("discharged_at"))])
    for one in body.get("diagnoses", []):
        add(into, "diagnosis", own_codes(one))


def of_own_condition(body, into):
    add(into, "diagnosis", own_codes(body.get("code", {})))
    for one in body.get("further_codes", []):
        add(into, "diagnosis", own_codes(one))


OWN = {
    "encounter": of_own_encounter,
    "observation": of_own_observation,
    "condition": of_own_condition,
    "allergy": lambda body, into: [
        add(into, "allergy", own_codes(one)) for one in [body.get("substance", {}), *body.get("further_codes", [])]
    ],
    "medication": lambda body, into: add(into, "medicine", own_codes(body.get("drug", {}))),
    "appointment": lambda body, into: add(into, "appointment time", [when(body.get("start_at")), when(body.get("end_at"))]),
    "document": lambda body, into: add(into, "document", own_codes(body.get("type", {}))),
    "referral": lambda body, into: [
        add(into, "diagnosis", own_codes(one)) for one in [body.get("primary_condition", {}), *body.get("conditions", [])]
    ],
    "order": lambda body, into: add(into, "order", own_codes(body.get("code", {}))),
    "care_team": lambda body, into: add(
        into, "practitioner", [one.get("practitioner", {}).get("identifier", {}).get("value") for one in body.get("members", [])]
    ),
    "measure": lambda body, into: (
        add(into, "result code", own_codes(body.get("scale", {}))),
        add(into, "result value", [quantity(body.get("total", {}).get("value"))]),
        add(into, "result time", [when(body.get("measured_at"))]),
    ),
}


PRACTITIONERS = (
    "ordered_by", "entered_by", "verified_by", "performer", "prescriber", "given_by", "authenticator", "general_practitioner",
    "asserted_by", "measured_by", "decided_by",
)


def of_own(events):
    into = collections.defaultdict(set)

    def practitioners(node):
        if isinstance(node.get("practitioner"), dict):
            add(into, "practitioner", [node["practitioner"].get("identifier", {}).get("value")])
        for key in PRACTITIONERS:
            if isinstance(node.get(key), dict):
                add(into, "practitioner", [node[key].get("identifier", {}).get("value")])
        for author in node.get("authors", []):
            if isinstance(author, dict):
                add(into, "practitioner", [author.get("identifier", {}).get("value")])

    for event in events:
        patient = event.get("patient", {})
        values = [one.get("value") for one in patient.get("identifiers", []) if one.get("value") != NUMBER]
        add(into, "practitioner", [event.get("author", {}).get("person")])
        add(into, "identifier", values)
        add(into, "whose it is", values)
        of_own_demographics(event.get("demographics") or patient.get("demographics") or {}, into)
        for body, read in OWN.items():
            if body in event:
                read(event[body], into)
        walk(event, practitioners)
    return into


# ---- the two side by side


class Tally:
    def __init__(self):
        self.agree = 0
        self.reasons = collections.Counter()
        self.unexplained = []

    @property
    def differ(self):
        return sum(self.reasons.values()) + len(self.unexplained)


def compare_one(message, ours, theirs, problems, tallies):
    text = message.read_bytes().decode("utf-8", "replace")
    places = reasons.Places(text)
    for field in FIELDS:
        tally = tallies[field]
        mine, other = ours.get(field, set()), theirs.get(field, set())
        tally.agree += len(mine & other)
        for value, side in [(value, "peer") for value in other - mine] + [(value, "own") for value in mine - other]:
            why = reasons.of(field, side, value, reasons.Case(places, mine, other, problems))
            if why:
                tally.reasons[why] += 1
            else:
                tally.unexplained.append((side, value, message.name))


def compare_all(program, corpus):
    tallies = {peer: {field: Tally() for field in FIELDS} for peer in ("fhir-converter", "reportstream", "hl7-v2-to-fhir")}
    n = collections.Counter()
    left_out = collections.Counter()
    for peer, message, expected in pairs(corpus):
        events, problems = translate(program, message)
        text = expected.read_text(encoding="utf-8-sig")
        why = reasons.left_out(message, events, problems) if text.strip() else "the peer makes nothing of it"
        if why:
            left_out[why] += 1
            continue
        n[peer] += 1
        bundle = json.loads(text) if text.lstrip().startswith("{") else of_xml(text)
        compare_one(message, of_own(events), of_peer(bundle), problems, tallies[peer])
    return tallies, n, left_out


def print_report(tallies, n, left_out, details):
    for peer, fields in tallies.items():
        print(f"\n{peer}: {n[peer]} messages\n")
        print(f"| {'field':16} | agree | differ | agreement |")
        print(f"|{'-' * 18}|------:|-------:|----------:|")
        for field, tally in fields.items():
            both = tally.agree + tally.differ
            if not both:
                continue
            print(f"| {field:16} | {tally.agree:5} | {tally.differ:6} | {tally.agree / both:9.1%} |")
        print("\nWhy they differ:\n")
        for field, tally in fields.items():
            for reason, count in tally.reasons.most_common():
                print(f"- {field}, {count}: {reason}")
            if tally.unexplained:
                print(f"- {field}, {len(tally.unexplained)}: **not explained**")
            if details in (field, "all"):
                for side, value, message in tally.unexplained[:40]:
                    print(f"    {side:5} {value}  {message}")
    for why, count in left_out.items():
        print(f"\n{count} messages left out: {why}")


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", default=root / "build", type=pathlib.Path)
    arguments.add_argument("--corpus", default=root.parent / "shared" / "corpus", type=pathlib.Path)
    arguments.add_argument("--details", help="print the values of this field that have no reason; all: of every field")
    options = arguments.parse_args()
    if not (options.corpus / "hl7v2").is_dir():
        sys.exit(f"compare: no corpus at {options.corpus}; name its folder with --corpus")
    tallies, n, left_out = compare_all(options.build / "adapters" / "mllp" / "carebus-mllp", options.corpus)
    print_report(tallies, n, left_out, options.details)
    return 1 if any(tally.unexplained for fields in tallies.values() for tally in fields.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
