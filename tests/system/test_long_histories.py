"""Far more histories than every build has time for: of merges and moves against the model, and in any order."""

import os
import pathlib
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", "build"))
HISTORIES = 100_000
ORDERED = 3_000
SCORED = 2_000

pytestmark = [pytest.mark.plain, pytest.mark.nightly]


def histories_run(name, n, timeout):
    program = BUILD / "tests" / "scenario" / name
    environment = {**os.environ, "CAREBUS_HISTORIES": str(n)}
    done = subprocess.run([str(program)], capture_output=True, text=True, env=environment, timeout=timeout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert f"# {n} histories" in done.stdout


def test_a_hundred_thousand_histories_come_to_what_the_model_says():
    histories_run("test-merges", HISTORIES, timeout=1800)


def test_three_thousand_histories_in_any_order_are_one_record_each():
    histories_run("test-permutations", ORDERED, timeout=1800)


def test_two_thousand_histories_join_nobody_wrongly_in_any_order():
    histories_run("test-score-orders", SCORED, timeout=1800)
