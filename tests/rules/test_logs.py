"""What is logged: one table of events, one of fields, one catalogue that says of each event what it means; none lacks anything."""

import re
import shutil
import subprocess

import pytest

import tree

EVENTS = tree.TOP / "base/log-events.h"
FIELDS = tree.TOP / "base/log-fields.h"
CATALOG = tree.TOP / "packaging/catalog/carebus.catalog"
PAGE = tree.TOP / "docs/logs.md"
PARTS = ["What happened", "For the teams", "What to do"]
# What may be run by whoever reads a catalogue entry, beside carebusctl: all of it is in Debian.
PROGRAMS = {"systemctl", "journalctl", "df", "dmesg", "smartctl", "iostat", "ss", "openssl", "curl", "ls"}
EMPTY = re.compile(r"\b(contact (your|the) administrator|see (the )?documentation|unknown error|please)\b", re.I)


def events():
    return re.findall(r'^LOG_EVENT\((\w+), "(\w+)", (\d), "(.*)"\)$', EVENTS.read_text(), re.M)


def fields():
    return re.findall(r'^LOG_FIELD\((\w+), ([01]), "(.*)"\)$', FIELDS.read_text(), re.M)


def entries():
    """Of each entry of the catalogue: id, headers, parts."""
    found = []
    for text in re.split(r"^-- ", CATALOG.read_text(), flags=re.M)[1:]:
        text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        head, _, body = text.partition("\n\n")
        identifier, *headers = head.splitlines()
        parts = [" ".join(part.split()) for part in body.strip().split("\n\n")]
        found.append((identifier, dict(header.split(": ", 1) for header in headers), parts))
    return found


def statements():
    """Every statement of the code: (path, names of events, names of fields)."""
    for path in tree.files(".c", folders=("base", "daemon", "adapters", "sdk")):
        for statement in re.split(r"[;{}]", re.sub(r"/\*.*?\*/", " ", tree.text(path), flags=re.S)):
            names = set(re.findall(r"\bLOG_([A-Z_]+)\b", statement))
            said = set(re.findall(r'log_(?:name|number)\(\s*"(\w+)"', statement))
            if "log_errno(" in statement:
                said.add("ERRNO")
            yield path, names, said


def test_every_event_has_its_entry_in_the_catalogue_once_and_in_order():
    assert [identifier for identifier, _, _ in entries()] == [identifier for _, identifier, _, _ in events()]


def test_every_entry_says_what_happened_what_it_means_and_what_to_do():
    bad, seen = [], set()
    for identifier, headers, parts in entries():
        subject = headers.get("Subject", "")
        if set(headers) != {"Subject", "Defined-By", "Documentation"} or not 10 <= len(subject) <= 80 or subject in seen:
            bad.append(f"{identifier}: headers")
        seen.add(subject)
        if [part.split(":")[0] for part in parts] != PARTS:
            bad.append(f"{subject}: has {[part.split(':')[0] for part in parts]}")
        bad += [f"{subject}: '{part}' is too little" for part in parts if len(part.split(":", 1)[1].split()) < 4]
        bad += [f"{subject}: says nothing by '{part}'" for part in parts if EMPTY.search(part)]
    assert not bad, "\n".join(bad)


def test_trouble_always_says_what_to_do():
    levels = {identifier: int(level) for _, identifier, level, _ in events()}
    idle = [headers["Subject"] for identifier, headers, parts in entries() if levels[identifier] <= 4 and "Nothing is to be" in parts[2]]
    assert not idle, idle


def test_catalogue_names_fields_that_the_line_has():
    """Through a helper a line gets fields that do not stand beside its event: those helpers are read as well."""
    given = {}
    for _, names, said in statements():
        for name in names:
            given.setdefault(name, set()).update(said)
    handed = {"SOURCE_CONNECTED": {"SOURCE", "PEER"}, "SOURCE_GONE": {"SOURCE", "PEER"}, "SOURCE_REFUSED": {"PEER", "REASON"},
              "LINES_LEFT_OUT": {"WHICH", "COUNT", "WHO"}, "LINES_LOST": {"COUNT"},
              "SOURCE_SILENT": {"SOURCE", "TEAM", "SINCE", "QUIET_SECONDS", "USUAL_SECONDS"},
              "SOURCE_SPEAKS_AGAIN": {"SOURCE", "TEAM", "SINCE", "QUIET_SECONDS"}}
    names = {identifier: name for name, identifier, _, _ in events()}
    bad = []
    for identifier, _, parts in entries():
        name = names[identifier]
        used = set(re.findall(r"@CAREBUS_(\w+)@", " ".join(parts)))
        left = used - given.get(name, set()) - handed.get(name, set())
        bad += [f"{name}: @CAREBUS_{field}@" for field in sorted(left)]
        bad += [f"{name}: {part}" for part in parts for at in re.findall(r"@\w*@?", part) if not re.fullmatch(r"@CAREBUS_[A-Z_]+@", at)]
    assert not bad, "\n".join(bad)


def commands():
    """carebusctl's commands and the words behind them, from its own table."""
    text = (tree.TOP / "ctl/main.c").read_text()
    usages = re.findall(r'\{ "([a-z-]+)", command_\w+,\s*((?:"[^"]*"\s*)+)', text)
    return {name: "".join(re.findall(r'"([^"]*)"', usage)) for name, usage in usages}


def test_catalogue_names_commands_that_exist():
    known, bad = commands(), []
    assert len(known) > 15
    for _, headers, parts in entries():
        for words in re.findall(r"`([a-z][^`]*)`", " ".join(parts)):
            program, *arguments = words.split()
            if program == "carebusctl":
                usage = known.get(arguments[0] if arguments else "", None)
                options = [word for i, word in enumerate(arguments[1:]) if word.startswith("--") or (i == 0 and word.islower())]
                if usage is None or any(word not in usage for word in options):
                    bad.append(f"{headers['Subject']}: {words}")
            elif re.fullmatch(r"[a-z]+", program) and arguments and program not in PROGRAMS:
                bad.append(f"{headers['Subject']}: {words}")
    assert not bad, "\n".join(bad)


def test_catalogue_is_taken_by_journalctl_word_for_word(tmp_path):
    if not shutil.which("journalctl"):
        pytest.skip("journalctl (package systemd) is not here")
    (tmp_path / "usr/lib/systemd/catalog").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(CATALOG, tmp_path / "usr/lib/systemd/catalog")
    done = subprocess.run(["journalctl", f"--root={tmp_path}", "--update-catalog"], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    dump = subprocess.run(["journalctl", f"--root={tmp_path}", "--dump-catalog"], capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^-- ([0-9a-f]{32})$", dump, re.M)
    assert sorted(listed) == sorted(identifier for _, identifier, _, _ in events())
    for _, headers, parts in entries():
        assert f"Subject: {headers['Subject']}" in dump
        assert all(part in " ".join(dump.split()) for part in parts), headers["Subject"]


def test_lines_name_fields_of_the_table_only_and_none_of_it_is_idle():
    known = {name for name, _, _ in fields()}
    assert len(known) == len(fields()) == len(re.findall(r"^LOG_FIELD\(", FIELDS.read_text(), re.M)) > 40
    bad, used = [], set()
    for path, _, said in statements():
        bad += [f"{path}: {name}" for name in sorted(said - known) if not path.name.startswith("test-")]
        used |= said
    assert not bad, "not in base/log-fields.h:\n" + "\n".join(bad)
    assert not known - used, f"nobody says {sorted(known - used)}"


def test_page_about_logs_has_every_field_and_whose_lines_are_counted_apart():
    rows = re.findall(r"^\| `CAREBUS_(\w+)` \| (.*?) \| (yes)? ?\|$", PAGE.read_text(), re.M)
    assert rows == [(name, meaning, "yes" if whose == "1" else "") for name, whose, meaning in fields()]


def test_programs_write_to_stderr_through_the_log_alone():
    """Mistakes of arguments and of the configuration go to whoever started the program, by error_print(); all else is a line of the log."""
    bad = []
    for path in tree.files(".c", folders=("base", "proto", "canon", "config", "sdk", "daemon", "adapters")):
        if str(path) in ("base/error.c", "base/log.c", "base/progress.c") or "examples" in path.parts:
            continue
        code = tree.code_without_comments(path).replace("config_problems_print(&problems, stderr)", "")
        if re.search(r"\bstderr\b|\bSTDERR_FILENO\b|\bperror\(|\bwarnx?\(|\bsyslog\(|\bsd_journal_", code):
            bad.append(str(path))
    assert not bad, "\n".join(bad)
