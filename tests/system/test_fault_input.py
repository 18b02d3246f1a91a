"""Messages that are wrong at every byte, too large, in no character set, or written to do harm to who reads them."""

import contextlib
import csv
import io
import json
import os
import pathlib
import random
import re
import subprocess

import promises
import pytest
from carebus_bus import CAREBUS_MLLP, submission
from csv_peer import CAREBUS_CSV
from mllp_peer import END, START, Mllp, adt
from test_corpus_hl7 import CORPUS

pytestmark = pytest.mark.plain


@pytest.fixture
def mllp(memory_bus):
    adapter = Mllp(memory_bus, max_connections=200)
    memory_bus.start()
    adapter.start()
    yield adapter
    adapter.close()


# ---- wrong at every byte


def translated(folder, message):
    """What `--translate` makes of one message: types of events and the code of the first problem, and how it ended."""
    path = folder / "one"
    path.write_bytes(START + message + END)
    done = subprocess.run([str(CAREBUS_MLLP), "--translate", str(path)], capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, 65), f"exit {done.returncode} of {message!r}: {done.stderr[-500:]!r}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [([event["type"] for event in line["events"]], [problem["code"] for problem in line["problems"]]) for line in lines]


def verdict_of(entries, seq, quarantined):
    """What the bus made of the entry: types of its own events, or the code under which it waits."""
    types = [line["type"] for line in entries[seq] if line["type"] not in ("record.granted", "bus.duplicate", "bus.quarantined")
             and not line.get("caused_by")]
    return types, quarantined.get(seq)


def mutations(message, chance, count):
    """Bytes changed, taken out, put in, doubled, and messages cut off; never what would be the end of the frame."""
    special = b"|^~\\&\r\n\0\x1b\xff\xc3\x80 0A"
    for _ in range(count):
        data = bytearray(message)
        at = chance.randrange(len(data))
        kind = chance.randrange(5)
        if kind == 0:
            data[at] = chance.choice(special)
        elif kind == 1:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del data[at:at + chance.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = bytes([chance.choice(special)]) * chance.randrange(1, 4)
        else:
            del data[at:]
        data = bytes(data).replace(b"\x0b", b"").replace(b"\x1c", b"")
        if data:
            yield data


def every_change(message):
    """Each byte as each other value that matters to HL7, and each length."""
    for at in range(len(message)):
        yield message[:at]
        for byte in b"|^~\\&\r\n\0\x1b\xff\xc3 0A":
            yield message[:at] + bytes([byte]) + message[at + 1:]


def check_same_verdict(mllp, folder, messages):
    """The daemon's word of each, and that of `--translate`: the same. Each is answered; nothing ends."""
    bus, process = mllp.bus, mllp.process
    sender, told = mllp.sender(), []
    for message in messages:
        before = bus.status().seq
        answer = sender.ask(message)
        if answer is None:
            sender = mllp.sender()
            continue
        after = bus.status().seq
        told.append((message, answer, list(range(before + 1, after + 1))))
    assert mllp.process is process and process.poll() is None
    bus.wait_folded()
    entries = promises.entries_of(bus.ctl_json("tail"))
    waits = {item["id"]: item["reason"] for item in bus.ctl_json("quarantine", "list", "--all")}
    compared = 0
    for message, answer, seqs in told:
        expected = translated(folder, message)
        assert answer.code in ("AA", "AE", "AR") or "MSA" not in answer.segments
        if len(expected) != 1 or len(seqs) != 1:
            assert answer.code != "AA" or seqs or expected, f"answered yes to what is nowhere: {message!r}"
            continue
        (types, problems), (seen, reason) = expected[0], verdict_of(entries, seqs[0], waits)
        if reason in ("same-id-other-bytes", "other-receiver") or entries[seqs[0]][0]["type"] == "bus.duplicate":
            continue  # what only the bus can know
        compared += 1
        if problems and not types:
            assert reason in problems, f"{message!r}: --translate says {problems}, the bus {reason} and {seen}"
        elif reason is None:
            assert seen[:1] == types[:1], f"{message!r}: --translate says {types}, the bus {seen}"
    assert compared >= len(told) // 2, f"only {compared} of {len(told)} could be compared"
    promises.check_balance(bus)
    promises.check_storage(bus)


def numbered(messages):
    """A message id of its own for each, where the place for it is still there: what is a repeat says nothing about reading."""
    for number, message in enumerate(messages):
        yield message.replace(b"|MUT|", f"|MUT{number}|".encode())


def test_message_changed_at_any_byte_gets_the_same_verdict_from_the_bus_and_from_translate(mllp, tmp_path):
    seed = int(os.environ.get("CAREBUS_SEED", random.randrange(1 << 31)))
    print(f"CAREBUS_SEED={seed}")
    check_same_verdict(mllp, tmp_path, numbered(mutations(adt("MUT").encode(), random.Random(seed), 300)))


@pytest.mark.nightly
def test_message_changed_at_every_byte_gets_the_same_verdict_from_the_bus_and_from_translate(mllp, tmp_path):
    check_same_verdict(mllp, tmp_path, numbered(every_change(adt("MUT").encode())))


@pytest.mark.nightly
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus")
def test_real_messages_changed_at_any_byte_are_answered_and_nothing_ends(mllp, tmp_path):
    chance = random.Random(int(os.environ.get("CAREBUS_SEED", 1)))
    files = sorted(path for path in CORPUS.rglob("*.hl7") if path.stat().st_size < 20_000)[:200]
    for path in files:
        data = path.read_bytes().replace(b"\n", b"\r").replace(b"\x0b", b"").replace(b"\x1c", b"")
        sender = mllp.sender()
        for message in mutations(data, chance, 40):
            sender.send(message)
            with contextlib.suppress(AssertionError):
                if sender.receive(20) is None:
                    sender = mllp.sender()
        sender.close()
        mllp.senders.remove(sender) if sender in mllp.senders else None
    assert mllp.process.poll() is None
    promises.check_balance(mllp.bus)
    promises.check_storage(mllp.bus)


def test_spreadsheet_changed_at_any_byte_is_read_or_refused_and_no_program_ends_badly(tmp_path):
    seed = int(os.environ.get("CAREBUS_SEED", random.randrange(1 << 31)))
    print(f"CAREBUS_SEED={seed}")
    whole = b"local_id,family_name,given_name,birth_date,sex\nH1,EXAMPLE,ANNA,1952-03-14,F\nH2,\"OTHER, X\",BERT,1953-03-14,M\n"
    chance = random.Random(seed)
    path = tmp_path / "people.csv"
    for data in mutations(whole, chance, 200):
        path.write_bytes(data)
        done = subprocess.run([str(CAREBUS_CSV), "--translate", str(path)], capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, 1, 65), f"exit {done.returncode} of {data!r}: {done.stderr[-500:]!r}"


# ---- too large


def test_frame_without_end_and_messages_of_many_segments_or_one_endless_field_are_refused_within_memory(memory_bus):
    bus = memory_bus
    adapter = Mllp(bus, max_message_bytes="1 MiB")
    bus.start()
    adapter.start()
    try:
        chunk = b"OBX|1|TX|X||" + b"y" * 1000 + b"\r"
        cases = {
            "no end": START + adt("L-0").encode() + chunk * 3000,
            "many segments": START + adt("L-1").encode() + b"NTE|1\r" * 400_000 + END,
            "one field": START + adt("L-2").encode() + b"NTE|1||" + b"z" * 3_000_000 + b"\r" + END,
            "depth": START + adt("L-3").encode() + b"OBX|1|TX|" + b"^&~" * 10_000 + b"\r" + END,
        }
        for name, data in cases.items():
            sender = adapter.sender()
            with contextlib.suppress(OSError):
                sender.send_raw(data)
                answer = sender.receive() if data.endswith(END) else None
                assert answer is None or answer.code in ("AR", "AE") or name == "depth", name
        memory = int(pathlib.Path(f"/proc/{adapter.process.pid}/status").read_text().split("VmHWM:")[1].split()[0])
        assert memory < 200 << 10, f"{memory} KiB"
        assert adapter.sender().ask(adt("L-9")).code == "AA"
        bus.wait_folded()
        found = promises.first_entries(bus.ctl_json("tail"), "pas")
        assert "L-9" in found and not {"L-0", "L-1", "L-2"} & set(found)
        promises.check_balance(bus)
    finally:
        adapter.close()


@pytest.mark.parametrize("over, stored", [(-1, True), (0, True), (1, False)], ids=["max-1", "max", "max+1"])
def test_original_of_the_largest_size_is_taken_and_one_byte_more_is_refused_for_good(memory_bus, over, stored):
    bus = memory_bus
    most = 256 << 10
    bus.config["sources"]["pas"]["max_message_bytes"] = most
    bus.write_config()
    bus.start()
    source = bus.source("pas")
    receipt, after = source.send(submission("BIG", b"x" * (most + over)), submission("AFTER"))
    if stored:
        assert receipt.WhichOneof("result") == "stored"
    else:
        assert receipt.refused.permanent
    assert after.WhichOneof("result") == "stored" or not after.refused.permanent
    promises.check_balance(bus)


# ---- letters


BYTES = {
    "utf-8 that breaks off": (b"ANN\xc3", "UNICODE UTF-8"),
    "latin-1 that nobody declared": (b"J\xf8rgen", ""),
    "latin-1 said to be utf-8": (b"J\xf8rgen", "UNICODE UTF-8"),
    "utf-8 said to be latin-1": ("Jørgen".encode(), "8859/1"),
    "a nul": (b"AN\0NA", ""),
    "a byte order mark": (b"\xef\xbb\xbfANNA", "UNICODE UTF-8"),
    "a set that nobody knows": (b"ANNA", "KLINGON"),
    "a surrogate": (b"\xed\xa0\x80", "UNICODE UTF-8"),
    "an overlong slash": (b"\xc0\xaf", "UNICODE UTF-8"),
    "ten thousand accents": ("e" + "\u0301" * 10_000).encode()[:20_001],
}


@pytest.mark.parametrize("name", BYTES)
def test_letters_that_cannot_be_read_are_kept_as_they_came_and_give_a_reason(mllp, name):
    value = BYTES[name]
    letters, said = value if isinstance(value, tuple) else (value, "UNICODE UTF-8")
    message = adt("LETTERS", msh18=said).encode().replace(b"ANNA", letters)
    answer = mllp.sender().ask(message)
    assert answer.code in ("AA", "AR"), answer.text
    bus = mllp.bus
    bus.wait_folded()
    items = bus.ctl_json("quarantine", "list")
    lines = bus.ctl_json("tail")
    taken = [line for line in lines if line.get("source_message_id") == "LETTERS" and line["type"] == "encounter.admitted"]
    assert items or taken, "neither used nor kept for a person"
    if items:
        assert re.fullmatch(r"[a-z0-9-]+", items[0]["reason"])
        shown = bus.ctl("quarantine", "show", str(items[0]["id"]), "--original", text=False)
        if shown.returncode == 0:
            assert message in shown.stdout, "the bytes are not those that came"
    else:
        # What is used is what was said: nothing is cut off; of a NUL, which no text can hold, it shows that something stood there.
        given = taken[0]["patient"]["demographics"]["names"][0]["given"][0]
        assert given == letters.decode({"8859/1": "latin-1"}.get(said, "utf-8")).replace("\0", "?")
    assert mllp.process.poll() is None
    promises.check_balance(bus)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_ends_of_lines_of_any_kind_are_read_alike(mllp, end):
    assert mllp.sender().ask(adt("ENDS").encode().replace(b"\r", end)).code == "AA"
    mllp.bus.wait_folded()
    lines = [line for line in mllp.bus.ctl_json("tail") if line.get("source_message_id") == "ENDS"]
    assert lines[0]["type"] == "encounter.admitted" and lines[0]["patient"]["demographics"]["names"][0]["family"] == "EXAMPLE"
    promises.check_balance(mllp.bus)


# ---- text that is meant to do something


HARM = ["=1+2", "@SUM(A1)", "+cmd", "-2+3", "\x1b[2J\x1b[31m", "\x9b31m", "a\nevent=FATAL", "%s%n%x", "'; DROP TABLE x;--",
        "<script>alert(1)</script>", "{{7*7}}", "$(touch /tmp/x)", "../../etc/passwd", "\u202egnp.exe",
        "\"quoted\",\"more\"", "\\X0D\\MSH\\F\\evil"]
FIELDS = {"family": ("PID|1||H1^^^RA9^MR||EXAMPLE", "PID|1||H1^^^RA9^MR||{}"), "number": ("PID|1||H1", "PID|1||{}"),
          "place": ("WARD7", "{}"), "application": ("|PAS|", "|{}|"), "trigger": ("ADT^A01", "ADT^{}"), "visit": ("VH1", "{}")}


def escaped(text):
    return text.replace("\\", "\\E\\") if not text.startswith("\\X") else text


@pytest.mark.parametrize("field", FIELDS)
def test_text_meant_to_do_harm_changes_no_structure_of_any_output(mllp, field):
    """Terminal, log, JSON, and the answer to the sender: in each it is text, or it is not there."""
    bus, sender = mllp.bus, mllp.sender()
    before, after = FIELDS[field]
    for number, text in enumerate(HARM):
        message = adt(f"HARM-{number}", msh18="UNICODE UTF-8").replace(before, after.format(escaped(text).replace("\n", "\\X0A\\")), 1)
        answer = sender.ask(message)
        assert answer.code in ("AA", "AR")
        frames = [line for line in answer.text.split("\r") if line]
        assert {line[:3] for line in frames} <= {"MSH", "MSA", "ERR"} and len(frames) <= 3, f"a segment was put into the answer: {frames}"
    bus.wait_folded()
    for arguments in (["tail"], ["quarantine", "list"], ["status"], ["record", "--identifier", "carebus:RA9", "H1"]):
        printed = bus.ctl(*arguments, text=False).stdout
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]", printed), f"{arguments}: control characters"
        for line in bus.ctl("--json", *arguments).stdout.splitlines():
            json.loads(line)
    for log in (bus.log(), mllp.log()):
        assert not re.search(r"^.*event=FATAL", log, re.M) and not re.search("[\x00-\x08\x0b-\x1f\x7f\x9b]", log)
        assert all(re.match(r"\d{4}-\d\d-\d\dT", line) for line in log.splitlines()), "a line of the log that is no line of ours"
    promises.check_balance(bus)
    promises.check_storage(bus)


def test_cells_that_a_spreadsheet_would_run_are_text_in_what_comes_back(tmp_path, memory_bus):
    from csv_peer import Csv
    adapter = Csv(memory_bus)
    memory_bus.start()
    adapter.start()
    try:
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["local_id", "family_name", "given_name", "birth_date", "sex"])
        for number, text in enumerate(HARM):
            writer.writerow([f"H{number}", text, text, "not a date", "F"])
        receipt = adapter.deliver("people.csv", out.getvalue())
        assert len(receipt.lines) >= len(HARM)
        for path in adapter.folder.rglob("*"):
            if path.is_file() and path.suffix == ".csv" and path.name != "people.csv":
                for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))):
                    assert not [cell for cell in row if cell[:1] in ("=", "@", "+", "-") and len(cell) > 1 and not cell[1:2].isdigit()], row
        promises.check_balance(memory_bus)
    finally:
        adapter.close()
