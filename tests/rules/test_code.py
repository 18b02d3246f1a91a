"""How C files begin, and what they never call."""

import re

import tree

# The one header that others' compilers read, C++ too; and programs as a vendor writes them.
PUBLIC = "sdk/carebus.h"
EXAMPLES = "sdk/examples/"


def ours(*suffixes, folders=tree.CODE_FOLDERS):
    for path in tree.files(*suffixes, folders=folders):
        if not str(path).startswith(EXAMPLES):
            yield path


# Each with what to use instead.
NEVER_CALLED = {
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "strcpy": "memcpy with a size",
    "strcat": "a Buffer",
    "strncpy": "memcpy with a size",
    "strtok": "strchr",
    "gets": "getline",
    "atoi": "text_to_u64",
    "atol": "text_to_u64",
    "atof": "nothing: numbers keep their text",
    "strtod": "nothing: numbers keep their text",
    "rand": "getentropy",
    "random": "getentropy",
    "signal": "loop_add_signal",
    "localtime": "civil_from_utc, canon/zone.h",
    "gmtime": "civil_from_utc",
    "mktime": "civil_to_utc",
    "asctime": "civil_format",
    "ctime": "civil_format",
    "tmpnam": "mkostemp",
    "mktemp": "mkostemp",
    "alloca": "an arena",
    "system": "execve with a list",
    "popen": "execve with a list",
    "setlocale": "nothing: no locale changes what is read or written",
    "assert": "a return value; a programming error is a test",
}


def test_every_file_begins_by_saying_what_it_is():
    bad = []
    for path in tree.files(".c", ".h"):
        first = next(line for line in tree.lines(path) if not line.startswith(("#pragma once", "#ifndef", "#define")))
        # What has a header is described there.
        own = f'#include "{path.with_suffix(".h")}"'
        if not first.startswith("/*") and not (path.suffix == ".c" and first == own):
            bad.append(f"{path}: {first[:60]}")
    assert not bad, "\n".join(bad)


def test_headers_are_read_once():
    bad = []
    for path in ours(".h", folders=tree.CODE_FOLDERS):
        # Read several times; has a guard that any compiler knows.
        if path.name in ("log-events.h", "log-fields.h", "figure-rows.h") or str(path) == PUBLIC:
            continue
        if tree.lines(path)[0] != "#pragma once":
            bad.append(str(path))
    assert not bad, "\n".join(bad)


def test_own_header_stands_first():
    bad = []
    for path in ours(".c", folders=tree.CODE_FOLDERS):
        own = str(path.with_suffix(".h"))
        found = re.findall(r'^#include [<"]([^>"]+)[>"]', tree.text(path), re.M)
        if own in found and found[0] != own:
            bad.append(f"{path} includes {found[0]} before its own header")
    assert not bad, "\n".join(bad)


def test_what_has_a_better_way_is_not_called():
    pattern = re.compile(r"(?<![\w>.])(%s)\s*\(" % "|".join(NEVER_CALLED))
    bad = []
    for path in ours(".c", ".h", folders=tree.CODE_FOLDERS):
        for number, line in enumerate(tree.code_without_comments(path).splitlines(), 1):
            if "SIG_IGN" in line or "SIG_DFL" in line:
                continue
            for name in pattern.findall(line):
                bad.append(f"{path}:{number}: {name}(): use {NEVER_CALLED[name]}")
    assert not bad, "\n".join(bad)


def test_conditional_compilation_stays_in_base():
    """Alternatives are files."""
    pattern = re.compile(r"^\s*#\s*(if|ifdef|ifndef)\b.*$", re.M)
    bad = []
    for path in ours(".c", ".h", folders=set(tree.CODE_FOLDERS) - {"base"}):
        if str(path) != PUBLIC:
            bad += [f"{path}: {match.group(0).strip()}" for match in pattern.finditer(tree.code_without_comments(path))]
    assert not bad, "\n".join(bad)


def test_libraries_do_not_print():
    """stdout belongs to the programs that answer there: carebusctl, --translate, --help."""
    pattern = re.compile(r"(?<![\w>.])(printf|puts|putchar|perror)\s*\(")
    bad = []
    for path in ours(".c", ".h", folders=("base", "proto", "canon", "config", "sdk")):
        bad += [f"{path}: {name}" for name in pattern.findall(tree.code_without_comments(path))]
    assert not bad, "\n".join(bad)


def test_ids_of_log_events_are_never_used_twice():
    rows = re.findall(r'^LOG_EVENT\((\w+), "([0-9a-f]*)", (\d), "', (tree.TOP / "base/log-events.h").read_text(), re.M)
    assert len(rows) == len(re.findall(r"^LOG_EVENT\(", (tree.TOP / "base/log-events.h").read_text(), re.M)) > 0
    ids = [identifier for _, identifier, _ in rows]
    assert all(len(identifier) == 32 for identifier in ids)
    assert len(set(ids)) == len(ids) and len({name for name, _, _ in rows}) == len(rows)


def test_every_log_event_is_written_somewhere():
    code = "\n".join(tree.text(path) for path in ours(".c", ".h", folders=tree.CODE_FOLDERS) if path.name != "log-events.h")
    names = re.findall(r"^LOG_EVENT\((\w+),", (tree.TOP / "base/log-events.h").read_text(), re.M)
    bad = [name for name in names if not re.search(rf"\bLOG_{name}\b", code)]
    assert not bad, bad
