"""What a team is promised that reads its lists in a folder: carebus-csv --destination, with the real daemon and real files."""

import csv
import io
import json
import pathlib
import re
import signal
import subprocess

import pytest

from carebus_bus import FINDING, OPEN_SHARING, SLOW, BusError, bodies_pb2, event_pb2, intake_pb2, wait_for
from csv_peer import CAREBUS_CSV, Csv
from test_destination import said

SECONDS = 40 * SLOW


class Sheet:
    """carebus-csv as the adapter of a destination, and the folder that it fills."""

    def __init__(self, bus, team="ward", name="sheet", **settings):
        self.bus, self.name = bus, name
        self.folder = bus.folder / f"out-{name}"
        self.folder.mkdir()
        self.log_path = bus.folder / f"sheet-{name}.log"
        self.process = None
        bus.config.setdefault("destinations", {})[name] = {"team": team, "adapter": "csv", "folder": str(self.folder), **settings}
        bus.write_config()

    def start(self):
        started = self.log().count("event=STARTED")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(CAREBUS_CSV), "--config", str(self.bus.config_path), "--destination", self.name],
                                            stdout=log, stderr=log, start_new_session=True)
        wait_for(lambda: self.log().count("event=STARTED") > started, SECONDS, self.log)
        return self

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            if self.process.wait(20 * SLOW) not in (0, -signal.SIGKILL):
                raise BusError(f"carebus-csv ended with {self.process.returncode}:\n{self.log()[-4000:]}")
            self.process = None
        if FINDING.search(self.log()):
            raise BusError(f"a sanitizer found something in carebus-csv:\n{self.log()[-8000:]}")

    def files(self, pattern="*"):
        return sorted(path for path in self.folder.rglob(pattern) if path.is_file() and ".carebus" not in path.parts)

    def rows(self, pattern):
        """The rows of all such files, as mappings."""
        found = []
        for path in self.files(pattern):
            data = path.read_bytes()
            assert data.endswith(b"\r\n"), f"{path.name} is half"
            found += csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        return found

    def wait_rows(self, pattern, count):
        return wait_for(lambda: (rows := self.rows(pattern)) and len(rows) >= count and rows, SECONDS,
                        lambda: f"{count} rows in {pattern}, not {self.rows(pattern)}\n{self.log()[-3000:]}")

    def wait_text(self, name, part):
        def text():
            path = self.folder / name
            return path.read_text(encoding="utf-8") if path.exists() else ""
        return wait_for(lambda: part in text() and text(), SECONDS, lambda: f"'{part}' in {name}:\n{text()}\n{self.log()[-3000:]}")


@pytest.fixture
def make_sheet(make_bus):
    made = []

    def make(config=None, start=True, **settings):
        bus = make_bus(config)
        sheet = Sheet(bus, **settings)
        made.append(sheet)
        bus.start()
        return sheet.start() if start else sheet

    yield make
    for sheet in made:
        sheet.close()


def message(message_id, person, *fill):
    """A submission about a person; each of `fill` puts one event in order."""
    result = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", message_id=message_id, original=message_id.encode())
    for one in fill:
        event = result.events.add(action=event_pb2.ACTION_NEW)
        event.occurred_at.utc_at = 1_760_000_000_000_000
        identifier = event.patient.identifiers.add(system="carebus:pas", value=person)
        identifier.type = "MR"
        one(event)
    return result


def somebody(family, **fields):
    def fill(event):
        event.type, event.action = "patient.updated", event_pb2.ACTION_UPDATE
        person = event.demographics
        name = person.names.add(use="official", family=family)
        name.given.append("Anna")
        person.birth_date.year, person.birth_date.month, person.birth_date.day = 1952, 3, 14
        for key, value in fields.items():
            setattr(person, key, value)
    return fill


def cpr(number, code="450476008", place="yellow folder in the kitchen", **fields):
    def fill(event):
        event.type = "cpr_decision.recorded"
        decision = event.decision
        decision.identifier.system, decision.identifier.value = "carebus:pas", number
        decision.kind, decision.status = bodies_pb2.Decision.KIND_CPR, bodies_pb2.Decision.STATUS_ACTIVE
        decision.decision.system, decision.decision.code = "http://snomed.info/sct", code
        decision.decided_at.utc_at, decision.decided_at.precision = 1_750_000_000_000_000, 3
        decision.original_location = place
        for key, value in fields.items():
            setattr(decision, key, value)
    return fill


def test_what_is_new_stands_in_todays_list_once_and_in_plain_words(make_sheet):
    sheet = make_sheet()
    pas = sheet.bus.source("pas")
    pas.send(message("A", "P1", somebody("EXAMPLE")), message("B", "P1", cpr("D1", decision_text="=cmd|' /C calc'!A0")))
    rows = sheet.wait_rows("list-*.csv", 2)
    decision, = (row for row in rows if row["What"].startswith("Resuscitation"))
    assert decision["Who"] == "Anna EXAMPLE" and decision["Born"] == "1952-03-14"
    assert "original location: yellow folder in the kitchen" in decision["Details"]
    assert len({row["Reference"] for row in rows}) == len(rows)
    for row in rows:
        for cell in row.values():
            assert not cell or cell[0] not in "=+-@\t\r", "a spreadsheet would calculate this"
    assert sheet.files("list-*.csv")[0].read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_kill_at_any_time_loses_nothing_and_doubles_nothing(make_sheet):
    sheet = make_sheet()
    pas = sheet.bus.source("pas")
    for n in range(30):
        pas.send(message(f"M{n}", f"P{n % 7}", cpr(f"D{n}")))
        if n % 6 == 5:
            sheet.kill()
            sheet.start()

    def decisions():
        return [row for row in sheet.rows("list-*.csv") if row["What"].startswith("Resuscitation")]
    wait_for(lambda: len(decisions()) >= 30, SECONDS, lambda: f"30 rows, not {len(decisions())}\n{sheet.log()[-3000:]}")
    assert len({row["Reference"] for row in decisions()}) == len(decisions()) == 30
    assert not [path for path in sheet.files() if path.suffix not in (".csv", ".txt")], "something half was left"


def test_a_folder_that_is_away_is_tried_again_and_nothing_is_acknowledged(make_sheet):
    sheet = make_sheet()
    pas = sheet.bus.source("pas")
    pas.send(message("A", "P1", cpr("D1")))
    sheet.wait_rows("list-*.csv", 1)
    away = sheet.folder.with_name("away")
    sheet.folder.rename(away)
    pas.send(message("B", "P1", cpr("D2")), message("C", "P2", cpr("D3")))
    wait_for(lambda: "FOLDER_NOT_USABLE" in sheet.log(), SECONDS, sheet.log)
    sheet.kill()  # what was only in memory is gone
    sheet.start()
    assert not sheet.folder.exists(), "a folder that is not mounted is not made"
    away.rename(sheet.folder)
    rows = sheet.wait_rows("list-*.csv", 3)
    assert len(rows) == 3


@pytest.mark.root
def test_a_full_disk_is_tried_again_and_no_file_is_half(make_sheet):
    sheet = make_sheet(start=False)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(sheet.folder)], check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    try:
        (sheet.folder / "filler").write_bytes(b"x" * 48 * 1024)
        sheet.start()
        pas = sheet.bus.source("pas")
        pas.send(*[message(f"M{n}", f"P{n}", cpr(f"D{n}", text="long " * 400)) for n in range(20)])
        wait_for(lambda: "FOLDER_NOT_USABLE" in sheet.log(), SECONDS, sheet.log)
        sheet.rows("list-*.csv")
        subprocess.run(["mount", "-o", "remount,size=8m", str(sheet.folder)], check=True)
        rows = sheet.wait_rows("list-*.csv", 20)
        assert len({row["Reference"] for row in rows}) == len(rows) == 20
    finally:
        sheet.close()
        subprocess.run(["umount", "-l", str(sheet.folder)], check=False)


def test_who_asks_gets_what_is_new_since_they_last_asked(make_sheet):
    sheet = make_sheet()
    pas = sheet.bus.source("pas")

    def ask():
        before = set(sheet.files("since-last-*.csv"))
        (sheet.folder / "since-last.request").touch()
        wait_for(lambda: not (sheet.folder / "since-last.request").exists(), SECONDS, sheet.log)
        path, = set(sheet.files("since-last-*.csv")) - before
        return [row for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")) if row["Reference"]], path

    pas.send(message("A", "P1", cpr("D1")))
    sheet.wait_rows("list-*.csv", 1)
    assert len(ask()[0]) == 1
    pas.send(message("B", "P1", cpr("D2")), message("C", "P1", cpr("D3")))
    sheet.wait_rows("list-*.csv", 3)
    assert len(ask()[0]) == 2
    rows, path = ask()
    assert not rows and "Nothing new" in path.read_text(encoding="utf-8-sig")


def test_rows_for_programs_are_taken_in_by_another_bus_and_say_the_same(make_sheet, make_bus):
    sheet = make_sheet(form="exact")
    evil = '=1+1, "x"\nsecond line; ' + "".join(chr(c) for c in range(32, 127))
    sheet.bus.source("pas").send(message("A", "P1", somebody("O'NEIL, the \"elder\"")), message("B", "P1", cpr("D1", text=evil)))
    plan = wait_for(lambda: sheet.files("plan-*.csv"), SECONDS, sheet.log)
    people = wait_for(lambda: sheet.files("people-*.csv"), SECONDS, sheet.log)
    assert not sheet.files("list-*.csv")
    other = make_bus()
    adapter = Csv(other, source="hospice", profile=EXACT_PROFILE.read_text(encoding="utf-8"))
    other.start()
    adapter.start()
    try:
        for path in people + plan:
            adapter.drop(path.name, path.read_bytes())
            adapter.wait_gone(path.name)
        events = wait_for(lambda: (found := adapter.events()) and len(found) >= 2 and found, SECONDS, adapter.log)
    finally:
        adapter.close()
    assert [event["type"] for event in events].count("patient.updated") == 1, "a row is one event, and what it is stands there"
    assert {event["carried_id"]["system"] for event in events} == {f"carebus:{sheet.bus.config['bus']}"}
    assert {number["system"] for event in events for number in event["patient"]["identifiers"]} >= {"carebus:pas"}
    decision, = (event["decision"] for event in events if event["type"] == "cpr_decision.recorded")
    assert decision["text"] == evil.strip()
    assert decision["decision"]["code"] == "450476008"
    assert decision["original_location"] == "yellow folder in the kitchen"
    name = next(event["demographics"]["names"][0] for event in events if event["type"] == "patient.updated")
    assert name["family"] == "O'NEIL, the \"elder\"" and name["given"] == ["Anna"]


EXACT_PROFILE = pathlib.Path(__file__).resolve().parents[2] / "etc" / "profiles" / "carebus-exact.yaml"
EXACT_COLUMNS = ["local_id_system", "id_system", "bus_event", "event_type", "event_action", "occurred_at", "recorded_at", "parts"]


def columns_of(path):
    return path.read_text(encoding="utf-8-sig").splitlines()[0].split(",")


def test_rows_for_programs_say_in_which_system_a_number_is_one_and_have_tables_beyond_the_templates(make_sheet):
    """Behind the columns that were there before, so that who reads these by place goes on."""
    sheet = make_sheet(form="exact")
    stay, told, letter = said(10, 1, "V7"), said(11, 1, event_type="allergy.recorded"), said(12, 1, event_type="document.available")
    stay.events[0].type, stay.events[0].encounter.place.point_of_care = "encounter.transferred", "Ward 4"
    stay.events[0].encounter.prior_place.point_of_care = "Ward 2"
    allergy, document = told.events[0].allergy, letter.events[0].document
    allergy.identifier.system, allergy.identifier.value, allergy.status = "carebus:pas", "AL1", "active"
    allergy.substance.text, allergy.severity.text, allergy.criticality.text = '=penicillin, "all"', "severe", "high"
    document.identifier.system, document.identifier.value, document.title = "carebus:pas", "D9", "Clinic letter"
    document.media_type, document.content = "image/tiff", b"II*"
    slot = said(13, 1, event_type="appointment.booked")
    slot.events[0].appointment.identifier.system, slot.events[0].appointment.identifier.value = "carebus:pas", "S3"
    slot.events[0].appointment.start_at.utc_at = 1_800_000_000_000_000
    slot.events[0].appointment.status = "booked"
    joined = said(14, 1, event_type="patient.merged")
    joined.events[0].merge.surviving.add(system="carebus:pas", value="P1", type="MR")
    joined.events[0].merge.retired.add(system="carebus:pas", value="P9", type="MR")
    sheet.bus.source("pas").send(stay, told, letter, slot, joined)

    def rows(table):
        return [row for path in sheet.files(f"{table}-*.csv") for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))]

    wanted = {"transfers": {"stay_id": "V7", "from_place": "Ward 2", "to_place": "Ward 4"},
              "allergies": {"allergy_id": "AL1", "substance": '=penicillin, "all"', "severity": "severe", "criticality": "high",
                            "status": "active"},
              "documents": {"document_id": "D9", "title": "Clinic letter", "media_type": "image/tiff"},
              "appointments": {"appointment_id": "S3", "status": "booked"},
              "merges": {"merge": "merged", "surviving_id": "P1", "retired_id": "P9", "retired_id_system": "carebus:pas"}}
    for table, cells in wanted.items():
        found = wait_for(lambda table=table: rows(table), SECONDS, lambda table=table: f"{table}\n{sheet.log()[-2000:]}")
        assert cells.items() <= found[0].items(), (table, found)
        assert found[0]["id_system"] == "carebus:pas" and found[0]["local_id"]
        assert (found[0]["local_id_system"], found[0]["local_id"][0]) == ("carebus:pas", "P"), "the receiver's own number of the person"
    for path in [path for path in sheet.files("*.csv") if path.parent.name == "exact"]:
        assert columns_of(path)[-8:] == EXACT_COLUMNS, path
        again = subprocess.run([str(CAREBUS_CSV), "--translate", str(path), "--profile", "carebus-exact"],
                               capture_output=True, text=True, timeout=60 * SLOW, check=True).stdout
        written = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
        for row, line in zip(written, map(json.loads, again.splitlines()), strict=True):
            (event,), problems = line["events"], line["problems"]
            assert not problems and event["type"] == row["event_type"], (path, line)
            assert f"{event['carried_id']['system']}#{event['carried_id']['value']}" == row["bus_event"]


def test_write_shows_the_rows_that_rows_became_and_says_what_has_none(tmp_path):
    people = "local_id,nhs_number,family_name,given_name,birth_date,sex\r\n77,9434765919,\"O'NEIL, the elder\",ANNA,1952-03-14,F\r\n"
    (tmp_path / "people.csv").write_text(people, encoding="utf-8")

    def run(*words, given=None):
        return subprocess.run([str(CAREBUS_CSV), *map(str, words)], input=given, capture_output=True, text=True,
                              timeout=60 * SLOW, check=False)
    first = run("--translate", tmp_path / "people.csv").stdout
    (tmp_path / "events.json").write_text(first + '{"events":[{"type":"service.published"}]}\n', encoding="utf-8")
    written = run("--write", tmp_path / "events.json")
    assert written.returncode == 0 and "service.published" in written.stderr and "NEIL" not in written.stderr
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "people.csv").write_text(written.stdout.strip() + "\n", encoding="utf-8")
    again = run("--translate", tmp_path / "again" / "people.csv").stdout

    def said(lines):
        who = json.loads(lines.splitlines()[0])["events"][0]["demographics"]
        return who["names"][0]["family"], who["names"][0]["given"], who["birth_date"], who["sex"]["code"]
    assert said(again) == said(first)
    assert run("--write", "-", given="no line\n").returncode == 65


def test_what_the_receivers_own_system_said_is_for_people_and_not_for_programs(make_sheet):
    sheet = make_sheet(form="both", sources=["pas"])
    own, others = message("A", "P1", somebody("EXAMPLE"), cpr("OWN")), message("B", "P1", cpr("OTHERS", place="with the GP"))
    sheet.bus.source("pas").send(own)
    sheet.bus.source("lab").send(others)
    sheet.wait_rows("list-*.csv", 3)
    plan = sheet.wait_rows("exact/plan-*.csv", 1)
    assert "with the GP" in str(plan) and "yellow folder" not in str(plan)
    assert not sheet.files("exact/people-*.csv")


def test_the_last_known_list_is_written_of_nobody_and_of_somebody_and_outlives_the_bus(make_sheet):
    sheet = make_sheet(list_every="10s")
    text = sheet.wait_text("last-known.txt", "Nobody is on it")
    assert "Last-known list of Ward" in text
    sheet.bus.source("pas").send(message("A", "P1", somebody("EXAMPLE"), cpr("D1")))
    text = sheet.wait_text("last-known.txt", "DO NOT ATTEMPT CPR")
    for part in ("Anna EXAMPLE", "1952-03-14", "yellow folder in the kitchen", "Ring in hours", "As of"):
        assert part in text
    table = sheet.wait_text("last-known.csv", "DO NOT ATTEMPT CPR")
    assert table.splitlines()[4].lstrip("\ufeff").startswith("Name,Born,NHS number,Resuscitation (CPR),Decided on")
    sheet.bus.stop()
    text = sheet.wait_text("last-known.txt", "THE BUS IS AWAY")
    assert "DO NOT ATTEMPT CPR" in text, "with the bus down the list still says what was known"
    sheet.kill()
    sheet.start()  # with the bus away nothing is known that is better than the list that is there
    assert "DO NOT ATTEMPT CPR" in (sheet.folder / "last-known.txt").read_text(encoding="utf-8")


def sheet_of_nobody(make_sheet):
    """A team that has to do with nobody, while a source speaks that may be silent for a minute."""
    rules = {**OPEN_SHARING, "rules": [{**OPEN_SHARING["rules"][0], "relationships": ["referral"]}]}
    sheet = make_sheet({"sharing": rules, "sources": {"lab": {"team": "ward", "adapter": "own", "silent_after": "60s"}},
                        "teams": {"crew": {"name": "Crew", "class": "ambulance", "may_read": ["lab", "pas"]}}},
                       team="crew", list_every="10s")
    sheet.bus.source("lab").send(message("A", "P1", somebody("EXAMPLE")))
    return sheet


def test_a_list_of_nobody_is_rewritten_and_says_each_time_as_of_when_it_knows_who_is_silent(make_sheet):
    sheet = sheet_of_nobody(make_sheet)

    def says():
        path = sheet.folder / "last-known.txt"
        found = re.search(r"No system is known to be silent (\(as of .*\))", path.read_text(encoding="utf-8") if path.exists() else "")
        return found and found[1]
    first = wait_for(says, SECONDS, sheet.log)
    (sheet.folder / "last-known.txt").unlink()
    assert wait_for(says, SECONDS, sheet.log)
    assert "(as of" in first and "Nobody is on it" in (sheet.folder / "last-known.txt").read_text(encoding="utf-8")


@pytest.mark.nightly
def test_a_list_of_nobody_names_who_has_gone_silent(make_sheet):
    sheet = sheet_of_nobody(make_sheet)
    sheet.wait_text("last-known.txt", "No system is known to be silent")

    def says():
        said = (sheet.folder / "last-known.txt").read_text(encoding="utf-8")
        return "not in it: lab (as of" in said and said
    text = wait_for(says, 60 + SECONDS, sheet.log)
    assert "Nobody is on it" in text
    assert "not in it: lab (as of" in sheet.wait_text("last-known.csv", "not in it: lab")
    sheet.bus.stop()
    text = sheet.wait_text("last-known.txt", "THE BUS IS AWAY")
    assert "not in it: lab (as of" in text, "what was last known of the systems still stands there"


def test_a_list_says_that_a_decision_is_hidden_and_not_that_there_is_none(make_sheet):
    few = {**OPEN_SHARING, "rules": [
        {"name": "who", "reason": "a test", "classes": ["ambulance"], "kinds": ["demographics"], "relationships": ["not-needed"]}]}
    sheet = make_sheet({"sharing": few, "teams": {"crew": {"name": "Crew", "class": "ambulance", "may_read": ["lab", "pas"]}}}, team="crew")
    sheet.bus.source("pas").send(message("A", "P1", somebody("EXAMPLE"), cpr("D1")), message("B", "P2", somebody("OTHER")))
    text = sheet.wait_text("last-known.txt", "2 on it")
    assert text.count("Resuscitation (CPR): not shown to your team: ring") == 2, "whether there is anything or not"


def test_fields_that_the_team_does_not_see_are_in_no_file_of_any_kind(make_sheet):
    restricted = {"types": ["Address", "Telecom", "RelatedPerson"], "fields": ["demographics.access_note"]}
    few = {**OPEN_SHARING, "restricted": restricted, "rules": [
        {"name": "cpr", "reason": "a test", "classes": ["ambulance"], "kinds": ["decisions"], "relationships": ["not-needed"],
         "fields": ["decision.kind", "decision.decision", "decision.decided_at", "decision.original_location", "decision.status"]},
        {"name": "who", "reason": "a test", "classes": ["ambulance"], "kinds": ["demographics"], "relationships": ["not-needed"],
         "except": ["demographics.religion"]}]}
    teams = {"crew": {"name": "Crew", "class": "ambulance"}}
    sheet = make_sheet({"sharing": few, "teams": teams}, team="crew", form="both")

    def hidden(event):
        somebody("EXAMPLE", access_note="CANARY-key-safe", restricted=True)(event)
        event.demographics.addresses.add(use="home", postal_code="CANARY-postcode").line.append("CANARY-street")
        event.demographics.telecom.add(system="phone", value="CANARY-phone")
        event.demographics.religion.text = "CANARY-religion"
        event.sensitivity.restricted_location = True

    sheet.bus.source("pas").send(message("A", "P1", hidden), message("B", "P1", cpr("D1", reason_text="CANARY-reason", text="CANARY-text")))
    sheet.wait_text("last-known.txt", "DO NOT ATTEMPT CPR")
    sheet.wait_rows("list-*.csv", 2)
    wait_for(lambda: sheet.files("plan-*.csv") and sheet.files("people-*.csv"), SECONDS, sheet.log)
    everything = b"".join(path.read_bytes() for path in sheet.folder.rglob("*") if path.is_file())
    assert b"yellow folder in the kitchen" in everything
    assert b"CANARY" not in everything
    assert b"not shown to your team" in everything
    assert b"CANARY" not in sheet.log().encode()


def test_a_daily_list_comes_at_its_hour_and_not_before(make_sheet):
    sheet = make_sheet(daily="00:00")
    sheet.wait_rows("list-*.csv", 1)  # of the day, at once: its hour is over
    assert sheet.rows("list-*.csv")[0]["What"].startswith("Nothing new")
    sheet.bus.source("pas").send(message("A", "P1", cpr("D1")))
    wait_for(lambda: b"Resuscitation" in b"".join(p.read_bytes() for p in sheet.folder.rglob(".carebus/*.csv")), SECONDS, sheet.log)
    assert len(sheet.rows("list-*.csv")) == 1, "what comes behind the hour waits for tomorrow"
