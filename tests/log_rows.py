"""Which rows of base/log-events.h the tests saw written, and with which fields.

Whoever starts programs hands their logs to gather() or hear(). With CAREBUS_LOG_ROWS each process of the tests leaves in a file of that
folder, a line each, what it saw: "NAME FIELD...". tests/summary.py has all of it judged, and tests/log-rows.txt says which rows cannot be
brought about here. What unit tests write does not count: there the test says it, and not a program.
"""

import collections
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
LEVELS = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"]
LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [a-z-]+(?:\[[^\]\n]*\])? (\w+): (.*) event=([A-Z_]+)$", re.M)
FIELD = re.compile(r' ([a-z_]+)=("[^"]*"|\S+)')


Row = collections.namedtuple("Row", "id level sentence")


def table():
    """Of each row: its MESSAGE_ID, its level as text, its sentence."""
    rows = re.findall(r'^LOG_EVENT\((\w+), "(\w+)", (\d), "(.*)"\)$', (ROOT / "base/log-events.h").read_text(encoding="utf-8"), re.M)
    return {name: Row(mark, LEVELS[int(level)], sentence) for name, mark, level, sentence in rows}


def fields():
    """The fields that a line may have, as in a plain line."""
    return {name.lower() for name in re.findall(r"^LOG_FIELD\((\w+),", (ROOT / "base/log-fields.h").read_text(encoding="utf-8"), re.M)}


def catalogued():
    """Of each row: the fields that its entry of the catalogue writes out, as in a plain line."""
    text = (ROOT / "packaging/catalog/carebus.catalog").read_text(encoding="utf-8")
    entries = {entry[:32]: entry for entry in re.split(r"^-- ", text, flags=re.M)[1:]}
    return {name: {field.lower() for field in re.findall(r"@CAREBUS_(\w+)@", entries[row.id])} for name, row in table().items()}


def excepted():
    """Of each row that no test can bring about: why."""
    lines = (ROOT / "tests/log-rows.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


# -- in the tests

_seen = set()
_table = table()


def is_of_its_row(level, message, name):
    return name in _table and level == _table[name].level and message.startswith(_table[name].sentence)


def rows_in(text):
    """What a log has, a set of (name, its fields): whole lines of programs, of a row of the table, at its level and in its words."""
    found = set()
    for level, message, name in LINE.findall(text):
        if is_of_its_row(level, message, name):
            rest = message[len(_table[name].sentence):]
            if not FIELD.sub("", rest):
                found.add((name, tuple(sorted(field for field, _ in FIELD.findall(rest)))))
    return found


def said(text, name):
    """The lines of one row in a log, each as its fields."""
    return [{field: value.strip('"') for field, value in FIELD.findall(message[len(_table[name].sentence):])}
            for level, message, event in LINE.findall(text) if event == name and is_of_its_row(level, message, event)]


def hear(text):
    """Takes note of the rows in a log."""
    folder = os.environ.get("CAREBUS_LOG_ROWS")
    if not folder:
        return
    new = rows_in(text) - _seen
    _seen.update(new)
    if new:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        with open(pathlib.Path(folder) / f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{os.getpid()}", "a", encoding="ascii") as file:
            file.writelines(" ".join((name, *said)) + "\n" for name, said in sorted(new))


def gather(folder):
    """Takes note of the logs in a folder of a bus, and in those of its receivers."""
    if os.environ.get("CAREBUS_LOG_ROWS"):
        for path in [*folder.glob("log"), *folder.glob("*.log"), *folder.glob("*/log")]:
            hear(path.read_text(encoding="utf-8", errors="replace"))


# -- over all of them

def written(folder):
    """Of each row that was written: the sets of fields that it was written with."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for line in path.read_text(encoding="ascii").splitlines():
            name, *said = line.split()
            found.setdefault(name, set()).add(frozenset(said))
    return found


Judged = collections.namedtuple("Judged", "right wrong excepted")


def judge(folder):
    """Rows that were written as they should; what is wrong, a sentence each; rows that nobody wrote and nobody has to, with why."""
    rows, known, entries, why, found = table(), fields(), catalogued(), excepted(), written(folder)
    right, wrong = [], []
    for name in rows:
        if name not in found:
            if name not in why:
                wrong.append(f"{name}: no test has it written, and tests/log-rows.txt does not say why")
            continue
        strange = set().union(*found[name]) - known
        lacking = entries[name] - frozenset.intersection(*found[name])
        if strange:
            wrong.append(f"{name}: written with {', '.join(sorted(strange))}, not of base/log-fields.h")
        if lacking:
            wrong.append(f"{name}: written without {', '.join(sorted(lacking))}, of which its entry of the catalogue speaks")
        if not strange and not lacking:
            right.append(name)
    return Judged(right, wrong, {name: reason for name, reason in why.items() if name not in found})
