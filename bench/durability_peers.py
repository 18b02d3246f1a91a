"""Servers that acknowledge what they are given, each behind the same few calls: durability-peers.py says what is done to them.

A payload is PAYLOAD_BYTES that begin with its number; at most WINDOW of them wait for their acknowledgement. Each has its files in a
folder that is given to it, and listens on 127.0.0.1.
"""

import base64
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import machine

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "system"))

WINDOW = 50
PAYLOAD_BYTES = 500
READY_SECONDS = 60
QUIET_SECONDS = 3  # so long nothing comes any more: that was all
MARK = "CAREBUS_DURABILITY"
PLACES = "/usr/sbin:/usr/lib/rabbitmq/bin"


class PeerFailed(Exception):
    pass


def payload(number):
    return f"{number:012d}".encode().ljust(PAYLOAD_BYTES, b".")


def number_of(data):
    return int(bytes(data[:12]))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Publishing:
    """Numbers on their way: one thread sends and hears, another ends it."""

    def __init__(self):
        self.acknowledged = set()
        self.sent = 0
        self.over = threading.Event()

    def has_room(self):
        return not self.over.is_set() and self.sent - len(self.acknowledged) < WINDOW

    def next(self):
        self.sent += 1
        return self.sent - 1


class Peer:
    name = setting = program = package = ""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.process = None
        self.log = tempfile.TemporaryFile()

    def spawn(self, *command, environment=None):
        places = {"PATH": f"{os.environ['PATH']}:{PLACES}", MARK: str(self.folder)}
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env={**os.environ, **places, **(environment or {})}, cwd=self.folder.parent, start_new_session=True)
        self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise PeerFailed(f"{self.name} ended with {self.process.returncode} before it listened")
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
        raise PeerFailed(f"{self.name} does not listen within {READY_SECONDS} s")

    def prepare(self):
        """Makes what messages go into; once, before any."""

    def kill(self):
        if self.process:
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def processes(self):
        """What was started, with all that it has started, wherever that has gone: they have the mark in their environment."""
        mark = f"{MARK}={self.folder}".encode()
        yield self.process.pid
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    yield int(path.parent.name)

    def close(self):
        self.kill()
        self.log.close()

    @classmethod
    def is_there(cls):
        return bool(shutil.which(cls.program, path=f"{os.environ['PATH']}:{PLACES}"))

    @classmethod
    def version(cls):
        done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", cls.package], capture_output=True, text=True, check=False)
        return done.stdout or "unknown"


class Carebus(Peer):
    name, setting = "carebus", "as it ships"

    def __init__(self, folder):
        import carebus_bus

        super().__init__(folder)
        self.module = carebus_bus
        self.bus = carebus_bus.Bus({"state": str(self.folder / "state")})

    @classmethod
    def is_there(cls):
        return True

    @classmethod
    def version(cls):
        build = pathlib.Path(os.environ.get("CAREBUS_BUILD", "build"))
        return machine.program_version(build / "ctl" / "carebusctl", "--version").rpartition(" ")[2]

    def start(self):
        self.bus.start()

    def kill(self):
        if self.bus.process:
            self.bus.kill()

    def close(self):
        super().close()
        self.bus.close()

    def publish(self, publishing):
        with self.module.Source(self.bus.endpoint("intake"), "pas") as source:
            numbers = {}
            while not publishing.over.is_set():
                while publishing.has_room():
                    number = publishing.next()
                    numbers[source.next_number] = number
                    source.submit(self.module.submission(f"m{number}", original=payload(number), events=0))
                message = source.receive(0.05)
                for receipt in message.receipts.receipts if message else ():
                    publishing.acknowledged.add(numbers.pop(receipt.number))

    def recovered(self):
        self.bus.wait_folded()
        return {int(line["source_message_id"][1:]) for line in self.bus.ctl_json("tail") if line.get("source_message_id")}


class Mosquitto(Peer):
    name, setting, program, package = "mosquitto", "QoS 1, `persistence true`, else as it ships", "mosquitto", "mosquitto"
    more = ""
    topic = "durability"

    def start(self):
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\n"
                          f"persistence_location {self.folder}/\nmax_queued_messages 0\n{self.more}")
        self.spawn("mosquitto", "-c", config)

    def prepare(self):
        self.reader().disconnect()

    def reader(self, on_message=None):
        """A subscriber that the server keeps messages for."""
        import paho.mqtt.client

        client = paho.mqtt.client.Client("reader", clean_session=False)
        client.on_message = on_message
        client.on_connect = lambda *_: client.subscribe(self.topic, 1)
        subscribed = threading.Event()
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        if not subscribed.wait(READY_SECONDS):
            raise PeerFailed("mosquitto does not let its reader subscribe")
        return client

    def publish(self, publishing):
        import paho.mqtt.client

        numbers = {}
        client = paho.mqtt.client.Client("writer")
        client.max_inflight_messages_set(WINDOW)
        client.on_publish = lambda _client, _data, mid: publishing.acknowledged.add(numbers.pop(mid))
        client.connect("127.0.0.1", self.port)
        while not publishing.over.is_set():
            while publishing.has_room():
                number = publishing.next()
                numbers[client.publish(self.topic, payload(number), 1).mid] = number
            client.loop(0.01)

    def recovered(self):
        found, last = set(), [time.monotonic()]

        def take(_client, _data, message):
            found.add(number_of(message.payload))
            last[0] = time.monotonic()

        client = self.reader(take)
        while time.monotonic() - last[0] < QUIET_SECONDS:
            time.sleep(0.1)
        client.loop_stop()
        client.disconnect()
        return found


class MosquittoStrict(Mosquitto):
    setting = "QoS 1, saves after every change (`autosave_on_changes`)"
    more = "autosave_on_changes true\nautosave_interval 1\n"


class Nats(Peer):
    name, setting, program, package = "nats-server", "JetStream, file store, as it ships", "nats-server", "nats-server"
    stream = "DURABILITY"

    def start(self):
        self.spawn("nats-server", "-a", "127.0.0.1", "-p", self.port, "-js", "-sd", self.folder / "jetstream")

    def connect(self):
        link = socket.create_connection(("127.0.0.1", self.port), READY_SECONDS)
        link.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB answers.* 1\r\n')
        return link, link.makefile("rb")

    @staticmethod
    def messages(lines, link):
        """Subject and data of each message; ends with the connection."""
        for line in iter(lines.readline, b""):
            words = line.split()
            if words[0] == b"PING":
                link.sendall(b"PONG\r\n")
            elif words[0] == b"MSG":
                data = lines.read(int(words[-1]))
                lines.readline()
                yield words[1].decode(), data

    def ask(self, link, lines, what, **fields):
        data = json.dumps(fields).encode()
        link.sendall(f"PUB $JS.API.{what} answers.ask {len(data)}\r\n".encode() + data + b"\r\n")
        answer = json.loads(next(self.messages(lines, link))[1])
        if "error" in answer:
            raise PeerFailed(f"nats-server: {answer['error'].get('description')}")
        return answer

    def prepare(self):
        link, lines = self.connect()
        self.ask(link, lines, f"STREAM.CREATE.{self.stream}", name=self.stream, subjects=["durability"], storage="file")

    def publish(self, publishing):
        link, lines = self.connect()

        def send():
            while publishing.has_room():
                number = publishing.next()
                link.sendall(f"PUB durability answers.{number} {PAYLOAD_BYTES}\r\n".encode() + payload(number) + b"\r\n")

        send()
        for subject, data in self.messages(lines, link):
            if b'"seq"' in data:
                publishing.acknowledged.add(int(subject.rpartition(".")[2]))
            if publishing.over.is_set():
                return
            send()

    def recovered(self):
        link, lines = self.connect()
        try:
            count = self.ask(link, lines, f"STREAM.INFO.{self.stream}")["state"]["messages"]
        except PeerFailed as error:
            print(f"durability: {error}", file=sys.stderr)
            return set()
        found = set()
        asked = iter(range(1, count + 1))
        answers = self.messages(lines, link)
        for at_once in iter(lambda: list(itertools.islice(asked, WINDOW)), []):
            for seq in at_once:
                data = json.dumps({"seq": seq}).encode()
                link.sendall(f"PUB $JS.API.STREAM.MSG.GET.{self.stream} answers.{seq} {len(data)}\r\n".encode() + data + b"\r\n")
            for _, data in itertools.islice(answers, len(at_once)):
                message = json.loads(data).get("message")
                if message:
                    found.add(number_of(base64.b64decode(message["data"])))
        return found


class Rabbit(Peer):
    name, setting, program, package = "rabbitmq", "quorum queue, publisher confirms", "rabbitmq-server", "rabbitmq-server"
    queue = "durability"
    properties = {"x-queue-type": "quorum"}

    def start(self):
        # The cookie that nodes know each other by is no data: it stands where no power is cut.
        node = f"durability-{os.getpid()}@localhost"
        places = {"MNESIA_BASE": "mnesia", "LOG_BASE": "log", "ENABLED_PLUGINS_FILE": "plugins", "PID_FILE": "pid", "CONFIG_FILE": "none"}
        environment = {f"RABBITMQ_{key}": str(self.folder / value) for key, value in places.items()}
        environment |= {"HOME": str(self.folder.parent), "RABBITMQ_NODENAME": node, "RABBITMQ_NODE_PORT": str(self.port),
                        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()),
                        "ERL_EPMD_PORT": str(free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1"}
        self.spawn("/usr/lib/rabbitmq/bin/rabbitmq-server", environment=environment)

    def parameters(self):
        import pika

        return pika.ConnectionParameters("127.0.0.1", self.port, connection_attempts=30, retry_delay=1, socket_timeout=READY_SECONDS)

    def declare(self):
        import pika

        connection = pika.BlockingConnection(self.parameters())
        channel = connection.channel()
        channel.queue_declare(self.queue, durable=True, arguments=self.properties)
        return connection, channel

    def prepare(self):
        self.declare()[0].close()

    def publish(self, publishing):
        import pika

        connection = pika.SelectConnection(self.parameters())

        def send(channel):
            while publishing.has_room():
                channel.basic_publish("", self.queue, payload(publishing.next()), pika.BasicProperties(delivery_mode=2))

        def confirmed(channel, method):
            """The tag of the first is 1; `multiple`: all up to this one."""
            if isinstance(method, pika.spec.Basic.Ack):
                last = method.delivery_tag
                publishing.acknowledged.update(range(last) if method.multiple else (last - 1,))
            send(channel)

        def opened(channel):
            channel.confirm_delivery(lambda frame: confirmed(channel, frame.method))
            send(channel)

        def look():
            if publishing.over.is_set():
                connection.ioloop.stop()
            else:
                connection.ioloop.call_later(0.02, look)

        connection.add_on_open_callback(lambda _: connection.channel(on_open_callback=opened))
        connection.add_on_close_callback(lambda *_: connection.ioloop.stop())
        look()
        connection.ioloop.start()

    def recovered(self):
        import pika

        try:
            connection, channel = self.declare()
        except pika.exceptions.AMQPError:
            return set()
        found = set()
        for method, _, data in channel.consume(self.queue, auto_ack=False, inactivity_timeout=QUIET_SECONDS):
            if method is None:
                break
            found.add(number_of(data))
            channel.basic_ack(method.delivery_tag)
        connection.close()
        return found


PEERS = (Carebus, Mosquitto, MosquittoStrict, Nats, Rabbit)
