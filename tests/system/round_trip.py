"""A bus by the rules that ship, with a sender in each of three languages and a receiver in each, and what the receivers were told.

The ward says everything, as HL7 (pas), as FHIR (epr) and as rows (sheet). Three other teams have to do with its people, because they were
referred to them: the hospice is told in HL7, the community team in FHIR, the surgery as rows for programs and as lists for people.
"""

import contextlib
import copy
import json
import pathlib
import re
import subprocess

from carebus_bus import BUILD, SLOW, Bus
from csv_peer import Csv
from fhir_peer import Fhir
from fhir_receiver import FhirDestination, FhirReceiver
from mllp_peer import Mllp, free_port
from mllp_receiver import Receiver
from test_csv_destination import Sheet
from test_mllp_destination import Adapter

TEAMS = {
    "ward": {"name": "Ward 7", "organisation": "RA9", "class": "clinical", "may_read": ["pas", "epr", "sheet"],
             "contact": {"phone": "01632 960007"}},
    "hospice": {"name": "Hospice", "organisation": "8HV48", "class": "clinical"},
    "community": {"name": "Community nurses", "organisation": "RYV99", "class": "clinical"},
    "surgery": {"name": "Surgery", "organisation": "M81001", "class": "clinical"},
}
RECEIVERS = ("8HV48", "RYV99", "M81001")
SECONDS = 60 * SLOW


def nhs_number(index):
    """The index-th number of the range for tests whose last digit proves it right."""
    found = -1
    for body in range(999000000, 999999999):
        check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(str(body))) % 11
        if check != 10:
            found += 1
            if found == index:
                return f"{body}{check % 11}"
    raise ValueError(index)


class World:
    """All of it, running. `told(team)` is what came of it there."""

    def __init__(self, config=None, echo=False):
        self.bus = Bus({"teams": copy.deepcopy(TEAMS), "sources": {}, "sharing": None, "scope": None, **(config or {})})
        self.bus.config["sources"] = {}
        self.hospice, self.community = Receiver(free_port()), FhirReceiver().start()
        self.pas = Mllp(self.bus, "pas")
        self.epr = Fhir(self.bus, "epr", profile="uk-core")
        self.sheet = Csv(self.bus, "sheet")
        self.bus.config["sources"]["sheet"]["profile"] = "hospice-minimum"
        self.echoes, self.together = [], None
        if echo:
            self.hospice_source = Mllp(self.bus, "hospice-epr")
            self.community_source = Fhir(self.bus, "community-epr", profile="uk-core")
            self.bus.config["sources"]["hospice-epr"]["team"] = "hospice"
            self.bus.config["sources"]["community-epr"]["team"] = "community"
            self.bus.config["teams"]["ward"]["may_read"] = ["pas", "epr", "sheet", "hospice-epr", "community-epr"]
            self.echoes = [self.hospice_source, self.community_source]
        common = {"tries": 3, "pause_max": "1s", "timeout": "5s", "window": 8}
        self.bus.config["destinations"] = {
            "to-hospice": {"team": "hospice", "adapter": "mllp", "connect": f"127.0.0.1:{self.hospice.port}", **common},
            "to-community": {"team": "community", "adapter": "fhir", "url": self.community.url, **common},
        }
        self.lists = Sheet(self.bus, "surgery", "to-surgery", form="both", list_every="10s")
        self.to_hospice, self.to_community = Adapter(self.bus, "to-hospice"), FhirDestination(self.bus, "to-community")

    def start(self):
        profiles = self.bus.folder / "profiles"
        if not profiles.exists():
            profiles.symlink_to(pathlib.Path(__file__).resolve().parents[2] / "etc" / "profiles")
        self.bus.write_config()
        self.bus.start()
        self.hospice.start()
        for one in (self.pas, self.epr, self.sheet, *self.echoes, self.to_hospice, self.to_community, self.lists):
            one.start()
        self.hl7, self.fhir = self.pas.sender(), self.epr.client()
        return self

    def close(self):
        for one in (self.to_community, self.lists, self.pas, self.epr, self.sheet, *self.echoes):
            one.close()
        if self.to_hospice.process:
            assert self.to_hospice.stop() == 0, self.to_hospice.log()
        assert not re.search(r"ERROR: AddressSanitizer|runtime error:", self.to_hospice.log()), self.to_hospice.log()[-8000:]
        if self.hospice.listener:
            self.hospice.stop()
        if self.community.server:
            self.community.stop()
        self.bus.close()

    # ---- what the ward says

    def say_hl7(self, text, code="AA"):
        answer = self.hl7.ask(text)
        assert answer.code == code, answer.text
        return answer

    def say_fhir(self, resource, status=(200, 201)):
        answer = self.fhir.post("/", resource)
        assert answer.status in status, (answer.status, answer.body)
        return answer

    def say_rows(self, name, text):
        """Waits until it is taken, which is when it has not changed for a while; within rows_together() that is waited for at the end."""
        self.sheet.drop(name, text)
        if self.together is None:
            self.wait_rows(name)
        else:
            self.together.append(name)

    def wait_rows(self, name):
        self.sheet.wait_gone(name)
        receipt = self.sheet.receipt(name)
        assert not receipt.count("problem"), receipt.text

    @contextlib.contextmanager
    def rows_together(self):
        """Files about different people may lie there side by side."""
        self.together = []
        yield
        for name in self.together:
            self.wait_rows(name)
        self.together = None

    # ---- what the bus holds, and what was told

    def events(self, team="ward"):
        self.bus.wait_folded()
        done = self.bus.ctl("--json", "tail", "--team", team) if team else self.bus.ctl("--json", "tail")
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def translate_each(language, path, profile="default"):
    """What our own reader of that language makes of a file: for each message in it (events, problems)."""
    program = BUILD / "adapters" / language / f"carebus-{language}"
    done = subprocess.run([str(program), "--translate", str(path), "--profile", profile], capture_output=True, text=True,
                          timeout=60 * SLOW, check=False, cwd=pathlib.Path(__file__).resolve().parents[2])
    assert done.returncode == 0, done.stderr + done.stdout
    return [(line["events"], line["problems"]) for line in map(json.loads, done.stdout.splitlines())]


def translate(language, path, profile="default"):
    """The same of all messages together: (events, problems)."""
    found = translate_each(language, path, profile)
    return [event for events, _ in found for event in events], [problem for _, problems in found for problem in problems]
