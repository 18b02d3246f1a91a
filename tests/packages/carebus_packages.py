"""What all tests of the packages share."""

import os
import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", TOP / "build"))
PROGRAMS = {"carebusctl": BUILD / "ctl/carebusctl", "carebusd": BUILD / "daemon/carebusd",
            "carebus-csv": BUILD / "adapters/csv/carebus-csv", "carebus-fhir": BUILD / "adapters/fhir/carebus-fhir",
            "carebus-mllp": BUILD / "adapters/mllp/carebus-mllp"}


def run(*command, check=True, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert not check or done.returncode == 0, f"{command[0]}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


def text(name):
    return (TOP / name).read_text(encoding="utf-8")


def help_of(program):
    return run(PROGRAMS[program], "--help").stdout


def functions_of_the_header():
    return set(re.findall(r"CAREBUS_API [^;(]*?\b(carebus_\w+)\(", text("sdk/carebus.h")))
