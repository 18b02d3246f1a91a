"""What a source says and nobody reads is counted, said once, and never lost; codes without a map too."""

import pytest

from carebus_bus import wait_for
from mllp_peer import Mllp, adt

UNKNOWN, NO_MAP = "unknown", "no-map"


@pytest.fixture
def mllp(make_bus):
    bus = make_bus()
    adapter = Mllp(bus)
    bus.start()
    yield adapter.start()
    adapter.close()


@pytest.fixture
def bus(mllp):
    return mllp.bus


def lines(bus, source="pas", use=None):
    found = bus.ctl_json("coverage", source)
    return {line["path"]: line for one in found for line in one.get("lines", []) if use in (None, line["use"])}


def wait_line(bus, path, **options):
    wait_for(lambda: path in lines(bus, **options), what=f"{path} in the coverage")
    return lines(bus, **options)[path]


def test_a_field_nobody_reads_is_counted_and_logged_once_by_its_name(bus, mllp):
    sender = mllp.sender()
    for number in range(5):
        assert sender.ask(adt(f"C{number}") + "ZZ9|1|Mrs Secret Content|x\r").code == "AA"
    line = wait_line(bus, "ZZ9-2", use=UNKNOWN)
    wait_for(lambda: lines(bus)["ZZ9-2"]["count"] == 5, what="five messages counted")
    assert line["first_at"] <= line["last_at"]
    assert "PID-5" in lines(bus, use="mapped")
    text = bus.ctl("coverage", "pas").stdout
    assert "ZZ9-2" in text and "PID-5" not in text, "what is mapped is listed with --all only"
    assert "PID-5" in bus.ctl("coverage", "--all").stdout
    logged = [line for line in bus.log().splitlines() if "ZZ9-2" in line]
    assert len(logged) == 1 and "nobody reads" in logged[0]
    assert "Secret" not in bus.log() + text + mllp.log()


def test_a_code_without_a_map_is_counted_under_its_path(bus, mllp):
    assert mllp.sender().ask(adt("C1").replace("|I|", "|QX|")).code == "AA"
    found = lines(bus, use=NO_MAP)
    assert any(path.startswith("encounter.class") for path in found), found


def test_counts_go_on_behind_a_restart_and_a_kill_costs_no_message(bus, mllp):
    sender = mllp.sender()
    assert sender.ask(adt("C1") + "ZZ9|1|x\r").code == "AA"
    wait_line(bus, "ZZ9-2", use=UNKNOWN)
    bus.stop()
    bus.start()
    assert lines(bus)["ZZ9-2"]["count"] == 1
    wait_for(lambda: bus.source_status("pas").sessions == 1, what="the adapter back")
    assert sender.ask(adt("C2") + "ZZ9|1|x\r").code == "AA"
    wait_for(lambda: lines(bus)["ZZ9-2"]["count"] == 2, what="the count going on")
    assert bus.log().count("ZZ9-2") == 1, "said once, not once a start"


def test_a_damaged_file_of_counts_hinders_nothing(bus):
    bus.stop()
    (bus.folder / "state" / "coverage").write_bytes(b"not a file of counts")
    bus.start()
    assert bus.ctl("coverage", "pas").returncode == 0
    assert "begin at zero" in bus.log()


def test_a_source_nobody_knows_is_told(bus):
    done = bus.ctl("coverage", "no-such-source")
    assert done.returncode != 0 and "source" in done.stderr
