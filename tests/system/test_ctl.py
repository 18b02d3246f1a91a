"""What carebusctl promises to a person and to a script: answers, exit codes, JSON, and pages that agree with it."""

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from carebus_bus import CAREBUS_MLLP, CAREBUSCTL, CAREBUSD, ROOT, submission, wait_for
from carebus_readers import GRANTS
from csv_peer import CAREBUS_CSV
from fhir_peer import CAREBUS_FHIR

MAN = ROOT / "packaging" / "man"
PROGRAMS = {"carebusctl": (CAREBUSCTL, MAN / "carebusctl.1"), "carebusd": (CAREBUSD, MAN / "carebusd.8"),
            "carebus-mllp": (CAREBUS_MLLP, MAN / "carebus-mllp.8"), "carebus-fhir": (CAREBUS_FHIR, MAN / "carebus-fhir.8"),
            "carebus-csv": (CAREBUS_CSV, MAN / "carebus-csv.8")}


def run(*arguments, **options):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=60, check=False, **options)


# ---- exit codes


def test_status_is_0_when_both_parts_answer_1_when_one_does_not_69_when_none(bus):
    status, = bus.ctl_json("status")
    assert status["ready"] is True
    os.kill(bus.serve_pid, signal.SIGSTOP)
    try:
        done = bus.ctl("--json", "status")
    finally:
        os.kill(bus.serve_pid, signal.SIGCONT)
    assert done.returncode == 1
    assert json.loads(done.stdout)["ready"] is False
    bus.stop()
    assert bus.ctl("status").returncode == 69


@pytest.mark.parametrize("arguments, code", [
    ([], 64), (["statsu"], 64), (["status", "more"], 64), (["trace"], 64), (["tail", "--from", "x"], 64),
    (["quarantine", "retry"], 64), (["quarantine", "discard", "3", "--who", "a"], 64),
    (["quarantine", "discard", "3", "--why", "a"], 64), (["key", "new", "Not A Name"], 64),
    (["journal", "mend"], 64), (["rebuild"], 64), (["--no-such-option"], 64),
])
def test_wrong_use_is_64_with_one_line_that_says_how(bus, arguments, code):
    done = bus.ctl(*arguments)
    assert done.returncode == code
    assert done.stdout == "" and done.stderr
    if arguments:
        assert len(done.stderr.splitlines()) == 1


def test_a_retry_needs_no_name_and_a_discard_does(bus):
    pas = bus.source("pas")
    pas.send(submission("R-1", original=b"one"))
    receipt, = pas.send(submission("R-1", original=b"two"))
    seq = str(receipt.stored.seq)
    assert receipt.stored.quarantined == "same-id-other-bytes"
    assert bus.ctl("quarantine", "discard", seq).returncode == 64
    bus.wait_folded()
    bus.ctl("quarantine", "retry", seq, check=0)
    bus.wait_folded()
    assert [item["id"] for item in bus.ctl_json("quarantine", "list")] == []


def test_a_shipped_profile_can_be_tried_where_nothing_is_installed(tmp_path):
    file = tmp_path / "a.hl7"
    file.write_text("MSH|^~\\&|A|B|C|D|20260101||ADT^A28|1|T|2.4\rPID|1||5^^^X||B||1960|2\r", encoding="utf-8")
    nowhere = ["--config", tmp_path / "carebus.yaml"]
    done = run(CAREBUS_MLLP, *nowhere, "--translate", file, "--profile", "itk")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["events"][0]["demographics"]["sex"]["code"] == "female"
    assert run(CAREBUS_MLLP, *nowhere, "--translate", file, "--profile", "default").returncode == 0
    assert run(CAREBUS_MLLP, *nowhere, "--translate", file, "--profile", "nosuch").returncode == 78


def test_who_follows_goes_on_behind_a_restart_of_serve(bus):
    pas = bus.source("pas")
    pas.send(submission("F-1"))
    command = [str(CAREBUSCTL), "--config", str(bus.config_path), "tail", "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(follower.stdout.readline, "")))
        reader.start()
        try:
            wait_for(lambda: len(lines) >= 3, what="what was there: settings, the stay, and that the ward has to do with this person")
            os.kill(bus.serve_pid, signal.SIGKILL)
            pas.send(submission("F-2"))
            wait_for(lambda: len(lines) >= 4, what="what came while serve was away")
        finally:
            follower.terminate()
            reader.join()
    assert [line["seq"] for line in map(json.loads, lines) if line["type"] not in GRANTS] == [1, 2, 3]


def test_near_miss_of_a_command_is_named(bus):
    assert "did you mean status" in bus.ctl("statsu").stderr


def test_what_is_not_there_is_1(bus):
    assert bus.ctl("trace", "99").returncode == 1
    assert bus.ctl("trace", "pas", "NONE").returncode == 1
    assert bus.ctl("record", "p9.0").returncode == 1
    assert bus.ctl("quarantine", "show", "9").returncode == 1
    assert bus.ctl("quarantine", "discard", "9", "--who", "a", "--why", "b").returncode == 1
    nobody = bus.ctl("quarantine", "list", "--source", "nobody")
    assert (nobody.returncode, nobody.stdout) == (1, "") and "unknown-source" in nobody.stderr
    assert bus.ctl("quarantine", "list").stdout.split()[0] == "id"


def test_what_is_not_in_the_quarantine_any_more_is_1(bus):
    pas = bus.source("pas")
    plain, other = pas.send(submission("Q-1"), submission("Q-1", original=b"other"))
    bus.wait_folded()

    def decide(verb, seq):
        return bus.ctl("quarantine", verb, str(seq), "--who", "a", "--why", "b")

    for verb in ("retry", "discard"):
        never = decide(verb, plain.stored.seq)
        assert never.returncode == 1 and "not-quarantined" in never.stderr
    assert decide("discard", other.stored.seq).returncode == 0
    bus.wait_folded()
    for verb in ("retry", "discard"):
        again = decide(verb, other.stored.seq)
        assert again.returncode == 1 and "already-resolved" in again.stderr


def test_configuration_that_cannot_be_read_is_78(tmp_path):
    assert run(CAREBUSCTL, "--config", tmp_path / "none.yaml", "status").returncode == 78
    (tmp_path / "bad.yaml").write_text("bus: x\nteems: {}\n", encoding="utf-8")
    assert run(CAREBUSCTL, "--config", tmp_path / "bad.yaml", "check").returncode == 78
    assert run(CAREBUSD, "--config", tmp_path / "bad.yaml").returncode == 78


@pytest.mark.root
def test_user_who_is_no_operator_is_77(bus):
    for path in (bus.folder, bus.folder / "run"):
        path.chmod(0o755)

    def as_daemon():
        os.setgid(1)
        os.setuid(1)

    done = run(CAREBUSCTL, "--config", bus.config_path, "status", preexec_fn=as_daemon)
    # The configuration names the daemon's own user by what it runs as; who asks is another.
    assert done.returncode == 77, done.stderr
    assert "operators" in done.stderr


@pytest.mark.root
@pytest.mark.long
def test_who_is_refused_is_told_and_lets_go_every_time(bus):
    """Two threads of libzmq could wait for each other at the end, once in some hundred times."""

    def as_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    def ask(_):
        return run(CAREBUSCTL, "--config", bus.config_path, "status", preexec_fn=as_nobody).returncode

    if os.geteuid() != 0:
        pytest.skip("needs root to be somebody else")
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(300))) == {77}


def test_nobody_is_told_77_by_the_daemon_and_cannot_be_the_daemon(make_bus):
    """What the kernel shows for whoever it cannot show must not become somebody, wherever a `user:` is left out."""
    bus = make_bus().start()
    for path in (bus.folder, bus.folder / "run"):
        path.chmod(0o755)

    def as_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    def run_as_nobody(program, *arguments):
        return run(program, "--config", bus.config_path, *arguments, preexec_fn=as_nobody)

    for command in (["status"], ["tail"], ["quarantine", "list"]):
        done = run_as_nobody(CAREBUSCTL, *command)
        assert done.returncode == 77, (command, done.stderr)
        assert "operators" in done.stderr
    for program, arguments in ((CAREBUSCTL, ["check"]), (CAREBUSD, ["--check"]), (CAREBUSD, [])):
        done = run_as_nobody(program, *arguments)
        assert done.returncode == 78, done.stderr
        assert "carebusd runs as nobody (65534)" in done.stderr and "hint: run it as a user of its own" in done.stderr
    assert bus.ctl("check").returncode == 0


# ---- what check says


def test_check_and_the_start_say_the_same_and_every_mistake(tmp_path):
    config = tmp_path / "carebus.yaml"
    config.write_text("bus: x\nstate: relative/path\nrun: /run/x\nteems: {}\nteams: {a: {class: clinicl, organisation: RA9}}\n"
                      "sources: {s: {team: b, adapter: mllp, listen: \"nonsense\"}}\n", encoding="utf-8")
    check = run(CAREBUSCTL, "--config", config, "check")
    start = run(CAREBUSD, "--config", config)
    assert (check.returncode, start.returncode) == (78, 78)
    assert check.stderr == start.stderr
    places = set(re.findall(r"carebus\.yaml:(\d+):(\d+): error", check.stderr))
    assert {"2", "4", "5", "6"} <= {line for line, _ in places}
    assert "did you mean" in check.stderr
    problems = json.loads(run(CAREBUSCTL, "--config", config, "--json", "check").stdout)
    assert problems["errors"] == check.stderr.count(": error: ")


def test_good_configuration_is_said_to_be_good(bus):
    done = bus.ctl("check", check=0)
    assert "is good" in done.stdout and done.stderr == ""


# ---- tail, trace, record


def test_tail_has_every_number_and_a_team_only_what_it_sees(make_bus):
    stays = {"name": "stays", "reason": "who looks after somebody", "classes": ["clinical"], "kinds": ["all"],
             "relationships": ["encounter"]}
    bus = make_bus({"teams": {"other": {"name": "Other", "organisation": "RX1", "class": "clinical"}},
                    "sharing": {"rules": [stays]}}).start()
    bus.source("pas").send(*[submission(f"A-{i}") for i in range(5)])
    bus.source("lab").send(submission("B-0", events=0, problem={"code": "unhandled-trigger", "position": "MSH-9"}), submission("B-1"))
    bus.wait_folded()
    every = bus.ctl_json("tail")
    assert [line["seq"] for line in every if line["type"] not in GRANTS] == list(range(1, 9))
    assert every[0]["type"] == "bus.settings"
    quarantined, = [line for line in every if line["type"] == "bus.quarantined"]
    assert (quarantined["source"], quarantined["reason"]) == ("lab", "unhandled-trigger")
    assert {line["source"] for line in bus.ctl_json("tail", "--team", "ward")} == {"pas", "lab"}
    assert bus.ctl_json("tail", "--team", "other") == []
    assert bus.ctl_json("tail", "--from", "4")[0]["seq"] == 4


def test_tail_lines_have_the_keys_that_scripts_rely_on(bus):
    bus.source("pas").send(submission("A-1"))
    bus.wait_folded()
    line, granted = bus.ctl_json("tail")[1:]
    assert {"seq", "index", "event_id", "type", "action", "source", "source_message_id", "occurred_at", "received_at",
            "patient"} <= set(line)
    assert {"seq", "index", "event_id", "type", "caused_by", "notice"} <= set(granted)
    assert (granted["type"], granted["notice"]["team"], granted["caused_by"]) == ("record.granted", "ward", [line["event_id"]])
    assert {"patient_id", "identifiers"} <= set(line["patient"])
    assert line["event_id"] == f"{line['seq']}.{line['index']}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", line["received_at"])


def next_said(following):
    """The next line that a source said: what the bus says of relationships stands in between."""
    while True:
        line = json.loads(following.stdout.readline())
        if line["type"] not in GRANTS:
            return line


def test_tail_follow_goes_on_with_what_comes(bus):
    following = subprocess.Popen([str(CAREBUSCTL), "--config", str(bus.config_path), "tail", "--from", "2", "--follow"],
                                 stdout=subprocess.PIPE, text=True)
    try:
        bus.source("pas").send(submission("A-1"))
        assert next_said(following)["source_message_id"] == "A-1"
        bus.source("pas").send(submission("A-2"))
        assert next_said(following)["source_message_id"] == "A-2"
    finally:
        following.kill()
        following.wait()
        following.stdout.close()


def test_trace_finds_a_message_by_its_own_id_and_names_the_stages(bus):
    bus.source("pas").send(submission("A-1"))
    bus.wait_folded()
    entry, = bus.ctl_json("trace", "pas", "A-1")
    assert entry["seq"] == 2
    assert [step["stage"] for step in entry["steps"]] == ["accept", "admit", "normalise", "journal", "dedupe", "identify", "project",
                                                          "publish"]
    assert bus.ctl_json("trace", "2") == [entry]


# ---- keys


def test_new_key_is_secret_and_never_written_over(make_bus):
    bus = make_bus()
    bus.config["keys"] = str(bus.folder / "keys")
    bus.write_config()
    made, = bus.ctl_json("key", "new", "bus")
    secret, public = bus.folder / "keys/bus.key", bus.folder / "keys/bus.pub"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"\S{40}", made["public_key"]) and public.read_text().strip() == made["public_key"]
    before = secret.read_text()
    again = bus.ctl("key", "new", "bus")
    assert again.returncode == 74 and secret.read_text() == before
    assert before.strip() not in again.stdout + again.stderr


# ---- verify


def test_verify_and_rebuild_work_beside_the_running_daemon_and_without_it(bus):
    bus.source("pas").send(*[submission(f"A-{i}") for i in range(50)])
    bus.wait_folded()
    for _ in range(2):
        verified, = bus.ctl_json("journal", "verify")
        rebuilt, = bus.ctl_json("rebuild", "--verify")
        assert verified["intact"] and verified["last_seq"] == 51
        assert rebuilt["equal"] and rebuilt["seq"] == 51
        assert not list((bus.folder / "state").glob("rebuild-*"))
        if bus.process:
            bus.stop()


# ---- pages


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_and_man_page_name_the_same_options(name):
    program, page = PROGRAMS[name]
    text = page.read_text(encoding="utf-8")
    options = set(re.findall(r"--([a-z-]+)", run(program, "--help").stdout))
    documented = set(re.findall(r"Fl -([a-z-]+)", text))
    assert options <= documented, f"{page.name} lacks {options - documented}"
    assert documented <= options | {"help", "version"}, f"--help lacks {documented - options}"


def test_every_command_of_the_help_and_every_word_of_it_has_its_paragraph_in_the_page():
    """identity review | show | ...: each has an .It of its own, and the page has none that is no command."""
    page = PROGRAMS["carebusctl"][1].read_text(encoding="utf-8")
    told = {tuple(match.split()) for match in re.findall(r"^\.It Cm ([a-z][a-z-]*(?: [a-z]+)?)", page, flags=re.M)}
    commands = {}
    for line in run(CAREBUSCTL, "--help").stdout.splitlines():
        match = re.match(r"  ([a-z][a-z-]*)\b(.*)", line)
        if match and match.group(1) != "carebusctl":
            name, rest = match.groups()
            words = [re.match(rf"(?:{name} )?([a-z]+)\b", part.strip()) for part in rest.split(" | ")]
            commands[name] = {word.group(1) for word in words if word and word.group(1) != name}
    assert len(commands) > 15
    for name, words in commands.items():
        documented = {entry[1] for entry in told if entry[0] == name and len(entry) > 1}
        assert any(entry[0] == name for entry in told), f"the page has nothing of {name}"
        if len(words) > 1:
            assert words <= documented, f"the page lacks {name} {words - documented}"
    assert {entry[0] for entry in told} <= set(commands)


def test_what_is_typed_of_somebody_cannot_be_seen_in_the_list_of_processes(bus):
    """A daemon that answers late: the command line of who waits has nothing of what was asked."""
    number, name = "9434765919", "Wumblefrost"
    os.kill(bus.serve_pid, signal.SIGSTOP)
    try:
        for arguments in (("record", number), ("record", "RA9", number), ("identity", "show", number), ("find", name, number),
                          ("find", "--identifier", number, "--born", "1950-02-03")):
            asking = subprocess.Popen([str(CAREBUSCTL), "--config", str(bus.config_path), *arguments], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            try:
                wait_for(lambda: not re.search(f"{number}|{name}|1950-02-03",
                                               Path(f"/proc/{asking.pid}/cmdline").read_text(encoding="utf-8")),
                         what=f"{arguments[0]} to hide what was asked")
                assert asking.poll() is None, "it still waits"
            finally:
                asking.kill()
                asking.wait()
    finally:
        os.kill(bus.serve_pid, signal.SIGCONT)


@pytest.mark.parametrize("arguments, says", [
    (("find", "Jean", "--born", "3.2.12"), "which century"), (("find", "Jean", "--born", "31/13/1950"), "the day stands before"),
    (("find", "-born", "1950"), "unknown option"), (("find", "H3"), "--identifier"), (("find", "Jean", "--born"), "no value"),
    (("record", "p2.0", "--section", "cpr"), "did you mean decisions"), (("record", "p2.0", "--at", "3am"), "03:00"),
    (("record", "p2.0", "p3.0", "p4.0"), "one person"), (("identity", "link", "r111", "--who", "a", "--why", "b"), "like r12.1"),
    (("identity", "link", "r1.1"), "--who NAME --why TEXT"), (("identity", "review", "--sauce", "x"), "unknown option"),
    (("conflict", "settle", "p2.0", "4.1"), "--who NAME --why TEXT"), (("converge", "--team"), "--team"),
    (("matching", "estimate", "x.csv"), "--columns"),
])
def test_a_mistake_is_told_with_what_to_say_instead(bus, arguments, says):
    done = bus.ctl(*arguments, check=64)
    assert says in done.stderr and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [
    ("find", "Jean", "--team", "Ward"), ("record", "p2.0", "--team", "Ward"), ("identity", "review", "--source", "PAS"),
    ("converge", "--team", "Ward"), ("converge", "--consumer", "a b"),
])
def test_a_name_that_can_be_none_is_told_at_once(bus, arguments):
    """And not, after ten seconds, that nobody is there, which has another exit code and other words."""
    done = bus.ctl(*arguments, check=65)
    assert "small letters" in done.stderr and "carebusctl status" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", PROGRAMS)
def test_man_page_is_well_formed(name):
    _, page = PROGRAMS[name]
    done = run("mandoc", "-T", "lint", "-W", "warning", page)
    assert [line for line in done.stdout.splitlines() if "referenced manual not found" not in line] == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_version_is_one_line(name):
    program, _ = PROGRAMS[name]
    done = run(program, "--version")
    assert done.returncode == 0
    assert re.fullmatch(rf"{name} \d+\.\d+\.\d+\n", done.stdout)
