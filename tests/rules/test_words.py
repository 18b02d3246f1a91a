"""What does not belong into the tree: leftovers, paths of a machine, what a file is not."""

import re

import tree

HERE = "tests/rules/"
SAMPLES = ("tests/fuzz/samples/", "tests/system/data/", "tests/unit/data/")

# Said in two halves, so that this file may be looked at too.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|TB" r"D|WI" r"P)\b|lorem ip" r"sum|not imple" r"mented")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(wo" r"rk|ho" r"me|ro" r"ot|mn" r"t|Us" r"ers)/[\w.]")
EMPTY_PRAISE = re.compile(
    r"\b(bla" r"zing|seam" r"less(ly)?|cutting.e" r"dge|state.of.the.a" r"rt|world.c" r"lass|enterprise.g" r"rade)\b", re.I
)


def texts():
    for path in tree.tracked():
        name = str(path)
        if not name.startswith(SAMPLES) and name != "LICENSE" and tree.is_text(path):
            yield path


def findings(pattern):
    for path in texts():
        for number, line in enumerate(tree.lines(path), 1):
            if pattern.search(line):
                yield f"{path}:{number}: {line.strip()[:100]}"


def test_nothing_is_left_unfinished():
    bad = list(findings(UNFINISHED))
    assert not bad, "\n".join(bad)


def test_no_path_of_a_machine_is_in_the_tree():
    bad = list(findings(MACHINE_PATHS))
    assert not bad, "\n".join(bad)


def test_nothing_is_praised():
    bad = list(findings(EMPTY_PRAISE))
    assert not bad, "\n".join(bad)


def test_texts_end_in_a_line_feed_and_have_no_blanks_at_the_end_of_lines():
    bad = []
    for path in texts():
        text = tree.text(path)
        if text and not text.endswith("\n") or "\r" in text:
            bad.append(f"{path}: its end, or a carriage return")
        if path.suffix in (".c", ".h", ".py", ".proto", ".build", ".sh", ".md", ".yaml", ".txt"):
            bad += [f"{path}:{i}" for i, line in enumerate(text.split("\n"), 1) if line != line.rstrip()]
    assert not bad, "\n".join(bad)


def test_names_of_files_are_lower_case_with_hyphens():
    bad = []
    for path in tree.tracked():
        if path.suffix in (".c", ".h") and not re.fullmatch(r"[a-z0-9-]+\.[ch]", path.name):
            bad.append(str(path))
    assert not bad, "\n".join(bad)
