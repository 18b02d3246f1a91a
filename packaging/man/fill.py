#!/usr/bin/python3
"""Lays what a program says from its tables into a manual page: fill.py PAGE OUTPUT PROGRAM PART [CATALOGUE]

In the page a line `.\\" TABLES` is where it stands. With the catalogue of journald, what it says of a line of the log stands behind it.
"""
import pathlib
import re
import subprocess
import sys

MARK = '.\\" TABLES\n'


def entries(catalogue):
    """Paragraphs by id."""
    text = pathlib.Path(catalogue).read_text(encoding="utf-8")
    found = {}
    for entry in re.split(r"^-- ", text, flags=re.M)[1:]:
        head, _, body = entry.partition("\n\n")
        body = re.sub(r"\n#[^\n]*", "", body)
        found[head.split()[0]] = [" ".join(part.split()) for part in body.split("\n\n") if part.strip()]
    return found


def mdoc(paragraph):
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fP", paragraph.replace("\\", "\\e"))
    lines = re.split(r"(?<=[.:;]) (?=[A-Z])", text)
    return [".Pp", *["\\&" + line if line[:1] in (".", "'") else line for line in lines]]


def with_catalogue(said, catalogue):
    more, lines, waiting = entries(catalogue), [], []
    for line in said.splitlines():
        if line.startswith(".It "):
            lines, waiting = lines + waiting, []
        found = re.search(r"MESSAGE_ID=([0-9a-f]{32})", line)
        if found:
            waiting = [one for paragraph in more.get(found[1], []) for one in mdoc(paragraph)]
        lines.append(line)
    return "\n".join(lines + waiting) + "\n"


def main(page, output, program, part, catalogue=None):
    text = pathlib.Path(page).read_text(encoding="utf-8")
    said = subprocess.run([program, part], check=True, capture_output=True, text=True).stdout
    if text.count(MARK) != 1:
        sys.exit(f"{page}: one line {MARK.strip()} is wanted")
    if catalogue:
        said = with_catalogue(said, catalogue)
    pathlib.Path(output).write_text(text.replace(MARK, said), encoding="utf-8")


main(*sys.argv[1:])
