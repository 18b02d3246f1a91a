"""HL7 v2 into a team's own system: real processes, and a receiver that refuses, stalls, vanishes, and answers late, twice and wrongly.

Nothing is lost, nothing is twice in effect (a repeat has the same MSH-10), and nothing is credited that was not acknowledged.
"""

import json
import os
import re
import signal
import ssl
import subprocess

import pytest
from carebus_bus import CAREBUS_MLLP, SLOW, Bus, event_pb2, intake_pb2, wait_for
from mllp_peer import Mllp, free_port
from mllp_receiver import Receiver

OPEN = {"rules": [{"name": "all", "reason": "this test is about delivery", "classes": ["all"], "kinds": ["all"],
                   "relationships": ["not-needed"], "unconfirmed": True}]}


def said(number, person, event_type="encounter.admitted", **fields):
    result = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", message_id=f"M{number}", original=f"MSH|M{number}\r".encode())
    event = result.events.add(type=event_type, action=event_pb2.ACTION_UPDATE)
    event.occurred_at.utc_at = 1_700_000_000_000_000 + number
    event.patient.identifiers.add(system="carebus:pas", value=f"P{person}", type="MR")
    event.encounter.identifier.system = "carebus:pas"
    event.encounter.identifier.value = fields.pop("stay", f"V{number}")
    event.encounter.status = "in-progress"
    return result


class Adapter:
    def __init__(self, bus, name="out"):
        self.bus, self.name, self.process = bus, name, None
        self.log_path = bus.folder / f"{name}.log"

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(CAREBUS_MLLP), "--config", str(self.bus.config_path), "--destination", self.name],
                                            stderr=log, stdout=log)
        return self

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(20 * SLOW)
        self.process = None
        return code

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def wait_log(self, event):
        wait_for(lambda: f"event={event}" in self.log(), what=lambda: f"{event} in\n{self.log()[-3000:]}")


@pytest.fixture
def world():
    """A bus with a source, a destination, its adapter and the receiver."""
    opened = []

    def make(say=lambda message: "AA", served=None, profile=None, start=True, back=None, **settings):
        receiver = Receiver(free_port(), say=say, tls=served)
        destination = {"team": "ward", "adapter": "mllp", "connect": f"127.0.0.1:{receiver.port}", "tries": 3, "pause_max": "1s",
                       "timeout": "2s", "window": 4, "types": ["encounter.admitted", "encounter.updated"], **settings}
        bus = Bus({"sharing": OPEN, "scope": {"people": "all"}, "destinations": {"out": destination}})
        if profile:
            (bus.folder / "profiles").mkdir()
            (bus.folder / "profiles" / "theirs.yaml").write_text(profile, encoding="utf-8")
            destination["profile"] = "theirs"
            bus.write_config()
        if back:  # what the receiver's own system says comes in by this source
            destination["sources"] = [back]
            bus.back = Mllp(bus, source=back)
        bus.start()
        adapter = Adapter(bus)
        opened.append((bus, adapter, receiver))
        if start:
            receiver.start()
            adapter.start()
        return bus, adapter, receiver

    yield make
    for bus, adapter, receiver in opened:
        if hasattr(bus, "back"):
            bus.back.close()
        if adapter.process:
            assert adapter.stop() == 0, adapter.log()
        if receiver.listener:
            receiver.stop()
        assert not re.search(r"ERROR: AddressSanitizer|runtime error:", adapter.log()), adapter.log()[-8000:]
        assert not receiver.errors
        bus.close()


def send(bus, *submissions):
    if not hasattr(bus, "pas"):
        bus.pas = bus.source("pas")
    return bus.pas.send(*submissions)


def wait_stays(adapter, receiver, stays, seconds=40):
    wait_for(lambda: set(stays) <= set(receiver.stays()), seconds=seconds * SLOW,
             what=lambda: f"{sorted(set(stays) - set(receiver.stays()))} did not come\n{adapter.log()[-3000:]}")


def items(bus):
    done = wait_for(lambda: next((one for one in [bus.ctl("--json", "quarantine", "list")] if one.returncode == 0), None),
                    what="the quarantine")
    return [item for item in map(json.loads, done.stdout.splitlines()) if item.get("class") == "delivery"]


def test_an_event_becomes_a_message_that_says_whose_it_is(world):
    bus, adapter, receiver = world(application="BUS", facility="NORTH", receiving_application="EPR", receiving_facility="RA9")
    send(bus, said(1, 1))
    wait_stays(adapter, receiver, ["V1"])
    message = receiver.seen[0]
    assert message.type == "ADT^A01"
    assert message.fields("MSH")[2:6] == ["BUS", "NORTH", "EPR", "RA9"]
    assert message.fields("MSH")[10] == "T"  # a bus that is not live never sends what looks live
    assert re.fullmatch("[A-Z0-9]{1,20}", message.id)
    assert message.local_id == "P1"
    assert message.value("ZBU", 1).endswith("^test-bus") and message.value("ZBU", 2) == "pas"


def test_messages_of_one_person_come_in_their_order(world):
    bus, adapter, receiver = world()
    send(bus, *[said(n, n % 3, "encounter.updated") for n in range(30)])
    wait_stays(adapter, receiver, [f"V{n}" for n in range(30)])
    for person in range(3):
        assert receiver.stays(f"P{person}") == [f"V{n}" for n in range(30) if n % 3 == person]
    assert len(receiver.seen) == 30


@pytest.mark.parametrize("word", ["twice", "foreign-first", "pieces", "noise", "vanish-after"])
def test_an_answer_that_names_the_message_is_taken_however_it_comes(world, word):
    bus, adapter, receiver = world(say=lambda message: word)
    send(bus, *[said(n, n % 2, "encounter.updated") for n in range(6)])
    wait_stays(adapter, receiver, [f"V{n}" for n in range(6)])
    assert len({m.id for m in receiver.seen}) == 6
    for person in range(2):
        assert receiver.stays(f"P{person}") == [f"V{n}" for n in range(6) if n % 2 == person]
    assert items(bus) == []


@pytest.mark.parametrize("word", ["AE", "CE", "stall", "vanish", "half", "garbage", "no-msa", "foreign"])
def test_what_is_not_acknowledged_comes_again_under_the_same_number(world, word):
    failures = {"V1": 2}

    def say(message):
        if failures.get(message.stay, 0) > 0:
            failures[message.stay] -= 1
            return word
        return "AA"

    bus, adapter, receiver = world(say=say)
    send(bus, said(1, 1, "encounter.updated"), said(2, 1, "encounter.updated"))
    wait_stays(adapter, receiver, ["V1", "V2"])
    tries = receiver.tries("V1")
    assert len(tries) == 3
    assert len({m.id for m in tries}) == 1 and len({m.data for m in tries}) == 1
    assert receiver.stays("P1") == ["V1", "V2"]  # what is behind it waited
    assert items(bus) == []


def test_a_late_answer_is_not_taken_for_that_of_the_next_message(world):
    stalled = {"V1": 1}

    def say(message):
        if stalled.get(message.stay, 0) > 0:
            stalled[message.stay] -= 1
            return "late"  # its AA comes when the next message is there, before that one's own answer
        return "AA" if message.stay != "V2" else ["AA"]

    bus, adapter, receiver = world(say=say)
    send(bus, said(1, 1, "encounter.updated"), said(2, 2, "encounter.updated"))
    wait_stays(adapter, receiver, ["V1", "V2"])
    assert len(receiver.tries("V1")) == 2  # the late one was credited to nobody


def test_a_wrong_answer_for_another_message_never_counts(world):
    """V1's receiver acknowledges V2's number, which it can guess: V2 is delivered all the same, by its own answer."""
    ids = {}

    def say(message):
        ids[message.stay] = message.id
        if message.stay == "V1" and len([1 for m in receiver.seen if m.stay == "V1"]) < 3:
            return "foreign"
        return "AA"

    bus, adapter, receiver = world(say=say)
    send(bus, said(1, 1, "encounter.updated"), said(2, 2, "encounter.updated"))
    wait_stays(adapter, receiver, ["V1", "V2"])
    assert set(receiver.ids()) == set(ids.values())
    adapter.wait_log("FOREIGN_ANSWER")


def test_what_the_receiver_refuses_waits_for_somebody_and_the_others_go_on(world):
    bus, adapter, receiver = world(say=lambda message: "AR" if message.stay == "V1" else "AA")
    send(bus, said(1, 1, "encounter.updated"), said(2, 1, "encounter.updated"), said(3, 2, "encounter.updated"))
    wait_stays(adapter, receiver, ["V3"])
    waiting = wait_for(lambda: items(bus) or None, what="the refused message in the quarantine")
    assert len(waiting) == 1
    assert len(receiver.tries("V1")) == 1  # a no is a no
    assert receiver.stays("P1") == []      # V2 waits behind it


def test_a_poison_message_is_put_aside_after_its_tries_while_others_go_on(world):
    bus, adapter, receiver = world(say=lambda message: "vanish" if message.stay == "V1" else "AA")
    send(bus, said(1, 1, "encounter.updated"))
    for n in range(2, 12):
        send(bus, said(n, n, "encounter.updated"))
        wait_stays(adapter, receiver, [f"V{n}"])
    wait_for(lambda: items(bus) or None, seconds=60 * SLOW, what=lambda: f"the poison in the quarantine\n{adapter.log()[-3000:]}")
    assert len(receiver.tries("V1")) >= 3


def test_a_receiver_that_was_down_gets_everything_in_order(world):
    bus, adapter, receiver = world(start=False)
    adapter.start()
    send(bus, *[said(n, n % 4, "encounter.updated") for n in range(40)])
    adapter.wait_log("RECEIVER_AWAY")
    assert receiver.seen == []
    receiver.start()
    wait_stays(adapter, receiver, [f"V{n}" for n in range(40)], seconds=90)
    for person in range(4):
        assert receiver.stays(f"P{person}") == [f"V{n}" for n in range(40) if n % 4 == person]
    assert len({m.id for m in receiver.seen}) == 40
    assert items(bus) == []  # to be away is nobody's poison


def test_a_receiver_that_goes_away_in_between_is_found_again(world):
    bus, adapter, receiver = world()
    send(bus, said(1, 1, "encounter.updated"))
    wait_stays(adapter, receiver, ["V1"])
    receiver.stop()
    send(bus, said(2, 1, "encounter.updated"))
    adapter.wait_log("RECEIVER_AWAY")
    receiver.start()
    wait_stays(adapter, receiver, ["V2"])
    assert receiver.stays("P1") == ["V1", "V2"]


def test_an_adapter_that_is_killed_repeats_under_the_same_number_and_loses_nothing(world):
    bus, adapter, receiver = world()
    send(bus, *[said(n, n % 3, "encounter.updated") for n in range(12)])
    wait_for(lambda: len(receiver.seen) >= 3, what="the first messages")
    for round_number in range(3):
        adapter.stop(signal.SIGKILL)
        adapter.start()
        send(bus, said(100 + round_number, 7, "encounter.updated"))
        wait_stays(adapter, receiver, [f"V{100 + round_number}"])
    wait_stays(adapter, receiver, [f"V{n}" for n in range(12)])
    by_stay = {}
    for message in receiver.seen:
        by_stay.setdefault(message.stay, set()).add((message.id, message.data))
    assert all(len(same) == 1 for same in by_stay.values())  # a repeat is the same message, byte for byte
    for person in range(3):
        assert receiver.stays(f"P{person}") == [f"V{n}" for n in range(12) if n % 3 == person]


def test_enhanced_mode_waits_for_the_answer_of_the_application(world):
    profile = "out:\n  acknowledgement: both\n"
    refuse = {"V2"}
    bus, adapter, receiver = world(say=lambda m: ["CA", "AR"] if m.stay in refuse else ["CA", "AA"], profile=profile)
    send(bus, said(1, 1, "encounter.updated"), said(2, 2, "encounter.updated"))
    wait_stays(adapter, receiver, ["V1"])
    assert receiver.seen[0].fields("MSH")[14:16] == ["AL", "AL"]
    wait_for(lambda: items(bus) or None, what="what the application refused in the quarantine")


# ---- what comes back

def events_of(bus, source):
    bus.wait_folded()
    return [line for line in bus.ctl_json("tail") if line.get("source") == source and not line.get("caused_by")]


def returned(message, number, keep=lambda segment: True, **changed):
    """The message as a system sends it back: under a number of its own, and with the segments `changed`."""
    segments = []
    for segment in message.segments:
        fields = changed.get(segment[:3], segment).split("|")
        if fields[0] == "MSH":
            fields[9] = number
        if keep(segment):
            segments.append("|".join(fields))
    return "\r".join(segments) + "\r"


def test_a_loop_ends_where_it_began_and_what_the_receiver_says_new_goes_to_others_alone(world):
    bus, adapter, receiver = world(back="epr", types=["encounter.*"])
    bus.back.start()
    first = said(1, 1)
    # PV1-2 must not be missing: of a stay without a class, what comes back would say one.
    kind = getattr(first.events[0].encounter, "class")
    kind.system, kind.code = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "IMP"
    send(bus, first)
    wait_stays(adapter, receiver, ["V1"])
    message = next(one for one in receiver.seen if one.type == "ADT^A01")
    epr = bus.back.sender()

    # Word for word: a copy, by our id.
    assert epr.ask(returned(message, "E1")).code == "AA"
    copies = events_of(bus, "epr")
    assert copies and all(one["carried_id"]["value"] == "2.0" for one in copies)
    copy, = (one for one in copies if one["type"] == "encounter.admitted")
    assert copy["echo_of"] == "2.0"
    # It names the bus's own id of the person beside: that stands for nobody.
    pid = message.value("PID", 3)
    other = "PID|1||" + pid + "~" + "p2.0^^^test-bus^PI"
    assert epr.ask(returned(message, "E2", PID=other)).code == "AA"
    # Under a number of its own for the stay, it is the same stay.
    visit = [segment for segment in message.segments if segment.startswith("PV1")][0].replace("V1^", "E77^")
    assert epr.ask(returned(message, "E3", PV1=visit)).code == "AA"
    # What it says more is its own: news to others, and not brought back to it.
    ward = [segment for segment in message.segments if segment.startswith("PV1")][0].split("|")
    ward[3] = "WARD9^BAY1"
    assert epr.ask(returned(message, "E4", PV1="|".join(ward))).code == "AA"
    new, = (one for one in events_of(bus, "epr") if "WARD9" in json.dumps(one))
    assert "echo_of" not in new
    send(bus, said(2, 2))
    wait_stays(adapter, receiver, ["V2"])
    assert [one.value("ZBU", 4) for one in receiver.credited.values() if one.type == "ADT^A01"] == ["M1", "M2"]
    assert not any("WARD9" in one.text for one in receiver.seen)


# ---- TLS

def certificate(folder, name, address=None):
    key, pem = folder / f"{name}.key", folder / f"{name}.pem"
    extra = ["-addext", f"subjectAltName=IP:{address}"] if address else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", str(key),
                    "-out", str(pem), *extra], check=True, capture_output=True)
    return key, pem


def server_tls(key, pem, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


def test_a_receiver_with_the_right_certificate_is_sent_to_and_sees_ours(world, tmp_path):
    os.chmod(tmp_path, 0o755)
    key, pem = certificate(tmp_path, "receiver", "127.0.0.1")
    own_key, own_pem = certificate(tmp_path, "bus")
    bus, adapter, receiver = world(served=server_tls(key, pem, own_pem), authority=str(pem),
                                   **{"tls": {"certificate": str(own_pem), "key": str(own_key)}})
    send(bus, said(1, 1))
    wait_stays(adapter, receiver, ["V1"])


def test_a_receiver_with_a_wrong_certificate_is_told_nothing(world, tmp_path):
    os.chmod(tmp_path, 0o755)
    key, pem = certificate(tmp_path, "impostor", "127.0.0.1")
    _, trusted = certificate(tmp_path, "receiver", "127.0.0.1")
    bus, adapter, receiver = world(served=server_tls(key, pem), authority=str(trusted))
    send(bus, said(1, 1))
    adapter.wait_log("RECEIVER_TLS_FAILED")
    assert receiver.seen == []
