#!/usr/bin/python3
"""Lays what a program says from its tables into a manual page: fill.py PAGE OUTPUT PROGRAM PART

In the page a line `.\\" TABLES` is where it stands.
"""
import pathlib
import subprocess
import sys

MARK = '.\\" TABLES\n'


def main(page, output, program, part):
    text = pathlib.Path(page).read_text(encoding="utf-8")
    said = subprocess.run([program, part], check=True, capture_output=True, text=True).stdout
    if text.count(MARK) != 1:
        sys.exit(f"{page}: one line {MARK.strip()} is wanted")
    pathlib.Path(output).write_text(text.replace(MARK, said), encoding="utf-8")


main(*sys.argv[1:])
