"""Messages that are wrong at every byte, too large, in no character set, or written to do harm to who reads them."""

import contextlib
import csv
import http.client
import io
import json
import os
import pathlib
import random
import re
import signal
import subprocess

import promises
import pytest
from carebus_bus import ANSWER_SECONDS, CAREBUS_MLLP, SLOW, BusError, submission, wait_for
from csv_peer import CAREBUS_CSV, Csv
from fhir_peer import CAREBUS_FHIR, Client, Fhir, bundle, entry, patient
from mllp_peer import END, START, Mllp, Sender, adt
from supervised import MARKER, Supervised, crashes
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
    """Each byte as each other value that matters to HL7, and each length; nothing at all is answered by nobody."""
    for at in range(len(message)):
        if at > 0:
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
    """Some of them want no answer: so a whole message stands behind each, and that has its own."""
    chance = random.Random(int(os.environ.get("CAREBUS_SEED", 1)))
    files = sorted(path for path in CORPUS.rglob("*.hl7") if path.stat().st_size < 20_000)[:200]
    sender, sent = mllp.sender(), []
    for path in files:
        data = path.read_bytes().replace(b"\n", b"\r").replace(b"\x0b", b"").replace(b"\x1c", b"")
        for message in mutations(data, chance, 40):
            sent.append(f"BEHIND{len(sent)}")
            sender.send(message, adt(sent[-1]))
            while (answer := sender.receive()) is None or answer.message_id != sent[-1]:
                if answer is None:
                    sender = mllp.sender()
                    sender.send(adt(sent[-1]))
            assert answer.code == "AA", f"{path.name}, before {sent[-1]}"
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


# ---- messages that end the adapter which reads them


@pytest.fixture
def supervise(memory_bus):
    """Starts an adapter of the bus under supervision."""
    running = []

    def start(program, source, how="dies"):
        running.append(Supervised(program, memory_bus, source, crashes(how)))
        return running[-1]
    yield start
    for one in running:
        one.close()


def until_answered(ask, seconds=4 * ANSWER_SECONDS):
    """What a sender does that wants an answer: it connects again and sends the same again."""
    def tried():
        try:
            return ask()
        except (OSError, BusError, http.client.HTTPException):
            return None
    return wait_for(tried, seconds, "an answer")


def tell(port, message):
    def ask():
        sender = Sender(port)
        try:
            return sender.ask(message)
        finally:
            sender.close()
    return until_answered(ask)


def check_kept_unread(bus, source, count, original):
    """One item of the quarantine, with stage and count, and the very bytes. Its number."""
    bus.wait_folded()
    items = [item for item in bus.ctl_json("quarantine", "list") if item["source"] == source]
    told = [(item["reason"], item["class"], item["position"]) for item in items]
    assert told == [("ends-adapter", "urgent", f"translate: {count} times")]
    number = str(items[0]["id"])
    shown = bus.ctl("quarantine", "show", number, "--original", text=False)
    assert shown.returncode == 0 and original in shown.stdout, "the bytes are not those that came"
    return number


def effects_of(bus, source, types):
    """How many events say what the message says."""
    lines = [json.dumps(line) for line in bus.ctl_json("tail") if line.get("source") == source and line["type"] in types]
    return sum(f'"family": "{MARKER}"' in line for line in lines)


def check_retry_takes_it_again(bus, number, source, effects):
    """After the fix: read as if it had come now, once."""
    bus.ctl("quarantine", "retry", number, "--who", "Dr Ng", check=0)
    wait_for(lambda: not [item for item in bus.ctl_json("quarantine", "list") if item["source"] == source], 2 * ANSWER_SECONDS,
             "the retry to be carried out")
    bus.wait_folded()
    assert effects_of(bus, source, effects) == 1
    promises.check_balance(bus)
    promises.check_storage(bus)


ENDS = {"dies": {-signal.SIGILL, -signal.SIGTRAP}, "stands": {-signal.SIGABRT}}


@pytest.mark.parametrize("how", ENDS)
def test_message_that_ends_its_adapter_three_times_waits_unread_what_follows_flows_and_retry_takes_it_again(
        memory_bus, supervise, how):
    bus = memory_bus
    mllp = Mllp(bus)
    bus.start()
    adapter = supervise(CAREBUS_MLLP, "pas", how)
    poison = adt("POISON", family=MARKER)
    assert tell(mllp.port, adt("BEFORE")).code == "AA"
    answer = tell(mllp.port, poison)
    assert (answer.code, answer.message_id) == ("AA", "POISON")
    ended = list(adapter.ended)
    assert len(ended) == 3 and set(ended) <= ENDS[how], ended
    ids = ["BEFORE"] + [f"AFTER-{i}" for i in range(5)]
    for message_id in ids[1:]:
        assert tell(mllp.port, adt(message_id)).code == "AA"
    assert tell(mllp.port, poison).code == "AA", "the same again"
    assert adapter.ended == ended, "it was read once more"
    number = check_kept_unread(bus, "pas", 3, poison.encode())
    found = promises.first_entries(bus.ctl_json("tail"), "pas")
    assert set(ids) < set(found) and len(found) == len(ids) + 1 and effects_of(bus, "pas", ["encounter.admitted"]) == 0, found
    promises.check_balance(bus)
    assert adapter.log().count("event=MESSAGE_INTERRUPTED") == 2 and adapter.log().count("event=MESSAGE_GIVEN_UP") == 1
    adapter.restart({})
    assert tell(mllp.port, adt("MENDED")).code == "AA"
    check_retry_takes_it_again(bus, number, "pas", ["encounter.admitted"])
    assert tell(mllp.port, poison).code == "AA", "the same again"
    bus.wait_folded()
    assert effects_of(bus, "pas", ["encounter.admitted"]) == 1 and adapter.ended == ended
    promises.check_balance(bus)


def test_retry_before_the_fix_ends_the_adapter_once_and_changes_nothing(memory_bus, supervise):
    bus = memory_bus
    mllp = Mllp(bus)
    bus.start()
    adapter = supervise(CAREBUS_MLLP, "pas")
    poison = adt("POISON", family=MARKER)
    assert tell(mllp.port, poison).code == "AA"
    number = check_kept_unread(bus, "pas", 3, poison.encode())
    bus.ctl("quarantine", "retry", number, "--who", "Dr Ng", check=0)
    wait_for(lambda: len(adapter.ended) == 4, 2 * ANSWER_SECONDS, "the adapter to end once more")
    assert tell(mllp.port, adt("AFTER")).code == "AA"
    assert tell(mllp.port, poison).code == "AA"
    assert len(adapter.ended) == 4
    check_kept_unread(bus, "pas", 3, poison.encode())
    promises.check_balance(bus)


def test_message_of_a_sender_that_gave_up_is_kept_all_the_same(memory_bus, supervise):
    """Three tries, and it never comes again: what was noted goes to the bus by itself."""
    bus = memory_bus
    mllp = Mllp(bus)
    bus.start()
    adapter = supervise(CAREBUS_MLLP, "pas")
    poison = adt("POISON", family=MARKER)
    for n in range(1, 4):
        wait_for(lambda: send_and_go(mllp.port, poison), 2 * ANSWER_SECONDS, "the adapter to listen")
        wait_for(lambda n=n: len(adapter.ended) >= n, 2 * ANSWER_SECONDS, "the adapter to end")
    wait_for(lambda: bus.ctl_json("quarantine", "list"), 2 * ANSWER_SECONDS, "the message to wait in the quarantine")
    check_kept_unread(bus, "pas", 3, poison.encode())
    assert tell(mllp.port, adt("AFTER")).code == "AA" and len(adapter.ended) == 3
    promises.check_balance(bus)


def send_and_go(port, message):
    try:
        sender = Sender(port)
    except OSError:
        return False
    sender.send(message)
    sender.close()
    return True


def test_adapter_that_cannot_note_what_it_reads_says_so_and_takes_messages_all_the_same(memory_bus):
    bus = memory_bus
    adapter = Mllp(bus)
    (pathlib.Path(bus.config["state"]) / "adapters" / "pas" / "in-hand").mkdir(parents=True)
    bus.start()
    adapter.start()
    try:
        assert adapter.sender().ask(adt("A-1")).code == "AA"
        assert adapter.log().count("event=IN_HAND_NOT_KEPT") == 1
        promises.check_bus(bus, "pas", ["A-1"], ["A-1"])
    finally:
        adapter.close()


def test_request_that_ends_its_adapter_three_times_is_accepted_unread_and_others_are_answered(memory_bus, supervise):
    bus = memory_bus
    fhir = Fhir(bus)
    bus.start()
    adapter = supervise(CAREBUS_FHIR, "epr")

    def post(path, body):
        return until_answered(lambda: Client(fhir.port).post(path, body))
    assert post("/Patient", patient("H1")).status == 201
    poison = json.dumps(patient("H2", family=MARKER))
    answer = post("/Patient", poison)
    assert answer.status == 202 and "ends-adapter" in answer.text, (answer.status, answer.text)
    ended = list(adapter.ended)
    assert len(ended) == 3
    assert post("/Patient", patient("H3")).status == 201 and post("/Patient", poison).status == 202
    assert adapter.ended == ended
    number = check_kept_unread(bus, "epr", 3, poison.encode())
    promises.check_balance(bus)
    adapter.restart({})
    assert post("/Patient", patient("H4")).status == 201
    check_retry_takes_it_again(bus, number, "epr", ["patient.registered", "patient.updated"])
    assert post("/Patient", poison).status in (200, 201), "it is like any other now"
    assert adapter.ended == ended


def test_entry_of_a_batch_that_ends_its_adapter_takes_no_other_entry_with_it(memory_bus, supervise):
    bus = memory_bus
    fhir = Fhir(bus)
    bus.start()
    adapter = supervise(CAREBUS_FHIR, "epr")
    batch = bundle("batch", *[entry(patient(f"H{i}", family=MARKER if i == 1 else "EXAMPLE")) for i in range(4)])
    answer = until_answered(lambda: Client(fhir.port).post("/", batch))
    assert answer.status == 200 and len(adapter.ended) == 3
    assert [one["response"]["status"][:3] for one in answer.json["entry"]] == ["201"] * 4
    assert "ends-adapter" in json.dumps(answer.json["entry"][1]) and "ends-adapter" not in json.dumps(answer.json["entry"][0])
    check_kept_unread(bus, "epr", 3, MARKER.encode())
    found = [line for line in bus.ctl_json("tail") if line["type"] == "patient.registered"]
    assert len(found) == 3
    promises.check_balance(bus)


@pytest.mark.parametrize("table, row", [
    ("people", "local_id,family_name,given_name,birth_date,sex\n{}"),
])
def test_row_that_ends_its_adapter_three_times_waits_unread_and_the_other_rows_are_taken(memory_bus, supervise, table, row):
    bus = memory_bus
    folder = Csv(bus)
    bus.start()
    adapter = supervise(CAREBUS_CSV, "hospice")
    rows = "".join(f"H{i},{MARKER if i == 2 else 'EXAMPLE'},ANNA,1952-03-1{i},F\n" for i in range(5))
    folder.drop(f"{table}.csv", row.format(rows))
    wait_for(lambda: not (folder.folder / f"{table}.csv").exists(), 60 * SLOW, "the file to be taken")
    receipt = folder.receipt(f"{table}.csv")
    assert len(adapter.ended) == 3, receipt.text
    assert receipt.statuses().count("ok") == 4 and "ends-adapter" in receipt.lines[4]["message"], receipt.text
    number = check_kept_unread(bus, "hospice", 3, f"H2,{MARKER},ANNA".encode())
    promises.check_balance(bus)
    adapter.restart({})
    wait_for(lambda: adapter.log().count("event=FOLDER_WATCHED") >= 5, 2 * ANSWER_SECONDS, "the mended adapter to watch its folder")
    check_retry_takes_it_again(bus, number, "hospice", ["patient.registered", "patient.updated"])
