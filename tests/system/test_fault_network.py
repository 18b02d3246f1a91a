"""Networks that break in the middle: at every byte, in single bytes, and without a word."""

import contextlib
import json
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import time

import promises
import pytest
import zmq
from carebus_bus import ANSWER_SECONDS, BUILD, intake_pb2, submission, wait_for
from fhir_peer import CAREBUS_FHIR, Fhir, patient
from mllp_peer import END, START, Mllp, Sender, adt, free_port
from mllp_receiver import Receiver
from test_mllp_destination import Adapter, said

pytestmark = pytest.mark.plain


@pytest.fixture
def mllp(memory_bus):
    adapter = Mllp(memory_bus)
    memory_bus.start()
    adapter.start()
    yield adapter
    adapter.close()


def break_off(connection, how):
    if how == "RST":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def told_before_the_end(connection):
    """What was answered by the time that the other side has seen the end of what is sent."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(ANSWER_SECONDS)
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(4096):
            heard += part
    return heard


@pytest.mark.parametrize("how", ["FIN", "RST"])
def test_connection_that_ends_at_any_byte_of_a_message_gives_no_answer_and_no_message(mllp, how):
    """The next connection is not touched by it, and the message is taken when it comes whole."""
    data = START + adt("TORN").encode() + END
    whole = mllp.sender()
    for at in range(1, len(data) - 1):
        connection = socket.create_connection(("127.0.0.1", mllp.port), timeout=ANSWER_SECONDS)
        connection.sendall(data[:at])
        if how == "FIN":
            assert told_before_the_end(connection) == b"", f"an answer to {at} of {len(data)} bytes"
        break_off(connection, how)
        if at % 60 == 0:
            assert whole.ask(adt(f"OK-{at}")).code == "AA"
    mllp.bus.wait_folded()
    assert "TORN" not in promises.first_entries(mllp.bus.ctl_json("tail"), "pas")
    assert mllp.sender().ask(adt("TORN")).code == "AA"
    ids = [f"OK-{at}" for at in range(60, len(data) - 1, 60)] + ["TORN"]
    promises.check_bus(mllp.bus, "pas", ids, ids)


def test_two_messages_cut_at_any_byte_are_two_messages(mllp):
    """Every way to cut what comes into two pieces, on one connection: the framing never loses its step."""
    sender = mllp.sender()
    ids = []
    length = len((START + adt("C-0000-a").encode() + END) * 2)
    for at in range(1, length, 3):
        pair = [f"C-{at:04}-{letter}" for letter in "ab"]
        data = b"".join(START + adt(message_id).encode() + END for message_id in pair)
        assert len(data) == length
        sender.send_raw(data[:at])
        sender.send_raw(data[at:])
        assert [sender.receive().message_id for _ in pair] == pair
        ids += pair
    promises.check_bus(mllp.bus, "pas", ids, ids)


def test_messages_in_segments_of_one_byte_with_pauses_between_are_whole(mllp):
    sender = mllp.sender()
    chance = random.Random(1)
    ids = [f"B-{i}" for i in range(4)]
    for message_id in ids:
        for byte in START + adt(message_id).encode() + END:
            sender.send_raw(bytes([byte]))
            if chance.random() < 0.02:
                time.sleep(0.01)
        answer = sender.receive()
        assert (answer.code, answer.message_id) == ("AA", message_id)
    promises.check_bus(mllp.bus, "pas", ids, ids)


# ---- what goes over the bus's own socket


class Tap:
    """Between a source and the bus: keeps what the source says."""

    def __init__(self, bus):
        self.bus, self.path = bus, bus.folder / "tap"
        self.said = b""
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(1)

    def carry(self):
        """One connection, until the source has gone."""
        near, _ = self.listener.accept()
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.bus.endpoint("intake").removeprefix("ipc://"))
        poller = zmq.Poller()
        poller.register(near.fileno(), zmq.POLLIN)
        poller.register(far.fileno(), zmq.POLLIN)
        while True:
            for ready, _ in poller.poll(ANSWER_SECONDS * 1000):
                one, other = (near, far) if ready == near.fileno() else (far, near)
                data = one.recv(65536)
                if not data:
                    near.close()
                    far.close()
                    return
                if one is near:
                    self.said += data
                other.sendall(data)


def recorded_submit(bus, message_id):
    """Every byte that a source says to hand in one message: greeting, handshake, Hello, Submit."""
    script = (
        "import sys, zmq; sys.path[:0] = [sys.argv[1]]; from carebus.v1 import intake_pb2 as i\n"
        "c = zmq.Context(); s = c.socket(zmq.DEALER); s.linger = 0; s.connect('ipc://' + sys.argv[2])\n"
        "for data in sys.argv[3:]:\n    s.send(bytes.fromhex(data)); assert s.poll(60000); s.recv()\n"
        "s.close(); c.term()\n")
    hello = intake_pb2.FromSource(hello=intake_pb2.Hello(protocol=1, source="pas", adapter="test/1"))
    one = submission(message_id)
    one.number = 1
    submit = intake_pb2.FromSource(submit=intake_pb2.Submit(submissions=[one]))
    tap = Tap(bus)
    speaker = subprocess.Popen([sys.executable, "-c", script, str(BUILD / "tests" / "python"), str(tap.path),
                                hello.SerializeToString().hex(), submit.SerializeToString().hex()])
    tap.carry()
    assert speaker.wait(ANSWER_SECONDS) == 0
    return tap.said


def test_source_whose_connection_ends_at_any_byte_leaves_a_bus_that_goes_on(memory_bus):
    """Greeting, handshake and messages of ZeroMQ, cut at each byte; a bystander is answered all the while."""
    bus = memory_bus
    bus.start()
    said = recorded_submit(bus, "CUT")
    assert b"CUT" in said
    bystander = bus.source("lab")
    path = bus.endpoint("intake").removeprefix("ipc://")
    ids = []
    for at in range(len(said) - 1):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        connection.sendall(said[:at])
        if at % 2:
            connection.close()
        else:
            connection.shutdown(socket.SHUT_WR)
            connection.close()
        if at % 40 == 0:
            receipt, = bystander.send(submission(f"L-{at}"))
            assert receipt.WhichOneof("result") == "stored"
            ids.append(f"L-{at}")
    promises.check_bus(bus, "lab", ids, ids)
    assert list(promises.first_entries(bus.ctl_json("tail"), "pas")) == ["CUT"], "half a message became one"


def test_rubbish_and_lengths_without_end_on_the_buss_socket_harm_nobody(memory_bus):
    """Frames of 4 GiB and of 2^63 bytes that never come: nothing is set aside for them."""
    bus = memory_bus
    bus.start()
    said = recorded_submit(bus, "GOOD")
    handshake = said[:said.index(b"\x04READY") if b"\x04READY" in said else 64]
    bystander = bus.source("lab")
    before = resident(bus.pid)
    path = bus.endpoint("intake").removeprefix("ipc://")
    chance = random.Random(2)
    opened = []
    for turn in range(60):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(path)
        tail = [b"\x02" + struct.pack(">Q", 1 << 32), b"\x02" + struct.pack(">Q", (1 << 63) - 1), chance.randbytes(300)][turn % 3]
        with contextlib.suppress(OSError):
            connection.sendall((said[:turn] if turn % 2 else handshake) + tail)
        opened.append(connection)
    receipt, = bystander.send(submission("L-1"))
    assert receipt.WhichOneof("result") == "stored"
    assert resident(bus.pid) - before < 64 << 20
    for connection in opened:
        connection.close()
    promises.check_bus(bus, "lab", ["L-1"], ["L-1"])


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# ---- HTTP


@pytest.mark.skipif(not CAREBUS_FHIR.exists(), reason="carebus-fhir is not built")
def test_request_that_breaks_off_at_any_byte_stores_nothing_and_the_next_is_answered(memory_bus):
    bus = memory_bus
    fhir = Fhir(bus)
    bus.start()
    fhir.start()
    try:
        body = json.dumps(patient("H1")).encode()
        head = (f"POST /Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        data = head + body
        before = bus.source_status(fhir.source).received
        for at in range(1, len(data), 5):
            connection = socket.create_connection(("127.0.0.1", fhir.port), timeout=ANSWER_SECONDS)
            connection.sendall(data[:at])
            break_off(connection, ("FIN", "RST")[at % 2])
        whole = fhir.client().post("/Patient", patient("H2"))
        assert whole.status in (200, 201)
        bus.wait_folded()
        assert bus.source_status(fhir.source).received == before + 1, "half a request was handed in"
        promises.check_balance(bus)
        promises.check_storage(bus)
    finally:
        fhir.close()


# ---- a peer that is gone without a word


def can_make_networks():
    look = ["unshare", "-n", "sh", "-c", "ip link set lo up && nft list ruleset"]
    return shutil.which("nft") and shutil.which("unshare") and subprocess.run(look, capture_output=True, check=False).returncode == 0


needs_networks = pytest.mark.skipif(not can_make_networks(), reason="needs nft, ip and network namespaces (package nftables, root)")


def in_a_network(test):
    """Runs a test of this file in a network of its own, where packets can be swallowed."""
    here = pathlib.Path(__file__)
    inner = "ip link set lo up && exec \"$0\" \"$@\""
    done = subprocess.run(["unshare", "-n", "sh", "-c", inner, sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p",
                           "no:xdist", f"{here}::{test}"],
                          env={**os.environ, "CAREBUS_OWN_NETWORK": "1"}, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0 and "1 passed" in done.stdout, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"


inside = pytest.mark.skipif(not os.environ.get("CAREBUS_OWN_NETWORK"), reason="runs within the test that makes a network for it")


def swallow(port):
    """From now on nothing gets through to or from that port, and nobody is told."""
    rules = f"""table inet faults {{
        chain in {{ type filter hook input priority 0; tcp dport {port} drop; tcp sport {port} drop; }};
    }}"""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def let_through():
    subprocess.run(["nft", "delete", "table", "inet", "faults"], check=True)


@pytest.mark.root
@needs_networks
def test_sender_that_vanished_gives_its_place_back_within_a_minute_and_its_messages_are_there_once():
    in_a_network("test_within_a_network_a_sender_vanishes")


@inside
def test_within_a_network_a_sender_vanishes(memory_bus):
    """Until the kernel has none of their connections any more: then their places are free."""
    mllp = Mllp(memory_bus, max_connections=4)
    memory_bus.start()
    mllp.start()
    vanished = [mllp.sender(), mllp.sender()]
    for i, sender in enumerate(vanished):
        assert sender.ask(adt(f"V-{i}")).code == "AA"
    # Sent, and the answer never comes: it is stored, and sent again it is known.
    swallow_answers(mllp.port)
    vanished[0].send(adt("V-2"))
    wait_for(lambda: memory_bus.source_status("pas").stored >= 3, what="what came through")
    let_through()
    swallow(mllp.port)
    time.sleep(2)
    began = time.monotonic()
    for sender in vanished:
        sender.socket.detach()
    while connections_of(mllp) > 0:
        assert time.monotonic() - began < 60 + 30, "the places of those who vanished are still taken"
        time.sleep(1)
    print(f"free after {time.monotonic() - began:.0f} s")
    let_through()
    fresh = Sender(mllp.port)
    assert fresh.ask(adt("V-2")).code == "AA" and fresh.ask(adt("V-3")).code == "AA"
    fresh.close()
    mllp.senders.clear()
    mllp.close()
    ids = [f"V-{i}" for i in range(4)]
    promises.check_bus(memory_bus, "pas", ids, ids)


def swallow_answers(port):
    rules = f"table inet faults {{ chain in {{ type filter hook input priority 0; tcp sport {port} drop; }}; }}"
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def connections_of(mllp):
    """How many of its connections the kernel holds to be open."""
    done = subprocess.run(["ss", "-Htn", "state", "established", f"( sport = :{mllp.port} )"], capture_output=True, text=True, check=True)
    return len(done.stdout.splitlines())


@pytest.mark.root
@needs_networks
def test_receiver_that_vanished_is_noticed_and_gets_everything_when_it_is_back():
    in_a_network("test_within_a_network_a_receiver_vanishes")


@inside
def test_within_a_network_a_receiver_vanishes(memory_bus):
    receiver = Receiver(free_port(), say=lambda message: "AA", tls=None)
    bus = memory_bus
    bus.config["destinations"] = {"out": {"team": "ward", "adapter": "mllp", "connect": f"127.0.0.1:{receiver.port}", "tries": 3,
                                          "pause_max": "1s", "timeout": "2s", "types": ["encounter.admitted", "encounter.updated"]}}
    bus.write_config()
    bus.start()
    receiver.start()
    adapter = Adapter(bus).start()
    source = bus.source("pas")
    source.send(*[said(number, number % 3) for number in range(5)])
    wait_for(lambda: len(receiver.stays()) >= 5, what="the first messages")
    swallow(receiver.port)
    source.send(*[said(number, number % 3) for number in range(5, 10)])
    time.sleep(5)
    let_through()
    wait_for(lambda: {f"V{number}" for number in range(10)} <= set(receiver.stays()), 120, "all messages")
    assert adapter.stop() == 0
    receiver.stop()
    ids = [f"M{number}" for number in range(10)]
    promises.check_bus(bus, "pas", ids, ids)
