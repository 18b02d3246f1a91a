"""The units under a real systemd: what an administrator does on the first day, and what goes wrong on a later one."""

import os
import pathlib
import re
import signal
import subprocess
import time

import pytest
import yaml

import booted
import debian
from carebus_bus import ROOT, curve_pair, log_rows, wait_for

pytestmark = [pytest.mark.plain, pytest.mark.root]

MLLP_PORT = 2575
INTAKE_PORT = 7401
ADMISSION = ("MSH|^~\\&|PAS|RA9|CAREBUS|RA9|202611211430||ADT^A01^ADT_A01|{id}|T|2.4\r"
             "EVN|A01|202611211430\r"
             "PID|1||{id}^^^RA9^MR||Bloggs^Fred||19400101|M\r"
             "PV1|1|I|WARD1^^^RA9||||||||||||||||V{id}\r")
SEND = """
    import socket, sys
    end = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
    end.sendall(b"\\x0b" + sys.argv[2].encode().replace(b"~CR~", b"\\r") + b"\\x1c\\r")
    answer = b""
    while not answer.endswith(b"\\x1c\\r"):
        more = end.recv(65536)
        if not more:
            break
        answer += more
    print(answer.decode().replace("\\r", "\\n"))
"""
HANDSHAKE = """
    import sys, zmq
    port, server, public, secret = sys.argv[1:]
    context = zmq.Context()
    peer = context.socket(zmq.DEALER)
    peer.linger = 0
    peer.curve_serverkey, peer.curve_publickey, peer.curve_secretkey = server.encode(), public.encode(), secret.encode()
    monitor = peer.get_monitor_socket()
    peer.connect("tcp://127.0.0.1:" + port)
    while monitor.poll(60000):
        event = zmq.Event(int.from_bytes(monitor.recv_multipart()[0][:2], "little")).name
        if event.startswith("HANDSHAKE"):
            print(event)
            break
"""


def message_id(name):
    return log_rows.table()[name].id


class Site:
    """A machine with one bus, as its administrator sees it."""

    def __init__(self, machine):
        self.machine = machine
        self.bus_keys, self.peer_keys = curve_pair(), curve_pair()
        self.config = {
            "bus": "wester-care",
            "environment": "test",
            "timezone": "Europe/London",
            "listen": {"intake": f"tcp://0.0.0.0:{INTAKE_PORT}"},
            "teams": {"ward": {"name": "Ward", "organisation": "RA9", "class": "clinical"}},
            "sources": {
                "hospital-pas": {"team": "ward", "adapter": "mllp", "listen": f"127.0.0.1:{MLLP_PORT}", "user": "carebus-mllp"},
                "hospice-files": {"team": "ward", "adapter": "csv", "folder": "/srv/hospice/in", "user": "carebus-csv"},
                "lab": {"team": "ward", "adapter": "own"},
            },
            "destinations": {"hospice-out": {"team": "ward", "adapter": "csv", "folder": "/srv/hospice/out", "user": "carebus-csv"}},
        }
        machine.write("/etc/carebus/keys/bus.pub", self.bus_keys[0] + "\n")
        machine.write("/etc/carebus/keys/lab.pub", self.peer_keys[0] + "\n")
        # The secret half is where only the service manager can read it.
        machine.write("/etc/credstore/carebus-bus.key", self.bus_keys[1] + "\n", 0o600)
        machine.run("sh", "-c", "mkdir -p /srv/hospice/in /srv/hospice/out && chown -R carebus-csv /srv/hospice")
        self.write_config()

    def write_config(self):
        self.machine.write("/etc/carebus/carebus.yaml", yaml.safe_dump(self.config))

    def drop_in(self, unit, name, text):
        self.machine.write(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        self.machine.run("systemctl", "daemon-reload")

    def send(self, number):
        return self.machine.python(SEND, str(MLLP_PORT), ADMISSION.format(id=number).replace("\r", "~CR~"))

    def status(self):
        return self.machine.show("carebusd.service", "StatusText")

    def main_pid(self, unit="carebusd.service"):
        return int(self.machine.show(unit, "MainPID"))


def boot(kind, folder):
    if kind == "this-userland":
        return booted.boot_this_userland(folder)
    installed = [path for name, path in debian.debs().items() if re.match(r"(carebus|carebus-adapters|libcarebus1)_", name)]
    return booted.boot_debian(folder, installed)


@pytest.fixture(name="site", scope="module", params=["this-userland", pytest.param("debian", marks=pytest.mark.nightly)])
def fixture_site(request, tmp_path_factory):
    if booted.why_not():
        pytest.skip(booted.why_not())
    try:
        machine = boot(request.param, tmp_path_factory.mktemp("machine"))
    except (booted.CannotBoot, debian.CannotMake) as reason:
        pytest.skip(str(reason))
    try:
        site = Site(machine)
        machine.run("systemctl", "stop", "carebusd.service")  # a package starts it; a socket unit comes before its service
        machine.run("systemctl", "enable", "--now", "carebusd-intake.socket")
        machine.run("systemctl", "start", "carebusd.service")
        yield site
    finally:
        machine.close()


def test_a_start_ends_when_the_bus_takes_in_and_its_status_says_something(site):
    assert site.machine.show("carebusd.service", "ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}
    assert re.fullmatch(r"\d+ entries, \d+ to fold, 0 of 3 sources connected", site.status())
    assert f'Status: "{site.status()}"' in site.machine.run("systemctl", "status", "--no-pager", "carebusd.service").stdout
    assert site.machine.run("carebusctl", "status").returncode == 0


def fence_of(site, pid):
    status = site.machine.run("cat", f"/proc/{pid}/status").stdout
    return dict(re.findall(r"^(\w+):\s+(.*)$", status, re.M))


def test_core_and_serve_are_inside_their_fences(site):
    core = site.main_pid()
    serve = int(site.machine.run("ps", "-o", "pid=", "--ppid", str(core)).stdout.split()[0])
    outside = site.machine.run("readlink", "/proc/1/ns/net").stdout
    for pid in (core, serve):
        fence = fence_of(site, pid)
        assert fence["NoNewPrivs"] == "1" and fence["Seccomp"] == "2" and int(fence["Seccomp_filters"]) >= 2
        assert int(fence["CapBnd"], 16) == 0 and int(fence["CapEff"], 16) == 0
        assert fence["Uid"].split()[0] != "0"
        assert re.search(r"^Max core file size +0 +0", site.machine.run("cat", f"/proc/{pid}/limits").stdout, re.M)
        assert site.machine.run("readlink", f"/proc/{pid}/ns/net").stdout != outside
    assert not site.machine.journal(f"MESSAGE_ID={message_id('SANDBOX_MISSING')}"), "a fence from inside is missing"


def test_the_first_message_starts_its_adapter_and_is_answered_when_it_is_stored(site):
    site.machine.run("systemctl", "start", "carebus-mllp@hospital-pas.socket")
    assert site.machine.show("carebus-mllp@hospital-pas.service", "ActiveState") == "inactive"
    answer = site.send("A1")
    assert "MSA|AA|A1" in answer, answer + site.machine.journal_text()
    assert site.machine.show("carebus-mllp@hospital-pas.service", "ActiveState") == "active"
    assert site.main_pid("carebus-mllp@hospital-pas.service") > 0
    wait_for(lambda: "1 of 3 sources connected" in site.status(), what="the source in the status line")
    status = site.machine.run("carebusctl", "--json", "status").stdout
    assert '"hospital-pas"' in status
    fence = fence_of(site, site.main_pid("carebus-mllp@hospital-pas.service"))
    assert fence["Seccomp"] == "2" and int(fence["CapBnd"], 16) == 0


def test_the_secret_key_is_read_as_a_credential_and_strangers_are_refused(site):
    assert not (site.machine.root / "etc/carebus/keys/bus.key").exists()
    arguments = (str(INTAKE_PORT), site.bus_keys[0])
    assert site.machine.python(HANDSHAKE, *arguments, *site.peer_keys).strip() == "HANDSHAKE_SUCCEEDED"
    assert site.machine.python(HANDSHAKE, *arguments, *curve_pair()).strip() == "HANDSHAKE_FAILED_AUTH"


def test_spreadsheets_are_taken_from_srv_and_lists_written_there(site):
    site.machine.run("systemctl", "start", "carebus-csv@hospice-files.service", "carebus-csv@hospice-out.service")
    people = (ROOT / "etc/templates/people.csv").read_text(encoding="utf-8") if (ROOT / "etc/templates/people.csv").exists() else None
    site.machine.write("/srv/hospice/in/people.csv", people or "local_id,family_name\nH1,Bloggs\n", 0o666)
    folder = site.machine.root / "srv/hospice/in"
    wait_for(lambda: any(folder.glob("*/people*.csv")), 60, lambda: "a file that was taken\n" + site.machine.journal_text())
    assert site.machine.show("carebus-csv@hospice-out.service", "ActiveState") == "active"
    # Who runs the adapter is not the team, and is answered all the same who of the sources is silent.
    known = site.machine.root / "srv/hospice/out/last-known.txt"
    wait_for(lambda: known.exists() and "silent" in known.read_text(encoding="utf-8"), 60,
             lambda: "the last-known list\n" + site.machine.journal_text())
    assert not site.machine.journal(f"MESSAGE_ID={message_id('QUERY_REFUSED')}")


def test_a_reload_ends_with_what_became_of_it(site):
    site.config["sources"]["ambulance"] = {"team": "ward", "adapter": "own"}
    site.write_config()
    site.machine.run("systemctl", "reload", "carebusd.service")
    wait_for(lambda: "of 4 sources" in site.status(), what="the new source in the status line")
    before = site.main_pid()
    good = yaml.safe_dump(site.config)
    site.machine.write("/etc/carebus/carebus.yaml", good.replace("timezone", "timezoen"))
    assert site.machine.run("systemctl", "reload", "carebusd.service", check=False).returncode != 0
    assert any("did you mean" in entry.get("MESSAGE", "") for entry in site.machine.journal("-u", "carebusd.service"))
    site.write_config()
    site.machine.run("systemctl", "reload", "carebusd.service")
    assert site.main_pid() == before
    assert site.machine.show("carebusd.service", "ActiveState") == "active"
    site.machine.run("systemctl", "reload", "carebus-mllp@hospital-pas.service")
    assert "MSA|AA|A2" in site.send("A2")


def test_what_is_logged_is_found_by_its_fields(site):
    started, = site.machine.journal(f"MESSAGE_ID={message_id('STARTED')}", "CAREBUS_BUS=wester-care", f"_PID={site.main_pid()}")
    assert started["CAREBUS_EVENT"] == "STARTED" and started["PRIORITY"] == "6"
    assert started["_SYSTEMD_UNIT"] == "carebusd.service"
    connected = site.machine.journal("CAREBUS_SOURCE=hospital-pas", f"MESSAGE_ID={message_id('SOURCE_CONNECTED')}")
    assert connected
    assert not [entry for entry in site.machine.journal("-u", "carebusd.service", "-u", "carebus-mllp@hospital-pas.service")
                if "Bloggs" in str(entry)]


def test_an_adapter_whose_socket_listens_elsewhere_does_not_start(site):
    listen = site.config["sources"]["hospital-pas"]["listen"]
    site.machine.run("systemctl", "stop", "carebus-mllp@hospital-pas.service")
    site.config["sources"]["hospital-pas"]["listen"] = "127.0.0.1:2576"
    site.write_config()
    assert site.machine.run("systemctl", "start", "carebus-mllp@hospital-pas.service", check=False).returncode != 0
    assert site.machine.show("carebus-mllp@hospital-pas.service", "ExecMainStatus", "NRestarts") == {
        "ExecMainStatus": "78", "NRestarts": "0"}
    assert any("2576" in entry.get("MESSAGE", "") for entry in site.machine.journal("-u", "carebus-mllp@hospital-pas.service"))
    site.config["sources"]["hospital-pas"]["listen"] = listen
    site.write_config()
    site.machine.run("systemctl", "reset-failed", "carebus-mllp@hospital-pas.service", "carebus-mllp@hospital-pas.socket")
    site.machine.run("systemctl", "start", "carebus-mllp@hospital-pas.socket", "carebus-mllp@hospital-pas.service")
    assert "MSA|AA|A3" in site.send("A3")


def stall(site, thread):
    """One thread of core alone is held still, as only a tracer can; ends with the process."""
    pid = site.machine.host_pid(site.main_pid())
    task = next(path for path in pathlib.Path(f"/proc/{pid}/task").iterdir() if (path / "comm").read_text().strip() == thread)
    return subprocess.Popen(["strace", "-qq", "-p", task.name, "-e", "trace=poll,ppoll", "-e",
                             "inject=poll,ppoll:delay_enter=600000000"], stderr=subprocess.DEVNULL)


def test_a_wedged_thread_is_found_and_the_bus_started_again_with_all_it_had(site):
    site.drop_in("carebusd.service", "watchdog", "[Service]\nWatchdogSec=6\nTimeoutAbortSec=5\n")
    site.machine.run("systemctl", "restart", "carebusd.service")
    before = int(re.search(r"(\d+) entries", site.status()).group(1))
    assert before > 0
    wedged = site.main_pid()
    tracer = stall(site, "fold")
    try:
        wait_for(lambda: site.machine.show("carebusd.service", "SubState") != "running", 120,
                 lambda: "the watchdog\n" + site.machine.journal_text())
        assert site.machine.show("carebusd.service", "Result") == "watchdog"
    finally:  # what is traced cannot end before its tracer
        tracer.kill()
        tracer.wait()
    wait_for(lambda: site.main_pid() not in (0, wedged) and site.machine.show("carebusd.service", "SubState") == "running", 120,
             lambda: "another start\n" + site.machine.journal_text())
    assert int(site.machine.show("carebusd.service", "NRestarts")) >= 1
    stuck = site.machine.journal(f"MESSAGE_ID={message_id('STUCK')}", f"_PID={wedged}")
    assert stuck and stuck[0]["CAREBUS_THREAD"] == "fold"
    assert int(re.search(r"(\d+) entries", site.status()).group(1)) >= before
    assert "MSA|AA|A4" in site.send("A4")


def test_an_adapter_that_hangs_is_started_again_and_no_sender_has_to_know(site):
    unit = "carebus-mllp@hospital-pas.service"
    site.drop_in("carebus-mllp@.service", "watchdog", "[Service]\nWatchdogSec=6\nTimeoutAbortSec=5\n")
    site.machine.run("systemctl", "restart", unit)
    hung = site.main_pid(unit)
    os.kill(site.machine.host_pid(hung), signal.SIGSTOP)
    wait_for(lambda: site.main_pid(unit) not in (0, hung) and site.machine.show(unit, "SubState") == "running", 120,
             lambda: "another start\n" + site.machine.journal_text())
    assert "MSA|AA|A5" in site.send("A5")


def test_a_wrong_configuration_is_said_once_and_not_tried_again(site):
    site.machine.run("systemctl", "stop", "carebusd.service")
    good = yaml.safe_dump(site.config)
    site.machine.write("/etc/carebus/carebus.yaml", good.replace("environment: test", "environment: tset"))
    assert site.machine.run("systemctl", "start", "carebusd.service", check=False).returncode != 0
    time.sleep(3)  # longer than RestartSec=
    assert site.machine.show("carebusd.service", "ActiveState", "ExecMainStatus", "NRestarts") == {
        "ActiveState": "failed", "ExecMainStatus": "78", "NRestarts": "0"}
    site.write_config()
    site.machine.run("systemctl", "reset-failed", "carebusd.service")
    site.machine.run("systemctl", "start", "carebusd.service")


def test_a_listener_that_nobody_hands_over_is_named(site):
    site.machine.run("systemctl", "stop", "carebusd.service", "carebusd-intake.socket")
    assert site.machine.run("systemctl", "start", "carebusd.service", check=False).returncode != 0
    assert site.machine.show("carebusd.service", "ExecMainStatus", "NRestarts") == {"ExecMainStatus": "78", "NRestarts": "0"}
    assert site.machine.journal(f"MESSAGE_ID={message_id('NO_NETWORK')}")
    site.machine.run("systemctl", "reset-failed", "carebusd.service")
    site.machine.run("systemctl", "start", "carebusd-intake.socket")
    site.machine.run("systemctl", "start", "carebusd.service")


def test_the_target_stops_and_starts_all_of_it_and_nothing_is_left_failed(site):
    site.machine.run("systemctl", "enable", "carebus.target", "carebusd.service", "carebus-mllp@hospital-pas.socket",
                     "carebus-mllp@hospital-pas.service")
    site.machine.run("systemctl", "start", "carebus.target")
    site.machine.run("systemctl", "stop", "carebus.target")
    for unit in ("carebusd.service", "carebus-mllp@hospital-pas.service"):
        wait_for(lambda unit=unit: site.machine.show(unit, "ActiveState") == "inactive", 60, f"{unit} to stop")
    assert site.machine.show("carebusd.service", "Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    site.machine.run("systemctl", "start", "carebus.target")
    wait_for(lambda: site.machine.show("carebus-mllp@hospital-pas.service", "ActiveState") == "active", 60, "the adapter with the target")
    assert site.machine.show("carebusd.service", "ActiveState") == "active"
    # With the bus named too the command waits for it: what docs/recovery.md does before it touches the state.
    site.machine.run("systemctl", "stop", "carebus.target", "carebusd.service")
    assert site.machine.show("carebusd.service", "ActiveState") == "inactive"
    site.machine.run("systemctl", "start", "carebus.target")
    wait_for(lambda: site.machine.show("carebusd.service", "ActiveState") == "active", 60, "the bus with the target")
    failed = site.machine.run("systemctl", "list-units", "--failed", "--no-legend", "--plain", "carebus*").stdout
    assert not failed.strip()
