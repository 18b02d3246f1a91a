"""The two ends of MLLP for system tests: a real carebus-mllp beside a bus, and a sender that speaks to it byte by byte."""

import os
import select
import signal
import socket
import ssl
import subprocess
import time

from carebus_bus import ANSWER_SECONDS, CAREBUS_MLLP, FINDING, BusError, free_port, wait_for

START, END = b"\x0b", b"\x1c\r"


def adt(message_id, trigger="A01", local_id="H1", family="EXAMPLE", processing="T", **fields):
    """An ADT message; `fields` overrides single fields of MSH by number: msh18="8859/1"."""
    msh = ["MSH", "^~\\&", "PAS", "RA9", "CAREBUS", "RA9", "20261101101500", "", f"ADT^{trigger}", message_id, processing, "2.4"]
    msh += [""] * (21 - len(msh))
    for name, value in fields.items():
        msh[int(name[3:]) - 1] = value
    pv1 = ["PV1", "1", "I", "WARD7^BAY2^B4^RA9"] + [""] * 15 + [f"V{local_id}^^^RA9^VN"] + [""] * 24 + ["20261101100500"]
    return "\r".join([
        "|".join(msh).rstrip("|"),
        f"EVN|{trigger}|20261101101500||||20261101101000",
        f"PID|1||{local_id}^^^RA9^MR||{family}^ANNA||19520314|2",
        "|".join(pv1),
    ]) + "\r"


class Answer:
    def __init__(self, frame):
        self.text = frame.decode("latin-1")
        self.segments = {line.split("|")[0]: line.split("|") for line in self.text.split("\r") if line}
        msa = self.segments.get("MSA", ["MSA", "", ""])
        self.code, self.message_id = msa[1], msa[2] if len(msa) > 2 else ""
        self.reason = msa[3] if len(msa) > 3 else ""


class Sender:
    """A hospital's engine. Sends what it is told, however wrong."""

    def __init__(self, port, tls=None, address="127.0.0.1"):
        self.socket = socket.create_connection((address, port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, *messages):
        self.send_raw(b"".join(START + (m.encode("utf-8") if isinstance(m, str) else m) + END for m in messages))

    def receive(self, seconds=ANSWER_SECONDS):
        """The next answer; None when the other side closed; raises when there is none in time."""
        until = time.monotonic() + seconds
        while END not in self.buffer:
            left = until - time.monotonic()
            if left <= 0:
                raise BusError("no answer of carebus-mllp in time")
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except ConnectionResetError:
                return None
            if not piece:
                return None
            self.buffer += piece
        frame, self.buffer = self.buffer.split(END, 1)
        assert frame.startswith(START), frame[:20]
        return Answer(frame[1:])

    def ask(self, message, seconds=ANSWER_SECONDS):
        self.send(message)
        return self.receive(seconds)

    def is_silent(self, seconds=0.5):
        return not self.buffer and not select.select([self.socket], [], [], seconds)[0]

    def close(self):
        self.socket.close()


class Mllp:
    """carebus-mllp as the adapter of one source of a bus."""

    def __init__(self, bus, source="pas", **settings):
        self.bus, self.source, self.port = bus, source, free_port()
        self.process, self.senders = None, []
        self.log_path = bus.folder / f"mllp-{source}.log"
        bus.config["sources"][source] = {"team": "ward", "adapter": "mllp", "listen": f"127.0.0.1:{self.port}", **settings}
        bus.write_config()

    def start(self, environment=None, wrapper=()):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*wrapper, str(CAREBUS_MLLP), "--config", str(self.bus.config_path), "--source", self.source],
                                            stderr=log, stdout=log, env={**os.environ, **(environment or {})}, start_new_session=True)
        wait_for(self.listens, what="carebus-mllp to listen")
        return self

    def listens(self):
        if self.process.poll() is not None:
            raise BusError(f"carebus-mllp ended with {self.process.returncode}\n{self.log()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def sender(self, **options):
        sender = Sender(self.port, **options)
        self.senders.append(sender)
        return sender

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def stop(self, seconds=ANSWER_SECONDS):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self):
        for sender in self.senders:
            sender.close()
        if self.process and self.process.poll() is None:
            self.stop()
        if FINDING.search(self.log()):
            raise BusError(f"a sanitizer found something in carebus-mllp:\n{self.log()[-8000:]}")
