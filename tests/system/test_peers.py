"""What peers make of the same HL7 v2 messages: how often we agree field by field, and that every difference has its reason.

`./run compare` prints the whole report; tests/corpus/compare.py says how it is made, tests/corpus/reasons.py why two readings may differ.
"""

import sys

import pytest

from carebus_bus import ROOT
from test_corpus_hl7 import CORPUS, HL7, PROGRAM

sys.path.insert(0, str(ROOT / "tests" / "corpus"))
import compare

# Under the sanitizers test_corpus_hl7.py translates the same files.
pytestmark = [pytest.mark.long,
              pytest.mark.skipif(not HL7.is_dir(), reason=f"no corpus: {HL7} is not there (CAREBUS_CORPUS names another folder)")]

# Fields where two readings of one message have no reason to differ much: values that both sides have, of all that either has. Sums over all
# peers; what is below was measured, and a fall is a regression.
AGREEMENT = {
    "name": 0.80,
    "birth date": 0.90,
    "sex": 0.90,
    "telecom": 0.85,
    "address": 0.90,
    "result code": 0.80,
    "allergy": 0.90,
    "appointment time": 1.0,
}


@pytest.fixture(scope="module")
def report():
    return compare.compare_all(PROGRAM, CORPUS)


def test_the_comparison_takes_in_every_peer(report):
    _, messages, left_out = report
    assert messages["fhir-converter"] >= 50 and messages["reportstream"] >= 70 and messages["hl7-v2-to-fhir"] == 1
    assert sum(messages.values()) + sum(left_out.values()) == len(compare.pairs(CORPUS))


@pytest.mark.parametrize("field", compare.FIELDS)
def test_every_difference_from_a_peer_has_its_reason(report, field):
    tallies, _, _ = report
    without = [one for fields in tallies.values() for one in fields[field].unexplained]
    assert not without, f"{len(without)} values: {without[:5]}"


@pytest.mark.parametrize("field", sorted(AGREEMENT))
def test_we_agree_with_peers_as_often_as_before(report, field):
    tallies, _, _ = report
    agree = sum(fields[field].agree for fields in tallies.values())
    differ = sum(fields[field].differ for fields in tallies.values())
    assert agree + differ > 0
    assert agree / (agree + differ) >= AGREEMENT[field], f"{agree} of {agree + differ}"
