"""A real bus in a throw-away folder, and the programs that load it or read from it."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import machine

TEAMS = 16
ADAPTERS = 4
SOURCES = ["hl7-1", "hl7-2", "bench", *(f"bench-{i + 1}" for i in range(ADAPTERS))]
SERVER_CORE, CLIENT_CORE = 0, 1


class Failed(Exception):
    """A row has no figure; the message says why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(core):
    """For preexec_fn: everything started stays on the core. None: anywhere."""
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


class Tools:
    """Where the built programs are, and the folder of this run."""

    def __init__(self, build, pin):
        self.build = build
        self.pin = pin and len(os.sched_getaffinity(0)) > 1
        # The state belongs on the disk in question, the sockets where their paths are short.
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=build))
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="carebus-bench-"))
        self.runs = 0

    def remove(self):
        shutil.rmtree(self.disk, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)

    def core(self, which):
        return which if self.pin else None

    def program(self, name):
        path = self.build / name
        if not path.exists():
            raise Failed(f"{name} is not built")
        return str(path)

    def prefix(self):
        """Another one for each run: message ids never come twice."""
        self.runs += 1
        return f"R{self.runs}T"

    @staticmethod
    def _options(options):
        words = []
        for name, value in options.items():
            if value is not None:
                words += ["--" + name.replace("_", "-"), str(value)]
        return words

    def start(self, name, **options):
        command = [self.program(f"bench/{name}"), *self._options(options)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process, name, timeout=120):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failed(f"{name} did not come to an end within {timeout} s") from None
        if process.returncode != 0:
            raise Failed((err.strip().splitlines() or out.strip().splitlines() or [f"{name} ended with {process.returncode}"])[-1])
        return json.loads(out.strip().splitlines()[-1])

    def run(self, name, **options):
        return self.finish(self.start(name, **options), name)

    def baseline(self, what, **options):
        return self.run("baseline", what=what, folder=options.pop("folder", self.disk), **options)

    @contextlib.contextmanager
    def sink(self, sync=1):
        """The bare MLLP server of bench/baseline-sink.c; gives its port."""
        process = self.start("baseline", what="sink", folder=self.disk, sync=sync, core=self.core(SERVER_CORE))
        try:
            line = process.stdout.readline()
            if not line:
                raise Failed(process.stderr.read().strip() or "the sink did not start")
            yield json.loads(line)["port"]
        finally:
            process.kill()
            process.communicate()


class Bus:
    """carebusd and its adapters, as an administrator would start them. Everything ends with the `with` block."""

    def __init__(self, tools, adapters=(), pin=True):
        self.tools, self.wanted, self.pin = tools, adapters, pin
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bus-", dir=tools.disk))
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="r", dir=tools.sockets))
        self.ports = {name: free_port() for name in SOURCES if name.startswith("hl7")}
        self.config = self.folder / "carebus.yaml"
        self.processes, self.adapters, self.daemon = [], {}, None

    @property
    def intake(self):
        return f"ipc://{self.run}/intake"

    def write_config(self):
        lines = ["bus: bench", "environment: test", f"state: {self.folder}/state", f"run: {self.run}", "teams:"]
        for i in range(TEAMS):
            lines.append(f"  team-{i + 1}: {{name: Team {i + 1}, organisation: RA9, class: clinical, may_read: [{', '.join(SOURCES)}]}}")
        lines += ["scope: {people: all}", "sharing:"]
        lines.append("  rules: [{name: open, reason: a measurement, classes: all, kinds: all, relationships: not-needed}]")
        lines.append("sources:")
        for name in SOURCES:
            listen = f'adapter: mllp, listen: "127.0.0.1:{self.ports[name]}"' if name in self.ports else "adapter: bench"
            lines.append(f"  {name}: {{team: team-1, {listen}}}")
        self.config.write_text("\n".join(lines) + "\n")

    def __enter__(self):
        self.write_config()
        try:
            self.start_daemon()
            for name in self.wanted:
                self.start_adapter(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.run, ignore_errors=True)

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes, self.adapters, self.daemon = [], {}, None

    def _start(self, *command):
        with open(self.folder / "log", "a") as log:
            core = self.tools.core(SERVER_CORE) if self.pin else None
            process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=pinned(core))
        self.processes.append(process)
        return process

    def _failed(self, what):
        return Failed(f"{what}: {''.join((self.folder / 'log').read_text().splitlines(True)[-3:]).strip()}")

    def start_daemon(self, timeout=60):
        """Returns the seconds from the start to `carebusctl status` saying that it takes in and gives out."""
        began = time.monotonic()
        self.daemon = self._start(self.tools.program("daemon/carebusd"), "--config", str(self.config))
        while True:
            if self.daemon.poll() is not None:
                raise self._failed("carebusd ended")
            if self.ctl("status").returncode == 0:
                return time.monotonic() - began
            if time.monotonic() > began + timeout:
                raise self._failed(f"carebusd was not ready within {timeout} s")
            time.sleep(0.01)

    def start_adapter(self, name, timeout=20):
        process = self._start(self.tools.program("adapters/mllp/carebus-mllp"), "--config", str(self.config), "--source", name)
        self.adapters[name] = process
        began = time.monotonic()
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.ports[name])) == 0:
                    break
            if process.poll() is not None or time.monotonic() > began + timeout:
                raise self._failed("carebus-mllp did not come up")
            time.sleep(0.02)
        # It listens before it has found the bus.
        while self.status_of(name)["sessions"] == 0:
            if time.monotonic() > began + timeout:
                raise self._failed("carebus-mllp did not find the bus")
            time.sleep(0.02)

    def ctl(self, *arguments, timeout=600):
        command = [self.tools.program("ctl/carebusctl"), "--config", str(self.config), "--json", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout)

    def status(self):
        answer = self.ctl("status")
        if not answer.stdout:
            raise Failed(f"carebusctl status: {answer.stderr.strip()}")
        return json.loads(answer.stdout)

    def status_of(self, source):
        return {"sessions": 0, **next((s for s in self.status()["sources"] if s["name"] == source), {})}

    def settle(self, timeout=120):
        """Waits until all that is durable is folded too; returns the newest number."""
        until = time.monotonic() + timeout
        while True:
            status = self.status()
            if int(status["folded_seq"]) >= int(status["seq"]):
                return int(status["seq"])
            if time.monotonic() > until:
                raise Failed(f"the fold is {int(status['seq']) - int(status['folded_seq'])} entries behind after {timeout} s")
            time.sleep(0.1)

    def journal(self):
        return json.loads(self.ctl("journal", "verify").stdout)

    def pids(self):
        """{pid: name of the process}: core, serve and the adapters."""
        named = {self.daemon.pid: "core"}
        named.update({pid: "serve" for pid in machine.children(self.daemon.pid)})
        named.update({process.pid: name for name, process in self.adapters.items()})
        return named

    def load_mllp(self, source="hl7-1", **options):
        options.setdefault("core", self.tools.core(CLIENT_CORE) if self.pin else None)
        options.setdefault("prefix", self.tools.prefix())
        return self.tools.run("load-mllp", port=self.ports[source], **options)

    def load_intake(self, **options):
        options.setdefault("core", self.tools.core(CLIENT_CORE) if self.pin else None)
        options.setdefault("prefix", self.tools.prefix())
        return self.tools.run("load-intake", endpoint=self.intake, **options)


class Meter:
    """Time on a core by process and thread, over a `with` block: what a message costs however busy the machine is."""

    def __init__(self, bus):
        self.bus = bus

    def __enter__(self):
        self.names = self.bus.pids()
        self.before = machine.thread_times(self.names)
        return self

    def __exit__(self, *_):
        after = machine.thread_times(self.names)
        self.spent = {}
        for (pid, thread), spent in after.items():
            name = f"{self.names[pid]}/{thread}"
            self.spent[name] = self.spent.get(name, 0) + spent - self.before.get((pid, thread), 0)

    def per_event(self, n):
        """[(process/thread, microseconds an event)], the dearest first."""
        each = [(name, spent / 1000 / max(n, 1)) for name, spent in self.spent.items()]
        return sorted((item for item in each if item[1] >= 0.05), key=lambda item: -item[1])
