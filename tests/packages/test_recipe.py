"""What can be said of the packages without building them: everything that is installed is in one of them, and nothing says two things."""

import collections
import fnmatch
import os
import re
import shutil

import pytest

from carebus_packages import BUILD, PROFILES, PROGRAMS, TOP, functions_of_the_header, profile_parsed, run, text

pytestmark = pytest.mark.plain

DEBIAN = TOP / "packaging/debian"
# Needed to build in the tree, and there in every build of a package; or of the demonstration and the tests' driver.
NOT_ASKED_FOR = {"gcc", "libc6-dev", "ninja-build", "python3-protobuf", "python3-zmq"}


def paragraphs():
    found = []
    for part in text("packaging/debian/control").strip().split("\n\n"):
        fields = re.findall(r"^([A-Z][\w-]*):((?:.*\n?)(?:[ \t].*\n?)*)", part + "\n", re.M)
        found.append({name: value.strip() for name, value in fields})
    return found


def packages():
    return [part["Package"] for part in paragraphs() if "Package" in part]


def names_in(field):
    return {re.match(r"[a-z0-9.+-]+", one.strip())[0] for one in field.replace("|", ",").split(",") if re.match(r"[a-z0-9]", one.strip())}


def test_versions_of_the_changelogs_and_of_the_build_agree():
    debian = re.match(r"carebus \(([^)-]+)-[^)]+\) bookworm;", text("packaging/debian/changelog"))[1]
    assert re.search(r"^## (\S+)", text("CHANGELOG.md"), re.M)[1] == debian
    assert re.search(r"version : '([^']+)'", text("meson.build"))[1] == debian
    for program, path in PROGRAMS.items():
        assert run(path, "--version").stdout == f"{program} {debian}\n"


def test_what_the_build_needs_is_asked_for_by_the_packages_too():
    rows = [line.split()[:2] for line in text("packaging/dependencies.txt").splitlines() if line and not line.startswith("#")]
    needed = {name for name, group in rows if group == "build"} - NOT_ASKED_FOR
    asked = names_in(paragraphs()[0]["Build-Depends"])
    assert needed <= asked, needed - asked
    assert asked - needed <= {"debhelper-compat", "dh-apparmor", "dh-python", "dh-sequence-installsysusers"}


def test_packages_of_the_issue_are_there_and_each_says_what_it_is():
    assert set(packages()) == {"carebus", "carebus-adapters", "libcarebus1", "libcarebus-dev", "carebus-doc", "carebus-demo"}
    short = [part["Description"].split("\n")[0] for part in paragraphs() if "Package" in part]
    assert len(set(short)) == len(short) and all(len(one) < 80 for one in short)


def installed(folder):
    """What `meson install` leaves, by the paths that a package has."""
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", folder)
    paths = set()
    for base, _, files in os.walk(folder):
        for name in files:
            path = os.path.relpath(os.path.join(base, name), folder)
            path = re.sub(r"^usr/local/(etc|share)/", lambda found: "etc/" if found[1] == "etc" else "usr/share/", path)
            path = re.sub(r"^usr/local/lib/systemd/system/", "lib/systemd/system/", path)
            path = re.sub(r"^usr/local/", "usr/", path).replace("share/zsh/site-functions", "share/zsh/vendor-completions")
            paths.add(path)
    return paths


def patterns():
    """(package, pattern) of what the packages take out of it."""
    for package in packages():
        for kind in ("install", "manpages"):
            path = DEBIAN / f"{package}.{kind}"
            if path.is_file():
                for line in path.read_text(encoding="utf-8").splitlines():
                    if line.strip() and not line.startswith("debian/"):
                        yield package, line.split()[0]


def test_every_file_that_is_installed_is_in_one_package(tmp_path):
    files = installed(tmp_path)
    assert len(files) > 100
    taken, without = collections.defaultdict(set), []
    for package, pattern in patterns():
        hits = {path for path in files if fnmatch.fnmatch(path, pattern) or path.startswith(pattern + "/")}
        if not hits:
            without.append(f"{package}: {pattern}")
        for path in hits:
            taken[path].add(package)
    assert not without, "nothing is there for " + ", ".join(without)
    assert files - set(taken) == set()
    assert {path: owners for path, owners in taken.items() if len(owners) > 1} == {}
    for folder in ("packaging/systemd", "packaging/catalog"):
        for path in (TOP / folder).glob("*"):
            assert any(one.endswith("/" + path.name) for one in files), path.name


def test_header_map_symbols_and_library_have_the_same_functions():
    """A function that is new goes into sdk/libcarebus.map and, with the version that brings it, into libcarebus1.symbols."""
    header = functions_of_the_header()
    assert set(re.findall(r"^\s+(carebus_\w+);$", text("sdk/libcarebus.map"), re.M)) == header
    assert set(re.findall(r"^ (carebus_\w+)@LIBCAREBUS_1 ", text("packaging/debian/libcarebus1.symbols"), re.M)) == header
    exported = run("nm", "-D", "--defined-only", BUILD / "sdk/libcarebus.so").stdout
    assert set(re.findall(r" T (\w+)@@LIBCAREBUS_1$", exported, re.M)) == header
    static = run("nm", "-g", "--defined-only", BUILD / "sdk/libcarebus.a").stdout
    assert set(re.findall(r" [A-Z] (\w+)$", static, re.M)) == header


def test_the_name_of_the_library_is_that_of_its_package():
    dynamic = run("objdump", "-p", BUILD / "sdk/libcarebus.so").stdout
    assert re.search(r"SONAME\s+(\S+)", dynamic)[1] == "libcarebus.so.1"
    assert text("packaging/debian/libcarebus1.symbols").startswith("libcarebus.so.1 libcarebus1 ")


def test_the_configuration_that_is_installed_is_good(tmp_path):
    """Beside nothing, as after an installation: it is not even warned about more than that nobody is named yet."""
    shutil.copy(DEBIAN / "carebus.yaml", tmp_path)
    done = run(PROGRAMS["carebusctl"], "--config", tmp_path / "carebus.yaml", "check")
    warnings = [line for line in done.stderr.splitlines() if "warning" in line]
    assert all("no teams" in line or "no sources" in line for line in warnings), warnings
    commented = [line[2:] for line in text("packaging/debian/carebus.yaml").splitlines() if re.match(r"# (teams|sources|  )", line)]
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "example.yaml").write_text("\n".join(commented).replace(", user: carebus-mllp", "") + "\n")
    assert "1 sources, 1 teams" in run(PROGRAMS["carebusctl"], "--config", tmp_path / "carebus.yaml", "check").stdout


def units():
    return {path.name: path.read_text(encoding="utf-8") for path in (TOP / "packaging/systemd").glob("*.service")}


def test_users_programs_and_folders_of_the_units_are_made_by_the_packages():
    users = set(re.findall(r"^u (\S+)", text("packaging/carebus.sysusers") + text("packaging/carebus-adapters.sysusers"), re.M))
    profiles = {name: text(f"packaging/apparmor/{name}") for name in PROFILES}
    assert len(units()) >= 4
    for name, unit in units().items():
        assert set(re.findall(r"^(?:User|Group|SupplementaryGroups)=(\S+)$", unit, re.M)) <= users, name
        program = re.search(r"^ExecStart=(\S+)", unit, re.M)[1]
        kept = re.search(r"^StateDirectory=([\w-]+)", unit, re.M)[1]
        profile = [one for one in "".join(profiles.values()).split("\nprofile ") if f" {program} flags" in one.split("\n", 1)[0]]
        assert len(profile) == 1, f"{program} has no profile of AppArmor"
        assert f"/var/lib/{kept}/** rwkl," in profile[0], f"{program} may not write {kept}"


def test_only_the_bus_itself_is_enabled_and_no_listener_on_a_network():
    rules = text("packaging/debian/rules")
    for line in re.findall(r"^\tdh_installsystemd((?:.*\\\n)*.*)$", rules, re.M):
        assert "--no-start" in line, "postinst decides about starting"
        if "--no-enable" not in line:
            assert re.findall(r"\S+\.(?:socket|service|target)", line) == ["carebus.target", "carebusd.service"]
    for socket in (TOP / "packaging/systemd").glob("carebusd-*.socket"):
        assert socket.name in rules or "@" in socket.name


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_of_apparmor_are_well_formed(profile):
    assert "Error" not in profile_parsed(profile, "--debug").stderr


def purge(script, root):
    return run("sh", DEBIAN / script, "purge", env={"PATH": "/usr/bin:/bin", "DPKG_ROOT": str(root)})


@pytest.mark.parametrize("script, holds", [
    ("carebus.postrm", "var/lib/carebus/journal/00001.journal"), ("carebus.postrm", "etc/carebus/keys/bus.key"),
    ("carebus.postrm", "etc/carebus/conf.d/ours.yaml"), ("carebus-adapters.postrm", "var/lib/carebus-fhir/epr/memory.mdb"),
])
def test_a_purge_takes_nothing_away_that_somebody_said_and_names_it(tmp_path, script, holds):
    for folder in ("var/lib/carebus", "etc/carebus/keys", "etc/carebus/conf.d", "run/carebus", "var/lib/carebus-csv/files"):
        (tmp_path / folder).mkdir(parents=True)
    kept = tmp_path / holds
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("of somebody")
    done = purge(script, tmp_path)
    assert kept.read_text() == "of somebody"
    assert "/" + "/".join(holds.split("/")[:3 if holds.startswith("var") else 2]) in done.stderr and "is kept" in done.stderr


def test_a_purge_of_what_nobody_used_leaves_nothing_and_says_nothing(tmp_path):
    for folder in ("var/lib/carebus", "etc/carebus/keys", "etc/carebus/conf.d", "run/carebus", "var/lib/carebus-mllp/pas"):
        (tmp_path / folder).mkdir(parents=True)
    for script in ("carebus.postrm", "carebus-adapters.postrm"):
        assert purge(script, tmp_path).stderr == ""
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()) == []
    assert not (tmp_path / "etc/carebus").exists() and not (tmp_path / "run/carebus").exists()
    assert sorted(os.listdir(tmp_path / "var/lib")) == []
