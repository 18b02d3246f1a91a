"""Markers as in tests/system."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

MARKERS = {
    "plain": "needs the build without sanitizers",
    "tsan": "runs on the ThreadSanitizer build, and on no other",
    "nightly": "long; runs when CAREBUS_NIGHTLY is set",
    "root": "needs root",
}


def pytest_configure(config):
    for name, says in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {says}")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("nightly") and not os.environ.get("CAREBUS_NIGHTLY"):
            item.add_marker(pytest.mark.skip(reason="nightly: set CAREBUS_NIGHTLY=1"))
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))
