#!/usr/bin/python3
"""One day of one person, played through real adapters into a bus in a throw-away folder.

A hospital that speaks HL7 v2, community nurses whose record speaks FHIR, a hospice and a helpline that export spreadsheets, a care home
and an ambulance service that send nothing: what each says (day.py), who is shown what of it by the rules that ship, how somebody sees more
who has to, what is delivered into the hospital's own system and into the care home's folder, and what can be proven of it afterwards. Every
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
import textwrap
import threading
import time
import urllib.request

sys.dont_write_bytecode = True  # where it is installed, its folder belongs to a package
import day

TOP = pathlib.Path(__file__).resolve().parents[2]


class Programs:
    """Where the programs are: in a build folder, or where the packages put them."""

    def __init__(self, build):
        in_build = {"carebusd": "daemon", "carebusctl": "ctl", "carebus-mllp": "adapters/mllp", "carebus-fhir": "adapters/fhir",
                    "carebus-csv": "adapters/csv", "example-read": "sdk", "example-records": "sdk"}
        installed = {"carebusd": "/usr/sbin", "example-read": "/usr/libexec/carebus-demo", "example-records": "/usr/libexec/carebus-demo"}
        if not build and (TOP / "meson.build").is_file():
            build = TOP / "build"
        self.folders = {name: installed.get(name, "/usr/bin") for name in in_build}
        if build:
            self.folders = {name: build.resolve() / folder for name, folder in in_build.items()}
        self.profiles = TOP / "etc" / "profiles" if build else pathlib.Path("/usr/share/carebus/profiles")

    def __getitem__(self, name):
        return f"{self.folders[name]}/{name}"


# No rules and no `may_read` stand here: etc/sharing.yaml holds, as it ships.
CONFIG = """\
bus: demo-care
environment: test
state: {folder}/state
run: {folder}/run
timezone: Europe/London
teams:
  neurology:         {{name: Neurology, organisation: RA9, class: clinical}}
  community-nursing: {{name: Community nursing, organisation: RB1, class: clinical}}
  hospice:
    {{name: St Brigid's Hospice, organisation: 8HK42, class: clinical,
     contact_points: [{{name: The hospice's nurse on call, phone: 01632 960111, hours: 24/7, kind: out-of-hours}}]}}
  helpline:
    {{name: Night helpline, organisation: 8HK43, class: helpline,
     contact_points: [{{name: Night helpline, phone: 01632 960222, hours: "Mo-Su 18:00-08:00", kind: helpline}}]}}
  care-home:         {{name: Mill House, organisation: VLM01, class: care-home}}
  ambulance:         {{name: Wester Ambulance, organisation: RYE, class: ambulance}}
sources:
  hospital-pas:  {{team: neurology, adapter: mllp, listen: "127.0.0.1:{mllp}", profile: epic-uk}}
  community-epr: {{team: community-nursing, adapter: fhir, listen: "127.0.0.1:{fhir}", profile: uk-core}}
  hospice-files: {{team: hospice, adapter: csv, folder: {folder}/hospice, profile: hospice}}
  night-calls:   {{team: helpline, adapter: csv, folder: {folder}/calls, profile: hospice-minimum}}
destinations:
  hospital-in:   {{team: neurology, adapter: mllp, connect: "127.0.0.1:{receiver}", sources: [hospital-pas], profile: epic-uk}}
  mill-house:    {{team: care-home, adapter: csv, folder: {folder}/mill-house, list_every: 10s}}
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



class Team(threading.Thread):
    """What a team is given, as its program would receive it: the library's own example of a reader.

    The example ends when it was given nothing for ten seconds. Begun again, it goes on where it stood.
    """

    def __init__(self, programs, folder, name):
        super().__init__(daemon=True)
        self.name, self.lines, self.is_over = name, [], False
        endpoints = [f"ipc://{folder}/run/feed", f"ipc://{folder}/run/live/{name}"]
        self.command = [programs["example-read"], *endpoints, name, "demo", "1000"]
        self.process = self.begin()

    def begin(self):
        return subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)

    def run(self):
        while not self.is_over:
            for line in self.process.stdout:
                self.lines.append(tuple(line.split()))
            if self.process.wait() == 0 and not self.is_over:
                self.process = self.begin()
            else:
                self.is_over = True

    def stop(self):
        self.is_over = True
        self.process.terminate()


class Receiver(threading.Thread):
    """The hospital's own system: takes messages of HL7 v2 over MLLP, keeps them, and says yes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.messages, self.server = [], socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]

    def run(self):
        while True:
            connection, _ = self.server.accept()
            with connection:
                rest = b""
                while piece := connection.recv(65536):
                    *whole, rest = (rest + piece).split(b"\x1c\r")
                    for message in whole:
                        self.answer(connection, message.lstrip(b"\x0b").decode())

    def answer(self, connection, message):
        self.messages.append(message.split("\r"))
        number = message.split("|")[9]
        connection.sendall(f"\x0bMSH|^~\\&|EPR|RA9|||||ACK|A{number}|T|2.4\rMSA|AA|{number}\r\x1c\r".encode())


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
TEAMS = ("ambulance", "care-home", "community-nursing", "helpline", "hospice", "neurology")


class Bus:
    """The bus of this demonstration, as its audience sees it."""

    def __init__(self, colours, folder, ports, ctl):
        self.colours, self.folder, self.ports, self.ctl = colours, folder, ports, ctl
        self.teams, self.shown, self.connection = [], {}, None

    def is_quiet(self):
        """Whoever reads events has all that there is for them; a reader of records hears of what changes a record only."""
        said = self.ctl.json("status")[0]
        behind = [feed for feed in said["feeds"] if feed["lag"] and feed["consumer"] not in ("replica", "mill-house-known")]
        return said["seq"] == said["folded_seq"] and not behind

    def print_received(self):
        """Who was given what since the last time: an event a line, with the teams behind it."""
        time.sleep(0.3)
        wait_until("what the teams are given", self.is_quiet)
        time.sleep(0.3)
        given = {}
        for team in self.teams:
            for line in team.lines[self.shown.get(team.name, 0):]:
                given.setdefault(line[:2], []).append(team.name)
            self.shown[team.name] = len(team.lines)
        for place, what in sorted(given, key=lambda key: [int(n) for n in key[0].split(".")]):
            print(f"       {self.colours.dim}{place:>5} {what:<31}{self.colours.off} {', '.join(given[place, what])}")
        return given

    def play(self, step):
        at, what, language, said = step
        answer, is_yes = tell((language, said), self.folder, self.ports, self.connection)
        colour = self.colours.green if is_yes else self.colours.red
        print(f"\n{self.colours.bold}{at}  {what}{self.colours.off}\n       {LANGUAGES[language]} -> {colour}{answer}{self.colours.off}")
        if not self.print_received():
            sys.exit("demo: nobody was given anything of it")


def quoted(word):
    """A word as people quote it: an apostrophe stands in double quotation marks."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


class Carebusctl:
    """carebusctl as a person types it: the command is shown, then what it says."""

    def __init__(self, command, colours):
        self.command, self.colours = command, colours

    def json(self, *arguments):
        done = subprocess.run([*self.command, "--json", *arguments], capture_output=True, text=True)
        if not done.stdout:
            raise SystemExit(f"demo: carebusctl {' '.join(arguments)} said nothing (exit {done.returncode}): {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def show(self, what, *arguments, lines=None, only=""):
        """`lines`: so many of what it says; `only`: those that have this in them."""
        typed = " ".join(quoted(word) for word in arguments)
        sys.stdout.write(f"\n{self.colours.bold}{what}\n$ carebusctl {typed}{self.colours.off}\n")
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True)
        said = (done.stdout + done.stderr).splitlines()
        shown = [line for line in said if only in line][:lines]
        for line in shown:
            print(textwrap.fill(line, 132, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False).rstrip())
        if len(shown) < len(said):
            print(f"    {self.colours.dim}... {len(said) - len(shown)} more lines{self.colours.off}")
        return done.returncode


def say(colours, text):
    print(f"\n{colours.bold}== {text}{colours.off}")


def show_referral(bus):
    """09:10: asked is enough. The hospice has not said yes yet."""
    bus.ctl.show("Asked by a referral, the hospice sees the record before it says yes", "record", day.NHS, "--team", "hospice", lines=14)
    bus.ctl.show("Mill House, named in her care team, sees what a home needs", "record", day.NHS, "--team", "care-home", lines=14)


def show_care_home(bus):
    """19:00: of all that was decided and wished, that about resuscitation, and where the form is."""
    bus.ctl.show("What the care home sees: what was decided about resuscitation, and where the form is; no wishes, letters or diagnoses",
                 "record", day.NHS, "--team", "care-home", lines=40)


def show_glass(bus):
    """22:40: nobody has told the bus that the crew is on its way."""
    ctl, who = bus.ctl, ("--team", "ambulance")
    ctl.show("22:40  Tom rang 999. The bus knows of no call, so the crew is shown nothing", "record", day.NHS, *who)
    ctl.show("The crew says why it has to look", "break-glass", NHS_SYSTEM, day.NHS, *who, "--reason", "emergency",
             "--why", "breathless at home, her husband knows of a form", "--who", "Paramedic C. Finch", "--for", "1h")
    ctl.show("It opens the record at once, for an hour", "record", day.NHS, *who, lines=30)
    print("\n       What the crew is given, and who hears that the glass was broken:")
    bus.print_received()
    glass = str(ctl.json("break-glass", "list")[0]["seq"])
    ctl.show("It stays on a list until somebody has looked at it", "break-glass", "list")
    ctl.show("22:50  She is better and stays at home: the crew closes it again", "break-glass", "end", glass,
             "--who", "C. Finch", "--why", "left")
    bus.print_received()
    ctl.show("Next morning: was that right?", "break-glass", "review", glass, "--who", "Dr A. Caldicott", "--why", "it was: 999 call 4711")


def show_call(bus):
    """23:05: who is she? Three details are enough for a team that takes calls; which of both is a decision of people."""
    ctl = bus.ctl
    ctl.show("The helpline may look for who calls by three details", "find", "Ann", "Marsh", "--born", day.BORN, "--postcode", "WE1 1AA",
             "--team", "helpline")
    review = ctl.json("identity", "review")[0]["id"]
    ctl.show("Who may be whom waits for a person", "identity", "review")
    ctl.show("What speaks for it, and what to do", "identity", "show", review)
    ctl.show("Her daughter confirmed it", "identity", "link", review, "--who", "N. Otter, records", "--why", "her daughter rang back")
    bus.print_received()
    ctl.show("The helpline opens a call: no broken glass, but said, kept, and over after three days",
             "contact", "open", NHS_SYSTEM, day.NHS, "--team", "helpline", "--caller", "family",
             "--reason", "breathless, afraid of hospital", "--who", "P. Vole")
    bus.print_received()


def show_record(bus):
    ctl = bus.ctl
    patient = ctl.json("record", NHS_SYSTEM, day.NHS)[0]
    conflict = next(one["id"] for one in patient["conflicts"] if "closed" not in one)
    ctl.show("The one record, as a hospice nurse sees it at 03:00", "record", day.NHS, "--team", "hospice", "--at", "03:00", lines=56)
    ctl.show("Who knows settles what contradicts: both claims stay", "conflict", "settle", patient["patient_id"], conflict,
             "--who", "Dr B. Heron", "--why", "the locum's entry was meant for somebody else")
    return patient["patient_id"]


def show_delivered(bus, receiver):
    """In each team's own language: HL7 v2 into the hospital's system, a folder for the home."""
    say(bus.colours, "What was delivered into the hospital's own system: the hospice's decision, in HL7 v2")
    decision = next(message for message in receiver.messages if any("kitchen" in segment for segment in message))
    for segment in decision:
        if segment:
            print(f"    {segment}")
    say(bus.colours, "What lies in the care home's folder, readable with the bus down: mill-house/last-known.txt")
    for line in pathlib.Path(bus.folder, "mill-house", "last-known.txt").read_text(encoding="utf-8-sig").splitlines():
        print(f"    {line}".rstrip())


def show_proof(bus, patient, decision):
    ctl = bus.ctl
    ctl.show("Why does the care home see the decision, and what of it was it given?", "why", decision, "care-home")
    ctl.show("And why not the neurologist's letter?", "why", bus.letter, "care-home")
    ctl.show("Who was given that decision, how, and by which rule?", "audit", "who", patient, only=f"event {decision}")
    ctl.show("Is the audit what was written? (Signed every minute; the signatures belong on another machine, too)", "audit", "verify")
    ctl.show("What came of what the hospital sent, without content?", "receipts", "hospital-pas", "--limit", "2")
    ctl.show("Does every reader of records hold what the bus holds?", "converge")


AFTER = {"09:10": show_referral, "19:00": show_care_home, "22:30": show_glass, "23:05": show_call}


def play_day(bus, receiver):
    decision = None
    for step in day.STEPS:
        bus.play(step)
        if step[0] in AFTER:
            AFTER[step[0]](bus)
    events = bus.ctl.json("tail")
    decision = next(e["event_id"] for e in events if e.get("type") == "cpr_decision.recorded" and e["source"] == "hospice-files")
    bus.letter = next(e["event_id"] for e in events if e.get("type") == "document.available")
    patient = show_record(bus)
    wait_until("delivery", bus.is_quiet)
    show_delivered(bus, receiver)
    show_proof(bus, patient, decision)


def start(programs, config, folder, ports, ctl, log):
    """The daemon first, then what speaks to it. Gives the processes as they come up."""
    yield subprocess.Popen([programs["carebusd"], "--config", str(config)], stderr=log)
    wait_until("carebusd", lambda: subprocess.run([*ctl.command, "status"], capture_output=True).returncode == 0)
    adapters = (("mllp", "--source", "hospital-pas"), ("fhir", "--source", "community-epr"), ("csv", "--source", "hospice-files"),
                ("csv", "--source", "night-calls"), ("mllp", "--destination", "hospital-in"), ("csv", "--destination", "mill-house"))
    for adapter, which, name in adapters:
        yield subprocess.Popen([programs[f"carebus-{adapter}"], "--config", str(config), which, name], stderr=log)
    for adapter in ("mllp", "fhir"):
        wait_until(f"carebus-{adapter}", lambda adapter=adapter: can_connect(ports[adapter]))
    wait_until("carebus-csv", lambda: all(one["sessions"] > 0 for one in ctl.json("status")[0]["sources"]))
    replica = [programs["example-records"], f"ipc://{folder}/run/feed", "hospice", "replica", f"{folder}/replica", "1000"]
    yield subprocess.Popen(replica, stdout=subprocess.DEVNULL)


def prepare(programs, folder, ports):
    """Folders, the configuration, and a profile as shipped but that this hospice traces its NHS numbers and says so."""
    for name in (*FOLDERS.values(), "replica", "mill-house", "profiles"):
        pathlib.Path(folder, name).mkdir()
    shipped = programs.profiles / "hospice-minimum.yaml"
    pathlib.Path(folder, "profiles", "hospice.yaml").write_text(shipped.read_text() + "\nnhs_numbers_traced: true\n")
    config = pathlib.Path(folder, "carebus.yaml")
    config.write_text(CONFIG.format(folder=folder, **ports))
    return config


def stop(running):
    for process in reversed(running):
        process.send_signal(signal.SIGTERM)
    for process in reversed(running):
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", type=pathlib.Path, help="a build folder, instead of the programs that are installed")
    programs = Programs(arguments.parse_args().build)
    colours = Colours(sys.stdout.isatty())
    folder = tempfile.mkdtemp(prefix="carebus-demo-")
    receiver = Receiver()
    receiver.start()
    ports = {"mllp": free_port(), "fhir": free_port(), "receiver": receiver.port}
    config = prepare(programs, folder, ports)
    ctl = Carebusctl([programs["carebusctl"], "--config", str(config)], colours)
    bus = Bus(colours, folder, ports, ctl)
    running = []
    log = open(pathlib.Path(folder, "log"), "w")
    try:
        for process in start(programs, config, folder, ports, ctl, log):
            running.append(process)
        print(f"A bus in {folder}: four systems that speak to it in three languages, six teams that each see what they may.")
        print("Behind each event stand the teams that it was given to.")
        bus.teams = [Team(programs, folder, name) for name in TEAMS]
        for team in bus.teams:
            team.start()
        with socket.create_connection(("127.0.0.1", ports["mllp"])) as bus.connection:
            play_day(bus, receiver)
        return ctl.show("And how is the bus?", "status")
    except (Exception, SystemExit):
        log.flush()
        sys.stderr.write(pathlib.Path(folder, "log").read_text())
        raise
    finally:
        for team in bus.teams:
            team.stop()
        stop(running)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
