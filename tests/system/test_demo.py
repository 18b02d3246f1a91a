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
    return re.split(r"^(?=\d\d:\d\d  )", demo.stdout.split("\nThe one record", 1)[0], flags=re.M)[1:]


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


def test_three_languages_speak_of_one_person(demo):
    events = [event for step in steps(demo) for event in received(step)]
    assert {event[2] for event in events} == {"hospital-pas", "community-epr", "hospice-files"}
    assert len({event[3] for event in events}) == 1, "one patient id"
    types = {event[1] for event in events}
    assert types >= {
        "patient.updated", "outcome.measured", "referral.requested", "referral.accepted", "encounter.ed_arrived", "encounter.admitted",
        "allergy.recorded", "cpr_decision.recorded", "document.available", "encounter.discharged", "preference.place_of_death",
        "contact.recorded",
    }


def test_the_one_record_holds_what_all_three_said_and_settles_nothing(demo):
    record = demo.stdout.split("\nThe one record", 1)[1].split("carebusctl status", 1)[0]
    sections = {line.split()[0]: line for line in record.splitlines()[1:] if line.strip()}
    assert "3 from community-epr, hospice-files, hospital-pas" in sections["demographics"]
    # The hospital's decision, the hospice's, and where she wants to die: none takes another's place.
    assert "3 from hospice-files, hospital-pas" in sections["decisions"]


def test_nothing_is_left_behind(demo):
    folder = re.search(r"A bus in (\S+),", demo.stdout).group(1)
    assert not subprocess.run(["ls", folder], capture_output=True, check=False).stdout
