"""The units as systemd reads them: every directive known, nothing that is not there, and how much each service is exposed."""

import pathlib
import re
import shutil
import subprocess

import pytest

UNITS = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
SOCKETS = sorted(UNITS.glob("*.socket"))
# Tenths: what systemd-analyze calls exposure, 0 nothing to say, 100 as it comes.
CORE_AT_MOST = 4
ADAPTER_AT_MOST = 12

pytestmark = [pytest.mark.plain,
              pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not there: package systemd")]


def values(path, key):
    return re.findall(rf"^{key}=(.*)$", path.read_text(encoding="utf-8"), re.M)


@pytest.fixture(name="folder", scope="module")
def fixture_folder(tmp_path_factory):
    """The units with programs that are there in place of ours, which need not be installed: /bin/true stands for each."""
    folder = tmp_path_factory.mktemp("units")
    for path in UNITS.iterdir():
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^(Exec(?:Start|Reload)=)\S+.*$", r"\1/bin/true", text, flags=re.M)
        text = re.sub(r"^(User|Group|SupplementaryGroups)=.*$", r"\1=root", text, flags=re.M)
        text = re.sub(r"^Documentation=.*$", "Documentation=https://example.org/", text, flags=re.M)
        (folder / path.name).write_text(text, encoding="utf-8")
    return folder


def verify(path):
    """What `systemd-analyze verify` prints: it returns 0 on an unknown directive, and only says so."""
    name = path.name.replace("@.", "@one.")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", str(path.with_name(name))],
                          capture_output=True, text=True, timeout=120, check=False)
    # What else is on this machine is not ours to judge.
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "carebus" in line]
    return lines, done.returncode


@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.iterdir()))
def test_systemd_has_nothing_to_say_about_a_unit(folder, name):
    lines, _ = verify(folder / name)
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize("name, section, directive", [
    ("carebusd.service", "Service", "PrivateNetwrok=yes"), ("carebusd.service", "Unit", "Afterwards=x.target"),
    ("carebus-mllp@.socket", "Socket", "FileDescriptorNames=x"),
])
def test_a_directive_that_nobody_knows_would_be_found(folder, tmp_path, name, section, directive):
    for path in folder.iterdir():
        shutil.copy(path, tmp_path)
    text = (tmp_path / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(text.replace(f"[{section}]\n", f"[{section}]\n{directive}\n"), encoding="utf-8")
    lines, _ = verify(tmp_path / name)
    assert any(directive.split("=")[0] in line for line in lines), lines


def exposure(path, threshold):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={threshold}", str(path)],
                          capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_is_exposed_no_more_than_it_has_to_be(folder, path):
    has_network = "PrivateNetwork=yes" not in path.read_text(encoding="utf-8")
    # With root for a user everything else would be in vain: the user is the unit's own.
    text = (folder / path.name).read_text(encoding="utf-8")
    text = re.sub(r"^(User|Group|SupplementaryGroups)=root$", r"\1=daemon", text, flags=re.M)
    (folder / path.name).write_text(text, encoding="utf-8")
    code, output = exposure(folder / path.name, ADAPTER_AT_MOST if has_network else CORE_AT_MOST)
    assert code == 0, output


def test_a_service_that_is_exposed_would_be_found(tmp_path):
    (tmp_path / "bare.service").write_text("[Service]\nExecStart=/bin/true\nUser=daemon\n", encoding="utf-8")
    assert exposure(tmp_path / "bare.service", ADAPTER_AT_MOST)[0] != 0


def test_the_core_has_no_network_and_no_program_but_its_own():
    core = UNITS / "carebusd.service"
    assert values(core, "PrivateNetwork") == ["yes"]
    assert values(core, "RestrictAddressFamilies") == ["AF_UNIX"]
    assert values(core, "CapabilityBoundingSet") == [""]
    assert values(core, "NoExecPaths") == ["/"]
    assert values(core, "LimitCORE") == ["0"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_what_a_restart_cannot_mend_is_not_restarted_and_what_hangs_is(path):
    assert values(path, "Type") == ["notify"]
    assert values(path, "Restart") == ["on-failure"]
    assert "78" in values(path, "RestartPreventExitStatus")[0].split()
    assert int(values(path, "WatchdogSec")[0]) >= 30
    assert values(path, "StartLimitBurst") and values(path, "StartLimitIntervalSec")


def test_each_adapter_is_a_user_of_its_own_that_cannot_reach_the_state():
    users = []
    for path in SERVICES:
        users += values(path, "User")
        if path.name != "carebusd.service":
            assert values(path, "InaccessiblePaths") == ["-/var/lib/carebus"]
            assert values(path, "ExecStart")[0].endswith("--instance %i")
    assert len(set(users)) == len(SERVICES)
    made = "".join(path.read_text(encoding="utf-8") for path in UNITS.parent.glob("*.sysusers"))
    for user in users:
        assert re.search(rf"^u {user} ", made, re.M), f"nobody makes the user {user}"


def test_listeners_have_the_names_that_the_programs_look_for():
    names = {path.name: values(path, "FileDescriptorName") for path in SOCKETS}
    assert names == {"carebus-fhir@.socket": ["%i"], "carebus-mllp@.socket": ["%i"], "carebusd-feed.socket": ["feed"],
                     "carebusd-intake.socket": ["intake"], "carebusd-live@.socket": ["live-%i"], "carebusd-metrics.socket": ["metrics"]}
    for path in SOCKETS:
        # One address each: who listens takes one by its name.
        assert len(values(path, "ListenStream")) == 1
        if path.name.startswith("carebusd-"):
            assert values(path, "Service") == ["carebusd.service"]


def test_the_target_and_every_unit_belong_together():
    for path in SERVICES + SOCKETS:
        assert values(path, "PartOf") == ["carebus.target"], path.name
        assert any("carebus.target" in wanted.split() for wanted in values(path, "WantedBy")), path.name
