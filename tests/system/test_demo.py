"""The newcomer's first command shows what it says it shows."""

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
    return re.split(r"^(?=\d\d:\d\d  )", demo.stdout.split("\nThe helpline's nurse", 1)[0], flags=re.M)[1:]


def received(step):
    return [line.split("every team receives ", 1)[1].split() for line in step.splitlines() if "every team receives" in line]


def test_demo_ends_well_and_shows_the_status_last(demo):
    assert demo.returncode == 0, demo.stdout + demo.stderr
    status = demo.stdout.split("carebusctl status", 1)[1]
    assert "ready" in status and "not for patient data" in status


def test_every_step_of_the_day_is_answered_yes_and_reaches_every_team(demo):
    assert len(steps(demo)) == len(day.STEPS)
    for step, (at, what, _, _) in zip(steps(demo), day.STEPS):
        assert step.startswith(f"{at}  {what}\n")
        assert re.search(r"-> (AA|HTTP 20[01]|\d+ line)", step), step
        assert received(step), step


def test_three_languages_speak_of_one_person_and_a_call_is_nobodys_until_somebody_decides(demo):
    events = [event for step in steps(demo) for event in received(step)]
    assert {event[2] for event in events} == {"hospital-pas", "community-epr", "hospice-files", "night-calls"}
    assert len({event[3] for event in events if event[2] != "night-calls"}) == 1, "one patient id"
    assert not {event[3] for event in events if event[2] == "night-calls"} & {event[3] for event in events if event[2] != "night-calls"}
    types = {event[1] for event in events}
    assert types >= {
        "patient.updated", "outcome.measured", "referral.requested", "referral.accepted", "encounter.ed_arrived", "encounter.admitted",
        "allergy.recorded", "cpr_decision.recorded", "document.available", "encounter.discharged", "preference.place_of_death",
        "contact.recorded", "conflict.opened", "identity.review_opened", "treatment_escalation.recorded",
    }


def said(demo, command):
    """What carebusctl said to a command that begins so."""
    return re.search(rf"^\$ carebusctl {command}.*\n((?:    .*\n|\n(?=    ))*)", demo.stdout, flags=re.M).group(1)


def test_the_work_of_people_is_shown_with_the_commands_that_do_it(demo):
    found = said(demo, "find")
    assert "Ann Marsh" in found and "Anna Marsh" in found and "Several fit" in found
    assert "1 open, 1 urgent" in said(demo, "identity review")
    assert "a form of the same name" in said(demo, "identity show")
    assert "they are one person now" in said(demo, "identity link")
    assert "both claims stay" in said(demo, "conflict settle")
    assert "equal: holds what the bus holds" in said(demo, "converge")


def test_the_one_record_holds_what_all_said_and_settles_nothing(demo):
    record = said(demo, "record")
    assert "SOURCES DISAGREE (on resuscitation)" in record
    # The hospital's decision, the hospice's two, and what the caller said: none takes another's place.
    for words in ("by DR JANE HALL", "by R. Mole", "by L. Stoat", "treatment escalation, no hospital"):
        assert words in record, words
    assert "WHOM TO RING" in record and "01632 960222" in record and "NOT CONFIRMED" not in record


def test_nothing_is_left_behind(demo):
    folder = re.search(r"A bus in (\S+),", demo.stdout).group(1)
    assert not subprocess.run(["ls", folder], capture_output=True, check=False).stdout
