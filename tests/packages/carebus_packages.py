"""What all tests of the packages share."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

import debian

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", TOP / "build"))
PROGRAMS = {"carebusctl": BUILD / "ctl/carebusctl", "carebusd": BUILD / "daemon/carebusd",
            "carebus-csv": BUILD / "adapters/csv/carebus-csv", "carebus-fhir": BUILD / "adapters/fhir/carebus-fhir",
            "carebus-mllp": BUILD / "adapters/mllp/carebus-mllp"}


def run(*command, check=True, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert not check or done.returncode == 0, f"{command[0]}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


def text(name):
    return (TOP / name).read_text(encoding="utf-8")


def help_of(program):
    return run(PROGRAMS[program], "--help").stdout


def functions_of_the_header():
    return set(re.findall(r"CAREBUS_API [^;(]*?\b(carebus_\w+)\(", text("sdk/carebus.h")))


APPARMOR = TOP / "packaging/apparmor"
PROFILES = sorted(path.name for path in APPARMOR.iterdir() if path.is_file())


def profile_parsed(name, *options):
    """What apparmor_parser says of a profile of the tree, and of what it includes."""
    parser = shutil.which("apparmor_parser") or shutil.which("apparmor_parser", path="/usr/sbin:/sbin")
    if not parser:
        pytest.skip("apparmor_parser is not installed")
    return run(parser, "--Include", APPARMOR, "--skip-kernel-load", "--skip-cache", *options, APPARMOR / name)


VERSION = re.search(r"\(([^)]+)\)", text("packaging/debian/changelog"))[1]
EARLIER = VERSION + "~earlier"


def built_packages():
    """The folder of the packages; whoever asks is skipped where none can be built."""
    try:
        return debian.packages()
    except debian.CannotMake as reason:
        pytest.skip(str(reason))


def earlier(deb, folder):
    """The same package as an earlier version, with a configuration that was another then."""
    tree = folder / "tree"
    run("dpkg-deb", "-R", deb, tree)
    control = tree / "DEBIAN" / "control"
    control.write_text(control.read_text(encoding="utf-8").replace(VERSION, EARLIER), encoding="utf-8")
    config = tree / "etc/carebus/carebus.yaml"
    if config.is_file():
        config.write_text("# As it was.\n" + config.read_text(encoding="utf-8"), encoding="utf-8")
        sums = tree / "DEBIAN" / "md5sums"
        sums.write_text("".join(line for line in sums.read_text().splitlines(True) if "etc/carebus/carebus.yaml" not in line))
    made = folder / deb.name.replace(VERSION, EARLIER)
    run("dpkg-deb", "--root-owner-group", "-b", tree, made)
    shutil.rmtree(tree)
    return made


def debian_image():
    """A tar of a Debian that is plain; whoever asks is skipped where there can be none."""
    try:
        return debian.plain_image()
    except debian.CannotMake as reason:
        pytest.skip(str(reason))


def unpacked_debian(root):
    """That Debian in a folder, in which no package starts anything."""
    root.mkdir()
    run("tar", "--exclude=./dev/*", "-xpf", debian_image(), "-C", root)
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    return root
