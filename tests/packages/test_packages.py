"""The packages, built and put into a Debian of their own: without a finding, the same twice, installed, upgraded, removed, purged.

Needs root, the network of Debian, and the packages of the group `package` in packaging/dependencies.txt.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil

import pytest

import debian
from carebus_packages import EARLIER, TOP, VERSION, built_packages, earlier, run, unpacked_debian

pytestmark = [pytest.mark.plain, pytest.mark.nightly, pytest.mark.root]

INSTALLED = ("carebus", "carebus-adapters", "carebus-demo", "carebus-doc", "libcarebus1", "libcarebus-dev")
# What dpkg, apt, systemd and the library cache write for any package whatever.
OF_THE_SYSTEM = re.compile(
    r"^/(proc|sys|dev|tmp|run|debs|root|var/(lib/(dpkg|apt|systemd|pam|ucf)|cache|log|backups)"
    r"|etc/(passwd|group|shadow|gshadow|subuid|subgid|ld\.so\.cache|\.pwd\.lock)-?)(/|$)")


@pytest.fixture(scope="module", name="built")
def fixture_built():
    return built_packages()


def hash_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_there_is_nothing_that_lintian_says(built):
    changes = next(built.glob("*.changes"))
    done = run("lintian", "--allow-root", "--display-info", "--pedantic", "--fail-on", "error,warning,info,pedantic", changes, check=False)
    assert done.returncode == 0, done.stdout


def test_two_builds_in_different_surroundings_are_the_same_to_the_byte(built, tmp_path):
    """Elsewhere: folder, umask, time zone, language, home, user, name of the machine, number of processors, and the day."""
    elsewhere = ("unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec faketime -f +400d "$0" "$@"')
    again = debian.build(tmp_path / "elsewhere" / "deeper-than-before", 0o027, elsewhere, TZ="Pacific/Kiritimati", LC_ALL="POSIX",
                         LANGUAGE="de", HOME=str(tmp_path), USER="somebody", OMP_NUM_THREADS="5")
    first, second = ({path.name: path for path in folder.glob("*.deb")} for folder in (built, again))
    assert set(first) == set(second) and len(first) >= 6
    differ = [name for name in first if hash_of(first[name]) != hash_of(second[name])]
    if differ and shutil.which("diffoscope"):
        print(run("diffoscope", first[differ[0]], second[differ[0]], check=False).stdout[:8000])
    assert not differ


def test_the_list_of_what_they_are_made_of_has_every_library_that_dpkg_found(built, tmp_path):
    run(TOP / "packaging/sbom.py", built, tmp_path / "sbom.json")
    made = json.loads((tmp_path / "sbom.json").read_text())
    names = {one["SPDXID"]: one["name"] for one in made["packages"]}
    rows = [row for row in made["relationships"] if row["relationshipType"] == "DYNAMIC_LINK"]
    linked = {(names[row["spdxElementId"]], names[row["relatedSpdxElement"]]) for row in rows}
    asked = set()
    for name, deb in debian.debs().items():
        if name.startswith("carebus_"):
            asked = set(re.findall(r"\blib[a-z0-9.+-]+", run("dpkg-deb", "-f", deb, "Depends").stdout))
    assert asked and {name for package, name in linked if package == "carebus"} == asked


class Debian:
    """A minimal Debian in a folder; what runs in it is alone with its processes, and ends with its command."""

    ENTER = ('mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount -t tmpfs tmpfs "$0/run" && mkdir -p "$0/run/lock" && '
             'exec chroot "$0" "$@"')

    def __init__(self, root):
        self.root = root

    def __call__(self, *command, check=True, **options):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "HOME": "/tmp"}
        return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", self.ENTER, self.root, *command, check=check,
                   env=environment, timeout=900, **options)

    def files(self):
        """Every path with the bytes of what is a file."""
        found = {}
        for base, folders, files in os.walk(self.root):
            for name in folders + files:
                path = pathlib.Path(base, name)
                inside = "/" + str(path.relative_to(self.root))
                if OF_THE_SYSTEM.search(inside):
                    continue
                found[inside] = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        return found

    def install(self, *names, options=()):
        return self("apt-get", "install", "-y", "-q", "--no-install-recommends", "--allow-downgrades", *options,
                    *[f"/debs/{name}" for name in names])

    def states(self):
        shown = self("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n").stdout
        return {line.split()[0]: line.split()[1:] for line in shown.splitlines() if re.match(r"(lib)?carebus", line)}


@pytest.fixture(scope="module", name="machine")
def fixture_machine(tmp_path_factory):
    """A Debian with what the packages need, and the packages and their earlier versions as files."""
    folder = tmp_path_factory.mktemp("debian")
    root = unpacked_debian(folder / "root")
    (root / "debs").mkdir()
    system = Debian(root)
    needs = set()
    for deb in debian.debs().values():
        shutil.copy(deb, root / "debs")
        shutil.copy(earlier(deb, folder), root / "debs")
        wanted = run("dpkg-deb", "-f", deb, "Depends").stdout.strip()
        needs |= {one.strip() for one in wanted.split(",") if one.strip() and not re.match(r"\s*(lib)?carebus", one)}
    system("apt-get", "update", "-q")
    # What they need is installed first: it is not what they leave behind.
    system("apt-get", "satisfy", "-y", "-q", "--no-install-recommends", ", ".join(sorted(needs)))
    yield system
    shutil.rmtree(root)


def test_installation_upgrade_removal_and_purge_keep_what_is_somebodys_and_leave_nothing_else(machine):
    """One story, since each step begins where the one before ended."""
    names = {version: [path.name for path in (machine.root / "debs").glob(f"*_{version}_*.deb")] for version in (EARLIER, VERSION)}
    assert len(names[EARLIER]) == len(names[VERSION]) == len(INSTALLED)
    before = machine.files()

    machine.install(*names[EARLIER])
    assert {name: state[0] for name, state in machine.states().items()} == {name: EARLIER for name in INSTALLED}
    users = (machine.root / "etc/passwd").read_text()
    assert all(re.search(rf"^{user}:", users, re.M) for user in ("carebus", "carebus-mllp", "carebus-fhir", "carebus-csv"))
    assert oct((machine.root / "var/lib/carebus").stat().st_mode & 0o7777) == "0o700"
    enabled = machine.root / "etc/systemd/system"
    wants = sorted(str(path.relative_to(enabled)) for path in enabled.rglob("carebus*"))
    assert [path for path in wants if not path.endswith(".wants")] == [
        "carebus.target.wants/carebusd.service", "multi-user.target.wants/carebus.target", "multi-user.target.wants/carebusd.service"]

    # A configuration that nobody touched is the new one's afterwards; what an administrator wrote, and the state, stay.
    (machine.root / "etc/carebus/conf.d/ours.yaml").write_text("environment: test\n")
    (machine.root / "etc/default").mkdir(exist_ok=True)
    machine.install(*names[VERSION])
    assert {state[0] for state in machine.states().values()} == {VERSION}
    assert "As it was" not in (machine.root / "etc/carebus/carebus.yaml").read_text()
    machine("carebusctl", "check")
    shutil.copy(TOP / "packaging/debian/tests/start", machine.root / "tmp/start")
    machine("/tmp/start")
    (machine.root / "tmp/start").unlink()
    journal = list((machine.root / "var/lib/carebus/journal").iterdir())
    assert journal, "the bus has run"

    # Changed by somebody, it is not written over.
    config = machine.root / "etc/carebus/carebus.yaml"
    config.write_text(config.read_text() + "# ours\n")
    machine.install(*names[EARLIER], options=("-o", "Dpkg::Options::=--force-confold"))
    assert config.read_text().endswith("# ours\n")
    machine.install(*names[VERSION], options=("-o", "Dpkg::Options::=--force-confold"))
    assert config.read_text().endswith("# ours\n")
    assert not (machine.root / "etc/carebus/carebus.yaml.dpkg-new").exists()

    machine("dpkg", "--remove", *INSTALLED)
    left = set(machine.files()) - set(before)
    assert not [path for path in left if re.match(r"/(usr|lib|bin|sbin)/", path)], "programs stay behind"
    assert config.exists() and journal[0].exists()

    said = machine("dpkg", "--purge", *INSTALLED)
    assert "/var/lib/carebus is kept" in said.stderr and "/etc/carebus is kept" in said.stderr
    assert machine.states() == {} and journal[0].exists() and (machine.root / "etc/carebus/conf.d/ours.yaml").exists()
    assert not config.exists()

    # Installed again, the bus goes on with the state that was kept.
    machine.install(*names[VERSION])
    machine("carebusctl", "journal", "verify")
    machine("carebusctl", "check")

    # An instance that an administrator enabled: of it too nothing is left that would start by itself.
    (enabled / "carebus.target.wants/carebus-mllp@pas.service").symlink_to("/lib/systemd/system/carebus-mllp@.service")
    (enabled / "carebus.target.wants/carebusd-live@ward.socket").symlink_to("/lib/systemd/system/carebusd-live@.socket")
    shutil.rmtree(machine.root / "var/lib/carebus")
    (machine.root / "var/lib/carebus").mkdir()
    (machine.root / "etc/carebus/conf.d/ours.yaml").unlink()
    said = machine("dpkg", "--purge", *INSTALLED)
    assert "kept" not in said.stderr
    after = machine.files()
    assert sorted(set(after) - set(before)) == []
    changed = [path for path in before if path in after and before[path] != after[path]]
    assert sorted(set(before) - set(after)) == [] and changed == []
