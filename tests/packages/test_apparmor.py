"""What the programs open where they are installed is what their profiles of AppArmor let them.

Each runs under strace as its own user, in a machine where it lies where the packages put it: from its start through a message, a delivery,
a reload and its end. Each path that a call needed has to be in the program's profile.
"""

import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

import apparmor_rules
import booted
from carebus_bus import ROOT, curve_pair, wait_for
from carebus_packages import profile_parsed, run

pytestmark = [pytest.mark.plain, pytest.mark.root]

PLACES = {"carebusd": "/usr/sbin/carebusd", "carebus-mllp": "/usr/bin/carebus-mllp", "carebus-fhir": "/usr/bin/carebus-fhir",
          "carebus-csv": "/usr/bin/carebus-csv"}
CALLS = "trace=%file,fcntl,flock,bind,connect,prctl"
MLLP, FHIR, FACADE, METRICS, INTAKE = 2575, 8088, 8089, 9464, 7401
ADMISSION = ("MSH|^~\\&|PAS|RA9|CAREBUS|RA9|202611211430||ADT^A01^ADT_A01|A1|T|2.4\r"
             "EVN|A01|202611211430\rPID|1||H1^^^RA9^MR||Bloggs^Fred||19400101|M\rPV1|1|I|WARD1^^^RA9||||||||||||||||V1\r")
SEND = """
    import socket, ssl, sys
    context = ssl._create_unverified_context()
    end = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60))
    end.sendall(b"\\x0b" + sys.argv[2].encode().replace(b"~CR~", b"\\r") + b"\\x1c\\r")
    print(end.recv(65536))
"""
POST = """
    import sys, urllib.request
    body = b'{"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:x", "value": "1"}], "name": [{"family": "Bloggs"}]}'
    asked = urllib.request.Request("http://127.0.0.1:%s/Patient/p1" % sys.argv[1], body, method="PUT",
                                   headers={"Content-Type": "application/fhir+json", "Authorization": "Bearer " + sys.argv[2]})
    print(urllib.request.urlopen(asked, timeout=60).status)
"""
# The check of the configuration looks at what others are given as well, and goes on where it may not.
OF_OTHERS = {"carebusd": set(), "carebus-mllp": {"/srv/ward/in/"}, "carebus-fhir": {"/srv/ward/in/"},
             "carebus-csv": {"/etc/ssl/pas.pem", "/etc/ssl/private/pas.key"}}
TOKEN = "0123456789abcdef0123"


def configuration():
    return {
        "bus": "wester-care", "environment": "test", "timezone": "Europe/London",
        "listen": {"intake": f"tcp://127.0.0.1:{INTAKE}"}, "metrics": f"127.0.0.1:{METRICS}",
        "teams": {"ward": {"name": "Ward", "organisation": "RA9", "class": "clinical"}},
        "sources": {
            "pas": {"team": "ward", "adapter": "mllp", "listen": f"127.0.0.1:{MLLP}", "user": "carebus-mllp", "profile": "itk",
                    "tls": {"certificate": "/etc/ssl/pas.pem", "key": "/etc/ssl/private/pas.key"}},
            "epr": {"team": "ward", "adapter": "fhir", "listen": f"127.0.0.1:{FHIR}", "user": "carebus-fhir",
                    "token": "/etc/carebus/epr.tokens"},
            "files": {"team": "ward", "adapter": "csv", "folder": "/srv/ward/in", "user": "carebus-csv"},
        },
        "destinations": {
            "pas-out": {"team": "ward", "adapter": "mllp", "connect": "127.0.0.1:2576", "user": "carebus-mllp",
                        "authority": "/etc/ssl/pas.pem"},
            "epr-out": {"team": "ward", "adapter": "fhir", "url": "http://127.0.0.1:8090/r4", "user": "carebus-fhir",
                        "token": "/etc/carebus/epr-out.token", "facade": f"127.0.0.1:{FACADE}",
                        "facade_token": "/etc/carebus/epr-out.tokens"},
            "files-out": {"team": "ward", "adapter": "csv", "folder": "/srv/ward/out", "user": "carebus-csv"},
        },
    }


class Traced:
    """Programs of a machine that each run under strace."""

    def __init__(self, machine):
        self.machine = machine
        self.running = []
        (machine.root / "trace").mkdir()

    def start(self, program, user, *arguments):
        """As its unit has it: the user, its groups, and the folder that it keeps."""
        folder = "/".join(["/var/lib", user, *arguments[1:]])
        self.machine.run("install", "-d", "-o", user, "-m", "700", folder)
        prefix = f"/trace/{program}.{len(self.running)}"
        command = ["nsenter", "-t", str(self.machine.pid), "-a", "--", "strace", "-ff", "-y", "-qq", "-s", "400", "-e", CALLS, "-o", prefix,
                   "setpriv", "--reuid", user, "--regid", user, "--groups", "carebus", "env", f"STATE_DIRECTORY={folder}",
                   PLACES[program], *arguments]
        log = open(self.machine.root.parent / f"{program}.{len(self.running)}.log", "wb")  # pylint: disable=consider-using-with
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        log.close()
        self.running.append((process, program, pathlib.Path(log.name)))
        return process

    def said(self):
        return "".join(path.read_text(encoding="utf-8", errors="replace")[-3000:] for _, _, path in self.running)

    def stop(self):
        for program in reversed(PLACES):
            oldest = ["-o"] if program == "carebusd" else []  # core ends serve
            self.machine.run("pkill", "-TERM", *oldest, "-x", program)
            for process in [process for process, name, _ in self.running if name == program]:
                process.wait(60)

    def accesses(self, program):
        return apparmor_rules.of_folders(
            one for path in sorted(self.machine.root.glob(f"trace/{program}.*"))
            for one in apparmor_rules.accesses(path.read_text(encoding="utf-8", errors="replace").splitlines(), PLACES[program]))


def prepare(machine):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", machine.root.parent / "key", "-out", machine.root.parent / "certificate")
    machine.write("/etc/ssl/pas.pem", (machine.root.parent / "certificate").read_text(encoding="utf-8"))
    machine.write("/etc/ssl/private/pas.key", (machine.root.parent / "key").read_text(encoding="utf-8"), 0o640)
    public, secret = curve_pair()
    machine.write("/etc/carebus/keys/bus.pub", public + "\n")
    machine.write("/etc/carebus/keys/bus.key", secret + "\n", 0o600)
    machine.write("/etc/carebus/epr.tokens", TOKEN + "\n", 0o640)
    machine.write("/etc/carebus/epr-out.token", TOKEN + "\n", 0o640)
    machine.write("/etc/carebus/epr-out.tokens", f"{TOKEN} ward-epr\n", 0o640)
    machine.write("/etc/carebus/carebus.yaml", yaml.safe_dump(configuration()))
    machine.run("sh", "-c", "mkdir -p /srv/ward/in /srv/ward/out && chown -R carebus-csv /srv/ward "
                "&& chown carebus /etc/carebus/keys/bus.key && chgrp carebus-mllp /etc/ssl/private/pas.key "
                "&& chgrp carebus-fhir /etc/carebus/*.token*")


@pytest.fixture(name="traced", scope="module")
def fixture_traced(tmp_path_factory):
    if booted.why_not() or not shutil.which("strace"):
        pytest.skip(booted.why_not() or "strace is not there: package strace")
    try:
        machine = booted.boot_this_userland(tmp_path_factory.mktemp("machine"))
    except booted.CannotBoot as reason:
        pytest.skip(str(reason))
    try:
        prepare(machine)
        traced = Traced(machine)
        play(machine, traced)
        yield traced
    finally:
        machine.close()


def play(machine, traced):
    traced.start("carebusd", "carebus")
    wait_for(lambda: machine.run("carebusctl", "status", check=False).returncode == 0, 60, lambda: "a bus\n" + traced.said())
    for program, name in (("carebus-mllp", "pas"), ("carebus-fhir", "epr"), ("carebus-csv", "files")):
        traced.start(program, program, "--instance", name)
        traced.start(program, program, "--instance", f"{name}-out")
    listening = "import socket, sys; [socket.create_connection(('127.0.0.1', int(port)), 5).close() for port in sys.argv[1:]]"
    wait_for(lambda: machine.run("/usr/bin/python3", "-c", listening, str(MLLP), str(FHIR), str(FACADE), check=False).returncode == 0, 60,
             lambda: "adapters that listen\n" + traced.said())
    answer = machine.python(SEND, str(MLLP), ADMISSION.replace("\r", "~CR~"))
    assert "MSA|AA|A1" in answer, answer + traced.said()
    assert machine.python(POST, str(FHIR), TOKEN).strip() in ("200", "201"), traced.said()
    people = (ROOT / "etc/templates/people.csv").read_text(encoding="utf-8")
    machine.write("/srv/ward/in/people.csv", people, 0o666)
    taken, known = machine.root / "srv/ward/in", machine.root / "srv/ward/out/last-known.txt"
    wait_for(lambda: any(taken.glob("*/people*.csv")) and known.exists(), 60, lambda: "a file taken and a list written\n" + traced.said())
    machine.run("carebusctl", "reload", "--wait")
    machine.run("carebusctl", "record", "urn:x", "1")
    traced.stop()


def profile_of(program):
    name = "usr.sbin.carebusd" if program == "carebusd" else "carebus-adapters"
    return apparmor_rules.Profile(profile_parsed(name, "--preprocess").stdout, program)


@pytest.mark.parametrize("program", PLACES)
def test_what_a_fence_leaves_open_may_be_looked_at(program):
    """Not every machine has all of it; where it is there and may not be looked at, a program would not start."""
    profile = profile_of(program)
    paths = re.findall(r'^ +\{ "(/[^"]+)", SANDBOX_\w+ \}', (ROOT / "base/sandbox.c").read_text(encoding="utf-8"), re.M)
    assert len(paths) > 20
    hidden = [path for path in paths if not path.startswith("/proc/")
              and "r" not in profile.allows(path, False) | profile.allows(path + "/", False)]
    assert hidden == []


@pytest.mark.parametrize("program", PLACES)
def test_a_program_opens_nothing_that_its_profile_does_not_let_it(traced, program):
    profile = profile_of(program)
    seen = traced.accesses(program)
    refused = sorted({f"{one.needs} {one.path}" for one in seen if not set(one.needs) <= profile.allows(one.path, one.by_owner_rule)
                      and (one.needs != "r" or one.path not in OF_OTHERS[program])})
    assert len(seen) > 20, traced.said()
    assert not refused, "\n".join(refused)
