"""Delivery outwards, whatever the language: nothing lost, one order a person, what cannot be delivered waits while the others go on.

The receiver is tests/system/scripted-destination.c: it does what a file says, and writes down what it was given.
"""

import collections
import json
import os
import random
import re
import signal
import subprocess

import pytest
from carebus_bus import ANSWER_SECONDS, BUILD, SLOW, Bus, bodies_pb2, event_pb2, intake_pb2, wait_for

PROGRAM = BUILD / "tests" / "system" / "scripted-destination"
OPEN = {"rules": [{"name": "all", "reason": "this test is about delivery", "classes": ["all"], "kinds": ["all"],
                   "relationships": ["not-needed"], "unconfirmed": True}]}
EVERYBODY = {"people": "all"}

Try = collections.namedtuple("Try", "message_id event_id type patient stay outcome again tries")


def said(number, person, stay=None, event_type="encounter.updated"):
    """One event of a person's stay, as a message of its own."""
    result = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", message_id=f"M{number}", original=f"MSH|M{number}\r".encode())
    event = result.events.add(type=event_type, action=event_pb2.ACTION_UPDATE)
    event.occurred_at.utc_at = 1_700_000_000_000_000 + number
    event.patient.identifiers.add(system="carebus:pas", value=f"P{person}", type="MR")
    if event_type.startswith("encounter."):
        event.encounter.identifier.system = "carebus:pas"
        event.encounter.identifier.value = stay or f"V{number}"
        event.encounter.status = "in-progress"
    elif event_type == "death.notified":
        event.death.status = bodies_pb2.Death.STATUS_INFORMAL
    return result


class Receiver:
    """The adapter and its receiver, in a folder of their own."""

    def __init__(self, bus, name="out"):
        self.bus, self.name = bus, name
        self.folder = bus.folder / name
        self.folder.mkdir(exist_ok=True)
        self.process = None
        self.script()

    def script(self, *lines):
        path = self.folder / "script.new"
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        path.rename(self.folder / "script")

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([str(PROGRAM), str(self.bus.config_path), self.name, str(self.folder)], stderr=log, stdout=log)
        return self

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(20 * SLOW)
        self.process = None
        return code

    def log(self):
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def tries(self):
        path = self.folder / "sent"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [Try(*line.split()) for line in lines]

    def taken(self):
        """What the receiver took, each message once: it knows a repeat by its id."""
        first = {}
        for one in self.tries():
            if one.outcome == "delivered":
                first.setdefault(one.message_id, one)
        return list(first.values())

    def stays(self, person=None):
        return [one.stay for one in self.taken() if person is None or one.patient == person]

    def wait_stays(self, stays, what="what was sent"):
        wait_for(lambda: set(stays) <= set(self.stays()), seconds=ANSWER_SECONDS,
                 what=lambda: f"{what}: {sorted(set(stays) - set(self.stays()))} did not come\n{self.log()[-3000:]}")

    def wait_log(self, event):
        wait_for(lambda: f"event={event}" in self.log(), what=lambda: f"{event} in\n{self.log()[-3000:]}")


@pytest.fixture
def world():
    """A bus with a source, a destination and its receiver."""
    receivers = []
    destination = {"team": "ward", "adapter": "own", "tries": 3, "pause_max": "1s", "timeout": "2s", "window": 4}
    bus = Bus({"sharing": OPEN, "scope": EVERYBODY, "destinations": {"out": destination, "second": dict(destination)}})
    with bus:
        def make(name="out"):
            receivers.append(Receiver(bus, name))
            return receivers[-1]
        bus.receiver = make
        yield bus
        for receiver in receivers:
            if receiver.process:
                assert receiver.stop() == 0, receiver.log()
            assert not re.search(r"ERROR: AddressSanitizer|runtime error:", receiver.log()), receiver.log()[-8000:]


def patient_of(bus, person):
    bus.wait_folded()
    return bus.ctl_json("record", "carebus:pas", f"P{person}")[0]["patient_id"]


def items(bus):
    """What waits in the quarantine for a destination; asked again where serve begins anew just now."""
    def listed():
        done = bus.ctl("--json", "quarantine", "list")
        return done if done.returncode == 0 else None
    done = wait_for(listed, what="the quarantine")
    return [item for item in map(json.loads, done.stdout.splitlines()) if item.get("class") == "delivery"]


def acked(bus, consumer="out"):
    status = bus.ctl_json("status")[0]
    return next((int(feed["seq"]) for feed in status.get("feeds", []) if feed["consumer"] == consumer), 0)


def test_everything_comes_once_and_in_order_for_each_person(world):
    pas = world.source("pas")
    pas.send(*[said(i, i % 5, f"V{i}") for i in range(50)])
    receiver = world.receiver().start()
    receiver.wait_stays([f"V{i}" for i in range(50)])
    by_person = collections.defaultdict(list)
    for one in receiver.taken():
        if one.type == "encounter.updated":
            by_person[one.patient].append(int(one.stay[1:]))
    assert len(by_person) == 5
    assert all(numbers == sorted(numbers) for numbers in by_person.values())
    assert len({one.message_id for one in receiver.tries()}) == len(receiver.tries()), "nothing was sent twice"
    assert all(re.fullmatch(r"[A-Z0-9]{1,20}", one.message_id) for one in receiver.tries())


def test_the_cursor_moves_only_behind_what_the_receiver_took(world):
    receiver = world.receiver()
    receiver.script("V1 failed AE", "* delivered")
    pas = world.source("pas")
    first, second = pas.send(said(1, 1, "V1"), said(2, 2, "V2"))
    receiver.start()
    receiver.wait_stays(["V2"])
    assert acked(world) < first.stored.seq, "the one before it is not delivered"
    receiver.script()
    receiver.wait_stays(["V1"])
    wait_for(lambda: acked(world) >= second.stored.seq, what="the cursor behind both")


def test_what_the_receiver_rejects_waits_and_the_others_go_on(world):
    receiver = world.receiver()
    receiver.script("V1 rejected AR")
    pas = world.source("pas")
    last = pas.send(said(1, 1, "V1"), said(2, 1, "V2"), said(3, 2, "V3"))[-1]
    receiver.start()
    receiver.wait_stays(["V3"])
    receiver.wait_log("DELIVERY_PARKED")
    item = wait_for(lambda: items(world), what="the item in the quarantine")[0]
    assert item["reason"] == "rejected" and item["parked"]["answer"] == "AR"
    assert item["parked"]["patient_id"] == patient_of(world, 1)
    assert "V2" not in receiver.stays(), "what is behind it waits"
    wait_for(lambda: acked(world) >= last.stored.seq, what="the cursor goes on")
    wait_for(lambda: any(one.type == "delivery.stopped" for one in receiver.taken()), what="its team is told, past what waits")
    stopped = [one for one in world.ctl_json("tail") if one.get("type") == "delivery.stopped"]
    assert stopped[0]["notice"]["team"] == "ward" and stopped[0]["notice"]["consumer"] == "out"


def test_a_message_that_always_fails_waits_after_its_tries(world):
    receiver = world.receiver()
    receiver.script("V1 failed AE/207")
    pas = world.source("pas")
    pas.send(said(1, 1, "V1"), said(2, 2, "V2"))
    receiver.start()
    item = wait_for(lambda: items(world), what="the item in the quarantine")[0]
    assert item["reason"] == "tries-spent" and item["parked"]["answer"] == "AE/207" and int(item["parked"]["tries"]) == 3
    tries = [one for one in receiver.tries() if one.stay == "V1"]
    assert len(tries) == 3 and len({one.message_id for one in tries}) == 1, "a repeat is known by its id"
    assert "V2" in receiver.stays()


def test_a_retry_brings_all_that_waited_in_order(world):
    receiver = world.receiver()
    receiver.script("V1 rejected AR")
    pas = world.source("pas")
    pas.send(*[said(i, 1, f"V{i}") for i in range(1, 8)])
    receiver.start()
    item = wait_for(lambda: items(world), what="the item in the quarantine")[0]
    pas.send(*[said(i, 1, f"V{i}") for i in range(8, 12)])
    receiver.script()
    world.ctl("quarantine", "retry", str(item["id"]), "--who", "Dr Ng", check=0)
    receiver.wait_stays([f"V{i}" for i in range(1, 12)])
    pas.send(said(12, 1, "V12"))
    receiver.wait_stays(["V12"])
    stays = [stay for stay in receiver.stays() if stay.startswith("V")]
    assert stays == [f"V{i}" for i in range(1, 13)]
    wait_for(lambda: not items(world), what="the item is done with")
    resumed = [one for one in world.ctl_json("tail") if one.get("type") == "delivery.resumed"]
    assert resumed[0]["notice"]["resolution"] == "retried"


def test_a_discard_leaves_out_what_cannot_be_delivered_and_brings_the_rest(world):
    receiver = world.receiver()
    receiver.script("V1 rejected AR")
    pas = world.source("pas")
    pas.send(said(1, 1, "V1"), said(2, 1, "V2"), said(3, 1, "V3"))
    receiver.start()
    item = wait_for(lambda: items(world), what="the item in the quarantine")[0]
    assert world.ctl("quarantine", "discard", str(item["id"]), "--who", "Dr Ng").returncode != 0, "a discard needs a reason"
    world.ctl("quarantine", "discard", str(item["id"]), "--who", "Dr Ng", "--why", "sent by hand", check=0)
    receiver.wait_stays(["V2", "V3"])
    assert [stay for stay in receiver.stays() if stay.startswith("V")] == ["V2", "V3"]
    wait_for(lambda: not items(world), what="the item is done with")


def test_what_fails_again_waits_again_from_there(world):
    receiver = world.receiver()
    receiver.script("V1 rejected AR", "V3 rejected CR")
    pas = world.source("pas")
    pas.send(*[said(i, 1, f"V{i}") for i in range(1, 6)])
    receiver.start()
    item = wait_for(lambda: items(world), what="the item in the quarantine")[0]
    receiver.script("V3 rejected CR")
    world.ctl("quarantine", "retry", str(item["id"]), "--who", "Dr Ng", check=0)
    again = wait_for(lambda: [one for one in items(world) if one["parked"]["answer"] == "CR"], what="it waits again")[0]
    assert again["id"] == item["id"] and "released_by" not in again["parked"]
    assert [stay for stay in receiver.stays() if stay.startswith("V")] == ["V1", "V2"]
    receiver.script()
    world.ctl("quarantine", "retry", str(item["id"]), "--who", "Dr Ng", check=0)
    receiver.wait_stays(["V3", "V4", "V5"])
    wait_for(lambda: not items(world), what="the item is done with")


def test_who_is_parked_is_known_after_every_restart(world):
    receiver = world.receiver()
    receiver.script("V1 rejected AR")
    pas = world.source("pas")
    pas.send(said(1, 1, "V1"), said(2, 2, "V2"))
    receiver.start()
    wait_for(lambda: items(world), what="the item in the quarantine")
    receiver.stop()
    world.restart()
    receiver.start()
    pas = world.source("pas")
    pas.send(said(3, 1, "V3"), said(4, 2, "V4"))
    receiver.wait_stays(["V4"])
    assert "V3" not in receiver.stays() and "V1" not in receiver.stays()
    receiver.script()
    receiver.stop()
    world.ctl("quarantine", "retry", str(items(world)[0]["id"]), "--who", "Dr Ng", check=0)
    receiver.start()
    receiver.wait_stays(["V1", "V3"], "a retry while nobody was connected")
    assert [stay for stay in receiver.stays(patient_of(world, 1)) if stay != "-"] == ["V1", "V3"]


def test_admissions_and_deaths_overtake_and_come_once(world):
    receiver = world.receiver()
    receiver.script("V1 rejected AR")
    pas = world.source("pas")
    pas.send(said(1, 1, "V1"))
    receiver.start()
    item = wait_for(lambda: items(world), what="the item in the quarantine")[0]
    pas.send(said(2, 1, "V2"), said(3, 1, "V3", "encounter.admitted"), said(4, 1, event_type="death.notified"))
    receiver.wait_stays(["V3"])
    wait_for(lambda: any(one.type == "death.notified" for one in receiver.taken()), what="the death")
    assert "V2" not in receiver.stays()
    wait_for(lambda: len(items(world)[0]["parked"].get("overtaken", [])) >= 2, what="the bus knows what overtook")
    receiver.script()
    world.ctl("quarantine", "retry", str(item["id"]), "--who", "Dr Ng", check=0)
    receiver.wait_stays(["V1", "V2"])
    wait_for(lambda: not items(world), what="the item is done with")
    tries = collections.Counter(one.message_id for one in receiver.tries() if one.outcome == "delivered")
    assert max(tries.values()) == 1, "what overtook does not come again"


def test_a_receiver_that_was_away_gets_everything_in_order(world):
    receiver = world.receiver()
    receiver.script("* away")
    pas = world.source("pas")
    pas.send(*[said(i, i % 3, f"V{i}") for i in range(30)])
    receiver.start()
    receiver.wait_log("RECEIVER_AWAY")
    pas.send(*[said(i, i % 3, f"V{i}") for i in range(30, 60)])
    assert receiver.taken() == [] and items(world) == []
    receiver.script()
    receiver.wait_stays([f"V{i}" for i in range(60)])
    assert items(world) == [], "nobody was parked for it"
    by_person = collections.defaultdict(list)
    for one in receiver.taken():
        if one.stay != "-":
            by_person[one.patient].append(int(one.stay[1:]))
    assert all(numbers == sorted(numbers) for numbers in by_person.values())


def test_nobody_is_parked_for_a_receiver_that_answers_nothing(world):
    receiver = world.receiver()
    receiver.script("* stall")
    pas = world.source("pas")
    pas.send(said(1, 1, "V1"))
    receiver.start()
    wait_for(lambda: len(receiver.tries()) >= 4, seconds=ANSWER_SECONDS, what="more tries than are counted")
    assert items(world) == []
    receiver.script()
    receiver.wait_stays(["V1"])


def test_what_the_language_cannot_say_is_passed_over_and_what_lacks_something_waits(world):
    receiver = world.receiver()
    pas = world.source("pas")
    pas.send(said(1, 1, "V1", "encounter.leave_started"), said(2, 1, "V2"), said(3, 2, "V3", "encounter.leave_ended"))
    receiver.start()
    receiver.wait_stays(["V2"])
    item = wait_for(lambda: items(world), what="the item in the quarantine")[0]
    assert item["reason"] == "not-renderable"
    assert "V1" not in receiver.stays()


def test_two_destinations_wait_each_for_itself(world):
    first, second = world.receiver("out"), world.receiver("second")
    first.script("V1 rejected AR")
    pas = world.source("pas")
    pas.send(said(1, 1, "V1"), said(2, 1, "V2"))
    first.start()
    second.start()
    second.wait_stays(["V1", "V2"])
    item, = wait_for(lambda: items(world), what="the item in the quarantine")
    assert item["parked"]["consumer"] == "out"


def test_who_is_joined_with_somebody_parked_waits_too_and_one_retry_brings_both(world):
    receiver = world.receiver()
    receiver.script("V1 rejected AR")
    pas = world.source("pas")
    pas.send(said(1, 1, "V1"), said(2, 2, "V2"))
    receiver.start()
    receiver.wait_stays(["V2"])
    item = wait_for(lambda: items(world), what="the item in the quarantine")[0]
    merge = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", message_id="MERGE", original=b"MSH|MERGE\r")
    event = merge.events.add(type="patient.merged", action=event_pb2.ACTION_NEW)
    event.occurred_at.utc_at = 1_700_000_000_000_003
    event.patient.identifiers.add(system="carebus:pas", value="P2", type="MR")
    event.merge.surviving.add(system="carebus:pas", value="P2", type="MR")
    event.merge.retired.add(system="carebus:pas", value="P1", type="MR")
    pas.send(merge)
    wait_for(lambda: len(items(world)) == 2, what=lambda: f"both wait: {items(world)}")
    pas.send(said(4, 2, "V4"))
    world.wait_folded()
    assert "V4" not in receiver.stays()
    receiver.script()
    world.ctl("quarantine", "retry", str(item["id"]), "--who", "Dr Ng", check=0)
    receiver.wait_stays(["V1", "V4"])
    wait_for(lambda: not items(world), what="both items are done with")
    stays = [stay for stay in receiver.stays() if stay in ("V1", "V4")]
    assert stays == ["V1", "V4"]


def killed(world, receiver, chance):
    """Kills one of the three at a moment of its own choice, and starts it again."""
    victim = chance.choice(["adapter", "serve", "core"])
    if victim == "adapter":
        receiver.stop(signal.SIGKILL)
        receiver.start()
    elif victim == "serve":
        before = world.serve_pid
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: world.serve_pid != before, what="serve again")
    else:
        world.kill()
        world.start()


@pytest.mark.parametrize("round_number", range(2))
def test_nothing_is_lost_when_anything_dies_at_any_moment(world, round_number):
    seed = int(os.environ.get("CAREBUS_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    receiver = world.receiver()
    receiver.script("V7 rejected AR", "V31 failed AE")
    receiver.start()
    sent = 0
    for _ in range(8):
        pas = world.source("pas")
        count = chance.randrange(1, 15)
        pas.send(*[said(i, i % 4, f"V{i}") for i in range(sent, sent + count)])
        sent += count
        killed(world, receiver, chance)
    receiver.script()
    for _ in range(4):
        for item in items(world):
            world.ctl("quarantine", "retry", str(item["id"]), "--who", "Dr Ng")
        world.wait_folded()
    def all_there():
        for item in items(world):
            if "released_by" not in item["parked"]:
                world.ctl("quarantine", "retry", str(item["id"]), "--who", "Dr Ng")
        return {f"V{i}" for i in range(sent)} <= set(receiver.stays())
    wait_for(all_there, seconds=60 * SLOW, what=lambda: f"seed {seed}: all of {sent}; missing "
             f"{sorted({f'V{i}' for i in range(sent)} - set(receiver.stays()))}\n{receiver.log()[-4000:]}")
    by_person = collections.defaultdict(list)
    for one in receiver.taken():
        if one.stay != "-":
            by_person[one.patient].append(int(one.stay[1:]))
    assert all(numbers == sorted(numbers) for numbers in by_person.values()), f"seed {seed}: {dict(by_person)}"
