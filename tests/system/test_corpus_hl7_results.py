"""Results, orders, documents, referrals, medicines and plans that nobody here wrote, through `carebus-mllp --translate`.

Every message of these kinds gives its events; what an OBX says stands in exactly one of them, with the digits, codes and states that
it was said with. Where a peer published what it makes of a message, the findings agree with its Observations.
"""

import base64
import hashlib
import json
import re

import pytest
import test_corpus_hl7 as corpus

pytestmark = corpus.pytestmark

# Problems of messages that say nothing that an event could be about, or not of whom.
NOBODY = {"no-patient", "no-identifier"}
NOTHING = {"no-result", "no-order"}
# What is enclosed cannot be decoded: the events wait beside the problem.
FLAWS = {"bad-base64", "no-code"}

KINDS = {
    "ORU^R01": r"observation\.recorded|outcome\.measured|document\.\w+|cpr_decision\.\w+|order\.\w+",
    "ORM^O01": r"order\.\w+|cpr_decision\.\w+|medication\.\w+",
    "OMG^O19": r"order\.\w+",
    "OML^O21": r"order\.\w+",
    "MDM^T01": r"document\.available",
    "MDM^T02": r"document\.available",
    "MDM^T05": r"document\.available",
    "MDM^T06": r"document\.available",
    "MDM^T09": r"document\.replaced",
    "MDM^T10": r"document\.replaced",
    "REF^I12": r"referral\.requested",
    "REF^I14": r"referral\.cancelled",
    "RDE^O11": r"medication\.started",
    "RDE^O25": r"medication\.started",
    "RDS^O13": r"medication\.changed",
    "PPR^PC1": r"care_plan\.item_changed",
}
OF_OBX = re.compile(r"observation\.recorded|outcome\.measured|document\.\w+|cpr_decision\.\w+|preference\.\w+")
STATES = {
    "F": "final", "P": "preliminary", "C": "corrected", "X": "cancelled", "D": "entered-in-error", "W": "entered-in-error", "A": "amended"
}


def files():
    return [path for path in corpus.files() if any(kind.split("^", maxsplit=1)[0].encode() in path.read_bytes() for kind in KINDS)]


def messages_of_kind():
    """Each file once, with the messages of these kinds in it and the lines that came of them."""
    for path in files():
        data = path.read_bytes()
        if not data.lstrip(b"\xef\xbb\xbf\x0b \r\n").startswith((b"MSH", b"FHS", b"BHS")):
            continue
        _, lines = corpus.translate(path)
        for message, line in zip(corpus.messages(data), lines):
            trigger = "^".join(corpus.trigger_of(message)) if len(message) > 8 else ""
            if trigger in KINDS:
                yield path, trigger, message, line


@pytest.fixture(scope="module")
def translated():
    return list(messages_of_kind())


def rows_of(message, name):
    separator = message[3:4]
    return [line.split(separator) for line in corpus.segments(message) if line[:3].upper() == name and line[3:4] == separator]


def cell(row, number):
    return row[number].strip() if number < len(row) else b""


def test_every_message_of_these_kinds_gives_its_event(translated):
    seen = {}
    for path, trigger, message, line in translated:
        problems = {problem["code"] for problem in line["problems"]} - corpus.REMARKS
        types = [event["type"] for event in line["events"]]
        if problems & NOBODY:
            assert not corpus.has_person(message), f"{path.name}: {line['problems']}"
        elif problems & NOTHING:
            assert not rows_of(message, b"ORC") and not rows_of(message, b"OBR") and not rows_of(message, b"OBX"), path.name
        else:
            assert problems <= FLAWS | {"unknown-charset"}, f"{path.name}: {line['problems']}"
            if "unknown-charset" not in problems:
                assert any(re.fullmatch(KINDS[trigger], one) for one in types), f"{path.name}: {types}"
                seen[trigger] = seen.get(trigger, 0) + 1
    assert set(seen) == set(KINDS), f"never seen: {set(KINDS) - set(seen)}"
    assert seen["ORU^R01"] >= 450


def is_all_asked(message):
    """Each OBX says which question it answers."""
    return all(cell(row, 3) for row in rows_of(message, b"OBX"))


def findings_said(message):
    """OBX that say something; the lines of one text count once, and the text of a letter is the letter."""
    rows = []
    letter = corpus.trigger_of(message)[0] == "MDM"
    before = None
    for line in corpus.segments(message):
        row = line.split(message[3:4])
        if row[0].upper() != b"OBX":
            before = None
            continue
        same = [cell(row, n) for n in (2, 3, 4, 11)]
        is_text = cell(row, 2) in (b"TX", b"FT")
        if letter and cell(row, 2) in (b"TX", b"FT", b"ST", b"", b"ED", b"RP"):
            continue
        if not (is_text and before == same):
            rows.append(row)
        before = same
    return rows


def test_every_finding_is_in_one_event(translated):
    n_checked = 0
    for path, trigger, message, line in translated:
        if not line["events"] or b"\x1b" in message:
            continue
        ours = [event for event in line["events"] if OF_OBX.fullmatch(event["type"])]
        if trigger.startswith("MDM"):
            ours = ours[1:]  # the letter itself
        said = findings_said(message)
        if is_all_asked(message):
            assert len(ours) == len(said), f"{path.name}: {len(said)} OBX, {[event['type'] for event in ours]}"
        else:  # of an answer without a question the panel is the question; without that, the problem says so
            assert len(ours) >= sum(bool(cell(row, 3)) for row in said), path.name
        n_checked += len(said)
    assert n_checked > 2500


def test_digits_codes_and_states_are_as_they_were_said(translated):
    n_numbers = n_codes = n_states = 0
    for path, trigger, message, line in translated:
        ours = [event for event in line["events"] if OF_OBX.fullmatch(event["type"])]
        if not is_all_asked(message):
            continue
        for row, event in zip(findings_said(message), ours[trigger.startswith("MDM") :]):
            finding = event.get("observation")
            if not finding:
                continue
            component = message[4:5]
            code = cell(row, 3).split(component)[0].decode()
            if code and "\\" not in code:
                assert finding["code"]["original"]["code"] == code, path.name
                n_codes += 1
            if cell(row, 2) == b"NM" and re.fullmatch(rb"-?\d+(\.\d+)?", cell(row, 5)):
                assert finding["value"]["value"] == cell(row, 5).decode(), path.name
                n_numbers += 1
            state = cell(row, 11).decode()
            if state in STATES:
                assert finding["status"] == STATES[state], path.name
                n_states += 1
    assert n_numbers > 1500 and n_codes > 2000 and n_states > 2000


def test_only_the_first_event_of_a_person_repeats_the_person(translated):
    for path, _, message, line in translated:
        full = [event for event in line["events"] if "demographics" in event.get("patient", {}) and event["type"] != "death.notified"]
        assert len(full) <= max(1, len(rows_of(message, b"PID"))), path.name


def test_enclosed_content_can_be_told_again_by_its_hash(translated):
    n_checked = 0
    for path, _, message, line in translated:
        for event in line["events"]:
            document = event.get("document", {})
            part = re.fullmatch(r"OBX(?:\[(\d+)\])?-5", document.get("original_part", ""))
            if not part or "sha256" not in document or "content_text" in document:
                continue
            value = rows_of(message, b"OBX")[int(part[1] or 1) - 1][5].split(message[4:5])
            content = base64.b64decode(value[4]) if value[3].upper() == b"BASE64" else value[4]
            digest = hashlib.sha256(content)
            assert document["sha256"] in (digest.hexdigest(), base64.b64encode(digest.digest()).decode()), path.name
            assert int(document["size"]) == len(content)
            n_checked += 1
    assert n_checked >= 5


# ---- what a peer makes of the same messages


def expected_bundle(path):
    for name in (f"{path.stem}.fhir.json", f"{path.stem}.json"):
        bundle = path.parent / "expected" / name
        if bundle.is_file():
            return json.loads(bundle.read_text(encoding="utf-8-sig"))
    return None


def codes_of(concept):
    return {one["code"] for one in concept.get("coding", []) if "code" in one}


def our_codes(coded):
    return {code for code in (coded.get("code"), coded.get("original", {}).get("code")) if code}


def quantity_of(resource):
    quantity = resource.get("valueQuantity")
    return None if not quantity or "value" not in quantity else float(quantity["value"])


def test_a_peer_finds_the_same(translated):
    """Codes and numbers of the findings, by the Observations of fhir-converter and reportstream."""
    n_codes = n_values = n_messages = 0
    missing = []
    for path, _, _, line in translated:
        bundle = expected_bundle(path) if line["events"] else None
        theirs = corpus.resources(bundle, "Observation") if bundle and "entry" in bundle else []
        ours = [event["observation"] for event in line["events"] if "observation" in event]
        if not theirs or not ours:
            continue
        n_messages += 1
        their_codes = [codes_of(one.get("code", {})) for one in theirs]
        for finding in ours:
            codes = our_codes(finding["code"])
            if not codes:
                continue
            if not any(codes & them for them in their_codes):
                missing.append(f"{path.name}: {codes}")
                continue
            n_codes += 1
            numbers = {quantity_of(one) for one, them in zip(theirs, their_codes) if codes & them} - {None}
            if "value" in finding and numbers and "comparator" not in finding["value"]:
                assert float(finding["value"]["value"]) in numbers, f"{path.name}: {codes}"
                n_values += 1
    print(f"{n_messages} messages: {n_codes} findings with the peer's code, {n_values} with its number, {len(missing)} without")
    assert n_messages >= 20 and n_codes >= 200 and n_values >= 100
    assert len(missing) <= n_codes // 20, "\n".join(missing)
