"""Every event of the corpus of HL7 v2, written by carebus-mllp and read again: the same event, up to what is listed here with its reason.

The corpus lies beside the checkout (../shared/corpus/hl7v2), or where CAREBUS_CORPUS names its folder. The program is
tests/unit/adapters/mllp/mllp-roundtrip.c, which reads, writes and reads in one process, with the bus's own normalising between.
"""

import collections
import fnmatch
import json
import os
import pathlib
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", SOURCE / "build"))
PROGRAM = BUILD / "tests" / "unit" / "adapters" / "mllp" / "mllp-roundtrip"
CORPUS = pathlib.Path(os.environ.get("CAREBUS_CORPUS", SOURCE.parent / "shared" / "corpus"))
HL7 = CORPUS / "hl7v2"

pytestmark = pytest.mark.skipif(not HL7.is_dir(), reason=f"no corpus: {HL7} is not there (CAREBUS_CORPUS names another folder)")

# kind and path (patterns) -> why that may differ. Everything else has to come back as it was.
PERMITTED = {
    # The bus speaks: who sent it on, under which number, is the bus, and not who sent it to the bus.
    ("*", "event_id"): "the bus's own number, which is written as ours (ZBU-1) and not taken for the event's",
    ("new", "carried_id"): "the bus's own number (ZBU-1), by which it is known when it comes back",
    ("other", "source_message_id"): "MSH-10 is the delivery's",
    ("*", "sender"): "MSH-3 and MSH-4 are the bus's",
    ("*", "sender.*"): "MSH-3 and MSH-4 are the bus's",
    ("other", "trigger"): "the message that it becomes",
    # Said more plainly than before.
    ("new", "*.authority"): "a number never goes out without whose it is: CX.4, EI.2",
    ("other", "*.authority"): "the same authority by the name that the receiver has for it",
    ("other", "*.original.system"): "one name for one system",
    ("new", "*.original.display"): "words without a name of the code stand where the name stands",
    ("new", "patient.demographics"): "a PID is always there",
    ("new", "patient.demographics.identifiers"): "PID-3 has the numbers of body and envelope together",
    ("other", "*notes.path"): "comments are numbered anew",
    ("other", "*.path"): "comments are numbered anew",
    ("*", "*.birth_date.text"): "a date is written as a date: a time behind it is cut",
    ("other", "*.birth_date.*"): "a date is written as a date",
    ("new", "*.set_id"): "lines are numbered",
    ("new", "encounter.class"): "PV1-2 must not be missing: U, unknown",
    ("new", "encounter.class.*"): "PV1-2 must not be missing: U, unknown",
    ("new", "allergy.action_code"): "an allergy is told by IAM, which says what is done with it",
    ("new", "observation.report"): "our own number, where the sender had none",
    ("new", "document.identifier"): "our own number, where the sender had none",
    ("new", "document_id"): "our own number, where the sender had none",
    ("new", "document.completion"): "TXA-17 must not be missing: DO, documented, which claims no signature",
    # Lists whose order is that of the fields.
    ("*", "*telecom*"): "home and work have a field each, whose order is the list's; what says no use is at home; HL7 has no `other`",
    # HL7 has no place for it, or less.
    ("*", "*.suffix"): "a name has room for two suffixes: the further ones are joined",
    ("*", "*.addresses.line"): "an address has room for two lines: the further ones are joined",
    ("*", "*.address.line"): "an address has room for two lines: the further ones are joined",
    ("lost", "encounter_id"): "A31 has no stay",
    ("lost", "recorded_at"): "only ADT and MDM have EVN",
    ("lost", "notes"): "only ADT and MDM have a place for comments on the whole that nothing else could own",
    ("lost", "author"): "only ADT and MDM have EVN; the performer of an observation is in OBX-16",
    ("*", "author.*"): "only ADT and MDM have EVN; the performer of an observation is in OBX-16",
    ("lost", "occurred_at"): "a time that cannot be read is not sent on",
    ("lost", "*birth_date"): "a date that cannot be read is not sent on",
    ("lost", "*_at"): "a time that cannot be read is not sent on",
    ("other", "*_at.*"): "a fraction has four digits",
    ("lost", "document.original_part"): "the bus does not send the content of an original on: a notification of the document",
    ("lost", "document.sha256"): "as above",
    ("lost", "document.size"): "as above",
    ("lost", "document.media_type"): "as above",
    ("*", "document.content_text"): "as above: its lines of text are sent, and are then what it holds",
    ("*", "document.original_part"): "as above",
    ("*", "document.sha256"): "as above",
    ("*", "document.size"): "as above",
    ("*", "document.media_type"): "as above",
    ("lost", "*demographics.sex.*"): "PID-8 is a code alone: receivers compare the whole of it",
    ("lost", "allergy.action_code.*"): "IAM-6 is a code alone",
    ("lost", "*period.end"): "a time that cannot be read is not sent on",
    ("lost", "observation.value_time"): "a time that cannot be read is not sent on",
    ("new", "recorded_at.*"): "where the time could not be read, that of the event stands",
    ("new", "*.value_coded.display"): "words without a name of the code stand where the name stands",
    ("new", "appointment.original_status"): "SCH-25 says the state",
    ("lost", "encounter.status"): "A08 says no state",
    ("*", "appointment.priority*"): "SCH-11.6 is a word, no code",
    ("*", "*specimen*"): "SPS-1 has three parts of a code in sub-components",
    ("becomes", "document.available"): "no message of HL7 tells it without ordering it, or there is none: a document in words",
}
# Of these an order would ask the receiver to act; words tell without asking.
IN_WORDS = {"medication.started", "medication.changed", "medication.stopped", "medication.given", "order.placed", "order.changed",
            "order.cancelled", "order.completed", "cpr_decision.ended", "consent.recorded"}


def files():
    return sorted(path for path in HL7.rglob("*") if path.is_file() and path.suffix in (".hl7", ".txt", ".adm", ".out", ".ndhl7"))


@pytest.fixture(scope="module")
def result():
    done = subprocess.run([str(PROGRAM), *map(str, files())], capture_output=True, text=True, check=True, timeout=300)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return rows[:-1], rows[-1]


def reason_of(row):
    for (kind, path), reason in PERMITTED.items():
        if fnmatch.fnmatch(row["kind"], kind) and fnmatch.fnmatch(row["path"], path):
            return reason
    return None


def test_the_corpus_is_worth_the_name(result):
    totals = result[1]
    assert totals["messages"] > 700 and totals["events"] > 3000
    assert totals["not_whole"] == 0 and totals["unread"] == 0
    assert totals["written"] == totals["events"]


def test_what_is_read_again_differs_only_where_hl7_has_no_place(result):
    unexpected = collections.Counter()
    for row in result[0]:
        if reason_of(row) is None:
            unexpected[(row["kind"], row["type"], row["path"], row["file"])] += row["count"]
    assert not unexpected, "\n".join(f"{count} {' '.join(key)}" for key, count in unexpected.most_common(60))


def test_only_what_would_order_something_becomes_a_document_instead(result):
    others = {row["type"] for row in result[0] if row["kind"] == "becomes"}
    assert others <= IN_WORDS


def test_the_list_has_nothing_that_never_happens(result):
    used = {reason_of(row) for row in result[0]}
    assert len(used - {None}) > 20
