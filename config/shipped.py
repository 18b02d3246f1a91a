#!/usr/bin/python3
"""Writes the shipped profiles as C, so that they can be named where nothing is installed: shipped.py OUTPUT PROFILE.yaml..."""
import pathlib
import sys


def main(output, *profiles):
    lines = ['/* Made by config/shipped.py of etc/profiles/. */', '#include "config/shipped.h"', ""]
    names = []
    for path in sorted(map(pathlib.Path, profiles)):
        content = path.read_bytes()
        names.append(path.stem)
        lines.append(f"static const unsigned char profile_{len(names)}[] = {{")
        for at in range(0, len(content), 24):
            lines.append("        " + ", ".join(str(byte) for byte in content[at:at + 24]) + ",")
        lines += ["};", ""]
    lines.append("const ShippedProfile shipped_profiles[] = {")
    lines += [f'        {{ "{name}", profile_{i}, sizeof(profile_{i}) }},' for i, name in enumerate(names, 1)]
    lines += ["        { 0 },", "};", ""]
    pathlib.Path(output).write_text("\n".join(lines), encoding="ascii")


main(*sys.argv[1:])
