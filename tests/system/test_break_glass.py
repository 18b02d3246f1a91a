"""A broken glass and an opened contact, the whole way: who asks and why, what it opens, who hears of it, and how it ends."""

import time

import pytest
import zmq
from carebus_bus import ANSWER_SECONDS, Bus, ask_pb2, event_pb2, feed_pb2, intake_pb2, sharing_pb2, wait_for

RULES = {"rules": [
            {"name": "stay", "reason": "who looks after somebody sees what is known", "classes": ["clinical"], "kinds": ["all"],
             "relationships": ["encounter", "break-glass"]},
            {"name": "call", "reason": "who answers a call has to know who calls", "classes": ["helpline"],
             "kinds": ["demographics", "decisions", "encounters"], "relationships": ["opened-contact"]},
            {"name": "told", "reason": "whose record it is hears of it", "classes": ["all"], "kinds": ["notices"],
             "relationships": ["not-needed"]}],
         "break_glass": {"reasons": ["emergency", "safeguarding"]},
         "answers_calls": ["helpline"]}


@pytest.fixture
def world():
    teams = {"ward": {"name": "Ward", "organisation": "RA9", "class": "clinical"},
             "clinic": {"name": "Clinic", "organisation": "RB1", "class": "clinical"},
             "calls": {"name": "Calls", "organisation": "RC1", "class": "helpline"}}
    with Bus({"teams": teams, "sharing": RULES, "scope": {"people": "all"}}) as bus:
        pas = bus.source("pas")
        stay = intake_pb2.Submission(media_type="x-application/hl7-v2+er7", message_id="A", original=b"MSH|A\r")
        event = stay.events.add(type="encounter.admitted", action=event_pb2.ACTION_NEW)
        event.occurred_at.utc_at = 1_700_000_000_000_000
        event.patient.identifiers.add(system="carebus:pas", value="P1", type="MR")
        event.encounter.identifier.system, event.encounter.identifier.value = "carebus:pas", "V1"
        event.encounter.status = "in-progress"
        pas.send(stay)
        bus.wait_folded()
        bus.patient = bus.ctl_json("record", "carebus:pas", "P1")[0]["patient_id"]
        yield bus


class Program:
    """A team's program: asks over the feed."""

    def __init__(self, bus, team):
        self.team, self.id = team, 0
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(bus.endpoint("feed"))

    def ask(self, who="nurse.jones", **command):
        self.id += 1
        request = feed_pb2.TeamRequest(id=self.id, team=self.team, system="ward-desk", purpose="direct-care", **command)
        if who:
            request.who = who
        self.socket.send(feed_pb2.FromReader(request=request).SerializeToString())
        assert self.socket.poll(ANSWER_SECONDS * 1000), "no answer"
        answer = feed_pb2.ToReader.FromString(self.socket.recv())
        assert answer.WhichOneof("message") == "answer", answer
        return answer.answer

    def close(self):
        self.socket.close()
        self.context.term()


@pytest.fixture
def program(world):
    made = []

    def make(team):
        made.append(Program(world, team))
        return made[-1]
    yield make
    for one in made:
        one.close()


def glass(world, **fields):
    asked = {"patient_id": world.patient, "reason": "emergency", "text": "collapsed at home, no letter", **fields}
    return sharing_pb2.BreakGlassRequest(**asked)


def sees(world, team):
    return world.ctl("record", world.patient, "--team", team).returncode == 0


def test_without_who_why_a_reason_or_a_person_it_is_refused_and_opens_nothing(world, program):
    clinic = program("clinic")
    assert clinic.ask(who="", break_glass=glass(world)).error == "who-and-why"
    assert clinic.ask(break_glass=glass(world, text="urgent")).error == "who-and-why"
    assert clinic.ask(break_glass=glass(world, text="          a          ")).error == "who-and-why"
    assert clinic.ask(break_glass=glass(world, reason="curious")).error == "unknown-reason"
    assert clinic.ask(break_glass=glass(world, patient_id="p9999.0")).error == "not-found"
    assert clinic.ask(break_glass=glass(world, seconds=86400 * 30)).error == "too-long"
    assert not sees(world, "clinic")
    assert world.ctl_json("break-glass", "list", "--all") == []


def test_it_opens_the_record_at_once_and_the_owners_hear_of_it(world, program):
    clinic = program("clinic")
    assert clinic.ask(record=ask_pb2.RecordRequest(patient_id=world.patient)).error
    granted = clinic.ask(break_glass=glass(world, seconds=3600))
    assert granted.error == "" and granted.granted.patient_id == world.patient and granted.granted.until_at > time.time() * 1e6
    assert clinic.ask(record=ask_pb2.RecordRequest(patient_id=world.patient)).error == "", "in force when it is answered"
    opened = [one for one in world.ctl_json("tail") if one.get("type") == "break_glass.opened"]
    assert len(opened) == 1 and opened[0]["notice"]["code"] == "emergency"
    listed, = world.ctl_json("break-glass", "list")
    assert listed["team"] == "clinic" and listed["who_says"] == "nurse.jones" and "ward" in listed["noticed"]
    assert listed["why"] == "collapsed at home, no letter"


def test_it_ends_by_time(world, program):
    assert program("clinic").ask(break_glass=glass(world, seconds=2)).error == ""
    assert sees(world, "clinic")
    wait_for(lambda: not sees(world, "clinic"), what="it is closed again")
    assert [one for one in world.ctl_json("tail") if one.get("type") == "break_glass.ended"]


def test_it_is_ended_and_reviewed_by_name(world):
    world.ctl("break-glass", world.patient, "--team", "clinic", "--reason", "emergency", "--why", "collapsed at home, no letter",
              "--who", "Dr Ng", "--for", "1h", check=0)
    assert sees(world, "clinic")
    seq = str(world.ctl_json("break-glass", "list")[0]["seq"])
    assert world.ctl("break-glass", "review", seq, "--who", "Caldicott").returncode == 64, "a review has words"
    world.ctl("break-glass", "end", seq, "--who", "Dr Ng", "--why", "transferred", check=0)
    wait_for(lambda: not sees(world, "clinic"), what="it is closed")
    world.ctl("break-glass", "review", seq, "--who", "Caldicott", "--why", "was right", check=0)
    assert world.ctl_json("break-glass", "list") == [], "what was reviewed is not on the list of what has to be"
    assert world.ctl_json("break-glass", "list", "--all")[0]["reviewed_by"] == "Caldicott"
    assert "not-granted" in world.ctl("break-glass", "end", "1", "--who", "a", "--why", "b", check=65).stderr


def contact(world, **fields):
    return sharing_pb2.OpenContactRequest(**{"patient_id": world.patient, "caller": "family", "reason": "pain at night", **fields})


def test_who_answers_calls_opens_a_contact_and_nobody_else(world, program):
    calls, clinic = program("calls"), program("clinic")
    assert not sees(world, "calls")
    assert clinic.ask(open_contact=contact(world)).error == "not-allowed"
    assert calls.ask(who="", open_contact=contact(world)).error == "who-and-why"
    assert calls.ask(open_contact=contact(world, caller="neighbour")).error == "unknown-caller"
    assert calls.ask(open_contact=contact(world, reason=" ")).error == "who-and-why"
    assert not sees(world, "calls")
    granted = calls.ask(open_contact=contact(world))
    assert granted.error == "" and granted.granted.until_at > (time.time() + 71 * 3600) * 1e6
    assert calls.ask(record=ask_pb2.RecordRequest(patient_id=world.patient)).error == ""
    assert not [one for one in world.ctl_json("tail") if one.get("type") == "break_glass.opened"], "it is no broken glass"


def test_a_contact_is_opened_by_an_operator_under_a_number(world):
    call = ["--team", "calls", "--caller", "carer", "--reason", "asks for the plan", "--who", "Bo"]
    world.ctl("contact", "open", "carebus:pas", "P1", *call, check=0)
    assert sees(world, "calls")
    assert "not-found" in world.ctl("contact", "open", "carebus:pas", "P2", *call, check=1).stderr


def test_the_team_is_the_one_that_asks(world, program):
    answer = program("clinic").ask(break_glass=glass(world, team="ward"))
    assert answer.error == ""
    assert world.ctl_json("break-glass", "list")[0]["team"] == "clinic"
