"""Real processes for the system tests: a bus in a folder of its own, sources and readers that speak to it.

    with Bus() as bus:
        pas = bus.source("pas")
        receipt, = pas.send(submission("A-1"))
        assert receipt.stored.seq == 2

CAREBUS_BUILD names the build folder (default: build). The generated protobuf modules are made there once.
"""

import collections
import contextlib
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib

import yaml
import zmq

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import log_rows  # noqa: E402

BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", ROOT / "build")).resolve()
CAREBUSD = BUILD / "daemon" / "carebusd"
CAREBUSCTL = BUILD / "ctl" / "carebusctl"
CAREBUS_MLLP = BUILD / "adapters" / "mllp" / "carebus-mllp"

# What a sanitizer prints when it has found something.
FINDING = re.compile(r"ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|runtime error:")
# Sanitizers make everything slower; nothing here is a measurement.
SLOW = 4 if re.search("asan|tsan", BUILD.name) else 1
# How long to wait for what must happen. Only a failure takes so long; a machine that builds something else meanwhile is no failure.
READY_SECONDS = 60 + 15 * SLOW
ANSWER_SECONDS = 60 + 15 * SLOW

# libzmq is not instrumented: without this ThreadSanitizer takes its own hand-overs for races.
os.environ.setdefault("TSAN_OPTIONS", "ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1")


def _generate_modules():
    """Generates carebus.v1 for Python into the build folder, once, whoever comes first."""
    folder = BUILD / "tests" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted((ROOT / "proto").glob("carebus/v1/*.proto"))
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "stamp"
        newest = max(path.stat().st_mtime for path in sources)
        if not stamp.exists() or stamp.stat().st_mtime < newest:
            subprocess.run(["protoc", f"--proto_path={ROOT / 'proto'}", f"--python_out={folder}", *map(str, sources)], check=True)
            stamp.touch()
    sys.path.insert(0, str(folder))


_generate_modules()
from carebus.v1 import ask_pb2, bodies_pb2, common_pb2, control_pb2, event_pb2, feed_pb2  # noqa: E402,F401
from carebus.v1 import intake_pb2, journal_pb2, record_pb2, sharing_pb2  # noqa: E402,F401


class BusError(AssertionError):
    """Something of the bus under test did not do what a test relies on."""


def wait_for(condition, seconds=ANSWER_SECONDS, what="a condition"):
    """Waits until the condition holds and returns what it returned. `what` may be a function, for what is only known when it did not."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise BusError(f"{what() if callable(what) else what}: not within {seconds} s")
        time.sleep(0.02)


_ports = []  # held until this process ends


def free_port():
    """A port of 127.0.0.1 that nobody listens at: below those that the kernel gives to who asks for any, and of no other test meanwhile."""
    while True:
        port = random.SystemRandom().randrange(12_000, 32_000)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0carebus-test-port-{port}")  # a name that goes with the process
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _ports.append(claim)
        return port


def curve_pair():
    """A public and a secret key, as text."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def submission(message_id=None, original=None, events=1, time_at=None, **fields):
    """A submission of somebody's admission; the number is set when it is sent."""
    result = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", **fields)
    if message_id is not None:
        result.message_id = message_id
    result.original = original if original is not None else f"MSH|^~\\&|{message_id}\r".encode()
    if time_at is not None:
        result.message_time.utc_at = time_at
    for index in range(events):
        event = result.events.add(type="encounter.admitted", action=event_pb2.ACTION_NEW)
        event.occurred_at.utc_at = 1_700_000_000_000_000 + index
        identifier = event.patient.identifiers.add(system="carebus:pas", value=f"P{zlib.crc32(str(message_id).encode()) % 1000}")
        identifier.type = "MR"
        event.encounter.identifier.system = "carebus:pas"
        event.encounter.identifier.value = f"V{message_id}"
        event.encounter.status = "in-progress"
    return result


class Source:
    """A DEALER that speaks for a source, without any help of libcarebus."""

    def __init__(self, endpoint, name, keys=None, hello=True, can_retranslate=False):
        self.name = name
        self.can_retranslate = can_retranslate
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = 0
        if keys:
            bus_public, public, secret = keys
            self.socket.curve_serverkey = bus_public.encode()
            self.socket.curve_publickey = public.encode()
            self.socket.curve_secretkey = secret.encode()
        self.monitor = self.socket.get_monitor_socket()
        self.socket.connect(endpoint)
        self.next_number = 0
        self.receipts = []
        self.welcome = None
        if hello:
            self.hello()

    def send_raw(self, *frames):
        self.socket.send_multipart(frames)

    def send_message(self, **fields):
        self.socket.send(intake_pb2.FromSource(**fields).SerializeToString())

    def receive(self, seconds=ANSWER_SECONDS):
        """The next message of the bus that says something, or None. Receipts of nothing are the bus looking who is there."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left < 0 or not self.socket.poll(max(1, int(left * 1000))):
                return None
            message = intake_pb2.ToSource.FromString(self.socket.recv())
            if message.WhichOneof("message") != "receipts" or message.receipts.receipts:
                return message

    def hello(self, source=None, protocol=1, seconds=ANSWER_SECONDS):
        """Greets; returns the Welcome, or raises with the reason."""
        self.send_message(hello=intake_pb2.Hello(protocol=protocol, source=source or self.name, adapter="test/1",
                                                 can_retranslate=self.can_retranslate))
        while True:
            message = self.receive(seconds)
            if message is None:
                raise BusError("no answer to Hello")
            kind = message.WhichOneof("message")
            if kind == "refused":
                raise BusError(f"refused: {message.refused.reason}")
            if kind == "welcome":
                self.welcome = message.welcome
                self.next_number = message.welcome.next_number
                self.receipts = []
                return message.welcome

    def submit(self, *submissions, number=None):
        """Sends them in one Submit, numbered on (or from `number` on); waits for nothing. Returns their numbers."""
        if number is not None:
            self.next_number = number
        submit = intake_pb2.Submit()
        numbers = []
        for one in submissions:
            one.number = self.next_number
            numbers.append(one.number)
            self.next_number += 1
            submit.submissions.append(one)
        self.send_message(submit=submit)
        return numbers

    def wait_receipts(self, count, seconds=ANSWER_SECONDS):
        """The next `count` receipts."""
        end = time.monotonic() + seconds
        while len(self.receipts) < count:
            message = self.receive(max(0.001, end - time.monotonic()))
            if message is None:
                raise BusError(f"{len(self.receipts)} of {count} receipts")
            if message.WhichOneof("message") != "receipts":
                raise BusError(f"instead of receipts: {message}")
            self.receipts.extend(message.receipts.receipts)
        taken, self.receipts = self.receipts[:count], self.receipts[count:]
        return taken

    def send(self, *submissions, number=None):
        """Submits and waits for the receipts."""
        numbers = self.submit(*submissions, number=number)
        receipts = self.wait_receipts(len(numbers))
        if [receipt.number for receipt in receipts] != numbers:
            raise BusError(f"receipts for {[receipt.number for receipt in receipts]}, not {numbers}")
        return receipts

    def events(self, seconds=1.0):
        """What became of the connection, as names of monitor events."""
        names = []
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.monitor.poll(50):
            event = int.from_bytes(self.monitor.recv_multipart()[0][:2], "little")
            names.append(zmq.Event(event).name)
        return names

    def wait_event(self, *names, seconds=ANSWER_SECONDS):
        """The first of these monitor events that comes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.monitor.poll(50):
                name = zmq.Event(int.from_bytes(self.monitor.recv_multipart()[0][:2], "little")).name
                if name in names:
                    return name
        raise BusError(f"none of {names}")

    def close(self):
        self.socket.disable_monitor()
        self.monitor.close()
        self.socket.close()
        self.context.term()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# Every team sees everything of everybody: what the tests that are not about sharing go by.
OPEN_SHARING = {
    "rules": [{"name": "open", "reason": "a test", "classes": ["all"], "kinds": ["all"], "relationships": ["not-needed"]}],
    "sensitive": {name: {"codes": []} for name in ("sexual-health", "termination", "assisted-conception", "gender-reassignment",
                                                    "very-restricted")},
    "restricted": {"types": [], "fields": []},
    "existence": [],
}


class Bus:
    """A daemon (core and serve) in a folder of its own. `config` is laid over the one below, group by group."""

    def __init__(self, config=None, folder=None, keep=False, environment=None):
        self.own_folder = folder is None
        # Short: a socket's path is at most 107 bytes.
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="carebus-"))
        self.folder.chmod(0o755)
        self.keep = keep
        self.environment = environment or {}
        self.process = None
        self.log_path = self.folder / "log"
        self.sources = []
        self.notify = None
        self.notices = []
        self.heard = collections.deque()
        self.wrapper = []
        self.pass_fds = []
        self.config = {
            "bus": "test-bus",
            "environment": "test",
            "state": str(self.folder / "state"),
            "run": str(self.folder / "run"),
            "timezone": "Europe/London",
            "teams": {
                "ward": {"name": "Ward", "organisation": "RA9", "class": "clinical", "may_read": ["pas", "lab"]},
            },
            "sources": {
                "pas": {"team": "ward", "adapter": "own"},
                "lab": {"team": "ward", "adapter": "own"},
            },
            "journal": {"reserve_bytes": 0, "segment_bytes": "4 MiB"},
            "sharing": OPEN_SHARING,
            "scope": {"people": "all"},
        }
        for key, value in (config or {}).items():
            # Rules are never mixed: who says some says all, or with None that those that ship are meant.
            if key != "sharing" and isinstance(value, dict) and isinstance(self.config.get(key), dict):
                self.config[key] = {**self.config[key], **value}
            else:
                self.config[key] = value
        self.write_config()

    # -- configuration

    @property
    def config_path(self):
        return self.folder / "carebus.yaml"

    def write_config(self):
        path = self.config_path.with_suffix(".new")
        path.write_text(yaml.safe_dump(self.config, sort_keys=False), encoding="utf-8")
        path.rename(self.config_path)

    def write_keys(self, **pairs):
        """Puts NAME=(public, secret or None) into the folder of keys."""
        folder = self.folder / "keys"
        folder.mkdir(exist_ok=True)
        self.config["keys"] = str(folder)
        for name, (public, secret) in pairs.items():
            (folder / f"{name}.pub").write_text(public + "\n", encoding="ascii")
            if secret:
                path = folder / f"{name}.key"
                path.touch(mode=0o600)
                path.write_text(secret + "\n", encoding="ascii")
        self.write_config()

    # -- the daemon's life

    def start(self, wait=True):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify_path = self.folder / "notify"
        notify_path.unlink(missing_ok=True)
        self.notify.bind(str(notify_path))
        notify_path.chmod(0o777)  # the daemon may run as another user
        self.notices = []
        self.heard = collections.deque()
        threading.Thread(target=self._listen, args=(self.notify, self.heard), daemon=True).start()
        environment = {**os.environ, **self.environment, "NOTIFY_SOCKET": str(notify_path)}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.wrapper, str(CAREBUSD), "--config", str(self.config_path)], stderr=log, stdout=log,
                                            env=environment, start_new_session=True, pass_fds=self.pass_fds)
        if wait:
            self.wait_notice("READY=1")
        return self

    def _listen(self, notify, heard):
        """Reads as a service manager does: at once, or the daemon would wait."""
        while True:
            try:
                message = notify.recv(4096)
            except OSError:
                return
            if not message:
                return
            heard.extend(message.decode().split("\n"))

    def read_notices(self):
        """What the daemon told its service manager and nobody has waited for yet."""
        while self.heard:
            self.notices.append(self.heard.popleft())
        return self.notices

    def wait_notice(self, notice, seconds=READY_SECONDS):
        """Waits for an assignment such as READY=1 that comes from now on or was not read yet."""
        end = time.monotonic() + seconds
        while notice not in self.read_notices():
            if self.process.poll() is not None:
                raise BusError(f"carebusd ended with {self.process.returncode} before {notice}:\n{self.log()[-4000:]}")
            if time.monotonic() > end:
                raise BusError(f"no {notice} within {seconds} s:\n{self.log()[-4000:]}")
            time.sleep(0.01)
        self.notices = self.notices[self.notices.index(notice) + 1:]

    @property
    def pid(self):
        """Of core, also when it runs under a wrapper such as strace."""
        return int((pathlib.Path(self.config["state"]) / "lock").read_text()) if self.wrapper else self.process.pid

    @property
    def serve_pid(self):
        """Of the newest serve process."""
        pids = re.findall(r"serve_pid=(\d+) event=SERVE_STARTED", self.log())
        return int(pids[-1]) if pids else None

    def wait(self, seconds=READY_SECONDS):
        """Waits for the end; the exit code."""
        return self.process.wait(seconds)

    def stop(self, seconds=READY_SECONDS):
        """SIGTERM; the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise BusError(f"carebusd did not stop within {seconds} s:\n{self.log()[-4000:]}") from None
        self._ended()
        return code

    def kill(self, serve_too=True):
        """SIGKILL, as a crash: core, and serve with it, which ends with core anyway."""
        serve = self.serve_pid
        self.process.kill()
        self.process.wait()
        if serve_too and serve:
            with contextlib.suppress(ProcessLookupError):
                os.kill(serve, signal.SIGKILL)
        self._ended()

    def _ended(self):
        if self.notify:
            with contextlib.suppress(OSError):
                self.notify.shutdown(socket.SHUT_RDWR)
            self.notify.close()
        self.notify = None
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def reload(self, wait=True):
        """Writes the configuration and has it read; with `wait` until the daemon says that it is done."""
        self.write_config()
        self.read_notices()
        self.notices = []
        os.kill(self.pid, signal.SIGHUP)
        if wait:
            self.wait_notice("READY=1")

    def close(self):
        for source in self.sources:
            source.close()
        self.sources = []
        wrong = self.unbalanced()
        try:
            if self.process is not None:
                self.stop()
            if wrong:
                raise BusError(wrong)
            log = self.log()
            if FINDING.search(log):
                raise BusError(f"a sanitizer found something:\n{log[-12000:]}")
        finally:
            log_rows.gather(self.folder)
            if self.own_folder and not self.keep:
                shutil.rmtree(self.folder, ignore_errors=True)

    def unbalanced(self):
        """With CAREBUS_BALANCE, as `./run faults` has it: what is not accounted for in the end, if the bus runs and says."""
        import promises
        if not os.environ.get("CAREBUS_BALANCE") or self.process is None or self.process.poll() is not None:
            return None
        try:
            promises.check_sums(promises.figures(self) or {})
        except AssertionError as error:
            return str(error)
        return None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is not None:
            sys.stderr.write(f"--- log of carebusd\n{self.log()[-8000:]}\n---\n")
            with contextlib.suppress(Exception):
                self.close()
            return
        self.close()

    # -- what can be asked of it

    def log(self):
        try:
            return self.log_path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def forget_log(self):
        """Begins its log anew, where what was said before would be taken for what is said now."""
        log_rows.gather(self.folder)
        self.log_path.unlink()

    def log_events(self):
        """Names of the events in the log, in order."""
        return re.findall(r" event=([A-Z_]+)", self.log())

    def endpoint(self, name):
        return f"ipc://{self.folder}/run/{name}"

    def source(self, name, **options):
        """A greeted source over ipc (or `endpoint`); closed with the bus."""
        source = Source(options.pop("endpoint", self.endpoint("intake")), name, **options)
        self.sources.append(source)
        return source

    def ctl(self, *arguments, check=None, text=True):
        """Runs carebusctl; `check` is the exit code that it must have."""
        done = subprocess.run([str(CAREBUSCTL), "--config", str(self.config_path), *arguments], capture_output=True, text=text,
                              timeout=120 * SLOW, check=False)
        if check is not None and done.returncode != check:
            raise BusError(f"carebusctl {' '.join(arguments)}: exit {done.returncode}, not {check}\n{done.stdout}\n{done.stderr}")
        return done

    def ctl_json(self, *arguments, check=0):
        """Runs carebusctl --json; a list of the objects that it printed, one a line."""
        done = self.ctl("--json", *arguments, check=check)
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def request(self, socket_name="control", seconds=ANSWER_SECONDS, **command):
        """One control Request; the Reply."""
        context = zmq.Context()
        dealer = context.socket(zmq.DEALER)
        dealer.linger = 0
        try:
            dealer.connect(self.endpoint(socket_name))
            dealer.send(control_pb2.Request(id=7, **command).SerializeToString())
            if not dealer.poll(int(seconds * 1000)):
                raise BusError(f"no answer from {socket_name}")
            return control_pb2.Reply.FromString(dealer.recv())
        finally:
            dealer.close()
            context.term()

    def status(self):
        """Core's own status."""
        return self.request(status=control_pb2.StatusRequest()).status

    def source_status(self, name):
        return next(source for source in self.status().sources if source.name == name)

    def wait_folded(self, seconds=ANSWER_SECONDS):
        """Waits until the state stands where the journal does."""
        def folded():
            status = self.status()
            return status if status.folded_seq == status.seq else None
        return wait_for(folded, seconds, "the fold to catch up")
