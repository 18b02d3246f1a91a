"""The newcomer's first command shows what it says it shows."""

import pathlib
import re
import subprocess
import sys

import pytest

from carebus_bus import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests" / "demo"))
import day

pytestmark = pytest.mark.plain


@pytest.fixture(scope="module")
def demo():
    script = str(ROOT / "tests" / "demo" / "demo.py")
    return subprocess.run(["/usr/bin/python3", script, "--build", str(BUILD)], capture_output=True, text=True, timeout=180, check=False)


def steps(demo):
    return re.split(r"^(?=\d\d:\d\d  .*\n       \w)", demo.stdout.split("\nThe one record", 1)[0], flags=re.M)[1:]


def given(text):
    """Of each event, in order: (place, type, whom it was given to)."""
    found = re.findall(r"^ +(\d+\.\d+) ([a-z_]+\.[a-z_]+) +(.*)$", text, flags=re.M)
    return [(place, what, set(teams.split(", "))) for place, what, teams in found]


def teams_of(demo, what):
    """Every team that was given an event of this type."""
    return set().union(*[teams for _, seen, teams in given(demo.stdout) if seen == what])


def said(demo, command, number=0):
    """What carebusctl said to a command that begins so."""
    return re.findall(rf"^\$ carebusctl {command}.*\n((?:    .*\n|\n(?=    ))*)", demo.stdout, flags=re.M)[number]


def test_every_step_of_the_day_is_answered_yes_and_given_to_somebody(demo):
    assert len(steps(demo)) == len(day.STEPS)
    for step, (at, what, _, _) in zip(steps(demo), day.STEPS):
        assert step.startswith(f"{at}  {what}\n")
        assert re.search(r"-> (AA|HTTP 20[01]|\d+ line)", step), step
        assert given(step), step


def test_three_languages_speak_of_one_person_of_whom_nobody_knew_before_they_were_asked(demo):
    first, referred = given(steps(demo)[0]), given(steps(demo)[1])
    assert [teams for _, _, teams in first] == [{"hospice"}], "nobody else has to do with her yet"
    assert {"care-home", "community-nursing", "hospice"} == set().union(*[teams for _, what, teams in referred if what == "record.granted"])
    assert {what for _, what, _ in given(demo.stdout)} >= {
        "patient.updated", "outcome.measured", "referral.requested", "referral.accepted", "encounter.ed_arrived", "encounter.admitted",
        "allergy.recorded", "cpr_decision.recorded", "document.available", "encounter.discharged", "preference.place_of_death",
        "contact.recorded", "conflict.opened", "treatment_escalation.recorded", "record.granted", "record.withdrawn", "record.corrected",
    }
    assert "Anna Marsh" in said(demo, "record .* --team hospice"), "before it says yes"


def test_the_care_home_sees_the_decision_and_where_the_form_is_and_of_the_plan_nothing_else(demo):
    clinical = {"community-nursing", "hospice", "neurology"}
    assert teams_of(demo, "cpr_decision.recorded") == clinical | {"care-home"}
    for what in ("document.available", "condition.recorded", "outcome.measured", "preference.place_of_death", "contact.recorded"):
        assert teams_of(demo, what) <= clinical, what
    record = said(demo, "record .* --team care-home", 1)
    assert "yellow folder in the kitchen" in record and "by (not shown to this team)" in record
    assert "R. Mole" not in record and "Motor neurone" not in record and "Tom and the dog" not in record


def test_a_broken_glass_opens_is_told_listed_reviewed_and_the_crew_hears_of_the_mistake(demo):
    assert "not-found" in said(demo, "record .* --team ambulance")
    assert "SOURCES DISAGREE" in said(demo, "record .* --team ambulance", 1)
    assert teams_of(demo, "break_glass.opened") == {"ambulance", "care-home", "community-nursing", "hospice", "neurology"}
    listed = said(demo, "break-glass list")
    assert "Paramedic C. Finch, emergency" in listed and "disclosures 0" not in listed
    assert "reviewed" in said(demo, "break-glass review")
    corrected = next(step for step in steps(demo) if step.startswith("22:55"))
    assert [(what, teams) for _, what, teams in given(corrected)] == [
        ("record.corrected", {"ambulance"}),
        ("encounter.admission_cancelled", {"care-home", "community-nursing", "hospice", "neurology"}),
    ]


def test_the_helpline_finds_by_three_details_and_opens_a_call(demo):
    assert "One person fits" in said(demo, "find")
    assert "1 open" in said(demo, "identity review")
    assert "a form of the same name" in said(demo, "identity show")
    assert "they are one person now" in said(demo, "identity link")
    assert "helpline sees what its rules show" in said(demo, "contact open")
    # What the caller said is everybody's who looks after her, and the care home's it is not.
    assert teams_of(demo, "treatment_escalation.recorded") == {"community-nursing", "helpline", "hospice", "neurology"}


def test_the_one_record_holds_what_all_said_and_settles_nothing(demo):
    record = said(demo, "record .* --at 03:00")
    assert "SOURCES DISAGREE (on resuscitation)" in record
    # The hospital's decision, the hospice's two, and what the caller said: none takes another's place.
    for words in ("by DR JANE HALL", "by R. Mole", "by L. Stoat", "treatment escalation, no hospital"):
        assert words in record, words
    assert "WHOM TO RING" in record and "01632 960222" in record and "NOT CONFIRMED" not in record
    assert "both claims stay" in said(demo, "conflict settle")


def test_it_is_delivered_in_two_languages_and_each_delivery_is_accounted_for(demo):
    delivered = demo.stdout.split("== What was delivered", 1)[1]
    assert re.search(r"^    MSH\|.*\|ORU\^R01", delivered, flags=re.M) and "Location of form->yellow folder in the kitchen" in delivered
    assert "Where the signed form is: yellow folder in the kitchen" in delivered
    because = said(demo, "why .* care-home")
    assert "rule cpr-decision" in because and "to mill-house, acknowledged" in because
    assert "no-rule" in said(demo, "why .* care-home", 1)
    who = said(demo, "audit who")
    assert "by its feed (mill-house)" in who and "by its feed (hospital-in)" in who
    assert "intact" in said(demo, "audit verify")
    assert "neurology hospital-in: acknowledged" in said(demo, "receipts")


def test_demo_ends_well_every_reader_agrees_and_the_status_stands_last(demo):
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "equal: holds what the bus holds" in said(demo, "converge") and "differs" not in said(demo, "converge")
    status = said(demo, "status")
    assert "ready" in status and "nothing to do with them" not in status, "the rules that ship open nothing to strangers"


def test_nothing_is_left_behind(demo):
    folder = re.search(r"A bus in (\S+):", demo.stdout).group(1)
    assert not pathlib.Path(folder).exists()
