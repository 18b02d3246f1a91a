"""The newcomer's first command shows what it says it shows."""

import re
import subprocess

import pytest

from carebus_bus import BUILD, ROOT

pytestmark = pytest.mark.plain


@pytest.fixture(scope="module")
def demo():
    script = str(ROOT / "tests" / "demo" / "demo.py")
    return subprocess.run(["/usr/bin/python3", script, "--build", str(BUILD)], capture_output=True, text=True, timeout=120, check=False)


def test_demo_ends_well_and_shows_the_status_last(demo):
    assert demo.returncode == 0, demo.stdout + demo.stderr
    status = demo.stdout.split("carebusctl status", 1)[1]
    assert "ready" in status and "not for patient data" in status


def test_every_message_of_the_morning_is_acknowledged_and_reaches_both_teams(demo):
    steps = re.split(r"^(?=\S.*ADT\^)", demo.stdout, flags=re.M)[1:]
    assert len(steps) == 11
    for step in steps:
        assert "-> AA" in step
        assert {line.split()[0] for line in step.splitlines() if " receives " in line} == {"community-nursing", "hospice"}


def test_four_people_are_four_people_and_leave_nothing_behind(demo):
    assert len({line.split()[-1] for line in demo.stdout.splitlines() if " receives " in line}) == 4
    folder = re.search(r"A bus in (\S+),", demo.stdout).group(1)
    assert not subprocess.run(["ls", folder], capture_output=True, check=False).stdout
