"""A machine for the tests of the units: a real systemd in a container of systemd-nspawn.

Its system is this machine's own /usr with the programs of the build laid over it, so that nothing has to be fetched and it is up within
two seconds; or a Debian of mmdebstrap, in which the packages are installed.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import textwrap

import debian
from carebus_bus import BUILD, ROOT, BusError, wait_for

UP_SECONDS = 120
PROGRAMS = {"daemon/carebusd": "sbin", "ctl/carebusctl": "bin", "adapters/mllp/carebus-mllp": "bin",
            "adapters/fhir/carebus-fhir": "bin", "adapters/csv/carebus-csv": "bin"}


class CannotBoot(Exception):
    """This machine cannot do it; the text says why."""


def make_skeleton(root):
    """A root with nothing of its own: /usr is bound over it, /etc is written by systemd-sysusers and by the tests."""
    for name in ("usr", "etc/systemd/system", "etc/credstore", "proc", "sys", "dev", "run", "tmp", "var/lib", "var/log/journal", "srv",
                 "root"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/credstore").chmod(0o700)
    for name in ("bin", "sbin", "lib", "lib64"):
        if pathlib.Path("/usr", name).exists():
            (root / name).symlink_to(f"usr/{name}")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:101::/nonexistent:/usr/sbin/nologin\n")
    (root / "etc/group").write_text("root:x:0:\nmessagebus:x:101:\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    (root / "etc/machine-id").write_text("")


def make_layer(layer):
    """What the packages would bring, to be laid over /usr."""
    for name, place in PROGRAMS.items():
        (layer / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(BUILD / name, layer / place)
    units = layer / "lib/systemd/system"
    shutil.copytree(ROOT / "packaging/systemd", units)
    for kind in ("sysusers", "tmpfiles"):
        folder = layer / f"lib/{kind}.d"
        folder.mkdir(parents=True)
        for path in (ROOT / "packaging").glob(f"*.{kind}"):
            shutil.copy(path, folder / f"{path.stem}.conf")
    catalogs = sorted((ROOT / "packaging").glob("catalog/*.catalog"))
    for path in catalogs:
        (layer / "lib/systemd/catalog").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, layer / "lib/systemd/catalog")


class Machine:
    """A booted container; `run` and its friends are inside."""

    def __init__(self, root, arguments):
        self.root = pathlib.Path(root)
        self.arguments = arguments
        self.log = self.root.parent / "console"
        self.process = None
        self.pid = None

    def boot(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "-D", str(self.root), "--register=no", "--keep-unit", "--console=read-only",
                 # systemd-nspawn's own list of system calls is older than Landlock.
                 "--private-network", "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self",
                 *self.arguments, "/usr/lib/systemd/systemd", "systemd.unit=multi-user.target"],
                # With the older hierarchy of control groups a systemd in a container is not told that a service's last process has ended.
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(self._is_up, UP_SECONDS, lambda: f"a machine that runs:\n{self.console()}")
        except BaseException:
            self.close()
            raise
        return self

    def _is_up(self):
        if self.process.poll() is not None:
            raise CannotBoot(f"systemd-nspawn ended with {self.process.returncode}: {self.console()[-500:]}")
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False)
        if not children.stdout.split():
            return False
        self.pid = int(children.stdout.split()[0])
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def console(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def run(self, *command, check=True, text=None, seconds=120):
        done = subprocess.run(["nsenter", "-t", str(self.pid), "-a", "--", *command], input=text, capture_output=True, text=True,
                              timeout=seconds, check=False)
        if check and done.returncode != 0:
            raise BusError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.journal_text()}")
        return done

    def python(self, script, *arguments):
        """Runs a script inside with the system's Python; what it printed."""
        return self.run("/usr/bin/python3", "-", *arguments, text=textwrap.dedent(script)).stdout

    def write(self, path, text, mode=0o644):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)

    def show(self, unit, *names):
        """Properties of a unit, one or many."""
        lines = self.run("systemctl", "show", "--property", ",".join(names), unit).stdout.splitlines()
        found = dict(line.split("=", 1) for line in lines if "=" in line)
        return found[names[0]] if len(names) == 1 else found

    def journal(self, *matches):
        """Entries of the journal as dictionaries."""
        output = self.run("journalctl", "--no-pager", "-o", "json", *matches, check=False).stdout
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]

    def journal_text(self):
        return subprocess.run(["nsenter", "-t", str(self.pid), "-a", "--", "journalctl", "--no-pager", "-n", "40"], capture_output=True,
                              text=True, check=False).stdout

    def host_pid(self, pid):
        """What a process of the machine is called outside of it."""
        inside = os.readlink(f"/proc/{self.pid}/ns/pid")
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                if os.readlink(status.with_name("ns") / "pid") != inside:
                    continue
                numbers = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:")).split()[1:]
                if numbers[-1] == str(pid):
                    return int(numbers[0])
        raise BusError(f"no process {pid} in the machine")

    def close(self):
        if self.process is None or self.process.poll() is not None:
            return
        if self.pid is not None:
            # Its end is enough; how long it takes to end is nobody's business here.
            subprocess.run(["nsenter", "-t", str(self.pid), "-a", "--", "systemctl", "--force", "poweroff"], capture_output=True,
                           check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        if self.process.poll() is None:
            if self.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()


def why_not():
    """Why no machine can be booted here; None where one can."""
    if os.geteuid() != 0:
        return "needs root: systemd-nspawn makes namespaces"
    for program in ("systemd-nspawn", "nsenter"):
        if not shutil.which(program):
            return f"{program} is not there: packages systemd-container and util-linux"
    if not pathlib.Path("/usr/lib/systemd/systemd").exists():
        return "systemd is not there: package systemd"
    return None


def boot_this_userland(folder):
    """This machine's own /usr, with the build laid over it."""
    root, layer = folder / "root", folder / "layer"
    make_skeleton(root)
    make_layer(layer)
    return Machine(root, [f"--overlay-ro=/usr:{layer}:/usr"]).boot()


#
# A Debian with the packages
#

DEBIAN = ["systemd", "systemd-sysv", "dbus", "procps", "python3", "python3-zmq", "libzmq5", "libprotobuf-c1", "liblmdb0", "libzstd1",
          "libyaml-0-2", "libjson-c5", "libyajl2", "libutf8proc2", "libcsv3", "libssl3", "libmicrohttpd12", "libgnutls30", "libcurl4",
          "libglib2.0-0", "libseccomp2", "tzdata", "util-linux"]


def boot_debian(folder, packages):
    """A Debian with our packages installed in it by dpkg, before it boots."""
    root = folder / "root"
    root.mkdir()
    image = debian.image("bookworm-1.tar", DEBIAN)
    subprocess.run(["tar", "-C", str(root), "--exclude=./dev/*", "-xpf", str(image)], check=True, timeout=600)
    (root / "packages").mkdir()
    for package in packages:
        shutil.copy(package, root / "packages")
    names = " ".join(f"/packages/{package.name}" for package in packages)
    done = subprocess.run(["systemd-nspawn", "--quiet", "-D", str(root), "--register=no", "--keep-unit", "--pipe", "sh", "-c",
                           f"DEBIAN_FRONTEND=noninteractive dpkg -i {names}"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=600, check=False)
    if done.returncode != 0:
        raise BusError(f"the packages cannot be installed:\n{done.stdout}{done.stderr}")
    (root / "etc/machine-id").write_text("")
    return Machine(root, []).boot()
