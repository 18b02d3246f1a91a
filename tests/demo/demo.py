#!/usr/bin/python3
"""One day of one person, played through real adapters into a bus in a throw-away folder.

A hospital that speaks HL7 v2, community nurses whose record speaks FHIR, a hospice and a helpline that export spreadsheets: what each says
(day.py), what the other teams receive of it, what waits for a person and how it is decided, and the one record that comes of it. Every
program is the real one; the folder is removed at the end.
"""
import argparse
import json
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import day

CONFIG = """\
bus: demo-care
environment: test
state: {folder}/state
run: {folder}/run
timezone: Europe/London
teams:
  neurology:         {{name: Neurology, organisation: RA9, class: clinical, may_read: {sources}}}
  community-nursing: {{name: Community nursing, organisation: RB1, class: clinical, may_read: {sources}}}
  hospice:
    {{name: St Brigid's Hospice, organisation: 8HK42, class: clinical, may_read: {sources},
     contact_points: [{{name: The hospice's nurse on call, phone: 01632 960111, hours: 24/7, kind: out-of-hours}}]}}
  helpline:
    {{name: Night helpline, organisation: 8HK43, class: clinical, may_read: {sources},
     contact_points: [{{name: Night helpline, phone: 01632 960222, hours: "Mo-Su 18:00-08:00", kind: helpline}}]}}
# Everybody here knows everybody: what the demonstration shows is how the pieces meet, not who may see them.
scope: {{people: all}}
sharing:
  rules: [{{name: open, reason: a demonstration, classes: all, kinds: all, relationships: not-needed}}]
sources:
  hospital-pas:  {{team: neurology, adapter: mllp, listen: "127.0.0.1:{mllp}", profile: epic-uk}}
  community-epr: {{team: community-nursing, adapter: fhir, listen: "127.0.0.1:{fhir}", profile: uk-core}}
  hospice-files: {{team: hospice, adapter: csv, folder: {folder}/hospice, profile: hospice}}
  night-calls:   {{team: helpline, adapter: csv, folder: {folder}/calls, profile: hospice-minimum}}
"""


class Colours:
    def __init__(self, on):
        self.bold, self.dim, self.green, self.red, self.off = ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m") if on else ("",) * 5


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


def post(port, resource):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/", json.dumps(resource).encode(), {"Content-Type": "application/fhir+json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.status)


def drop(folder, name, text):
    """As a person does it: the file appears whole, the receipt lies beside it some moments later."""
    path = pathlib.Path(folder, name)
    partner = path.with_suffix(".part")
    partner.write_text(text)
    partner.rename(path)
    receipt = path.with_name(path.stem + ".receipt.csv")
    wait_until(f"the receipt for {name}", receipt.is_file)
    lines = receipt.read_text().splitlines()
    return f"{len(lines) - 1} line(s) in the receipt"


def tell(how, folder, ports, connection):
    """Gives what was answered, and whether that is a yes."""
    language, said = how
    if language == "hl7":
        answer = send(connection, said())
        return answer, answer in ("AA", "CA")
    if language == "fhir":
        answer = post(ports["fhir"], said)
        return f"HTTP {answer}", answer in ("200", "201")
    return drop(pathlib.Path(folder, FOLDERS[language]), *said), True


NHS_SYSTEM = "https://fhir.nhs.uk/Id/nhs-number"
LANGUAGES = {"hl7": "HL7 v2, hospital", "fhir": "FHIR, community", "csv": "spreadsheet, hospice", "calls": "spreadsheet, helpline"}
FOLDERS = {"csv": "hospice", "calls": "calls"}


def play(colours, folder, ports, connection, teams):
    for at, what, language, said in day.STEPS:
        before = [len(team.lines) for team in teams]
        answer, is_yes = tell((language, said), folder, ports, connection)
        colour = colours.green if is_yes else colours.red
        print(f"{colours.bold}{at}  {what}{colours.off}\n       {LANGUAGES[language]} -> {colour}{answer}{colours.off}")
        until = time.monotonic() + 20
        while time.monotonic() < until and any(len(t.lines) == b for t, b in zip(teams, before)):
            time.sleep(0.01)
        time.sleep(0.2)
        for team, seen in zip(teams, before):
            if len(team.lines) == seen:
                sys.exit(f"demo: {team.name} received nothing of it within twenty seconds")
        # All teams may read all sources here: what one receives, all do.
        for line in teams[0].lines[before[0] :]:
            print(f"       {colours.dim}every team receives{colours.off} {line}")


class Carebusctl:
    """carebusctl as a person types it: the command is shown, then what it says."""

    def __init__(self, command, colours):
        self.command, self.colours = command, colours

    def json(self, *arguments):
        done = subprocess.run([*self.command, "--json", *arguments], capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def show(self, what, *arguments, lines=None):
        sys.stdout.write(f"\n{self.colours.bold}{what}\n$ carebusctl {shlex.join(arguments)}{self.colours.off}\n")
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True)
        said = (done.stdout + done.stderr).splitlines()
        for line in said[:lines]:
            print(f"    {line}".rstrip())
        if lines and len(said) > lines:
            print(f"    {self.colours.dim}... {len(said) - lines} more lines{self.colours.off}")
        return done.returncode


def show_work(ctl):
    """What people do with it: who is this, what waits, what contradicts; and whether everybody holds the same."""
    ctl.show("The helpline's nurse looks for the caller", "find", "Ann", "Marsh", "--born", "14.3.52")
    review = ctl.json("identity", "review")[0]["id"]
    ctl.show("Who may be whom waits for a person, what is urgent first", "identity", "review")
    ctl.show("What speaks for it, and what to do", "identity", "show", review)
    ctl.show("Her daughter confirmed it", "identity", "link", review, "--who", "N. Otter, records", "--why", "her daughter rang back")
    patient = ctl.json("record", NHS_SYSTEM, day.NHS)[0]
    conflict = next(one["id"] for one in patient["conflicts"] if "closed" not in one)
    ctl.show("The one record, as a nurse sees it at 03:00", "record", day.NHS, "--at", "03:00", lines=56)
    ctl.show("Who knows settles what contradicts: both claims stay", "conflict", "settle", patient["patient_id"], conflict,
             "--who", "Dr B. Heron", "--why", "the locum's entry was meant for somebody else")
    ctl.show("Does every reader of records hold what the bus holds?", "converge")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", default="build", type=pathlib.Path)
    build = arguments.parse_args().build.resolve()
    colours = Colours(sys.stdout.isatty())
    folder = tempfile.mkdtemp(prefix="carebus-demo-")
    ports = {"mllp": free_port(), "fhir": free_port()}
    config = pathlib.Path(folder, "carebus.yaml")
    config.write_text(CONFIG.format(folder=folder, sources="[hospital-pas, community-epr, hospice-files, night-calls]", **ports))
    for name in (*FOLDERS.values(), "replica"):
        pathlib.Path(folder, name).mkdir()
    # As shipped, but that this hospice traces its NHS numbers and says so: they may join what others know of the same person.
    pathlib.Path(folder, "profiles").mkdir()
    shipped = pathlib.Path(__file__).resolve().parents[2] / "etc" / "profiles" / "hospice-minimum.yaml"
    pathlib.Path(folder, "profiles", "hospice.yaml").write_text(shipped.read_text() + "\nnhs_numbers_traced: true\n")
    carebusctl = [str(build / "ctl/carebusctl"), "--config", str(config)]
    running = []
    try:
        log = open(pathlib.Path(folder, "log"), "w")
        running.append(subprocess.Popen([str(build / "daemon/carebusd"), "--config", str(config)], stderr=log))
        wait_until("carebusd", lambda: subprocess.run([*carebusctl, "status"], capture_output=True).returncode == 0)
        for adapter, source in (("mllp", "hospital-pas"), ("fhir", "community-epr"), ("csv", "hospice-files"), ("csv", "night-calls")):
            program = str(build / f"adapters/{adapter}/carebus-{adapter}")
            running.append(subprocess.Popen([program, "--config", str(config), "--source", source], stderr=log))
        for adapter in ("mllp", "fhir"):
            wait_until(f"carebus-{adapter}", lambda adapter=adapter: can_connect(ports[adapter]))
        wait_until("carebus-csv", lambda: all(one["sessions"] > 0 for one in status(carebusctl)["sources"]))
        print(f"A bus in {folder}, four systems that speak to it in three languages, four teams that listen.\n")
        replica = [str(build / "sdk/example-records"), f"ipc://{folder}/run/feed", "hospice", "replica", f"{folder}/replica", "1000"]
        running.append(subprocess.Popen(replica, stdout=subprocess.DEVNULL))
        teams = [Team(build, folder, name) for name in ("community-nursing", "helpline", "hospice", "neurology")]
        for team in teams:
            running.append(team.process)
            team.start()
        with socket.create_connection(("127.0.0.1", ports["mllp"])) as connection:
            play(colours, folder, ports, connection, teams)
        wait_until("the last acknowledgement", lambda: all(feed["lag"] == 0 for feed in status(carebusctl)["feeds"]))
        show_work(Carebusctl(carebusctl, colours))
        print(f"\n{colours.bold}carebusctl status{colours.off}")
        sys.stdout.flush()
        code = subprocess.run([*carebusctl, "status"]).returncode
        if any(team.lines != teams[0].lines for team in teams):
            sys.exit("demo: the teams did not receive the same")
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
