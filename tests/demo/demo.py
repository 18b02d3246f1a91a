#!/usr/bin/python3
"""A morning at a hospital, played through real MLLP into a bus in a throw-away folder.

Four made-up people, one source, two teams that may read it. Every program is the real one; the folder is removed at the end.
"""
import argparse
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

CONFIG = """\
bus: demo-care
environment: test
state: {folder}/state
run: {folder}/run
timezone: Europe/London
teams:
  neurology:         {{name: Neurology, organisation: RA9, class: clinical}}
  community-nursing: {{name: Community nursing, organisation: RB1, class: clinical, may_read: [hospital-pas]}}
  hospice:           {{name: St Brigid's Hospice, organisation: 8HK42, class: clinical, may_read: [hospital-pas]}}
sources:
  hospital-pas: {{team: neurology, adapter: mllp, listen: "127.0.0.1:{port}"}}
"""

PEOPLE = {
    "anna": ("H1001", "9990079196", "MARSH^ANNA^^^MRS", "19520314", "2"),
    "ben": ("H1002", "9990237573", "OKAFOR^BEN^^^MR", "19470802", "1"),
    "cara": ("H1003", "9990316767", "LINDQVIST^CARA^^^MS", "19611130", "2"),
    "dev": ("H1004", "9990395950", "PATEL^DEV^^^MR", "19390125", "1"),
}

# (what happens, trigger, whom, PV1, MRG)
MORNING = [
    ("Anna Marsh is registered", "A28", "anna", "", ""),
    ("Ben Okafor is registered", "A28", "ben", "", ""),
    ("Anna is admitted to ward 7 at ten past two, by ambulance", "A01", "anna", "I|WARD7^BAY2^B4^RA9", ""),
    ("Ben arrives in the emergency department", "A04", "ben", "E|ED^MAJORS^3^RA9", ""),
    ("Cara Lindqvist is admitted to the stroke unit", "A01", "cara", "I|STROKE^BAY1^B1^RA9", ""),
    ("Anna moves to the neurology ward", "A02", "anna", "I|NEURO^BAY1^B2^RA9", ""),
    ("Cara's admission was a mistake and is cancelled", "A11", "cara", "I|STROKE^BAY1^B1^RA9", ""),
    ("Dev Patel is admitted; the ward types a second number for him", "A01", "dev", "I|WARD7^BAY1^B1^RA9", ""),
    ("Ben goes home from the emergency department", "A03", "ben", "E|ED^MAJORS^3^RA9", ""),
    ("The two numbers of Dev are one person: merged", "A40", "dev", "", "H1999"),
    ("Anna goes home, with the community nurses", "A03", "anna", "I|NEURO^BAY1^B2^RA9", ""),
]


class Colours:
    def __init__(self, on):
        self.bold, self.dim, self.green, self.red, self.off = ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m") if on else ("",) * 5


def message(number, trigger, who, pv1, merged):
    local, nhs, name, birth, sex = PEOPLE[who]
    at = time.strftime("%Y%m%d%H%M%S", time.localtime(time.time() - 4 * 3600 + number * 1200))
    segments = [
        rf"MSH|^~\&|PAS|RA9|CAREBUS|RA9|{at}||ADT^{trigger}|M{number:04}|T|2.4",
        f"EVN|{trigger}|{at}||||{at}",
        f"PID|1||{local}^^^RA9^MR~{nhs}^^^NHS^NH||{name}||{birth}|{sex}|||1 Mill Lane^^Wester^^WE1 1AA|||||||||||||||||||||NSTS01",
    ]
    if merged:
        segments.append(f"MRG|{merged}^^^RA9^MR")
    elif pv1:
        visit = f"V{local}"
        fields = [""] * 46
        fields[2], fields[3] = pv1.split("|")
        fields[19] = f"{visit}^^^RA9^VN"
        fields[44] = at
        if trigger == "A03":
            fields[45] = at
        segments.append("|".join(["PV1", "1"] + fields[2:]))
    return "\r".join(segments) + "\r"


def send(connection, text):
    connection.sendall(b"\x0b" + text.encode() + b"\x1c\r")
    answer = b""
    while not answer.endswith(b"\x1c\r"):
        piece = connection.recv(4096)
        if not piece:
            sys.exit("demo: the adapter closed the connection")
        answer += piece
    for segment in answer.strip(b"\x0b\x1c\r").split(b"\r"):
        if segment.startswith(b"MSA|"):
            return segment.split(b"|")[1].decode()
    return "?"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, ready, seconds=20):
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            sys.exit(f"demo: {what} did not come up within {seconds} s; its output stands above")
        time.sleep(0.05)


def can_connect(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def status(carebusctl):
    return json.loads(subprocess.run([*carebusctl, "--json", "status"], capture_output=True, text=True).stdout)


class Team(threading.Thread):
    """What a team receives, as its program would: the library's own example of a reader."""

    def __init__(self, build, folder, name):
        super().__init__(daemon=True)
        self.name, self.lines = name, []
        self.process = subprocess.Popen(
            [str(build / "sdk/example-read"), f"ipc://{folder}/run/feed", f"ipc://{folder}/run/live/{name}", name, "demo", "1000"],
            stdout=subprocess.PIPE, text=True,
        )

    def run(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())


def play(colours, connection, teams):
    width = max(len(what) for what, *_ in MORNING)
    for number, (what, trigger, who, pv1, merged) in enumerate(MORNING, 1):
        before = [len(team.lines) for team in teams]
        answer = send(connection, message(number, trigger, who, pv1, merged))
        colour = colours.green if answer in ("AA", "CA") else colours.red
        print(f"{colours.bold}{what:{width}}{colours.off}  ADT^{trigger} -> {colour}{answer}{colours.off}")
        until = time.monotonic() + 10
        while time.monotonic() < until and any(len(t.lines) == b for t, b in zip(teams, before)):
            time.sleep(0.01)
        time.sleep(0.05)
        for team, seen in zip(teams, before):
            for line in team.lines[seen:]:
                print(f"    {colours.dim}{team.name:18}{colours.off} receives {line}")
            if len(team.lines) == seen:
                sys.exit(f"demo: {team.name} received nothing of it within ten seconds")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", default="build", type=pathlib.Path)
    build = arguments.parse_args().build.resolve()
    colours = Colours(sys.stdout.isatty())
    folder = tempfile.mkdtemp(prefix="carebus-demo-")
    port = free_port()
    config = pathlib.Path(folder, "carebus.yaml")
    config.write_text(CONFIG.format(folder=folder, port=port))
    carebusctl = [str(build / "ctl/carebusctl"), "--config", str(config)]
    running = []
    try:
        log = open(pathlib.Path(folder, "log"), "w")
        running.append(subprocess.Popen([str(build / "daemon/carebusd"), "--config", str(config)], stderr=log))
        wait_until("carebusd", lambda: subprocess.run([*carebusctl, "status"], capture_output=True).returncode == 0)
        mllp = [str(build / "adapters/mllp/carebus-mllp"), "--config", str(config), "--source", "hospital-pas"]
        running.append(subprocess.Popen(mllp, stderr=log))
        wait_until("carebus-mllp", lambda: can_connect(port))
        print(f"A bus in {folder}, a hospital that speaks HL7 v2 over MLLP, two teams that listen.\n")
        teams = [Team(build, folder, name) for name in ("community-nursing", "hospice")]
        for team in teams:
            running.append(team.process)
            team.start()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            play(colours, connection, teams)
        wait_until("the last acknowledgement", lambda: all(feed["lag"] == 0 for feed in status(carebusctl)["feeds"]))
        print(f"\n{colours.bold}carebusctl status{colours.off}")
        sys.stdout.flush()
        code = subprocess.run([*carebusctl, "status"]).returncode
        if any(team.lines != teams[0].lines for team in teams):
            sys.exit("demo: the two teams did not receive the same")
        return code
    except SystemExit:
        log.flush()
        sys.stderr.write(pathlib.Path(folder, "log").read_text())
        raise
    finally:
        for process in reversed(running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(running):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
