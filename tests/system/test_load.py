"""An initial load: what was so before the bus began is there on the first day, marked as history, and alarms nobody."""

import os
import subprocess

import pytest

from carebus_bus import CAREBUS_MLLP
from mllp_peer import Mllp, adt


@pytest.fixture
def mllp(make_bus, monkeypatch):
    """The adapter is configured and does not run; in a build it lies in another folder than carebusctl."""
    monkeypatch.setenv("PATH", f"{CAREBUS_MLLP.parent}:{os.environ['PATH']}")
    bus = make_bus()
    adapter = Mllp(bus)
    bus.start()
    yield adapter
    if adapter.process:
        adapter.close()


@pytest.fixture
def bus(mllp):
    return mllp.bus


@pytest.fixture
def files(tmp_path):
    stays = tmp_path / "stays.hl7"
    stays.write_text("".join(adt(f"L{number}", local_id=f"H{number}") for number in range(20)))
    return [str(stays)]


def events(bus):
    return [event for event in bus.ctl_json("tail") if event["type"].startswith(("encounter.", "patient."))]


def test_carebusctl_loads_a_file_by_the_sources_own_adapter(bus, files):
    done = bus.ctl("load", "pas", *files)
    assert done.returncode == 0, done.stderr
    assert "20 stored as history" in done.stdout
    bus.wait_folded()
    found = [event for event in events(bus) if event["type"] == "encounter.admitted"]
    assert len(found) == 20
    assert all(event.get("loaded") is True for event in found)


def test_what_is_loaded_twice_is_known_and_changes_nothing(bus, files):
    assert bus.ctl("load", "pas", *files).returncode == 0
    before = bus.status().seq
    done = bus.ctl("load", "pas", *files)
    assert done.returncode == 0 and "20 known already" in done.stdout
    assert bus.status().seq == before


def test_history_does_not_move_the_date_since_when_a_source_is_heard(bus, mllp, files):
    assert bus.ctl("load", "pas", *files).returncode == 0
    bus.wait_folded()
    status = bus.source_status("pas")
    assert not status.heard_since_at
    assert status.loaded == 20
    assert mllp.start().sender().ask(adt("N1")).code == "AA"
    bus.wait_folded()
    assert bus.source_status("pas").heard_since_at
    news = [event for event in events(bus) if event["source_message_id"] == "N1"]
    assert news and not any(event.get("loaded") for event in news)


def test_what_cannot_be_read_waits_for_a_person_and_the_load_says_so(bus, tmp_path):
    mixed = tmp_path / "mixed.hl7"
    mixed.write_text(adt("L1") + adt("L2", trigger="Q99"))
    done = bus.ctl("load", "pas", str(mixed))
    assert done.returncode == 65
    assert "1 wait for a person" in done.stdout
    bus.wait_folded()
    assert len(bus.ctl_json("quarantine", "list")) == 1


@pytest.mark.parametrize("arguments, code", [
    (["load"], 64), (["load", "pas"], 64), (["load", "no-such-source", "x.hl7"], 78), (["load", "pas", "/no/such/file"], 65),
])
def test_wrong_use_of_a_load_says_what_to_do(bus, arguments, code):
    done = bus.ctl(*arguments)
    assert done.returncode == code and done.stderr


def test_a_load_without_a_bus_ends_and_says_so(bus, files):
    bus.stop()
    done = bus.ctl("load", "pas", *files)
    assert done.returncode == 69 and "does not answer" in done.stderr


def test_help_of_the_adapter_names_the_load(bus):
    assert "--load" in subprocess.run([CAREBUS_MLLP, "--help"], capture_output=True, text=True, check=True).stdout
