"""The examples of what a vendor's program asks and brings on, in C with the library and in Python without it: both do the same."""

import re

import pytest
from carebus_bus import SLOW, Bus, wait_for
from test_break_glass import RULES
from test_destination import EVERYBODY, OPEN, said
from test_sdk import c_example, python_example

IDLE = str(2 * SLOW)
TEAMS = {"ward": {"name": "Ward", "organisation": "RA9", "class": "clinical"},
         "clinic": {"name": "Clinic", "organisation": "RB1", "class": "clinical"},
         "calls": {"name": "Calls", "organisation": "RC1", "class": "helpline"}}
LANGUAGES = pytest.mark.parametrize("example", [lambda name, *more: c_example(f"example-{name}", *more),
                                                lambda name, *more: python_example(f"{name}.py", *more)], ids=["c", "python"])


@pytest.fixture
def bus():
    with Bus({"teams": TEAMS, "sharing": RULES, "scope": EVERYBODY}) as bus:
        bus.source("pas").send(said(1, 1, "V1"), said(2, 1, "V1"))
        bus.wait_folded()
        bus.patient = bus.ctl_json("record", "carebus:pas", "P1")[0]["patient_id"]
        yield bus


@LANGUAGES
def test_a_glass_is_broken_and_what_happened_is_read(bus, example):
    clinic = [bus.endpoint("feed"), "clinic", "dr.ng", bus.patient]
    before = example("ask", *clinic, "events")
    assert before.returncode == 77 and "not-found" in before.stderr
    refused = example("ask", *clinic, "break-glass", "curious", "I would like to know")
    assert refused.returncode == 77 and "unknown-reason" in refused.stderr
    granted = example("ask", *clinic, "break-glass", "emergency", "collapsed at home, no letter")
    assert granted.returncode == 0 and re.match(rf"granted {bus.patient} by \d+ until \d{{10}}\n", granted.stdout), granted
    events = example("ask", *clinic, "events")
    assert events.returncode == 0 and [line.split()[1] for line in events.stdout.splitlines()][:2] == ["encounter.updated"] * 2, events
    listed, = bus.ctl_json("break-glass", "list")
    assert (listed["team"], listed["who_says"], listed["why"]) == ("clinic", "dr.ng", "collapsed at home, no letter")
    assert listed["disclosures"] > 0


@LANGUAGES
def test_who_answers_calls_opens_a_contact(bus, example):
    calls = [bus.endpoint("feed"), "calls", "bo", bus.patient]
    assert "unknown-caller" in example("ask", *calls, "contact", "neighbour", "pain at night").stderr
    assert example("ask", *calls, "contact", "family", "pain at night").stdout.startswith(f"granted {bus.patient} ")
    assert example("ask", *calls, "events").returncode == 0
    assert bus.ctl_json("break-glass", "list")[0]["kind"] == "opened-contact"


@LANGUAGES
def test_what_is_refused_waits_with_all_of_that_person_and_comes_again(example):
    with Bus({"sharing": OPEN, "scope": EVERYBODY, "teams": {"ward": TEAMS["ward"]}}) as bus:
        bus.source("pas").send(said(1, 1, "V1"), said(2, 1, event_type="death.notified"), said(3, 1, "V3"), said(4, 2, "V4"))
        bus.wait_folded()
        person, other = (bus.ctl_json("record", "carebus:pas", number)[0]["patient_id"] for number in ("P1", "P2"))
        asked = [bus.endpoint("feed"), "ward", "desk", "death.notified"]
        first = lines(example("deliver", *asked, IDLE))
        item = next(words[1] for words in first if words[0] == "parked")
        assert [words[2] for words in first if words[0] == "took" and words[3] == person][0] == "encounter.updated"
        assert ["so-far", person] in [words[:2] for words in first]
        assert not [words for words in first if words[0] == "took" and words[2] == "death.notified"]
        assert [words for words in first if words[0] == "waits"], "what is behind it"
        assert [words for words in first if words[0] == "took" and words[3] == other], "others go on"
        parked, = bus.ctl_json("quarantine", "list")
        assert (str(parked["id"]), parked["class"]) == (item, "delivery")
        bus.ctl("quarantine", "retry", item, "--who", "Dr Ng", check=0)
        bus.wait_folded()
        again = lines(example("deliver", *asked, IDLE))
        said_again = [words[2] for words in again if words[0] == "again" and words[2] in ("death.notified", "encounter.updated")]
        assert said_again == ["death.notified", "encounter.updated"], "in order, and what was before does not come again"
        assert ["resumed", item] in again
        wait_for(lambda: bus.ctl_json("quarantine", "list") == [], what="the item is done with")


def lines(done):
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]
