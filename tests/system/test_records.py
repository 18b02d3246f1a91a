"""Feeds of records: whoever reads, since whenever and through whatever, ends with the very bytes that the bus has."""

import ctypes
import errno
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest
from carebus_bus import BUILD, ROOT, SLOW, BusError, bodies_pb2, event_pb2, feed_pb2, intake_pb2, record_pb2, wait_for
from carebus_readers import Feed, Records
from carebus.v1 import ask_pb2

SNAPSHOT, PLACE, NOW = feed_pb2.Open.FROM_SNAPSHOT, feed_pb2.Open.FROM_PLACE, feed_pb2.Open.FROM_NOW
EVENTS = feed_pb2.Open.WHAT_EVENTS
GRAMMAR_EXAMPLE = ROOT / "sdk" / "examples" / "records.py"


def teams(**ward):
    """Two teams with the same rights, and one with fewer."""
    def team(**fields):
        return {"organisation": "RA9", "class": "clinical", **fields}

    return {
        "ward": team(name="Ward", may_read=["pas", "lab"], **ward),
        "twin": team(name="Twin", may_read=["lab", "pas"]),
        "clinic": team(name="Clinic", may_read=["lab"]),
    }


@pytest.fixture
def wards(make_bus):
    return make_bus({"teams": teams()}).start()


class Writer:
    """Says things of some people as two sources: stays, diagnoses of sorts, joins and what takes them back."""

    def __init__(self, bus, chance=None, people=12):
        self.bus, self.chance, self.people = bus, chance or random.Random(1), people
        self.sources = {name: bus.source(name) for name in ("pas", "lab")}
        self.count = 0
        self.clock = 1_700_000_000_000_000

    def number(self, source, person):
        return {"system": f"carebus:{source}", "value": f"P{person}"}

    def send(self, source, *events):
        self.count += 1
        submission = intake_pb2.Submission(media_type="x-application/test", message_id=f"M{self.count}", original=f"M{self.count}".encode())
        submission.events.extend(events)
        return self.sources[source].send(submission)[0].stored.seq

    def event(self, kind, source, person, action=event_pb2.ACTION_UPDATE):
        self.clock += 1_000_000
        event = event_pb2.Event(type=kind, action=action)
        event.occurred_at.utc_at = event.recorded_at.utc_at = self.clock
        if person is not None:
            event.patient.identifiers.add(type="MR", **self.number(source, person))
        return event

    def stay(self, source, person):
        event = self.event("encounter.admitted", source, person, event_pb2.ACTION_NEW)
        event.encounter.identifier.system = f"carebus:{source}"
        event.encounter.identifier.value = f"V{self.count}"
        event.encounter.status = "in-progress"
        return self.send(source, event)

    def name(self, source, person):
        event = self.event("patient.updated", source, person)
        event.patient.demographics.names.add(family=f"Family{self.count}", use="official")
        return self.send(source, event)

    def join(self, source, survivor, retired, undo=False):
        event = self.event("patient.unmerged" if undo else "patient.merged", source, None)
        event.patient.identifiers.add(type="MR", **self.number(source, survivor))
        event.merge.scope = bodies_pb2.Merge.SCOPE_PERSON
        event.merge.surviving.add(type="MR", **self.number(source, survivor))
        event.merge.retired.add(type="MR", **self.number(source, retired))
        return self.send(source, event)

    def something(self):
        source = self.chance.choice(("pas", "pas", "lab"))
        what, person = self.chance.random(), self.chance.randrange(self.people)
        if what < 0.4:
            return self.stay(source, person)
        if what < 0.75:
            return self.name(source, person)
        other = (person + 1 + self.chance.randrange(self.people - 1)) % self.people
        return self.join(source, person, other, undo=what > 0.88)


def canonical(record):
    """The bytes by the words of GRAMMAR.md, made by another library than the bus's."""
    bare = record_pb2.Record()
    bare.CopyFrom(record)
    for field in ("seq", "as_at", "digest", "sources", "states"):
        bare.ClearField(field)
    return bare.SerializeToString(deterministic=True)


def records_of_bus(bus, team):
    """Everybody of whom the team sees something, asked for one by one."""
    held = {}
    bus.wait_folded()
    for patient_id in (f"p{seq}.{index}" for seq in range(1, bus.status().folded_seq + 1) for index in range(3)):
        reply = bus.request("query", record={"patient_id": patient_id, "team": team})
        if reply.error:
            assert reply.error == "not-found", reply
        elif reply.record.patient_id == patient_id:
            held[patient_id] = canonical(reply.record)
        else:
            assert patient_id in reply.record.former_patient_ids
    return held


def assert_is_what_the_bus_has(bus, replica):
    expected = records_of_bus(bus, replica.team)
    held = {patient_id: data for patient_id, (data, _) in replica.held.items()}
    assert sorted(held) == sorted(expected)
    for patient_id, data in expected.items():
        assert held[patient_id] == data, f"{replica.consumer} of {replica.team} has other bytes of {patient_id}"
    assert replica.points[-1].digest == replica.sum()
    assert replica.points[-1].persons == len(held)


class Kept:
    """Lets replicas answer while something else is asked."""

    def __init__(self, *replicas):
        self.replicas, self.ends = replicas, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.ends.is_set():
            for replica in self.replicas:
                replica.step(0.02)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()


def test_snapshot_then_changes_and_a_point_of_agreement_behind_each(wards):
    writer = Writer(wards)
    for person in range(5):
        writer.stay("pas", person)
    wards.wait_folded()
    with Records(wards, "ward") as replica:
        replica.open(SNAPSHOT).reach(6)
        assert len(replica.held) == 5
        assert replica.verdicts == ["equal"]
        before = dict(replica.held)
        seq = writer.name("pas", 2)
        replica.reach(seq)
        changed = [patient_id for patient_id, (data, _) in replica.held.items() if data != before[patient_id][0]]
        assert len(changed) == 1
        assert replica.held[changed[0]][1] == seq
        assert replica.verdicts == ["equal", "equal"]
        assert_is_what_the_bus_has(wards, replica)


def test_any_replica_joining_at_any_time_ends_byte_equal(make_bus):
    seed = int(os.environ.get("CAREBUS_SEED", time.time()))
    print(f"seed {seed} (CAREBUS_SEED)")
    chance = random.Random(seed)
    bus = make_bus({"teams": teams()}).start()
    writer = Writer(bus, chance)
    replicas = []
    try:
        for _ in range(600 if os.environ.get("CAREBUS_NIGHTLY") else 120):
            writer.something()
            what = chance.random()
            if what < 0.04 and len(replicas) < 9:
                team = chance.choice(("ward", "twin", "clinic"))
                replicas.append(Records(bus, team, f"r{len(replicas)}").open(SNAPSHOT))
            elif what < 0.10 and replicas:
                replaced = chance.choice(replicas)
                survivor = Records(bus, replaced.team, replaced.consumer)
                if chance.random() < 0.7:  # it kept what it held as of its last acknowledgement, or later
                    survivor.go_on_for(replaced)
                else:
                    survivor.open(SNAPSHOT)
                replaced.close()
                replicas[replicas.index(replaced)] = survivor
            elif what < 0.12:
                pid = bus.serve_pid
                os.kill(pid, signal.SIGKILL)
                wait_for(lambda: bus.serve_pid not in (None, pid), what="another serve")
                for index, replica in enumerate(replicas):
                    again = Records(bus, replica.team, replica.consumer)
                    replicas[index] = again.go_on_for(replica)
                    replica.close()
            elif what < 0.5:
                for replica in replicas:
                    replica.follow(0.01)
        replicas.append(Records(bus, "ward", "last").open(SNAPSHOT))
        head = writer.stay("lab", 0)  # which all of them see
        for replica in replicas:
            replica.reach(head)
        for replica in replicas:
            assert_is_what_the_bus_has(bus, replica)
            assert replica.verdicts[-1:] in ([], ["equal"])
        digests = {team: {replica.points[-1].digest for replica in replicas if replica.team == team} for team in ("ward", "twin", "clinic")}
        assert all(len(values) <= 1 for values in digests.values())
        with Kept(*replicas):
            result = bus.ctl("converge")
        assert result.returncode == 0, result.stdout
        assert result.stdout.count(" equal: ") == len({(replica.team, replica.consumer) for replica in replicas}), result.stdout
    finally:
        for replica in replicas:
            replica.close()


def test_same_rights_have_the_same_digest_and_fewer_rights_one_of_their_own(wards):
    writer = Writer(wards, random.Random(7))
    seq = max(writer.something() for _ in range(60))
    with Records(wards, "ward") as ward, Records(wards, "twin") as twin, Records(wards, "clinic") as clinic:
        for replica in (ward, twin, clinic):
            replica.open(SNAPSHOT).reach(seq)
        assert {patient_id: data for patient_id, (data, _) in ward.held.items()} == \
            {patient_id: data for patient_id, (data, _) in twin.held.items()}
        assert ward.points[-1].digest == twin.points[-1].digest
        assert ward.points[-1].digest != clinic.points[-1].digest
        assert_is_what_the_bus_has(wards, clinic)
        for data, _ in clinic.held.values():
            record = record_pb2.Record.FromString(data)
            assert {fact.source for section in record.sections for fact in section.facts} == {"lab"}


def test_who_was_joined_goes_and_who_was_parted_comes_back(wards):
    writer = Writer(wards)
    survivor, retired = f"p{writer.stay('pas', 1)}.0", f"p{writer.stay('pas', 2)}.0"
    with Records(wards, "ward") as replica:
        replica.open(SNAPSHOT).reach(3)
        assert sorted(replica.held) == sorted((survivor, retired))
        replica.reach(writer.join("pas", 1, 2))
        assert list(replica.held) == [survivor]
        assert (replica.gone[retired].reason, replica.gone[retired].answered_by) == ("merged", survivor)
        replica.reach(writer.join("pas", 1, 2, undo=True))
        assert sorted(replica.held) == sorted((survivor, retired))
        assert_is_what_the_bus_has(wards, replica)
        assert set(replica.verdicts) == {"equal"}


def test_rights_that_come_and_go_are_told_within_the_open_feed(make_bus):
    bus = make_bus({"teams": teams()}).start()
    writer = Writer(bus)
    for person in range(4):
        writer.stay("pas", person)
    lab = f"p{writer.stay('lab', 9)}.0"
    both = writer.stay("lab", 8)
    with Records(bus, "clinic") as replica:
        replica.open(SNAPSHOT).reach(both)
        assert len(replica.held) == 2
        bus.config["teams"]["clinic"]["may_read"] = ["lab", "pas"]
        bus.reload()
        wait_for(lambda: replica.follow(0.1) and len(replica.held) == 6, what="the records that were granted")
        bus.config["teams"]["clinic"]["may_read"] = ["pas"]
        bus.reload()
        wait_for(lambda: replica.follow(0.1) and lab not in replica.held and len(replica.held) == 4, what="what was withdrawn")
        assert (replica.gone[lab].reason, replica.gone[lab].answered_by) == ("withdrawn", "")
        replica.reach(writer.stay("pas", 1))
        assert_is_what_the_bus_has(bus, replica)


def test_corrupted_reader_is_named_with_the_person_and_since_when(wards):
    writer = Writer(wards)
    seqs = [writer.stay("pas", person) for person in range(8)]
    with Records(wards, "ward", "good") as good, Records(wards, "ward", "bad") as bad:
        for replica in (good, bad):
            replica.open(SNAPSHOT).reach(seqs[-1])
        changed = writer.name("pas", 3)
        good.reach(changed)
        bad.reach(changed)
        other, lost, made = f"p{seqs[3]}.0", f"p{seqs[5]}.0", "p77777.0"
        bad.held[other] = (bad.held[other][0][:-1] + b"?", bad.held[other][1])
        del bad.held[lost]
        bad.held[made] = (b"made up", 7)
        point = writer.stay("pas", 0)
        for replica in (good, bad):
            replica.reach(point)
        assert good.verdicts[-1] == "equal" and bad.verdicts[-1] == "differs"
        with Kept(good, bad):
            assert wards.ctl("converge", "--consumer", "good").returncode == 0
            result = wards.ctl("converge")
            lines = {line["consumer"]: line for line in wards.ctl_json("converge", "--team", "ward", check=1)}
        assert result.returncode == 1
        assert lines["good"]["state"] == "equal"
        line = lines["bad"]
        assert (line["state"], line["seq"], line["equal_until_seq"]) == ("differs", point, changed)
        differing = {person["patient_id"]: person for person in line["differing"]}
        assert differing == {
            other: {"patient_id": other, "how": "differs", "since_seq": changed, "reader_seq": changed},
            lost: {"patient_id": lost, "how": "missing", "since_seq": seqs[5]},
            made: {"patient_id": made, "how": "surplus", "reader_seq": 7},
        }
        assert "RECORDS_DIFFER" in wards.log_events()


def test_reader_that_is_away_or_says_nothing_is_told_apart_from_one_that_differs(wards):
    seq = Writer(wards).stay("pas", 1)
    with Records(wards, "ward", "mute") as mute:
        mute.acks = False
        mute.open(SNAPSHOT).reach(seq)
        assert [line["state"] for line in wards.ctl_json("converge", check=0)] == ["behind"]
        mute.say(ack=feed_pb2.Ack(seq=mute.place[0], index=mute.place[1]))
        mute.follow()
        assert mute.verdicts == ["unknown"]
        assert [line["state"] for line in wards.ctl_json("converge", check=0)] == ["not-compared"]
        mute.say(close=feed_pb2.Close())
        wait_for(lambda: [line["state"] for line in wards.ctl_json("converge", check=0)] == ["silent"], what="silent")
    assert wards.ctl("converge", "--team", "nobody").returncode != 0


def test_snapshot_taken_while_much_is_written_ends_and_is_equal(wards):
    writer = Writer(wards, random.Random(3), people=40)
    for person in range(40):
        writer.stay("pas", person)
    ends = threading.Event()

    def write():
        while not ends.is_set() and writer.count < 800:
            writer.something()
            time.sleep(0.003)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        with Records(wards, "ward", "early") as early, Records(wards, "clinic", "other") as other:
            early.open(SNAPSHOT)
            other.open(SNAPSHOT)
            for replica in (early, other):
                wait_for(lambda one=replica: one.step(0.5) and len(one.points) >= 3, what="three points of agreement")
            ends.set()
            thread.join()
            head = writer.stay("lab", 0)
            for replica in (early, other):
                replica.reach(head)
                assert set(replica.verdicts) == {"equal"}
                assert_is_what_the_bus_has(wards, replica)
    finally:
        ends.set()
        thread.join()


def test_resume_brings_only_what_changed_even_after_serve_was_killed(wards):
    writer = Writer(wards)
    seq = max(writer.stay("pas", person) for person in range(30))
    with Records(wards, "ward") as first:
        first.open(SNAPSHOT).reach(seq)
        held = first.held
    changed = writer.name("pas", 4)
    wards.wait_folded()
    pid = wards.serve_pid
    time.sleep(0.3)  # cursors and ledger reach the disk
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: wards.serve_pid not in (None, pid), what="another serve")
    with Records(wards, "ward") as second:
        second.held = held
        second.open()
        second.step()
        assert second.place != (0, 0)
        wait_for(lambda: second.step(0.5) and second.points, what="a point of agreement")
        assert [patient_id for patient_id, (_, at) in second.held.items() if at == changed] == ["p6.0"]
        assert_is_what_the_bus_has(wards, second)


def test_ledger_that_is_lost_or_damaged_costs_a_snapshot_and_nothing_else(wards):
    writer = Writer(wards)
    seq = max(writer.stay("pas", person) for person in range(6))
    with Records(wards, "ward") as first:
        first.open(SNAPSHOT).reach(seq)
    wards.stop()
    path = wards.folder / "state" / "serve" / "records" / "ward"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    wards.start()
    with Records(wards, "ward") as second:
        second.held = {"p99.0": (b"left over", 1), **first.held}
        second.open().reach(seq)
        assert second.verdicts == ["equal"]
        assert_is_what_the_bus_has(wards, second)


def test_reader_ahead_of_a_restored_backup_ends_with_what_the_bus_has(wards, tmp_path):
    """The bus went back to yesterday, and the reader holds what came after; then it goes another way from there."""
    writer = Writer(wards)
    seq = max(writer.stay("pas", person) for person in range(6))
    with Records(wards, "ward") as first:
        first.open(SNAPSHOT).reach(seq)
    wards.stop()
    shutil.copytree(wards.folder / "state", tmp_path / "backup")
    wards.start()
    writer = Writer(wards, random.Random(2))
    writer.count = 1000
    with Records(wards, "ward") as ahead:
        ahead.held, ahead.lineage = first.held, first.lineage
        ahead.open().reach(max(writer.something() for _ in range(25)))
        held, at, lineage = ahead.held, ahead.place, ahead.lineage
    wards.stop()
    shutil.rmtree(wards.folder / "state")
    shutil.copytree(tmp_path / "backup", wards.folder / "state")
    wards.start()
    writer = Writer(wards, random.Random(3))
    writer.count = 2000
    head = max(writer.something() for _ in range(40))
    with Records(wards, "ward") as second:
        second.held, second.lineage = held, lineage
        second.open(PLACE, after=at).reach(head)
        wait_for(lambda: second.step(0.2) or second.verdicts, what="a verdict")
        assert second.verdicts[-1] == "equal"
        assert_is_what_the_bus_has(wards, second)
    with Records(wards, "ward", "other") as third:
        third.open(SNAPSHOT).reach(head)
        assert third.points[-1].digest == second.points[-1].digest


def test_place_is_good_only_with_the_lineage_that_it_was_given_in(wards):
    writer = Writer(wards)
    seq = max(writer.stay("pas", person) for person in range(4))
    with Records(wards, "ward") as replica:
        replica.open(SNAPSHOT).reach(seq)
        at, lineage = replica.place, replica.lineage
    with Records(wards, "ward") as replica:
        replica.lineage = lineage
        replica.open(PLACE, after=at)
        replica.step()
        assert replica.place == at
    with Records(wards, "ward") as replica:
        replica.open(PLACE, after=at)
        replica.step()
        assert replica.place == (0, 0)


def test_names_of_events_and_of_records_do_not_mix(wards):
    seq = Writer(wards).stay("pas", 1)
    wards.wait_folded()
    with Feed(wards, "ward", "events") as feed:
        feed.open().opened()
        feed.ack(feed.take(1)[0])
    with Records(wards, "ward", "records") as replica:
        replica.open(SNAPSHOT).reach(seq)
    with Records(wards, "ward", "events") as wrong, pytest.raises(BusError, match="other-kind"):
        wrong.open().step()
    with Feed(wards, "ward", "records") as wrong:
        wrong.open()
        assert wrong.refused() == "other-kind"
    wards.restart()
    with Feed(wards, "ward", "records") as wrong:
        wrong.open()
        assert wrong.refused() == "other-kind"


def test_what_is_wrong_is_refused_with_a_reason(wards):
    seq = Writer(wards).stay("pas", 1)
    with Records(wards, "ward") as replica, pytest.raises(BusError, match="not-offered"):
        replica.open(NOW).step()
    with Feed(wards, "ward", "e") as feed:
        feed.open(SNAPSHOT)
        assert feed.refused() == "not-offered"
    with Records(wards, "ward") as replica, pytest.raises(BusError, match="beyond-end"):
        replica.open(PLACE, after=(seq + 1000, 0)).step()
    with Records(wards, "ward") as replica, pytest.raises(BusError, match="bad-ack"):
        replica.open(SNAPSHOT).reach(seq)
        replica.say(ack=feed_pb2.Ack(seq=replica.place[0], index=replica.place[1] + 1))
        replica.follow()
    with Records(wards, "ward") as replica, pytest.raises(BusError, match="bad-value"):
        replica.open(SNAPSHOT).reach(seq)
        replica.say(compared=feed_pb2.Compared(id=1, seq=1, sums=[b"1"] * 255))
        replica.follow()


def test_no_more_records_than_the_credit_and_events_go_on_beside(wards):
    writer = Writer(wards)
    seq = max(writer.stay("pas", person) for person in range(10))
    wards.wait_folded()
    with Records(wards, "ward") as replica, Feed(wards, "ward", "events") as feed:
        replica.credit = lambda more: None
        replica.open(SNAPSHOT, credit=3).follow()
        assert len(replica.held) == 3 and not replica.points
        feed.open().opened()
        assert len(feed.take(10)) == 10
        replica.say(credit=feed_pb2.Credit(more=100))
        replica.reach(seq)
        assert len(replica.held) == 10
        assert_is_what_the_bus_has(wards, replica)


def test_questions_over_the_feed_have_the_rights_of_the_team(wards):
    writer = Writer(wards)
    pas, lab = writer.stay("pas", 1), writer.stay("lab", 2)
    wards.wait_folded()

    def asked(team, patient_id):
        with Feed(wards, team) as feed:
            feed.say(request=feed_pb2.TeamRequest(id=5, team=team, record={"patient_id": patient_id}))
            answer = feed.expect("answer")
            assert answer.id == 5
            return answer

    assert asked("ward", f"p{pas}.0").record.patient_id == f"p{pas}.0"
    assert asked("clinic", f"p{lab}.0").record.patient_id == f"p{lab}.0"
    assert asked("clinic", f"p{pas}.0").error == "not-found"
    assert asked("nobody", f"p{pas}.0").error == "unknown-team"


def test_rebuild_verifies_over_the_whole_journal(wards):
    writer = Writer(wards, random.Random(11))
    for _ in range(80):
        writer.something()
    wards.wait_folded()
    assert wards.ctl("rebuild", "--verify").returncode == 0


def library():
    """libcarebus as a vendor's program without generated code loads it."""
    loaded = ctypes.CDLL(str(BUILD / "sdk" / "libcarebus.so"))
    loaded.carebus_ask_reason.restype = ctypes.c_char_p
    question = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    for name, further in (("free", []), ("reason", []), ("record", question), ("find", question)):
        getattr(loaded, f"carebus_ask_{name}").argtypes = [ctypes.c_void_p, *further]
    return loaded


class Ask:
    """carebus_ask: the options are four texts of the connection and the team."""

    def __init__(self, bus, team):
        self.library = library()
        options = (ctypes.c_char_p * 5)(bus.endpoint("feed").encode(), None, None, None, team.encode())
        self.handle = ctypes.c_void_p()
        assert self.library.carebus_ask_new(ctypes.byref(self.handle), options) == 0

    def __call__(self, question, message):
        data, size, packed = ctypes.c_void_p(), ctypes.c_size_t(), message.SerializeToString()
        call = getattr(self.library, f"carebus_ask_{question}")
        r = call(self.handle, packed, len(packed), ctypes.byref(data), ctypes.byref(size), 20000)
        return ctypes.string_at(data, size.value) if r == 0 else (r, (self.library.carebus_ask_reason(self.handle) or b"").decode())

    def close(self):
        self.library.carebus_ask_free(self.handle)


@pytest.mark.skipif(SLOW > 1, reason="a sanitized library cannot be loaded into this interpreter")
def test_library_asks_with_the_rights_of_its_team(wards):
    writer = Writer(wards)
    pas, lab = writer.stay("pas", 1), writer.stay("lab", 2)
    wards.wait_folded()
    clinic = Ask(wards, "clinic")
    record = record_pb2.Record.FromString(clinic("record", ask_pb2.RecordRequest(patient_id=f"p{lab}.0")))
    assert record.patient_id == f"p{lab}.0"
    assert clinic("record", ask_pb2.RecordRequest(patient_id=f"p{pas}.0")) == (-errno.EACCES, "not-found")
    assert clinic("record", ask_pb2.RecordRequest())[0] == -errno.EINVAL
    found = ask_pb2.FindReply.FromString(clinic("find", ask_pb2.FindRequest(identifier={"value": "P2"})))
    assert [candidate.patient_id for candidate in found.candidates] == [f"p{lab}.0"]
    clinic.close()


def replica_of_library(bus, folder, points=1):
    """Runs the example; its lines."""
    done = subprocess.run([str(BUILD / "sdk" / "example-records"), bus.endpoint("feed"), "ward", "desk", str(folder), str(points)],
                          capture_output=True, text=True, timeout=60 * SLOW, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split(" ", 1)[1] for line in done.stdout.splitlines()]


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith("p")}


def test_replica_of_the_library_goes_on_where_it_was_and_proves_it(wards, tmp_path):
    writer = Writer(wards, random.Random(5))
    for _ in range(40):
        writer.something()
    wards.wait_folded()
    lines = replica_of_library(wards, tmp_path)
    assert lines[0] == "the beginning" and lines[-1].startswith("equal: ")
    assert files_of(tmp_path) == records_of_bus(wards, "ward")
    assert all(line.startswith("equal: ") for line in replica_of_library(wards, tmp_path)), "nothing changed, so nothing is handed out"
    for _ in range(15):
        writer.something()
    wards.restart()
    lines = replica_of_library(wards, tmp_path)
    assert "the beginning" not in lines and lines[-1].startswith("equal: ")
    assert files_of(tmp_path) == records_of_bus(wards, "ward")
    # The bus forgot what it knew: the library holds on to what is the same, and takes what is not.
    wards.stop()
    (wards.folder / "state" / "serve" / "records" / "ward").unlink()
    wards.start()
    assert all(line.startswith("equal: ") for line in replica_of_library(wards, tmp_path))
    (tmp_path / ".digests").write_bytes(b"not this")
    (tmp_path / "p99999.0").write_bytes(b"left over")
    assert replica_of_library(wards, tmp_path)[0] == "the beginning"
    assert files_of(tmp_path) == records_of_bus(wards, "ward")


def replica_of_grammar(bus, folder, points=1):
    """Runs the example that is written from GRAMMAR.md alone; its lines."""
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "tests" / "python")}
    done = subprocess.run(["/usr/bin/python3", str(GRAMMAR_EXAMPLE), bus.endpoint("feed"), "ward", "plain", str(folder), str(points)],
                          env=environment, capture_output=True, text=True, timeout=60 * SLOW, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_replica_without_the_library_holds_the_very_bytes_and_proves_it(wards, tmp_path):
    writer = Writer(wards, random.Random(11), people=150)  # more than a message of a bucket or the credit holds at once
    for person in range(150):
        writer.stay("pas", person)
    for _ in range(30):
        writer.something()
    wards.wait_folded()
    (tmp_path / "p99999.0").write_bytes(b"left over")
    held = records_of_bus(wards, "ward")
    lines = replica_of_grammar(wards, tmp_path)
    assert lines[-1].endswith(f"equal: {len(held)} persons")
    assert files_of(tmp_path) == held


def test_replica_without_the_library_answers_on_whom_it_differs(wards, tmp_path):
    spec = importlib.util.spec_from_file_location("records_example", GRAMMAR_EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    writer = Writer(wards)
    seqs = [writer.stay("pas", person) for person in range(6)]
    reader = example.Reader(wards.endpoint("feed"), "ward", "plain", tmp_path)
    thread = threading.Thread(target=reader.run, args=(10**6,), daemon=True)
    thread.start()
    wait_for(lambda: [line["state"] for line in wards.ctl_json("converge", check=0)] == ["equal"], what="equal")
    wrong = f"p{seqs[2]}.0"
    reader.replica.digests[wrong] = (bytes(32), seqs[2])
    writer.stay("pas", 0)
    line, = wait_for(lambda: [line for line in wards.ctl_json("converge", "--consumer", "plain", check=None) if line["state"] == "differs"],
                     what="differs")
    assert line["differing"] == [{"patient_id": wrong, "how": "differs", "since_seq": seqs[2], "reader_seq": seqs[2]}]


def test_a_reader_at_rest_is_nothing_behind_whatever_came_that_changes_no_record(wards):
    """What a source says once more is an event of the team's stream, and no change of any record."""
    writer = Writer(wards)
    seq = writer.name("pas", 1)

    def behind():
        status = wards.ctl_json("status")[0]
        return next((int(feed.get("lag", 0)) for feed in status.get("feeds", []) if feed["consumer"] == "replica"), None)
    with Records(wards, "ward") as replica:
        replica.open(SNAPSHOT).reach(seq)
        writer.count -= 1
        again = writer.event("patient.updated", "pas", 1)
        again.patient.demographics.names.add(family=f"Family{writer.count}", use="official")
        writer.count += 1
        last = writer.send("pas", again)
        wards.wait_folded()
        assert any(int(line["seq"]) == last for line in wards.ctl_json("tail", "--team", "ward")), "the team sees it"
        wait_for(lambda: replica.follow(0.2) is not None and behind() == 0, what="the reader has all that there is for it")
