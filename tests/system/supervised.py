"""An adapter as its unit runs it: started again when it ends badly, ended when its watchdog is not fed; and messages that end it."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time

from carebus_bus import ANSWER_SECONDS, BUILD, SLOW

MARKER = "CRASHHERE"
WATCHDOG_SECONDS = 4 * SLOW
RESTART_SECONDS = 0.1


def crashes(how="dies"):
    """The environment in which a text that begins with MARKER ends who reads it: see tests/faults/crashshim.c."""
    shim = BUILD / "tests" / "faults" / "crashshim.so"
    assert shim.exists(), f"{shim} is not built"
    return {"LD_PRELOAD": str(shim), "CAREBUS_CRASH_AT": MARKER, "CAREBUS_CRASH_HOW": how}


class Supervised(threading.Thread):
    """What Restart=on-failure and WatchdogSec= do. `ended` has the exit status of each process that ended by itself or by its watchdog."""

    def __init__(self, program, bus, source, environment):
        super().__init__(daemon=True)
        self.command = [str(program), "--config", str(bus.config_path), "--source", source]
        self.log_path = bus.folder / f"supervised-{source}.log"
        self.environment, self.ended = dict(environment), []
        self.process, self.stopping, self.fed_at = None, False, None
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify_path = f"{bus.folder}/notify-{source}"
        self.notify.bind(self.notify_path)
        self.notify.settimeout(0.05)
        self.start()

    def run(self):
        while not self.stopping:
            self.run_once()
            time.sleep(RESTART_SECONDS)

    def run_once(self):
        supervision = {"NOTIFY_SOCKET": self.notify_path, "WATCHDOG_USEC": str(int(WATCHDOG_SECONDS * 1e6))}
        environment = {**os.environ, **supervision, **self.environment}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=environment, start_new_session=True)
        self.fed_at = None
        while self.process.poll() is None:
            self.heed_notify()
            if self.fed_at and time.monotonic() > self.fed_at + WATCHDOG_SECONDS:
                self.process.send_signal(signal.SIGABRT)
                self.process.wait()
        if self.process.returncode != 0:
            self.ended.append(self.process.returncode)

    def heed_notify(self):
        with contextlib.suppress(TimeoutError):
            word = self.notify.recv(4096)
            if b"READY=1" in word or b"WATCHDOG=1" in word:
                self.fed_at = time.monotonic()

    def restart(self, environment):
        """Ends it in order, and has it started again: mended, for instance."""
        self.environment = dict(environment)
        self.process.send_signal(signal.SIGTERM)

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def close(self):
        self.stopping = True
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.join(ANSWER_SECONDS)
        if self.process and self.process.poll() is None:
            self.process.kill()
        self.notify.close()
