"""What the documents show is what there is: commands with their options, log lines, units, and configurations that the parser takes."""

import re
import shutil
import textwrap

import pytest
import yaml

from carebus_packages import PROGRAMS, TOP, help_of, run, text

pytestmark = pytest.mark.plain

DOCUMENTS = [TOP / "README.md", TOP / "ARCHITECTURE.md", TOP / "CHANGELOG.md", TOP / "proto/GRAMMAR.md", TOP / "etc/carebus.yaml",
             TOP / "etc/sharing.yaml", TOP / "packaging/debian/carebus.yaml", TOP / "packaging/catalog/carebus.catalog",
             *sorted((TOP / "docs").rglob("*.md")), *sorted((TOP / "packaging/man").glob("*.[178]"))]
NAMES = [str(path.relative_to(TOP)) for path in DOCUMENTS]
OF_ALL = {"help", "version", "json", "config"}
# Said by core to the process that it starts; nobody types it.
INSIDE = {"carebusd": {"serve"}}
SHOWN = re.compile(r"(?<![\w/.-])(carebusctl|carebusd|carebus-(?:csv|fhir|mllp)|\./run) +([^`|&;#)\n]+)")
# What examples name is not there where they are tried; what they say is right all the same.
NOT_HERE = re.compile(r"No such file or directory|cannot be read|no profile '|no user '|no team '")
# Keys by which a part of a configuration is known from a profile, which has lists of teams of its own.
OF_THE_BUS = {"sources": dict, "destinations": dict, "sharing": dict, "matching": dict, "teams": dict, "ownership": list}
BASE = {
    "bus": "example", "environment": "test",
    "teams": {name: {"name": name, "organisation": "RA9", "class": "clinical"}
              for name in ("neurology", "community-nursing", "hospice", "ward", "st-brigids", "care-home")},
    "sources": {"hospital-pas": {"team": "neurology", "adapter": "mllp", "listen": "127.0.0.1:2575"},
                "ward-pas": {"team": "ward", "adapter": "mllp", "listen": "127.0.0.1:2576"},
                "community-epr": {"team": "community-nursing", "adapter": "fhir", "listen": "127.0.0.1:8088"}},
}


def options_in(words):
    return set(re.findall(r"(?:^|\s)\[?--([a-z][a-z-]*)", words))


def table():
    return {usage.split()[0]: usage for usage in re.findall(r"^  (\S[^\n]*)\n {8}\S", help_of("carebusctl"), re.M)}


def of_run(words):
    return [] if re.search(rf"^\./run {re.escape(words[0])}\b", text("run"), re.M) else ["no such command"]


def of_carebusctl(words, commands):
    """Words that look like prose behind the name of the program are none of its business."""
    while words and words[0].startswith("--"):
        words = words[2 if words[0] == "--config" else 1:]
    if not words or not re.fullmatch(r"[a-z][a-z-]+", words[0]):
        return []
    if words[0] not in commands:
        return ["no such command"]
    usage, said = commands[words[0]], []
    if len(words) > 1 and re.fullmatch(r"[a-z][a-z-]*", words[1]) and not re.search(rf" {words[1]}\b", usage):
        said.append(f"{words[0]} takes no {words[1]}")
    return said + [f"no --{option}" for option in options_in(" ".join(words)) - options_in(usage) - OF_ALL]


def spans(document):
    """(line, what is typed): in blocks of code, and between backquotes; of a manual page, its lines with a command."""
    inside = False
    for number, line in enumerate(text(document).split("\n"), 1):
        if re.match(r" *```", line):
            inside = not inside
        elif inside or line.startswith("    ") or line.startswith(".D"):
            yield number, line
        else:
            yield from ((number, span) for span in re.findall(r"`([^`]+)`", line))


@pytest.mark.parametrize("document", NAMES)
def test_commands_that_a_document_shows_are_there_with_their_options(document):
    commands, wrong = table(), []
    for number, span in spans(document):
        for program, rest in SHOWN.findall(span):
            words = re.split(r" {2,}", rest.strip())[0].rstrip(".,:").split()
            if program == "./run":
                said = of_run(words)
            elif program == "carebusctl":
                said = of_carebusctl(words, commands)
            else:
                known = options_in(help_of(program)) | OF_ALL | INSIDE.get(program, set())
                said = [f"no --{option}" for option in options_in(" ".join(words)) - known]
            wrong += [f"{document}:{number}: {program} {' '.join(words)}: {one}" for one in said]
    assert not wrong, "\n".join(wrong)


def test_a_command_that_does_not_exist_is_noticed():
    commands = table()
    assert of_carebusctl(["statsu"], commands) and of_carebusctl(["--json", "audit", "whoever"], commands)
    assert of_carebusctl(["tail", "--folow"], commands) and of_run(["tset"])
    assert not of_carebusctl("audit who PERSON --from 2026-03-01".split(), commands) and not of_run(["test", "NAME"])


def test_log_lines_and_units_that_documents_name_are_there():
    rows = set(re.findall(r"^LOG_EVENT\((\w+),", text("base/log-events.h"), re.M))
    units = {path.name for path in (TOP / "packaging/systemd").iterdir()}
    wrong = []
    for document in NAMES:
        for unit in re.findall(r"\b(carebus[a-z-]*(?:@|d[a-z-]*)?[a-zA-Z-]*\.(?:service|socket|target))\b", text(document)):
            if re.sub(r"@.*\.", "@.", unit) not in units:
                wrong.append(f"{document}: {unit}")
    for document in ("docs/running.md", "docs/recovery.md", "docs/mllp-destination.md", "docs/delivery.md", "docs/spreadsheets.md"):
        for name in re.findall(r"`([A-Z]{3,}(?:_[A-Z]+)+)`", text(document)):
            if name not in rows and not name.startswith(("RLIMIT_", "PR_")):
                wrong.append(f"{document}: {name}")
    assert not wrong, "\n".join(wrong)


def examples():
    for path in DOCUMENTS:
        if path.suffix == ".md":
            shown = re.finditer(r"^( *)```yaml\n(.*?)^ *```", path.read_text(encoding="utf-8"), re.S | re.M)
            for number, found in enumerate(shown, 1):
                yield pytest.param(textwrap.dedent(found[2]), id=f"{path.relative_to(TOP)}-{number}")


def lay_out(folder, example):
    """A configuration beside which the example stands as what it is: rules of sharing, a profile, or a part of a configuration."""
    said = yaml.safe_load(example)
    (folder / "conf.d").mkdir()
    (folder / "profiles").mkdir()
    (folder / "carebus.yaml").write_text(yaml.safe_dump(BASE), encoding="utf-8")
    if isinstance(said, list):
        said = {"sharing": {"rules": said}}
        example = yaml.safe_dump(said)
    if any(isinstance(said.get(key), kind) for key, kind in OF_THE_BUS.items()):
        (folder / "conf.d/example.yaml").write_text(example, encoding="utf-8")
    else:
        (folder / "profiles/example.yaml").write_text(example, encoding="utf-8")
        (folder / "conf.d/example.yaml").write_text("sources: {ward-pas: {profile: example}}\n", encoding="utf-8")


@pytest.mark.parametrize("example", examples())
def test_configurations_and_profiles_that_documents_show_are_taken(tmp_path, example):
    shutil.copy(TOP / "etc/sharing.yaml", tmp_path)
    lay_out(tmp_path, example)
    done = run(PROGRAMS["carebusctl"], "--config", tmp_path / "carebus.yaml", "check", check=False)
    errors = [line for line in done.stderr.splitlines() if ": error: " in line and not NOT_HERE.search(line)]
    assert not errors, "\n".join(errors)
    assert done.returncode in (0, 78)
