"""No patient in the logs: unmistakable names, numbers and notes are put into every field that somebody else fills, every way of
going wrong is provoked, and everything that the programs say of themselves is searched for them."""

import base64
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess

import pytest
import zmq

from carebus_bus import ANSWER_SECONDS, BUILD, CAREBUS_MLLP, CAREBUSCTL, ask_pb2, control_pb2, feed_pb2, intake_pb2, submission, wait_for
from carebus_readers import Records
from mllp_peer import END, START, Mllp, Sender
from test_identity import decision, demographics
from test_records import Kept
from test_mllp import certificates, client_context  # noqa: F401

# Words that stand nowhere else; each kind of content has its own, so that a find says what leaked.
SEEDS = {
    "family": "Zyxquorvle", "given": "Brixtolphan", "local": "QK7731905", "nhs": "9990548609",
    "street": "Wumblefrost", "city": "Grindlewick",
    "postcode": "ZV99 3WQ", "phone": "07700900777", "mail": "vexatrix.plonk", "note": "Morvaundle", "id": "XJIDQ", "visit": "VV80417732",
    "ward": "Thornyxward", "doctor": "Kelpindorf", "birth": "19370219", "gp": "Q8810042", "url": "quizzlethorpe", "birth_day": "1937-02-19",
}
WORDS = [word.lower() for word in SEEDS.values()]
S = SEEDS


def fields(most, **values):
    """The fields of a segment behind its name, by number: f5="..."."""
    found = [""] * most
    for name, value in values.items():
        found[int(name[1:]) - 1] = value
    return "|".join(found)


def message(trigger="A01", message_id="1", processing="T", version="2.4", charset="", receiver="CAREBUS", note=None, date=None):
    """An ADT message with a seed in every field that a hospital fills."""
    name = f"{S['family']}^{S['given']}^{S['given']}2"
    at = date or "20261101101500"
    born, mail, address = date or S["birth"], f"{S['mail']}@example.org", f"44 {S['street']} Lane^^{S['city']}^^{S['postcode']}"
    pid = fields(
        39, f1="1", f2=S["local"], f3=f"{S['local']}^^^RA9^MR~{S['nhs']}^^^NHS^NH", f5=name, f6=S["family"], f7=born, f8="2", f9=name,
        f10=S["note"], f11=address, f13=f"{S['phone']}^PRN^PH^{mail}", f14=S["phone"], f18=S["local"], f19=S["local"], f23=S["city"],
        f29=date or "", f30=S["note"], f32=S["note"])
    pv1 = fields(
        51, f1="1", f2="I", f3=f"{S['ward']}^{S['note']}^B4", f5=S["visit"], f7=f"D1^{S['doctor']}", f8=f"D2^{S['doctor']}",
        f17=S["doctor"], f19=f"{S['visit']}^^^RA9^VN", f36=S["note"], f37=S["city"], f44=at, f45=date or "", f50=S["visit"])
    msh = fields(
        18, f1="^~\\&", f2=S["family"], f3=S["gp"], f4=receiver, f5="RA9", f6=at, f7=S["note"], f8=f"ADT^{trigger}",
        f9=f"{S['id']}-{message_id}", f10=processing, f11=version, f17=charset)
    return "\r".join([
        f"MSH|{msh}",
        f"EVN|{trigger}|{at}||{S['note']}|{S['doctor']}|{at}",
        f"PID|{pid}",
        f"PD1||||{S['gp']}^{S['doctor']}||||||||||||||||",
        f"NK1|1|{name}|SPO|44 {S['street']}^^{S['city']}|{S['phone']}",
        f"PV1|{pv1}",
        f"PV2|||{S['note']}^{S['note']}",
        f"MRG|{S['local']}2^^^RA9^MR",
        f"AL1|1|DA|{S['note']}^{S['note']}|SV|{S['note']}",
        f"DG1|1||{S['note']}^{S['note']}",
        f"OBX|1|TX|{S['note']}||{S['note']} {note or ''} http://{S['url']}.example.org/{S['nhs']}",
        f"NTE|1||{S['note']}",
        f"ZPI|{S['family']}|{S['note']}",
    ]) + "\r"


def leaks(text):
    """Seeds that stand in it, plainly or in base64 or hex."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    text = text.lower()
    found = [word for word in WORDS if word in text]
    for word in SEEDS.values():
        hidden = [word.encode().hex()] + [base64.b64encode(b"x" * pad + word.encode()).decode()[4:-4].lower() for pad in range(3)]
        found += [f"{word} (encoded)" for one in hidden if len(one) >= 8 and one in text]
    return found


def around(text, word):
    place = text.lower().find(word.split()[0].lower())
    return text[max(0, place - 200):place + 200]


class Watched:
    """What the programs say of themselves, and what can be seen of them from outside."""

    def __init__(self, bus):
        self.bus = bus
        self.said = []  # (where, text)
        self.temporary = bus.folder / "tmp"
        self.temporary.mkdir()
        self.adapters = []

    def add(self, where, text):
        self.said.append((where, text if isinstance(text, str) else text.decode("utf-8", errors="replace")))

    def ctl(self, *arguments, whole=True):
        """Runs carebusctl; `whole`: its standard output may not show content either."""
        done = self.bus.ctl(*arguments)
        # What a person typed may be said back to that person; here nobody typed a seed.
        self.add(f"carebusctl {arguments[0]} stderr", done.stderr)
        if whole:
            self.add(f"carebusctl {' '.join(arguments)}", done.stdout)
        return done

    def look(self):
        """Command lines, environments, names of threads and files, and what is asked for the overview."""
        bus = self.bus
        pids = [("core", bus.pid), ("serve", bus.serve_pid)] + [(f"mllp-{a.source}", a.process.pid) for a in self.adapters if a.process]
        for name, pid in pids:
            for what in ("cmdline", "environ", "status", "comm"):
                try:
                    self.add(f"/proc {name} {what}", pathlib.Path(f"/proc/{pid}/{what}").read_bytes())
                except (PermissionError, FileNotFoundError, ProcessLookupError):
                    pass  # what nobody may read leaks nothing
        for folder in (bus.folder, self.temporary):
            self.add(f"names below {folder.name}", "\n".join(str(path) for path in folder.rglob("*")))
        for arguments in (("status",), ("quarantine", "list"), ("quarantine", "list", "--all"), ("check",), ("journal", "verify"),
                          ("rebuild", "--verify")):
            self.ctl(*arguments)
            self.ctl("--json", *arguments)
        self.add("sd_notify", "\n".join(bus.read_notices()))

    def logs(self):
        for path in sorted(self.bus.folder.glob("*log")):
            self.add(path.name, path.read_bytes())
        for path in self.temporary.rglob("*"):
            if path.is_file():
                self.add(f"left over: {path.name}", path.read_bytes())

    def check(self):
        self.logs()
        assert sum(len(text) for _, text in self.said) > 5000, "nothing was looked at"
        found = [(where, word, around(text, word)) for where, text in self.said for word in leaks(text)]
        once = {(where, word): text for where, word, text in found}
        assert not found, f"{sorted(once)}\n" + "\n".join(f"{where}: {word}: ...{text}..." for (where, word), text in once.items())


@pytest.fixture
def watched(make_bus, certificates):  # noqa: F811
    bus = make_bus()
    watched = Watched(bus)
    bus.environment = {"TMPDIR": str(watched.temporary)}
    folder = bus.folder / "profiles"
    folder.mkdir()
    (folder / "picky.yaml").write_text("receiving_applications: [SOMEBODY]\n", encoding="utf-8")
    watched.mllp = Mllp(bus, max_message_bytes="64 KiB")
    tls = {name: str(certificates / file) for name, file in [("certificate", "server.pem"), ("key", "server.key"), ("client_ca", "ca.pem")]}
    watched.tls = Mllp(bus, "lab", profile="picky", tls=tls)
    watched.adapters = [watched.mllp, watched.tls]
    bus.config["sources"]["own"] = {"team": "ward", "adapter": "own", "max_message_bytes": "32 KiB"}
    bus.write_config()
    bus.start()
    for adapter in watched.adapters:
        adapter.start(environment=bus.environment)
    yield watched
    for adapter in watched.adapters:
        adapter.close()


def codes(sender, *messages):
    return [sender.ask(one).code for one in messages]


# ---- the adapter


def wrong_content(watched):
    """Content that is good, odd, or of no use: it is stored, and what is said of it is a code."""
    sender = watched.mllp.sender()
    assert codes(sender, message(message_id="good")) == ["AA"]
    assert codes(sender, message(message_id="good"), message(message_id="good", note="other bytes")) == ["AA", "AA"]
    triggers = ["A04", "A08", "A40", "A34", "A18", "A60", "A99", "B01", "Z99"]
    triggers += [f"A01^{S['family']}", S["note"], f"{S['family']} {S['given']}"]
    assert codes(sender, *[message(trigger, f"t{i}") for i, trigger in enumerate(triggers)]) == ["AA"] * len(triggers)
    odd = [
        message(message_id="date", date=f"19{S['note']}"), message(message_id="version", version=S["note"]),
        message(message_id="charset", charset=S["note"]), message(message_id="charset2", charset="UNICODE UTF-8", note="\udcff"),
        message(message_id="x" * 300), message(message_id="long", note=S["note"] * 2000),
        message(message_id="sep").replace("|", "#"),
        message(message_id="esc", note=f"\\X{S['note'].encode().hex()}\\ \\Z{S['note']}\\ \\"),
        message(message_id="nulls").replace("|2|", "|\0|"), "MSH|^~\\&|" + S["note"] * 20 + "\r", f"MSH|{S['note']}|{S['family']}\r",
        f"FHS|^~\\&|{S['note']}\rBHS|^~\\&|{S['note']}\r" + message(message_id="batch") + f"BTS|1|{S['note']}\rFTS|1\r",
    ]
    for one in odd:
        sender.send(one.encode("utf-8", errors="surrogateescape"))
        sender.receive()
    assert codes(sender, message(message_id="p", processing="P")) == ["AR"]
    assert codes(sender, message(message_id="pp", processing=S["note"]))[0] in ("AR", "AA")
    sender.send(f"MSH|^~\\&|A|B|C|D|20261101||ACK|{S['id']}-ack|T|2.4\rMSA|AA|{S['id']}\r")
    assert codes(sender, f"no header but {S['family']} {S['nhs']}\rPID|{S['local']}\r") == ["AR"]


def wrong_framing(watched):
    sender = watched.mllp.sender()
    sender.send_raw(f"GET /{S['url']}?name={S['family']} HTTP/1.1\r\nHost: {S['url']}\r\n\r\n".encode())
    sender.send_raw(f"{S['note']}{S['nhs']}".encode() * 50)
    sender.send(message(message_id="after-noise"))
    assert sender.receive().code == "AA"
    sender.send(message(message_id="large", note=S["note"] * 20000))
    assert sender.receive().code == "AR"
    sender.send_raw(START + message(message_id="cut").encode()[:200] + START + message(message_id="second").encode() + END)
    sender.receive()
    sender.send_raw(START + message(message_id="never").encode()[:300])
    sender.close()
    torn = watched.mllp.sender()
    torn.send(message(message_id="reset"))
    torn.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    torn.close()


def wrong_tls(watched, certificates):  # noqa: F811
    """No certificate, a stranger's whose name is a patient's, plain text, another name asked for; then one for somebody else."""
    name = f"{S['family']}.{S['url']}.example.org"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "seed.key", "-out", "seed.pem", "-days", "2",
                    "-subj", f"/CN={name}/O={S['note']}"], cwd=certificates, check=True, capture_output=True)
    for who in (None, "seed"):
        context = client_context(certificates, who)
        try:
            with socket.create_connection(("127.0.0.1", watched.tls.port), timeout=ANSWER_SECONDS) as plain:
                with context.wrap_socket(plain, server_hostname=name) as wrapped:
                    wrapped.sendall(START + message(message_id="tls").encode() + END)
                    wrapped.recv(1)
        except (ssl.SSLError, OSError):
            pass
    plain = Sender(watched.tls.port)
    plain.send(message(message_id="plain"))
    try:
        plain.receive(2)
    except AssertionError:
        pass
    plain.close()
    wait_for(lambda: watched.tls.log().count("SENDER_TLS_FAILED") >= 1, what="a failed handshake in the log")
    sender = watched.tls.sender(tls=client_context(certificates, "client"))
    assert codes(sender, message(message_id="for-another", receiver=S["note"]))[0] in ("AA", "AR")


# ---- the daemon


def wrong_submissions(watched):
    bus, text = watched.bus, f"{S['family']} {S['nhs']}"
    own = bus.source("own")
    kinds = []
    long_text = submission("own-1", original=text.encode())
    long_text.events[0].patient.identifiers[0].value = text * 20000
    odd_type = submission("own-2", original=text.encode())
    odd_type.events[0].type = text
    odd_problem = submission("own-3", original=text.encode(), events=0)
    odd_problem.problem.code, odd_problem.problem.position = text, text
    odd_trigger = submission("own-4", original=text.encode(), trigger=text)
    odd_trigger.media_type = text
    odd_time = submission("own-5", original=text.encode())
    odd_time.events[0].occurred_at.utc_at = -(1 << 62)
    odd_time.events[0].occurred_at.text = text
    no_text = submission("own-6", original=text.encode())
    no_text.events[0].type = f"{S['note'].lower()}.{S['family'].lower()}"
    strange = [submission(text * 10, original=text.encode()), long_text, odd_type, odd_problem, odd_trigger, odd_time, no_text,
               submission(text, original=text.encode() * 2000), submission(f"{S['id']}-7", original=b"", events=0)]
    for one in strange:
        receipt, = own.send(one)
        kinds.append(receipt.WhichOneof("result"))
        own.next_number = receipt.number + (0 if kinds[-1] == "refused" and not receipt.refused.permanent else 1)
    assert {"stored", "refused"} <= set(kinds)
    own.submit(submission("far", original=text.encode()), number=own.next_number + 1000)
    own.wait_receipts(1)
    for junk in (text.encode(), b"\x0a\xff\xff\xff\xff\x0f" + text.encode(), b"\x12\x05" + text.encode() * 100):
        own.send_raw(junk)
        own.receive(1)
    own.send_raw(text.encode(), text.encode())
    own.send_raw(text.encode() * 400_000)
    for source_name, adapter in ((text, "x"), ("own", "carebus-test/1")):
        with_name = bus.source("own", hello=False)
        with_name.send_message(hello=intake_pb2.Hello(protocol=1, source=source_name, adapter=adapter))
        with_name.receive(2)
        with_name.send_message(hello=intake_pb2.Hello(protocol=77, source=source_name, adapter=adapter))
        with_name.receive(2)
    bus.source("own", hello=False).submit(submission(text))


def wrong_readers(watched):
    bus, text = watched.bus, f"{S['family']} {S['nhs']}"
    context = zmq.Context()

    def say(endpoint, *frames):
        dealer = context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.connect(bus.endpoint(endpoint))
        for frame in frames:
            dealer.send(frame)
        while dealer.poll(300):
            dealer.recv()
        dealer.close()

    def reader(**fields):
        return feed_pb2.FromReader(**fields).SerializeToString()

    opened = reader(open=feed_pb2.Open(protocol=1, team="ward", consumer="desk", credit=1000))
    say("feed", reader(open=feed_pb2.Open(protocol=1, team=text, consumer="desk")))
    say("feed", reader(open=feed_pb2.Open(protocol=1, team="ward", consumer=text)))
    say("feed", opened, reader(ack=feed_pb2.Ack(seq=99999999, index=1, digest=text.encode())), text.encode(), text.encode() * 20000)
    say("feed", opened, reader(open=feed_pb2.Open(protocol=1, team="ward", consumer="desk", what=feed_pb2.Open.WHAT_RECORDS)))
    for endpoint in ("control", "query"):
        say(endpoint, text.encode(), text.encode() * 20000, control_pb2.Request(id=1).SerializeToString(),
            control_pb2.Request(id=1, retry=control_pb2.RetryRequest(seq=1, who=text, why=text)).SerializeToString(),
            control_pb2.Request(id=2, discard=control_pb2.DiscardRequest(seq=1 << 60, who=text, why=text)).SerializeToString(),
            control_pb2.Request(id=3, record=ask_pb2.RecordRequest(patient_id=text, team=text)).SerializeToString(),
            control_pb2.Request(id=4, trace=control_pb2.TraceRequest(source=text, message_id=text)).SerializeToString(),
            control_pb2.Request(id=5, tail=control_pb2.TailRequest(from_seq=1, team=text)).SerializeToString())
    context.term()


def operators_work(watched):
    """What a person does, right and wrong. The answers that are meant to show content are not searched, the rest is."""
    bus = watched.bus
    who, why = f"Dr {S['doctor']}", f"about {S['family']}"
    bus.wait_folded()
    items = [item["id"] for item in bus.ctl_json("quarantine", "list", "--all")]
    assert len(items) > 5
    for index, seq in enumerate(items[:12]):
        command = ("retry", "discard")[index % 2]
        watched.add("decision", bus.ctl("quarantine", command, str(seq), "--who", who, "--why", why).stdout)
        watched.ctl("quarantine", "show", str(seq), whole=False)
    bus.ctl("quarantine", "discard", str(items[0]), "--who", who, "--why", why)  # once is enough: an error
    for seq in (*items[:4], 1, 2, 99999):
        watched.ctl("trace", str(seq), whole=False)
        watched.ctl("--json", "trace", str(seq), whole=False)
    shown = watched.ctl("tail", whole=False).stdout
    assert all(S[name] in shown for name in ("family", "given", "nhs", "local", "street", "phone", "visit")), "the seeds did not get in"
    watched.ctl("record", "p99999.0")
    # Typed by a person and said back to that person, but not to the log.
    bus.ctl("record", "carebus:pas", S["local"])
    bus.ctl("trace", "pas", f"{S['id']}-good")
    bus.ctl("tail", "--team", S["family"])


def wrong_reload(watched):
    bus = watched.bus
    text = bus.config_path.read_text(encoding="utf-8")
    bus.config_path.write_text(text + "no-such-key: 1\n", encoding="utf-8")
    bus.read_notices()
    os.kill(bus.pid, signal.SIGHUP)
    wait_for(lambda: "RELOAD_REFUSED" in bus.log_events(), what="the refusal of the configuration")
    bus.config_path.write_text(text, encoding="utf-8")


def full_storage(watched):
    bus = watched.bus
    bus.config["journal"]["reserve_bytes"] = "900 GiB"
    bus.reload()
    wait_for(lambda: bus.status().state == "storage-full", what="full storage")
    assert codes(watched.mllp.sender(), message(message_id="full")) == ["AE"]
    watched.look()
    bus.config["journal"]["reserve_bytes"] = 0
    bus.reload()
    wait_for(lambda: bus.status().state == "running", what="storage with room")


def crashes(watched):
    bus = watched.bus
    before = bus.serve_pid
    os.kill(before, signal.SIGABRT)
    wait_for(lambda: bus.serve_pid != before, what="another serve process")
    sender = watched.mllp.sender()
    bus.kill()
    sender.send(message(message_id="meanwhile"))
    bus.start()
    assert sender.receive().code == "AA"
    watched.mllp.process.send_signal(signal.SIGABRT)
    watched.mllp.process.wait()
    watched.mllp.start(environment=bus.environment)


def damaged_journal(watched):
    """Starts that end early, and a journal that was altered."""
    bus = watched.bus
    bus.stop()
    segment = sorted((bus.folder / "state" / "journal").glob("*.seg"))[-1]
    data = bytearray(segment.read_bytes())
    data[data.index(S["id"].encode() + b"-meanwhile") + 3] ^= 1
    copy = segment.with_name("copy")
    shutil.copy2(segment, copy)
    segment.write_bytes(data)
    watched.ctl("journal", "verify")
    watched.ctl("rebuild", "--verify")
    bus.start(wait=False)
    assert bus.wait() == 74
    bus._ended()
    copy.replace(segment)
    bus.start()


def translate(watched):
    """--translate shows content on its standard output, which is meant for it, and only there."""
    folder = watched.bus.folder
    samples = [message(), "nothing " + S["family"], message(charset=S["note"]), message(date=S["note"]), "MSH|" + S["note"]]
    for index, data in enumerate(samples):
        path = folder / f"sample-{index}.hl7"
        path.write_text(data, encoding="utf-8")
        done = subprocess.run([str(CAREBUS_MLLP), "--translate", str(path)], capture_output=True, check=False, timeout=60)
        watched.add("--translate stderr", done.stderr)
        path.unlink()


def test_nothing_that_was_in_a_message_stands_in_what_the_programs_say_of_themselves(watched, certificates):  # noqa: F811
    wrong_content(watched)
    wrong_framing(watched)
    wrong_tls(watched, certificates)
    wrong_submissions(watched)
    wrong_readers(watched)
    operators_work(watched)
    watched.look()
    wrong_reload(watched)
    full_storage(watched)
    crashes(watched)
    watched.look()
    damaged_journal(watched)
    translate(watched)
    watched.look()
    watched.bus.stop()
    watched.check()


# ---- who is who


def people_in_doubt(watched):
    """Two who may be one, a decision that waits, a conflict, an overwritten number, a refused merge: reviews open and fall due."""
    own, lab = watched.bus.source("own"), watched.bus.source("lab")
    born = S["birth_day"]
    own.send(demographics("w-1", "own", S["local"], S["family"], S["given"], born, phone=S["phone"], postcode=S["postcode"], nhs=S["nhs"]))
    lab.send(demographics("w-2", "lab", S["local"] + "7", S["family"], S["given"], born))
    lab.send(decision("w-3", "lab", S["local"] + "7", S["id"]))
    lab.send(demographics("w-4", "lab", S["local"] + "8", S["family"], S["given"] + "a", born, postcode=S["postcode"], nhs=S["nhs"]))
    own.send(decision("w-5", "own", S["local"], S["id"]))
    own.send(decision("w-6", "own", S["local"], S["id"] + "2", attempt=True))
    own.send(demographics("w-7", "own", S["local"] + "9", S["city"], S["given"], born))
    own.send(demographics("w-8", "own", S["local"] + "9", S["doctor"], S["street"], "1990-01-02"))
    watched.bus.wait_folded()
    wait_for(lambda: int(watched.bus.status().reviews.overdue) > 0, what="a review that fell due")


def records_officers_work(watched):
    """Finds, looks, decides, rightly and wrongly, with seeds in every word. Pages are meant to show content, lists and errors are not."""
    bus = watched.bus
    who = ("--who", f"Dr {S['doctor']}", "--why", f"about {S['family']}")
    listed = bus.ctl_json("identity", "review")
    assert len(listed) >= 2 and any(one.get("overdue") for one in listed)
    for arguments in (("identity", "review"), ("identity", "review", "--all", "--urgent"), ("identity", "review", "--source", S["note"]),
                      ("converge",), ("converge", "--team", S["note"]), ("converge", "--consumer", S["note"]), ("matching", "show")):
        watched.ctl(*arguments)
    shown = watched.ctl("identity", "show", listed[0]["id"], whole=False).stdout
    assert S["family"].lower() in shown
    for arguments in (("find", S["family"], S["given"], "--born", S["birth_day"], "--phone", S["phone"], "--postcode", S["postcode"]),
                      ("find", S["nhs"]), ("find", S["family"], "--born", "31/31/" + S["birth"][:4]), ("find", "--identifier", S["local"]),
                      ("find", S["family"], "--team", S["note"]), ("record", S["nhs"]), ("record", "own", S["local"]),
                      ("record", S["local"], S["nhs"], S["note"]), ("record", S["local"] + "nobody"), ("identity", "show", S["nhs"]),
                      ("identity", "show", S["local"] + "x"), ("identity", "link", S["nhs"], S["local"], *who)):
        watched.ctl(*arguments, whole=False)
    for verb in ("link", "unlink", "link"):
        watched.ctl("identity", verb, listed[0]["id"], *who)
    watched.ctl("identity", "assign", listed[0]["id"], listed[0]["patient_ids"][0], *who)
    watched.ctl("identity", "unlink", *listed[0]["patient_ids"][:2], *who)
    patient = bus.ctl_json("record", "own", S["local"])[0]
    conflict = patient["conflicts"][0]["id"]
    for _ in range(2):
        watched.ctl("conflict", "settle", patient["patient_id"], conflict, *who)


def readers_of_records(watched):
    """One that holds what the bus holds, one that does not and is named, and questions that cannot be answered."""
    bus = watched.bus
    text = f"{S['family']} {S['nhs']}"
    own = bus.source("own")
    receipt, = own.send(demographics("w-8b", "own", S["local"] + "2", S["family"], S["mail"], "1941-01-03"))
    with Records(bus, "ward", "bad") as bad:
        bad.open(feed_pb2.Open.FROM_SNAPSHOT).reach(receipt.stored.seq)
        patient_id = next(iter(bad.held))
        bad.held[patient_id] = (text.encode(), bad.held[patient_id][1])
        bad.held[f"p{S['birth']}.0"] = (text.encode(), 7)
        receipt, = own.send(demographics("w-9", "own", S["local"] + "3", S["family"], S["mail"], "1941-01-02"))
        bus.wait_folded()
        bad.reach(receipt.stored.seq)
        with Kept(bad):
            watched.add("converge", re.sub(rf"p{S['birth']}\.0", "", watched.bus.ctl("converge", "--team", "ward").stdout))
        for kind, question in (("record", ask_pb2.RecordRequest(patient_id=text)), ("find", ask_pb2.FindRequest(name=text * 50))):
            bad.say(request=feed_pb2.TeamRequest(id=1, team=S["note"], **{kind: question}))
        bad.say(compared=feed_pb2.Compared(id=77, sums=[text.encode()]))
        bad.hear(1)
    context = zmq.Context()
    for endpoint in ("control", "query"):
        dealer = context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.connect(bus.endpoint(endpoint))
        for request in (control_pb2.Request(id=1, find=ask_pb2.FindRequest(name=text * 500, team=text)),
                        control_pb2.Request(id=2, identity_show=control_pb2.IdentityShowRequest(review_id=text, patient_id=text)),
                        control_pb2.Request(id=3, identity_decide=control_pb2.IdentityDecideRequest(review_id=text, who=text, why=text)),
                        control_pb2.Request(id=4, settle=control_pb2.SettleRequest(patient_id=text, conflict_id=text, who=text, why=text)),
                        control_pb2.Request(id=5, review_list=control_pb2.ReviewListRequest(source=text, after_id=text)),
                        control_pb2.Request(id=6, converge=control_pb2.ConvergeRequest(team=text, consumer=text))):
            dealer.send(request.SerializeToString())
        while dealer.poll(300):
            reply = control_pb2.Reply.FromString(dealer.recv())
            watched.add(f"{endpoint}: error", f"{reply.error} {reply.detail}")
        dealer.close()
    context.term()


def test_nothing_of_who_is_who_stands_in_what_the_programs_say_of_themselves(watched):
    watched.bus.config["matching"] = {"urgent_after": "1s"}
    watched.bus.config["teams"]["ward"]["may_read"] = ["pas", "lab", "own"]
    watched.bus.write_config()
    watched.bus.restart()
    for adapter in watched.adapters:
        adapter.process.send_signal(signal.SIGTERM)
        adapter.process.wait()
        adapter.start(environment=watched.bus.environment)
    people_in_doubt(watched)
    records_officers_work(watched)
    readers_of_records(watched)
    watched.look()
    watched.bus.restart()
    watched.look()
    watched.bus.stop()
    watched.ctl("rebuild", "--verify")
    watched.check()


def test_the_search_finds_what_is_there():
    """A search that cannot find would make the test above worthless."""
    assert leaks(f"about {S['family'].upper()}")
    assert leaks(S["nhs"].encode().hex())
    assert leaks(base64.b64encode(b"ab" + S["family"].encode() + b"cd"))
    assert not leaks("all is well")


@pytest.mark.plain
def test_no_program_leaves_a_core_with_patients_in_it(make_bus):
    """Core, serve, adapter, and carebusctl, which holds answers: no core file, and nobody of the same user looks into them."""
    bus = make_bus()
    wrapper = []
    if os.geteuid() == 0:
        # The kernel gives the files of who must not be looked into to root: seen only when it is run by another user.
        wrapper = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups"]
        os.chown(bus.folder, 1, 1)
        if subprocess.run([*wrapper, str(CAREBUSCTL), "--version"], capture_output=True, check=False).returncode != 0:
            pytest.skip(f"another user cannot run what is in {BUILD}")
    mllp = Mllp(bus)
    bus.wrapper = wrapper
    bus.start()
    mllp.start(wrapper=wrapper)
    other = subprocess.Popen([*wrapper, "sleep", "1000"])
    follow = subprocess.Popen([*wrapper, str(CAREBUSCTL), "--config", str(bus.config_path), "tail", "--follow"], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: may_be_looked_into(other.pid), what="a program of another kind")
        for name, pid in (("core", bus.pid), ("serve", bus.serve_pid), ("carebus-mllp", mllp.process.pid), ("carebusctl", follow.pid)):
            wait_for(lambda: core_limit(pid) == ["0", "0"] and not may_be_looked_into(pid), what=f"{name} to be closed")
    finally:
        for process in (follow, other):
            process.kill()
            process.wait()
        mllp.close()


def core_limit(pid):
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    return next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()[4:6]


def may_be_looked_into(pid):
    return os.stat(f"/proc/{pid}/environ").st_uid != 0
