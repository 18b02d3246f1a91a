"""Why a peer and we differ on a value: by where it stands in the message, and by the mapping sheets of HL7."""

import collections
import re

Case = collections.namedtuple("Case", "places mine other problems")

SYSTEMS = {
    "http://loinc.org": "LN", "LN": "LN", "http://snomed.info/sct": "SCT", "SCT": "SCT", "SNM": "SCT", "SNM3": "SCT",
    "http://hl7.org/fhir/sid/icd-10": "I10",
    "http://hl7.org/fhir/sid/icd-10-cm": "I10", "I10": "I10", "I10C": "I10", "http://www.nlm.nih.gov/research/umls/rxnorm": "RXNORM",
    "http://hl7.org/fhir/sid/ndc": "NDC", "NDC": "NDC",
}


def system(text):
    """Only systems that both sides have a name for are compared; any other counts as none: the code has to agree."""
    return SYSTEMS.get(text or "", "")


class Places:
    """Where values stand in a message: segment names and fields, by the text between its separators."""

    def __init__(self, text):
        lines = [line for line in re.split(r"[\r\n]+", text.lstrip("\ufeff\x0b")) if len(line) > 3]
        self.segments = []
        self.text = text
        header = next((line for line in lines if line.startswith("MSH")), "MSH|^~\\&")
        self.field, self.separators = header[3], header[4:8]
        for line in lines:
            self.segments.append((line[:3], line.split(self.field)))
        kind = next((fields[8] for name, fields in self.segments if name == "MSH" and len(fields) > 8), "")
        self.kind = tuple((kind.split(self.separators[0]) + ["", ""])[:2])

    def of(self, value):
        """SEG-F of every field that has the text in it as a component."""
        found = set()
        parts = [part for part in (value if isinstance(value, tuple) else (value,)) if part]
        pattern = re.compile("[" + re.escape(self.separators + "\\") + "]")
        for name, fields in self.segments:
            for number, content in enumerate(fields[1:], 2 if name == "MSH" else 1):
                pieces = [piece.strip() for piece in pattern.split(content)]
                if parts and all(any(part.casefold() == piece.casefold() for piece in pieces) for part in parts):
                    found.add(f"{name}-{number}")
        return found

    def has_digits(self, value, where):
        """Whether a number stands in one of the fields, however it is cut into components."""
        contents = (
            fields[number] for name, fields in self.segments for number in range(1, len(fields)) if f"{name}-{number}" in where
        )
        return any(value in re.sub(r"\D", "", content) for content in contents)


# By segment: what stands there is about somebody or something else, or the bus does not carry it at all.
SEGMENTS = {
    "GT1": "GT1 is the guarantor: Account.guarantor in the sheets, never the patient",
    "IN1": "IN1 is insurance: Coverage in the sheets",
    "IN2": "IN2 is insurance: Coverage in the sheets",
    "IN3": "IN3 is insurance: Coverage in the sheets",
    "DB1": "DB1-3 is the number of a disability: no sheet gives it to Patient",
    "ACC": "ACC is an accident report: no sheet in the guide",
    "PDA": "PDA is the form of a death certificate: no sheet in the guide; a death comes from PID-29 and PID-30",
    "PR1": "PR1 is a procedure: the catalogue has no event for it",
    "UB1": "UB1 is billing",
    "UB2": "UB2 is billing",
    "FT1": "FT1 is billing",
    "DRG": "DRG is billing",
    "CON": "CON is a form of consent: the name in it is who gave it, not the patient",
    "PRT": "PRT, who took part, of 2.7 and later: not read, and listed as unmapped",
    "NTE": "NTE-5 is who typed the note",
    "SPM": "SPM is the specimen: its own resource to the peer, a field of the result to us",
    "OBR": "OBR names more people than a result has places for: the others are listed as unmapped",
}

# A field of the message decides. (our field, side, segment-fields of which one holds the value) -> why.
PLACES = (
    (("identifier", "whose it is"), "peer", "PID-20", "PID-20, driving licence: withdrawn since 2.7; nobody finds a patient by it"),
    (("practitioner",), "peer", "PV2-13", "PV2-13, source of the referral: PV1-8 says it too, and is read"),
    (("practitioner",), "peer", "OBX-16", "OBX-16 repeats: a result has one performer, the first"),
    (("practitioner",), "peer", "ROL-4", "a ROL inside a group of procedure or insurance is about that, not about the care team"),
    (("practitioner",), "peer", "RF1-20", "RF1 in an ADT message: a referral is read from REF and RRI"),
    (("practitioner",), "peer", "IAM-14", "IAM-14, who told it: kept as text"),
    (("practitioner",), "peer", "IAM-23", "IAM-23, who signed: listed as unmapped"),
    (("practitioner",), "peer", "ORC-19", "ORC-19, who acted: listed as unmapped"),
    (("practitioner",), "peer", "ORC-11", "ORC-11, who verified: listed as unmapped where there is a result"),
    (("practitioner",), "peer", "ORC-12", "ORC-12, who ordered: a result has its performer, an order has who ordered"),
    (("practitioner",), "peer", "ORC-10", "ORC-10, who typed it in: listed as unmapped where there is a result"),
    (("practitioner",), "peer", "RXO-14", "RXO-14: RXE has who ordered, and outweighs RXO"),
    (("practitioner",), "peer", "DG1-16", "DG1-16 in an order: the diagnosis is the reason of the order, and has no author there"),
    (("practitioner",), "peer", "OBR-16", "OBR-16, who ordered: a result has its performer"),
    (("relative",), "peer", "NK1-30", "NK1-30, the contact person of an organisation: not the relative"),
    (("relative",), "peer", "IAM-14", "IAM-14, who told of the allergy: not a relative by the sheet"),
    (("relative",), "peer", "ROL-4", "ROL-4: not a relative by the sheet"),
    (("order",), "peer", "AIS-3", "AIS-3 is the service of an appointment: it stands in the appointment"),
    (("order",), "peer", "OBR-4", "OBR-4 of a document or of a result without a value: it is the document's or the result's own code"),
    (("medicine",), "peer", "RXO-1", "RXO-1, what was asked for: RXE-2 and RXD-2 say what is given, and outweigh it"),
    (("diagnosis",), "peer", "DG1-3", "DG1 beside an order or a result is its reason: it stands in the order"),
    (("document",), "own", "OBX-3", "ED in OBX is a document of its own to us, an Observation without a value to the peer"),
    (("document",), "own", "TXA-2", "TXA-2: the peer leaves the local code out"),
    (("document",), "peer", "TXA-2", "TXA in a result: the document is told by MDM"),
    (("result code",), "peer", "OBX-3", "OBX of a document (MDM), or an ED: its content, no result"),
    (("result value",), "peer", "OBX-5", "OBX of a document (MDM): its content, no result"),
    (("result code",), "own", "OBR-4", "OBR-4 of a scale that OBX-3 does not name: the scale"),
    (("telecom",), "own", "PID-13", "XTN-7 and XTN-12: the peer leaves the number out; the sheet XTN[ContactPoint] has it"),
    (("telecom",), "own", "PID-14", "XTN-7 and XTN-12: the peer leaves the number out; the sheet XTN[ContactPoint] has it"),
    (("telecom",), "own", "PID-40", "PID-40 (2.7 and later): the peer leaves it out; the sheet PID[Patient] has it"),
    (("practitioner",), "own", "ORC-10", "ORC-10: the peer leaves it out"),
    (("practitioner",), "own", "ORC-11", "ORC-11: the peer leaves it out"),
    (("practitioner",), "own", "ORC-12", "ORC-12: the peer leaves it out"),
    (("practitioner",), "own", "TXA-22", "TXA-22, who authenticated: the peer leaves it out"),
    (("practitioner",), "own", "TXA-9", "TXA-9, who wrote it: the peer leaves the number out"),
    (("practitioner",), "peer", "TXA-9", "TXA in a result: the document is told by MDM"),
    (("practitioner",), "peer", "TXA-10", "TXA in a result: the document is told by MDM"),
    (("practitioner",), "peer", "TXA-5", "TXA in a result: the document is told by MDM"),
    (("medicine",), "peer", "RXD-25", "RXD-25 is the form of what was dispensed"),
    (("relative",), "peer", "NK1-2", "NK1-2 repeats: a related person has one name, the first; the others are listed as unmapped"),
    (("result value",), "own", "OBX-5", "OBX-5: the peer gives no value for it (a range, a second repeat, a title or a coded text)"),
)

# What an event of that kind does not speak of, whatever else the message has.
MERGES = {"A18", "A30", "A34", "A35", "A36", "A39", "A40", "A41", "A42", "A43", "A44", "A45", "A46", "A47", "A48", "A49", "A50", "A51"}
STAY_FIELDS = ("class", "stay begins", "stay ends")
PERSON_FIELDS = ("identifier", "name", "birth date", "sex", "telecom", "address", "whose it is", "relative", "practitioner")
STAY_SEGMENTS = {"PV1-7", "PV1-8", "PV1-9", "PV1-17", "PV1-52"}


def of_kind(field, side, places, case):
    """By what the message is about."""
    code, event = case.places.kind
    if side == "own" and event in MERGES and field in PERSON_FIELDS:
        return "a merge or a move: the peer makes nothing of who it is about"
    if field == "whose it is" and side == "own" and not case.other:
        return "the peer's bundle has no result, condition or stay that refers to the patient"
    about_a_stay = code == "ADT" and event not in MERGES | {"A28", "A31", "A24", "A37", "A60", "A29"}
    if side == "peer" and not about_a_stay and (field in STAY_FIELDS or (field == "practitioner" and places & STAY_SEGMENTS)):
        return "PV1 beside what is not about the stay: the event names the stay and says nothing of it"
    return None


def of_times(field, side, value, case):
    if field not in ("stay begins", "stay ends"):
        return None
    if side == "peer" and not case.mine:
        return "PV2-8 and PV2-9, or EVN-6, to the peer: what is planned has not happened; by the sheet PV1-44 and PV1-45 alone"
    if case.mine and case.other:
        return "PV1-44 and PV1-45 by the sheet; the peer takes the time of the event or of the plan"
    return None


def of_values(field, side, value, case):
    if side == "peer" and isinstance(value, tuple) and len(value) == 2 and value[1] and value[1] not in case.places.text:
        return "a code that is not in the message: the peer adds it by a table of its own"
    if field == "result time" and side == "own":
        return "OBX-14, else OBR-7: the peer leaves the result's time out"
    if field == "result time":
        return "OBX-14 of an OBX without a value, or a time of another segment (ACC, PDA, TXA): no result of ours"
    if field == "result code" and value[1] in PEERS_OWN_CODES:
        return "a code that the peer made up for ACC and PDA"
    if field == "result value" and side == "peer" and any(same_text(value, other) for other in case.mine):
        return "the same text: we read HL7's escapes for line ends, the peer leaves them in"
    if field == "result value" and side == "own" and any(same_text(value, other) for other in case.other):
        return "the same text: we read HL7's escapes for line ends, the peer leaves them in"
    if field == "result value" and side == "own" and isinstance(value, str) and "^" in value:
        return "a structured value (DR, SN) with parts that have no place of their own: kept as it was said"
    if field == "telecom" and side == "own" and value.startswith("@"):
        return "XTN-4 is an address for mail by the sheet XTN[ContactPoint]: the peer takes it only where XTN-3 says so"
    if field == "result code" and side == "peer" and value[1].startswith("&"):
        return "a sub-component that the peer takes for a code"
    if field == "result value" and side == "peer" and case.places.kind[0] == "MDM":
        return "OBX of a document (MDM): its content, no result"
    if field == "telecom" and side == "own" and case.places.has_digits(value, ("PID-13", "PID-14")):
        return "XTN-6 and XTN-7 are the number by the sheet XTN[ContactPoint]: the peer leaves it out"
    return None


PEERS_OWN_CODES = {"death-certificate", "coroner", "injury-incident", "autopsy"}


def same_text(one, other):
    return isinstance(one, str) and isinstance(other, str) and plain(one) == plain(other)


def plain(text):
    return re.sub(r"\W+", "", re.sub(r"\\\\?\.(br|sp|in|ti|ce|fi|nf|sk)[^\\]*\\|\\[A-Z]\\", "", text)).casefold()


def left_out(message, events, problems):
    if not events:
        codes = sorted(set(problems))
        return f"we make no event of it and say why: {', '.join(codes)}"
    return None


def of(field, side, value, case):
    """A sentence, or None: nobody knows why."""
    is_code = field in ("result code", "diagnosis", "allergy", "medicine", "document", "order")
    places = case.places.of(value[1] if is_code else value)
    why = of_kind(field, side, places, case)
    for fields, which, place, text in PLACES:
        if not why and field in fields and side == which and place in places:
            why = text
    segments = {place[:3] for place in places}
    if not why and side == "peer" and segments & set(SEGMENTS):
        why = SEGMENTS[sorted(segments & set(SEGMENTS))[0]]
    return why or of_times(field, side, value, case) or of_values(field, side, value, case)
