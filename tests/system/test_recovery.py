"""Clocks that jump, and two daemons on one state or one folder of sockets."""

import pathlib
import struct
import subprocess

import pytest

from carebus_bus import BUILD, submission, wait_for
from carebus_readers import Feed

DAY = 86_400 * 1_000_000


def refused_as_second(bus):
    bus.start(wait=False)
    code = bus.wait()
    bus.process = None
    return code == 75 and "LOCKED" in bus.log_events()


def test_second_daemon_on_the_same_state_is_refused_whatever_the_path_and_the_first_goes_on(bus, make_bus, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(bus.folder / "state")
    for path in (bus.folder / "state", link):
        assert refused_as_second(make_bus({"state": str(path)}))
    receipt, = bus.source("pas").send(submission("still here"))
    assert receipt.WhichOneof("result") == "stored"


def test_second_daemon_on_the_same_run_folder_is_refused_and_takes_no_socket_away(bus, make_bus):
    second = make_bus({"run": str(bus.folder / "run")})
    assert refused_as_second(second)
    receipt, = bus.source("pas").send(submission("still here"))
    assert receipt.WhichOneof("result") == "stored"


def test_one_folder_for_state_and_sockets_is_not_taken_for_a_second_daemon(make_bus, tmp_path):
    bus = make_bus()
    (tmp_path / "link").symlink_to(bus.folder / "state")
    for run in (bus.folder / "state", tmp_path / "link"):
        bus.config["run"] = str(run)
        bus.write_config()
        bus.start()
        bus.ctl("reload", "--wait", check=0)
        assert refused_as_second(make_bus({"state": str(bus.folder / "state")}))
        assert bus.stop() == 0


@pytest.mark.root
def test_second_daemon_over_a_bind_mount_is_refused(bus, make_bus, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    if subprocess.run(["mount", "--bind", str(bus.folder / "state"), str(other)], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs to mount")
    try:
        assert refused_as_second(make_bus({"state": str(other)}))
    finally:
        subprocess.run(["umount", "-l", str(other)], check=False)


class Clock:
    """The wall clock of a bus: `jump` moves it by microseconds while the daemon runs."""

    def __init__(self, folder):
        shim = BUILD / "tests" / "system" / "wallclock.so"
        if not shim.exists():
            pytest.skip("needs wallclock.so, which sanitizers do not let preload")
        self.path = pathlib.Path(folder) / "clock"
        self.path.write_bytes(struct.pack("<q", 0))
        self.environment = {"LD_PRELOAD": str(shim), "CAREBUS_CLOCK": str(self.path)}

    def jump(self, microseconds):
        with open(self.path, "r+b") as file:
            before, = struct.unpack("<q", file.read(8))
            file.seek(0)
            file.write(struct.pack("<q", before + microseconds))


@pytest.mark.plain
@pytest.mark.parametrize("restarts", [False, True], ids=["while it runs", "across a restart"])
def test_clock_that_jumps_changes_no_order_no_repeat_and_no_chain(make_bus, tmp_path, restarts):
    clock = Clock(tmp_path)
    bus = make_bus(environment=clock.environment).start()
    stored, turn = [], 0
    for jump in (DAY, -365 * DAY, 365 * DAY, -DAY):
        receipts = bus.source("pas").send(*[submission(f"T{turn}-{i}") for i in range(5)])
        stored.extend(receipt.stored.seq for receipt in receipts)
        if restarts:
            bus.stop()
        clock.jump(jump)
        if restarts:
            bus.start()
        else:
            wait_for(lambda n=turn + 1: bus.log_events().count("CLOCK_JUMPED") >= n, what="the jump to be told")
        # A repeat is one, by a source that says it is alive, without anybody being cut off.
        again, new = bus.source("pas").send(submission(f"T{turn}-0"), submission(f"N{turn}"))
        assert again.duplicate.of == receipts[0].stored.seq
        stored.append(new.stored.seq)
        turn += 1
    assert stored == sorted(stored) and len(set(stored)) == len(stored)
    bus.wait_folded()
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        assert [delivery.seq for delivery in feed.take(len(stored))] == stored
    bus.ctl("rebuild", "--verify", check=0)
    bus.ctl("journal", "verify", check=0)
    bus.ctl("audit", "verify", check=0)
    times = [event["received_at"] for event in bus.ctl_json("tail") if "received_at" in event]
    assert times == sorted(times)
    told = bus.log_events().count("CLOCK_JUMPED")
    assert told <= 4 and (told == 4 or restarts), "one line each"
