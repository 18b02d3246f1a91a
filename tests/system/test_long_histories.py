"""Far more histories of merges and moves than every build has time for, against the same model."""

import os
import pathlib
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", "build"))
HISTORIES = 100_000

pytestmark = [pytest.mark.plain, pytest.mark.nightly]


def test_a_hundred_thousand_histories_come_to_what_the_model_says():
    program = BUILD / "tests" / "scenario" / "test-merges"
    environment = {**os.environ, "CAREBUS_HISTORIES": str(HISTORIES)}
    done = subprocess.run([str(program)], capture_output=True, text=True, env=environment, timeout=1800)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert f"# {HISTORIES} histories" in done.stdout
