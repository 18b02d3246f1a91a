#!/usr/bin/python3
"""libcarebus.a: what the functions of the header need out of the archives, in one object that shows these functions alone.

make-static.py --ld LD --objcopy OBJCOPY --ar AR OUTPUT MAP ARCHIVE...

A vendor's program may have a function text_equal() of its own; an archive of our objects as they are would clash with it.
"""
import argparse
import os
import pathlib
import re
import subprocess
import tempfile


def exported(map_path):
    text = re.sub(r"/\*.*?\*/", "", pathlib.Path(map_path).read_text(encoding="utf-8"), flags=re.S)
    return re.findall(r"^\s+(carebus_\w+);$", text, re.M)


def main():
    arguments = argparse.ArgumentParser()
    for tool in ("--ld", "--objcopy", "--ar"):
        arguments.add_argument(tool, required=True)
    arguments.add_argument("output")
    arguments.add_argument("map")
    arguments.add_argument("archives", nargs="+")
    options = arguments.parse_args()
    names = exported(options.map)
    with tempfile.TemporaryDirectory() as folder:
        whole, listed = os.path.join(folder, "libcarebus.o"), os.path.join(folder, "names")
        pathlib.Path(listed).write_text("\n".join(names) + "\n", encoding="ascii")
        wanted = [f"--undefined={name}" for name in names]
        subprocess.run([options.ld, "-r", "-o", whole, *wanted, "--start-group", *options.archives, "--end-group"], check=True)
        subprocess.run([options.objcopy, f"--keep-global-symbols={listed}", whole], check=True)
        pathlib.Path(options.output).unlink(missing_ok=True)
        # D: no times and no owners in it, so that two builds are equal.
        subprocess.run([options.ar, "rcsD", options.output, whole], check=True)


if __name__ == "__main__":
    main()
