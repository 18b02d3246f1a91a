#!/usr/bin/python3
"""Writes what ships as C, so that it holds where nothing is installed: shipped.py OUTPUT SHARING.yaml PROFILE.yaml..."""
import pathlib
import sys


def rows(content):
    return ["        " + ", ".join(str(byte) for byte in content[at:at + 24]) + "," for at in range(0, len(content), 24)]


def main(output, sharing, *profiles):
    lines = ['/* Made by config/shipped.py of etc/sharing.yaml and etc/profiles/. */', '#include "config/shipped.h"', ""]
    lines += ["const unsigned char shipped_sharing[] = {", *rows(pathlib.Path(sharing).read_bytes()), "};"]
    lines += ["const size_t shipped_sharing_size = sizeof(shipped_sharing);", ""]
    names = []
    for path in sorted(map(pathlib.Path, profiles)):
        names.append(path.stem)
        lines += [f"static const unsigned char profile_{len(names)}[] = {{", *rows(path.read_bytes()), "};", ""]
    lines.append("const ShippedProfile shipped_profiles[] = {")
    lines += [f'        {{ "{name}", profile_{i}, sizeof(profile_{i}) }},' for i, name in enumerate(names, 1)]
    lines += ["        { 0 },", "};", ""]
    pathlib.Path(output).write_text("\n".join(lines), encoding="ascii")


main(*sys.argv[1:])
