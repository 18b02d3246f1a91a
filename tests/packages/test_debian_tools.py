"""What Debian itself asks of packages: piuparts installs, upgrades, removes and purges them, autopkgtest runs their own tests.

Needs root, the network of Debian, and the packages of the group `package` in packaging/dependencies.txt.
"""

import re
import shutil

import pytest

import debian
from carebus_packages import EARLIER, TOP, VERSION, built_packages, debian_image, earlier, run, text, unpacked_debian

pytestmark = [pytest.mark.plain, pytest.mark.nightly, pytest.mark.root]

HOURS = 3600


@pytest.fixture(scope="module", name="debs", autouse=True)
def fixture_debs():
    missing = [tool for tool in ("piuparts", "autopkgtest", "dpkg-scanpackages") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (group `package` of packaging/dependencies.txt)")
    built_packages()
    return sorted(debian.debs().values())


@pytest.fixture(name="archive")
def fixture_archive(debs, tmp_path):
    """A folder that apt takes packages from, in which each is of an earlier version."""
    folder = tmp_path / "archive"
    folder.mkdir()
    for deb in debs:
        earlier(deb, folder)
    (folder / "Packages").write_text(run("dpkg-scanpackages", ".", cwd=folder).stdout, encoding="utf-8")
    return folder


def repositories_of(image):
    """Where a Debian has its packages from: piuparts itself thinks of no security updates, which the image has."""
    lines = run("tar", "-xOf", image, "./etc/apt/sources.list").stdout.splitlines()
    return [line for line in lines if line.startswith("deb ")]


def test_piuparts_installs_upgrades_and_purges_them_and_finds_nothing_to_say(debs, archive):
    repositories = [f"deb [trusted=yes] file:{archive} ./", *repositories_of(debian_image())]
    done = run("piuparts", "--distribution", "bookworm", "--basetgz", debian_image(), "--no-eatmydata", "--fail-if-inadequate",
               "--fail-on-broken-symlinks", "--pedantic-purge-test", "--bindmount", archive,
               *[f"--extra-repo={one}" for one in repositories], *debs, check=False, timeout=2 * HOURS)
    assert done.returncode == 0, done.stdout[-6000:]
    for passed in ("Installation and purging test.", "Installation, upgrade and purging tests."):
        assert f"PASS: {passed}" in done.stdout
    for deb in debs:  # the upgrade was one
        name = deb.name.split("_")[0]
        assert re.search(rf"Unpacking {name}(:\w+)? \({re.escape(VERSION)}\) over \({re.escape(EARLIER)}\)", done.stdout), name


def test_every_test_of_the_packages_passes_where_they_are_installed(debs, tmp_path):
    """In a folder that is a Debian, with processes and devices of its own."""
    root = unpacked_debian(tmp_path / "root")
    source = tmp_path / "source"
    shutil.copytree(TOP / "packaging/debian", source / "debian")
    enter = ('mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/run" && mkdir "$0/run/lock" && '
             'exec "$@" -- chroot "$0"')
    done = run("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", enter, root, "autopkgtest",
               "--output-dir", tmp_path / "output", "--setup-commands", "apt-get update", "--no-built-binaries", *debs, source,
               check=False, timeout=2 * HOURS)
    shutil.rmtree(root)
    said = dict(re.findall(r"^(\S+) +(PASS|FAIL|SKIP)\b", done.stdout, re.M))
    assert said == dict.fromkeys(re.findall(r"^Tests: (\S+)$", text("packaging/debian/tests/control"), re.M), "PASS"), done.stdout[-6000:]
    assert done.returncode == 0
