"""Backups that somebody else made or changed, folders in the way of a restore, crowds at the figures and at live."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import threading
import time

import promises
import pytest

from carebus_bus import ANSWER_SECONDS, BusError, curve_pair, submission, wait_for
from carebus_readers import Feed, Live, assert_chain, place

NOBODY = 65534


@pytest.fixture
def copy(bus, tmp_path):
    """A backup of a bus that holds something."""
    bus.source("pas").send(*[submission(f"A-{i}") for i in range(10)])
    bus.wait_folded()
    folder = tmp_path / "backups" / "copy"
    bus.ctl("backup", str(folder), check=0)
    return folder


def restore(bus, folder, state, *arguments, check=0):
    return bus.ctl("restore", str(folder), "--state", str(state), *arguments, check=check)


def rewrite(folder, change):
    """The manifest with its lines changed, and nobody's signature: whoever can write into the folder can write this."""
    lines = (folder / "manifest").read_text(encoding="utf-8").splitlines()
    lines = change([line for line in lines if line.split()[0] not in ("sum", "key", "signature")])
    text = "".join(f"{line}\n" for line in lines).encode()
    (folder / "manifest").write_bytes(text + f"sum {hashlib.sha256(text).hexdigest()}\n".encode())


def assert_untouched(state):
    assert not [entry.name for entry in pathlib.Path(state).glob("*") if entry.name != "lock"]


def test_manifest_that_nobody_signed_is_taken_as_such_and_with_a_key_not_at_all(bus, copy, tmp_path):
    key = str(copy / "serve" / "audit.pub")
    rewrite(copy, lambda lines: lines)
    assert "not signed by that key" in restore(bus, copy, tmp_path / "state", "--key", key, check=1).stderr
    assert_untouched(tmp_path / "state")
    assert "nobody signed it" in restore(bus, copy, tmp_path / "state").stdout


@pytest.mark.parametrize("path", ["../../thief", "/etc/thief", "journal/../../thief", "lock", "restoring", "restoring.tmp/x",
                                  "replaced-1/x", "journal/.thief", "lost+found/x"])
def test_manifest_that_names_what_is_no_part_of_a_backup_is_refused(bus, copy, tmp_path, path):
    content, state = b"thief", tmp_path / "deep" / "state"
    with contextlib.suppress(OSError):
        (copy / path.lstrip("/")).parent.mkdir(exist_ok=True)
        (copy / path.lstrip("/")).write_bytes(content)
    rewrite(copy, lambda lines: [*lines, f"file {hashlib.sha256(content).hexdigest()} {len(content)} {path}"])
    restore(bus, copy, state, check=1)
    assert_untouched(state)
    assert not (tmp_path / "deep" / "thief").exists() and not pathlib.Path("/etc/thief").exists()


@pytest.mark.parametrize("word,value", [
    ("bus", "\x1b[2Jbus"), ("bus", "x" * 400), ("bus", "b\u202eus"), ("version", "1\x1b]0;x\x07"), ("version", ""),
    ("seq", "18446744073709551616"), ("first", "-1"), ("at", "9223372036854775808 x")])
def test_head_of_a_manifest_that_no_bus_writes_is_refused_and_not_shown(bus, copy, tmp_path, word, value):
    rewrite(copy, lambda lines: [f"{word} {value}" if line.split()[0] == word else line for line in lines])
    done = restore(bus, copy, tmp_path / "state", check=1)
    assert "not what was written" in done.stderr and "\x1b" not in done.stdout + done.stderr
    assert_untouched(tmp_path / "state")


def test_numbers_of_a_manifest_that_are_not_those_of_its_journal_are_found_out(bus, copy, tmp_path):
    rewrite(copy, lambda lines: [f"seq {2**64 - 1}" if line.startswith("seq ") else line for line in lines])
    assert "does not hold" in restore(bus, copy, tmp_path / "state", check=1).stderr
    bus.ctl("backup", str(tmp_path / "again"), check=0)
    restore(bus, tmp_path / "again", tmp_path / "state")  # what was begun is in nobody's way


def test_sizes_beyond_every_disk_are_no_reason_to_read_for_ever(bus, copy, tmp_path):
    def grown(lines):
        return [re.sub(r"^(file \w+) \d+", r"\1 18446744073709551615", line) for line in lines]
    rewrite(copy, grown)
    assert "not what was written" in restore(bus, copy, tmp_path / "state", check=1).stderr
    assert_untouched(tmp_path / "state")


def test_links_and_pipes_in_a_backup_are_refused_and_nobody_waits_for_them(bus, copy, tmp_path):
    seal, elsewhere = copy / "journal" / "seal", tmp_path / "elsewhere"
    elsewhere.mkdir()
    content = seal.read_bytes()
    (elsewhere / "seal").write_bytes(content)
    for lay in (lambda: seal.symlink_to(elsewhere / "seal"), lambda: os.mkfifo(seal), seal.mkdir):
        seal.unlink()
        lay()
        assert "no plain file" in restore(bus, copy, tmp_path / "state", check=1).stderr
        assert_untouched(tmp_path / "state")
        shutil.rmtree(seal) if seal.is_dir() and not seal.is_symlink() else seal.unlink()
        seal.write_bytes(content)
    (copy / "journal").rename(elsewhere / "journal")
    (copy / "journal").symlink_to(elsewhere / "journal")
    assert "behind a link" in restore(bus, copy, tmp_path / "state", check=1).stderr
    (copy / "journal").unlink()
    (elsewhere / "journal").rename(copy / "journal")
    (copy / "manifest").rename(elsewhere / "manifest")
    os.mkfifo(copy / "manifest")
    restore(bus, copy, tmp_path / "state", check=1)
    (copy / "manifest").unlink()
    (elsewhere / "manifest").rename(copy / "manifest")
    restore(bus, copy, tmp_path / "state")


def test_pipe_in_the_earlier_backup_is_copied_around(bus, copy, tmp_path):
    seal = next((copy / "journal").glob("*.seg"))
    seal.unlink()
    os.mkfifo(seal)
    bus.ctl("backup", str(tmp_path / "second"), "--base", str(copy), check=0)
    restore(bus, tmp_path / "second", tmp_path / "state")


def test_whatever_lies_where_a_restore_fills_in_leads_nowhere(bus, copy, tmp_path):
    state, victim = tmp_path / "state", tmp_path / "victim"
    for folder in (state, victim):
        folder.mkdir()
    (victim / "theirs").write_text("theirs")
    (state / "restoring.tmp").symlink_to(victim)
    restore(bus, copy, state)
    assert [entry.name for entry in victim.iterdir()] == ["theirs"]
    assert not (state / "restoring.tmp").exists() and (state / "journal").is_dir()


def test_what_was_there_is_moved_aside_and_not_to_where_a_link_leads(bus, copy, tmp_path):
    state, victim = tmp_path / "state", tmp_path / "victim"
    for folder in (state, victim):
        folder.mkdir()
    (state / "theirs").write_text("theirs")
    now = int(time.time())
    links = [state / f"replaced-{at}" for at in range(now, now + 600)]
    for link in links:
        link.symlink_to(victim)
    restore(bus, copy, state, "--force", check=74)
    assert not list(victim.iterdir()) and (state / "theirs").exists()
    assert not (state / "restoring").exists(), "nothing was begun"
    for link in links:
        link.unlink()
    restore(bus, copy, state, "--force")
    aside, = state.glob("replaced-*")
    assert (aside / "theirs").read_text() == "theirs"


@pytest.mark.root
def test_root_gives_the_state_to_its_owner_and_nothing_else(bus, copy, tmp_path):
    state, victim = tmp_path / "state", tmp_path / "victim"
    for folder in (state, victim):
        folder.mkdir()
    (victim / "roots").write_text("root's")
    os.chown(state, NOBODY, NOBODY)
    (state / "restoring.tmp").symlink_to(victim)
    restore(bus, copy, state)
    assert {path.lstat().st_uid for path in state.rglob("*")} == {NOBODY}
    assert {path.stat().st_uid for path in (victim, victim / "roots", copy, *copy.rglob("*"))} == {0}


@pytest.mark.root
def test_lock_that_is_another_file_as_well_is_not_given_away(bus, copy, tmp_path):
    state, secret = tmp_path / "state", tmp_path / "secret"
    state.mkdir()
    secret.write_text("root's")
    os.chown(state, NOBODY, NOBODY)
    os.link(secret, state / "lock")
    restore(bus, copy, state, check=74)
    assert secret.stat().st_uid == 0
    assert_untouched(state)


def test_backup_by_a_link_goes_where_the_link_leads_but_never_into_the_state(bus, tmp_path):
    state, real = bus.folder / "state", tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    bus.ctl("backup", str(tmp_path / "link"), check=0)
    assert (real / "manifest").is_file()
    (tmp_path / "inside").symlink_to(state)
    for folder in ("inside", "inside/copy", "inside/not/there/yet"):
        assert "within the state" in bus.ctl("backup", str(tmp_path / folder), check=64).stderr
    assert not (state / "manifest").exists() and not (state / "copy").exists() and not (state / "not").exists()


def test_link_in_a_folder_that_was_begun_is_taken_away_and_not_followed(bus, tmp_path):
    victim, folder = tmp_path / "victim", tmp_path / "copy"
    (victim / "journal").mkdir(parents=True)
    (victim / "journal" / "theirs").write_text("theirs")
    folder.mkdir()
    (folder / "unfinished").touch()
    (folder / "journal").symlink_to(victim / "journal")
    bus.ctl("backup", str(folder), check=0)
    assert (victim / "journal" / "theirs").read_text() == "theirs" and len(list((victim / "journal").iterdir())) == 1
    assert not (folder / "journal").is_symlink()


#
# The figures
#


def knock(bus, sent, wait=ANSWER_SECONDS):
    """A connection to the figures that said this much; None while the row is full."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(wait)
    try:
        connection.connect(str(bus.folder / "run" / "metrics"))
        connection.sendall(sent)
    except OSError:
        connection.close()
        return None
    return connection


def ask(bus, sent=b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
    """What comes back; short when the crowd pushed this one out."""
    connection, answer = knock(bus, sent), b""
    if not connection:
        return b""
    with connection, contextlib.suppress(OSError):
        while piece := connection.recv(65536):
            answer += piece
    return answer


def ask_until_answered(bus):
    answer = wait_for(lambda: (said := ask(bus)).endswith(b"# EOF\n") and said, what="the figures")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_crowd_at_the_figures_costs_neither_receipts_nor_serve(bus):
    pas, serve = bus.source("pas"), bus.serve_pid
    held = []
    descriptors = pathlib.Path(f"/proc/{serve}/fd")
    sayings = (b"", b"G", b"GET /metrics HTTP/1.1\r\n", b"POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\n", b"\0" * 100,
               b"GET /" + b"a" * 9000, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n\r\n", b"GET /%00/../../etc HTTP/1.1\r\n\r\n")
    try:
        for i in range(5000):
            connection = knock(bus, sayings[i % len(sayings)], wait=5)
            if connection:
                held.append(connection)
            if len(held) > 150:
                held.pop(0).close()
            if i % 500 == 250:
                receipt, = pas.send(submission(f"crowd-{i}"))
                assert receipt.WhichOneof("result") == "stored"
                assert len(list(descriptors.iterdir())) < 150
    finally:
        for connection in held:
            connection.close()
    ask_until_answered(bus)
    assert bus.serve_pid == serve


def test_who_sends_a_byte_at_a_time_or_never_reads_is_let_go(bus):
    slow, deaf = knock(bus, b"GET /metrics HTTP/1.1\r\nX: "), []
    for _ in range(8):
        deaf.append(knock(bus, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"))
    assert slow and all(deaf)

    def is_gone():
        try:
            slow.sendall(b"x")
            time.sleep(0.1)
        except OSError:
            return True
        return False
    with slow:
        wait_for(is_gone, what="an end of patience")
    ask_until_answered(bus)
    for connection in deaf:
        connection.close()


def test_answer_to_a_head_in_pieces_is_the_same_as_to_the_whole(bus):
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n"
    whole = ask(bus, head)
    assert whole.startswith(b"HTTP/1.1 ")

    def in_pieces():
        answer, connection = b"", knock(bus, head[:1])
        with connection, contextlib.suppress(OSError):  # a loaded machine may take longer than it has patience
            for at in range(1, len(head)):
                connection.sendall(head[at:at + 1])
            while piece := connection.recv(65536):
                answer += piece
        return answer
    wait_for(lambda: in_pieces() == whole, what="the same answer")


def test_nothing_of_a_request_comes_back_in_an_answer(bus):
    for request in (b"GET /<script>alert(1)</script> HTTP/1.1\r\n\r\n", b"GET /x%0d%0aSet-Cookie:a HTTP/1.1\r\n\r\n",
                    b"GET /metrics HTTP/1.1\r\nAccept: <script>\r\n\r\n", b"<script> / HTTP/1.1\r\n\r\n"):
        answer = ask(bus, request)
        assert answer.startswith(b"HTTP/1.1 ")
        assert b"script" not in answer and b"Set-Cookie" not in answer
    assert json.loads(bus.ctl("--json", "status", check=0).stdout)


#
# Live
#


def subscriber(path):
    """A connection that is a SUB by its word, and asks for what it likes as fast as it likes: ZMTP 3.0 by hand."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER_SECONDS)
    connection.connect(path)
    connection.sendall(b"\xff" + b"\0" * 8 + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" * 32)
    hear(connection, 64)
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 3) + b"SUB"
    connection.sendall(b"\x04" + bytes([len(ready)]) + ready)
    # Who says more before it was let in is not let in.
    hear(connection, hear(connection, 2)[1])
    return connection


def hear(connection, size):
    heard = b""
    while len(heard) < size:
        part = connection.recv(size - len(heard))
        if not part:
            raise ConnectionResetError
        heard += part
    return heard


def ask_for(connection, topics):
    """Whether it may go on."""
    try:
        connection.sendall(b"".join(b"\0" + bytes([len(topic) + 1]) + b"\1" + topic for topic in topics))
    except OSError:
        return False
    return True


def name_topics(path, count, size):
    """Asks for so many prefixes, in as many connections as it takes. How many connections were ended."""
    connection, ended = subscriber(path), 0
    for first in range(0, count, 500):
        if not ask_for(connection, [f"{i}/".encode().ljust(size, b"x") for i in range(first, first + 500)]):
            connection.close()
            ended += 1
            connection = subscriber(path)
    connection.close()
    return ended


def resident(pid):
    """KiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


WARDS = {name: {"name": name.title(), "organisation": "RA9", "class": "clinical", "may_read": ["pas", "lab"]}
         for name in ("ward", "clinic")}


@pytest.mark.plain  # memory is measured
@pytest.mark.parametrize("count, size", [(50_000, 12), (20_000, 200)])
def test_reader_that_asks_for_topics_without_end_costs_itself_its_connection_and_nobody_anything(make_bus, count, size):
    ask_without_end(make_bus, count, size)


@pytest.mark.plain
@pytest.mark.nightly
@pytest.mark.parametrize("size", [12, 200])
def test_million_topics_of_one_reader_cost_itself_its_connections_and_nobody_anything(make_bus, size):
    ask_without_end(make_bus, 1_000_000, size)


def ask_without_end(make_bus, count, size):
    """libzmq would keep them all: six gigabytes of a million. The reader's own team hears on as well."""
    bus = make_bus({"teams": WARDS}).start()
    pas, serve, path = bus.source("pas"), bus.serve_pid, str(bus.folder / "run" / "live" / "ward")
    ids, ended = [], []
    before, began = resident(serve), time.monotonic()
    flood = threading.Thread(target=lambda: ended.append(name_topics(path, count, size)))
    with Live(bus, "clinic") as clinic, Live(bus, "ward") as ward:
        flood.start()
        last = {clinic: clinic.began, ward: ward.began}
        while flood.is_alive() or len(ids) < 20:
            ids.append(f"M-{len(ids)}")
            assert pas.send(submission(ids[-1]))[0].WhichOneof("result") == "stored"
            for live in last:
                taken = [delivery for _, delivery in live.take(1)]
                assert_chain(taken, last[live])
                last[live] = place(taken[-1])
            assert resident(serve) < before + (256 << 10), "memory grows with what somebody asks for"
        flood.join()
    assert ended and ended[0] >= 2, "it was let have what it asked for"
    assert bus.serve_pid == serve
    # One line for each connection, twenty at once and one each six seconds at most.
    lines, most = bus.log_events().count("LIVE_ENDED"), 21 + (time.monotonic() - began) / 6
    assert 1 <= lines <= min(ended[0], most), f"{lines} lines of {ended[0]} connections"
    said = wait_for(lambda: [one for one in map(json.dumps, refusals(bus)) if "too-many-topics" in one], what="a refusal in the audit")
    assert all("ward" in one for one in said)
    promises.check_bus(bus, "pas", ids, ids)
    bus.ctl("audit", "verify", check=0)


def refusals(bus):
    lines = bus.ctl("audit", "export", "--fhir", "-").stdout.splitlines()
    return [resource for resource in map(json.loads, lines) if resource["outcome"] == "4"]


def test_reader_that_asks_and_takes_back_within_the_limit_is_left_alone(make_bus):
    bus = make_bus({"teams": WARDS}).start()
    pas = bus.source("pas")
    with Live(bus, "ward") as live:
        for i in range(3000):
            live.socket.subscribe(f"encounter.{i}")
            live.socket.unsubscribe(f"encounter.{i}")
        pas.send(submission("A-1"))
        assert live.take(1)
    assert "LIVE_ENDED" not in bus.log_events()


#
# Who has no business here
#


@pytest.mark.root
def test_everybody_who_is_refused_at_a_door_stands_in_the_audit(make_bus):
    """An unknown key, a name that is another's, a key that was taken away, another team's stream: each by its door and reason."""
    server, good, stranger = curve_pair(), curve_pair(), curve_pair()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    bus = make_bus({"teams": {**WARDS, "clinic": {**WARDS["clinic"], "user": 4242}}, "listen": {"intake": endpoint}})
    bus.write_keys(bus=server, pas=(good[0], None))
    bus.start()

    def stands(code, who):
        def found():
            return [one for one in map(json.dumps, refusals(bus)) if code in one and who in one]
        wait_for(found, what=lambda: f"{code} of {who} in the audit: {refusals(bus)}")
    honest = bus.source("pas", endpoint=endpoint, keys=(server[0], *good))
    honest.send(submission("A-0"))
    unknown = bus.source("pas", endpoint=endpoint, keys=(server[0], *stranger), hello=False)
    assert unknown.wait_event("HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_AUTH") == "HANDSHAKE_FAILED_AUTH"
    stands("not-allowed", f"key:{stranger[0]}")
    forged = bus.source("lab", endpoint=endpoint, keys=(server[0], *good), hello=False)
    with pytest.raises(BusError, match="refused"):
        forged.hello()
    stands("not-allowed", f"key:{good[0]}")
    before = len(refusals(bus))
    bus.write_keys(pas=(curve_pair()[0], None))
    bus.reload()
    honest.submit(submission("A-1"))
    wait_for(lambda: len(refusals(bus)) > before, what="the key that was taken away in the audit")
    with Feed(bus, "clinic") as feed:
        assert feed.open().refused() == "not-allowed"
    wait_for(lambda: [one for one in map(json.dumps, refusals(bus)) if "clinic" in one], what="another team's stream in the audit")
    promises.check_bus(bus, "pas", ["A-0"], ["A-0"])
    bus.ctl("audit", "verify", check=0)
