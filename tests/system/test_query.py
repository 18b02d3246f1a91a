"""What operators ask of serve: tail, trace, record, the quarantine, status."""

import os

import pytest
from carebus_bus import BusError, SLOW, ask_pb2, control_pb2, event_pb2, feed_pb2, intake_pb2, submission, wait_for
from carebus_readers import Feed, as_user, ask, place, tail


def teams(ward=None, **more):
    """Three teams: one that reads all, one that reads one source, one that reads nothing."""
    return {
        "ward": {"name": "Ward", "organisation": "RA9", "class": "clinical", "may_read": ["pas", "lab"], **(ward or {})},
        "clinic": {"name": "Clinic", "organisation": "RA9", "class": "clinical", "may_read": ["lab"]},
        "outside": {"name": "Outside", "organisation": "RB1", "class": "clinical", "may_read": []},
        **more,
    }


@pytest.fixture
def wards(make_bus):
    return make_bus({"teams": teams()}).start()


def person(system, value, message_id, source_place="Ward 7", **more):
    """An admission of the person with this number."""
    one = submission(message_id, events=0, **more)
    event = one.events.add(type="encounter.admitted", action=event_pb2.ACTION_NEW)
    event.occurred_at.utc_at = 1_700_000_000_000_000
    event.patient.identifiers.add(system=system, value=value, type="MR")
    event.encounter.identifier.system = system
    event.encounter.identifier.value = f"V-{message_id}"
    event.encounter.place.point_of_care = source_place
    return one


def unreadable(message_id, code="unhandled-trigger", original=b"MSH|^~\\&|odd\r", **more):
    """What an adapter hands in when it could not make sense of a message."""
    one = intake_pb2.Submission(message_id=message_id, media_type="x-application/hl7-v2+er7", original=original, trigger="ADT^A99", **more)
    one.problem.code = code
    one.problem.position = "MSH-9"
    return one


# -- tail


def test_tail_has_every_number_once_and_says_what_each_was(wards):
    pas = wards.source("pas")
    first = pas.send(submission("T-1"))[0].stored.seq
    other = pas.send(submission("T-1", original=b"other bytes"))[0].stored.seq
    odd = pas.send(unreadable("T-2"))[0].stored.seq
    two = pas.send(submission("T-3", events=2))[0].stored.seq
    wards.wait_folded()
    items = tail(wards)
    by_seq = {}
    for item in items:
        by_seq.setdefault(item.seq, []).append(item)
    assert sorted(by_seq) == list(range(1, max(by_seq) + 1))
    assert by_seq[1][0].type == "bus.settings"
    assert by_seq[first][0].type == by_seq[first][0].event.type == "encounter.admitted"
    assert by_seq[first][0].source_message_id == "T-1"
    assert (by_seq[other][0].type, by_seq[other][0].reason) == ("bus.quarantined", "same-id-other-bytes")
    assert (by_seq[odd][0].type, by_seq[odd][0].reason) == ("bus.quarantined", "unhandled-trigger")
    assert by_seq[odd][0].source_message_id == "T-2"
    assert [(item.index, item.event.event_id) for item in by_seq[two]] == [(0, f"{two}.0"), (1, f"{two}.1")]


def test_tail_of_a_team_is_what_its_feed_gives(wards):
    pas, lab = wards.source("pas"), wards.source("lab")
    for i in range(25):
        (pas, lab, pas)[i % 3].send(submission(f"F-{i}", events=1 + i % 2))
    pas.send(unreadable("F-odd"))
    wards.wait_folded()
    for team in ("ward", "clinic", "outside"):
        items = tail(wards, team, limit=4)
        with Feed(wards, team) as feed:
            feed.open().opened()
            deliveries = feed.take(len(items))
            assert feed.silent(0.3)
        assert [(item.seq, item.index) for item in items] == [place(delivery) for delivery in deliveries]
        assert [item.event for item in items] == [delivery.event for delivery in deliveries]


def test_tail_from_beyond_the_end_is_empty_and_goes_on_there(wards):
    reply = ask(wards, tail=control_pb2.TailRequest(from_seq=500))
    assert not reply.items and reply.next_seq == 500 and reply.head_seq < 500


def test_pages_join_without_a_gap_and_stay_small(wards):
    pas = wards.source("pas")
    for start in range(0, 400, 50):
        batch = [submission(f"P-{start + i}") for i in range(50)]
        for one in batch:
            one.events[0].notes.add(text="y" * 20_000)
        pas.send(*batch)
    wards.wait_folded()
    seqs, from_seq, pages = [], 1, 0
    while True:
        reply = ask(wards, tail=control_pb2.TailRequest(from_seq=from_seq, limit=4000))
        assert reply.ByteSize() < 4 * 1024 * 1024
        seqs += [item.seq for item in reply.items if item.index == 0]
        pages += 1
        from_seq = reply.next_seq
        if from_seq > reply.head_seq:
            break
    assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) == 401
    assert pages > 1


# -- trace


def test_trace_tells_each_stage_by_number_and_by_message_id(wards):
    seq = wards.source("pas").send(person("carebus:pas", "N-1", "R-1"))[0].stored.seq
    wards.wait_folded()
    by_seq = ask(wards, trace=control_pb2.TraceRequest(seq=seq))
    assert by_seq == ask(wards, trace=control_pb2.TraceRequest(source="pas", message_id="R-1"))
    entry, = by_seq.entries
    assert (entry.seq, entry.source, entry.message_id, entry.kind) == (seq, "pas", "R-1", "submission")
    steps = {step.stage: step for step in entry.steps}
    assert [step.stage for step in entry.steps] == ["accept", "admit", "normalise", "journal", "dedupe", "identify", "project", "publish"]
    assert f"sender=unix:{os.geteuid()}" in steps["admit"].detail
    assert steps["dedupe"].result == "new"
    assert "patients=p" in steps["identify"].detail
    assert "events=2 derived=1" in steps["project"].detail  # the other: the team has to do with the person now
    assert steps["publish"].detail == "teams=ward"
    assert steps["journal"].done_at >= steps["accept"].done_at > 0


def test_trace_of_what_was_quarantined_says_why_and_what_became_of_it(wards):
    pas = wards.source("pas")
    seq = pas.send(unreadable("Q-1"))[0].stored.seq
    wards.wait_folded()
    entry, = ask(wards, trace=control_pb2.TraceRequest(seq=seq)).entries
    steps = {step.stage: step for step in entry.steps}
    assert "code=unhandled-trigger" in steps["normalise"].detail and "position=MSH-9" in steps["normalise"].detail
    assert (steps["quarantine"].result, steps["quarantine"].detail) == ("open", "reason=unhandled-trigger class=unhandled")
    assert "publish" not in steps
    reply = wards.request(discard=control_pb2.DiscardRequest(seq=seq, who="Sam", why="not for us"))
    assert not reply.error
    wards.wait_folded()
    first, second = ask(wards, trace=control_pb2.TraceRequest(seq=seq)).entries
    steps = {step.stage: step for step in first.steps}
    assert steps["quarantine"].result == "discarded" and f"by={second.seq}" in steps["quarantine"].detail
    assert second.kind == "decision"


def test_trace_of_nothing_is_empty(wards):
    assert not ask(wards, trace=control_pb2.TraceRequest(seq=9999)).entries
    assert not ask(wards, trace=control_pb2.TraceRequest(source="pas", message_id="never-sent")).entries


def test_trace_has_no_content(wards):
    one = person("carebus:pas", "SEEDED4711", "C-1", source_place="Seededward")
    one.events[0].patient.demographics.names.add(family="Seededfamily", given=["Seededgiven"])
    one.original = b"MSH|Seededoriginal\r"
    seq = wards.source("pas").send(one)[0].stored.seq
    wards.wait_folded()
    text = str(ask(wards, trace=control_pb2.TraceRequest(seq=seq))) + wards.log()
    assert "eeded" not in text.replace("C-1", "") and "SEEDED" not in text


# -- record


def test_record_is_found_by_patient_id_and_by_identifier(wards):
    seq = wards.source("pas").send(person("carebus:pas", "N-2", "E-1"))[0].stored.seq
    wards.wait_folded()
    record = ask(wards, record=ask_pb2.RecordRequest(patient_id=f"p{seq}.0"))
    assert record.patient_id == f"p{seq}.0" and record.seq >= seq
    request = ask_pb2.RecordRequest()
    request.identifier.system, request.identifier.value = "carebus:pas", "N-2"
    assert ask(wards, record=request) == record
    request.identifier.ClearField("system")
    assert ask(wards, record=request) == record
    encounters, = [section for section in record.sections if section.name == "encounters"]
    assert encounters.facts[0].encounter.place.point_of_care == "Ward 7"


def test_record_of_a_team_holds_what_its_sources_said_and_nothing_else(wards):
    seq = wards.source("pas").send(person("carebus:pas", "N-3", "S-1"))[0].stored.seq
    mine = wards.source("lab").send(person("carebus:lab", "L-3", "S-2"))[0].stored.seq
    wards.wait_folded()
    whole = ask(wards, record=ask_pb2.RecordRequest(patient_id=f"p{seq}.0"))
    ward = ask(wards, record=ask_pb2.RecordRequest(patient_id=f"p{seq}.0", team="ward"))
    assert ward.sections == whole.sections and ward.identifiers == whole.identifiers
    reply = wards.request("query", record=ask_pb2.RecordRequest(patient_id=f"p{seq}.0", team="clinic"))
    assert reply.error == "not-found" and not reply.HasField("record")
    clinic = ask(wards, record=ask_pb2.RecordRequest(patient_id=f"p{mine}.0", team="clinic"))
    assert {fact.source for section in clinic.sections for fact in section.facts} == {"lab"}
    assert [identifier.system for identifier in clinic.identifiers] == ["carebus:lab"]
    assert len(clinic.digest) == 32


def test_who_is_not_known_and_what_is_not_there_is_said(wards):
    for command, reason in (
            ({"record": ask_pb2.RecordRequest(patient_id="p99.0")}, "not-found"),
            ({"record": ask_pb2.RecordRequest(patient_id="p1.0", team="nobody")}, "unknown-team"),
            ({"tail": control_pb2.TailRequest(team="nobody")}, "unknown-team"),
            ({"quarantine_show": control_pb2.QuarantineShowRequest(seq=99)}, "not-found"),
            ({"quarantine_list": control_pb2.QuarantineListRequest(source="nobody")}, "unknown-source"),
            ({"retry": control_pb2.RetryRequest(seq=1)}, "unknown-command"),
            ({"record": ask_pb2.RecordRequest()}, "missing-field"),
    ):
        reply = wards.request("query", **command)
        assert reply.error == reason, (command, reply)
        assert reply.detail and reply.id == (7 if reason != "missing-field" else reply.id)


# -- quarantine


def test_list_shows_what_waits_and_counts_what_is_alike(wards):
    pas, lab = wards.source("pas"), wards.source("lab")
    odd = [pas.send(unreadable(f"O-{i}"))[0].stored.seq for i in range(5)]
    other = lab.send(unreadable("X-1", code="parse-segment"))[0].stored.seq
    wards.wait_folded()
    listed = ask(wards, quarantine_list=control_pb2.QuarantineListRequest())
    assert [item.id for item in listed.items] == odd + [other]
    assert {item.count for item in listed.items if item.source == "pas"} == {5}
    item = listed.items[0]
    assert (item.source, item.reason, getattr(item, "class"), item.position, item.trigger) == (
        "pas", "unhandled-trigger", "unhandled", "MSH-9", "ADT^A99")
    assert item.received_at > 0 and item.bytes == len(b"MSH|^~\\&|odd\r")
    assert not item.original and not item.events and not item.message_id
    assert [one.id for one in ask(wards, quarantine_list=control_pb2.QuarantineListRequest(source="lab")).items] == [other]


def test_list_comes_in_pages_and_with_all_shows_what_was_resolved(wards):
    pas = wards.source("pas")
    seqs = [receipt.stored.seq for receipt in pas.send(*[unreadable(f"O-{i}") for i in range(10)])]
    wards.wait_folded()
    assert not wards.request(discard=control_pb2.DiscardRequest(seq=seqs[4], who="Sam", why="known")).error
    wards.wait_folded()

    def pages(**fields):
        got, after = [], 0
        while True:
            reply = ask(wards, quarantine_list=control_pb2.QuarantineListRequest(after_seq=after, limit=3, **fields))
            assert len(reply.items) <= 3
            got += list(reply.items)
            if not reply.HasField("next_after_seq"):
                return got
            after = reply.next_after_seq

    assert [item.id for item in pages()] == seqs[:4] + seqs[5:]
    every = pages(all=True)
    assert [item.id for item in every] == seqs
    assert every[4].resolution == "discarded"


@pytest.mark.parametrize("size", [13, 200, 50_000, 1_000_000])
def test_show_gives_the_original_bytes_as_they_came(wards, size):
    original = (b"MSH|^~\\&|\x00\xff\x0b|" + b"PID|1||0123456789|" * (size // 18 + 1))[:size]
    seq = wards.source("pas").send(unreadable("B-1", original=original))[0].stored.seq
    wards.wait_folded()
    item = ask(wards, quarantine_show=control_pb2.QuarantineShowRequest(seq=seq))
    assert item.id == seq and item.original == original and item.bytes == size


@pytest.mark.plain
def test_show_reads_originals_that_were_compressed_with_a_dictionary(wards):
    """Enough of one kind that the bus makes a dictionary; from then on originals name its entry."""
    pas = wards.source("pas")
    def message(number):
        return f"MSH|^~\\&|PAS|RA9|BUS|RA9|202401011200||ADT^A01|{number}|P|2.4\rPID|1||{number * 7919 % 10**7:07}^^^RA9^MR\r".encode() * 6
    number = 0
    for _ in range(60):
        pas.send(*[unreadable(f"D-{number + i}", original=message(number + i)) for i in range(100)])
        number += 100
        if "DICTIONARY_ADDED" in wards.log():
            break
    wait_for(lambda: "DICTIONARY_ADDED" in wards.log(), 60 * SLOW, "a dictionary")
    seq = pas.send(unreadable("D-last", original=message(number)))[0].stored.seq
    wards.wait_folded()
    assert any(item.type == "bus.dictionary" for item in tail(wards, limit=4000))
    assert ask(wards, quarantine_show=control_pb2.QuarantineShowRequest(seq=seq)).original == message(number)


def test_retried_events_are_given_out_under_the_decision_as_belated(wards):
    """Nothing to know the person by at first; then the item is retried as it stands, and stays where it is."""
    pas = wards.source("pas")
    first = pas.send(submission("A-1"))[0].stored.seq
    bad = submission("A-2", events=0)
    bad.events.add(type="encounter.admitted", action=event_pb2.ACTION_NEW).occurred_at.utc_at = 1
    seq = pas.send(bad)[0].stored.seq
    wards.wait_folded()
    assert [item.seq for item in tail(wards, "ward")] == [first]
    item = ask(wards, quarantine_show=control_pb2.QuarantineShowRequest(seq=seq))
    assert item.reason == "no-identifier" and len(item.events) == 1
    reply = wards.request(retry=control_pb2.RetryRequest(seq=seq, who="Sam", why="again"))
    assert not reply.error
    wards.wait_folded()
    assert [one.seq for one in tail(wards, "ward")] == [first]
    decision, = [one for one in tail(wards) if one.type == "bus.decision"]
    assert decision.reason == "no-identifier"


def test_what_an_adapter_reads_again_is_given_out_as_belated(wards):
    pas = wards.source("pas", can_retranslate=True)
    seq = pas.send(unreadable("A-9"))[0].stored.seq
    wards.wait_folded()
    with Feed(wards, "ward") as feed:
        feed.open(feed_pb2.Open.FROM_NOW).opened()
        assert wards.request(retry=control_pb2.RetryRequest(seq=seq, who="Sam", why="new rules")).decision.state == "asked"
        asked = pas.receive().retranslate
        assert asked.seq == seq and asked.original == b"MSH|^~\\&|odd\r"
        again = person("carebus:pas", "N-9", "A-9")
        again.ClearField("original")
        again.retranslates = seq
        stored = pas.send(again)[0].stored.seq
        delivery, = feed.take(1)
    assert place(delivery) == (stored, 0)
    assert delivery.event.belated
    assert delivery.event.source_message_id == "A-9"
    entries = ask(wards, trace=control_pb2.TraceRequest(seq=seq)).entries
    assert [entry.seq for entry in entries] == [seq, stored]


# -- status, and who may ask


def test_status_shows_feeds_with_their_lag(wards):
    pas = wards.source("pas")
    seqs = [pas.send(submission(f"S-{i}"))[0].stored.seq for i in range(5)]
    wards.wait_folded()
    with Feed(wards, "ward", "desk") as feed:
        feed.open().opened()
        feed.ack(feed.take(5)[1])

        def feeds():
            status = ask(wards, status=control_pb2.StatusRequest())
            return [one for one in status.feeds if one.seq == seqs[1] and one.open] and status

        status = wait_for(feeds, what="the feed in the status")
        one, = status.feeds
        assert (one.team, one.consumer, one.lag) == ("ward", "desk", 3)
        assert one.acked_at > 0
        newest = {team.name: (team.seq, team.readers) for team in status.teams}
        assert newest == {"ward": (seqs[-1], 1), "clinic": (0, 0), "outside": (0, 0)}
        feed.ack((seqs[-1], 0))
        wait_for(lambda: ask(wards, status=control_pb2.StatusRequest()).feeds[0].lag == 0, what="no lag")
    assert ask(wards, status=control_pb2.StatusRequest()).folded_seq == seqs[-1]


def test_cursor_of_a_team_that_is_gone_is_still_shown(make_bus):
    bus = make_bus({"teams": teams()}).start()
    bus.source("lab").send(submission("L-1"))
    with Feed(bus, "clinic") as feed:
        feed.open().opened()
        feed.ack(feed.take(1)[0])
    del bus.config["teams"]["clinic"]
    bus.reload()
    one, = wait_for(lambda: ask(bus, status=control_pb2.StatusRequest()).feeds, what="the feed")
    assert (one.team, one.consumer) == ("clinic", "c")


@pytest.mark.root
def test_only_operators_may_ask(wards):
    def asks():
        try:
            wards.request("query", 3, status=control_pb2.StatusRequest())
        except BusError:
            return False
        return True

    assert asks()
    assert as_user(4242, asks) == 2


def test_operator_who_is_one_no_more_is_refused(make_bus):
    bus = make_bus({"teams": teams()}).start()
    assert ask(bus, status=control_pb2.StatusRequest())
    bus.config["operators"] = ["daemon"] if os.geteuid() == 0 else ["root"]
    bus.reload()
    with pytest.raises(BusError):
        bus.request("query", 2, status=control_pb2.StatusRequest())


# -- carebusctl


def test_ctl_prints_what_serve_answers(wards):
    pas = wards.source("pas")
    seq = pas.send(person("carebus:pas", "N-7", "J-1"))[0].stored.seq
    odd = pas.send(unreadable("J-2"))[0].stored.seq
    wards.wait_folded()
    lines = wards.ctl_json("tail")
    assert [line["seq"] for line in lines if not line.get("index")] == list(range(1, odd + 1))
    line = next(line for line in lines if line["seq"] == seq)
    assert {"seq", "index", "event_id", "type", "action", "source", "source_message_id", "occurred_at", "received_at",
            "patient"} <= set(line)
    assert line["patient"]["patient_id"] == f"p{seq}.0"
    assert line["encounter"]["place"]["point_of_care"] == "Ward 7"
    assert {one["seq"] for one in wards.ctl_json("tail", "--team", "ward")} == {seq}
    assert wards.ctl_json("tail", "--team", "outside") == []
    assert wards.ctl_json("trace", str(seq))[0]["seq"] == seq
    assert wards.ctl_json("trace", "pas", "J-1")[0]["message_id"] == "J-1"
    assert wards.ctl_json("quarantine", "list")[0]["id"] == odd
    assert wards.ctl("quarantine", "show", str(odd), "--original", check=0, text=False).stdout == b"MSH|^~\\&|odd\r"
    assert wards.ctl_json("record", f"p{seq}.0")[0]["patient_id"] == f"p{seq}.0"
    status, = wards.ctl_json("status")
    assert status["ready"] and status["seq"] == status["folded_seq"] == odd


# -- the page


def test_a_record_is_a_page_for_a_person(wards):
    seq = wards.source("pas").send(person("carebus:pas", "N-1", "PG-1"))[0].stored.seq
    wards.wait_folded()
    page = wards.ctl("record", f"p{seq}.0")
    assert page.returncode == 0 and not page.stderr
    lines = page.stdout.splitlines()
    assert all(len(line) <= 100 for line in lines)
    for heading in ("RESUSCITATION (CPR)", "WHERE THEY ARE", "ENCOUNTERS", "NOTHING SHOWN OF"):
        assert heading in lines
    assert "  No decision is recorded. That is not a decision, neither for CPR nor against it." in lines
    assert any("Ward 7" in line for line in lines)
    assert "none recorded by pas since" in page.stdout and "not heard yet: lab" in page.stdout
    # By the number alone, and by system and value.
    for words in (["N-1"], ["carebus:pas", "N-1"]):
        again = wards.ctl("record", *words)
        assert again.returncode == 0 and again.stdout.splitlines()[0] == lines[0]


def test_a_page_shows_one_section_whole_and_whom_to_ring_at_a_time(wards):
    seq = wards.source("pas").send(person("carebus:pas", "N-1", "PG-2"))[0].stored.seq
    wards.wait_folded()
    section = wards.ctl("record", f"p{seq}.0", "--section", "encounters")
    assert "ENCOUNTERS" in section.stdout and "RESUSCITATION" not in section.stdout
    for at in ("2024-03-03T03:00", "03:00", "sunday 03:00"):
        page = wards.ctl("record", f"p{seq}.0", "--at", at)
        assert page.returncode == 0
        assert any(line.startswith("WHOM TO RING at ") and line.endswith("03:00") for line in page.stdout.splitlines())
    for wrong in (["--at", "teatime"], ["--at", "25:00"], ["--at", "someday 03:00"], ["--section", "nonsense"], ["--team"],
                  ["more", "words"]):
        assert wards.ctl("record", f"p{seq}.0", *wrong).returncode == 64


def test_a_team_has_an_overview_of_no_more_than_it_sees(wards):
    pas, lab = wards.source("pas"), wards.source("lab")
    first = person("carebus:pas", "N-1", "OV-1")
    first.events[0].patient.identifiers.add(system="urn:shared", value="S-1")
    seq = pas.send(first)[0].stored.seq
    wards.wait_folded()
    whole = ask(wards, record=ask_pb2.RecordRequest(patient_id=f"p{seq}.0"))
    assert whole.overview.place.place.point_of_care == "Ward 7" and len(whole.overview.open_encounters) == 1
    assert {state.section: list(state.states) for state in whole.states}["death"] == ["none-recorded"]
    other = lab.send(person("carebus:lab", "L-1", "OV-2", source_place="Ward 9"))[0].stored.seq
    wards.wait_folded()
    clinic = ask(wards, record=ask_pb2.RecordRequest(patient_id=f"p{other}.0", team="clinic"))
    assert [source.name for source in clinic.sources] == ["lab"]
    assert {row.name for state in clinic.states for row in state.sources} <= {"lab"}
    assert clinic.overview.place.place.point_of_care == "Ward 9"
    unseen = wards.request("query", 10, record=ask_pb2.RecordRequest(patient_id=f"p{seq}.0", team="clinic"))
    assert unseen.error == "not-found" and not unseen.HasField("record")


def test_a_record_says_how_much_of_a_source_nobody_understood(wards):
    pas = wards.source("pas")
    seq = pas.send(person("carebus:pas", "N-1", "NU-1"))[0].stored.seq
    odd = pas.send(unreadable("NU-2"), unreadable("NU-3", original=b"MSH|^~\\&|other\r"))
    wards.wait_folded()

    def waiting():
        record = ask(wards, record=ask_pb2.RecordRequest(patient_id=f"p{seq}.0"))
        source, = [source for source in record.sources if source.name == "pas"]
        states = {state.section: list(state.states) for state in record.states}
        return source.not_understood, source.not_understood_since_at, "not-understood" in states["decisions"]

    count, since, told = waiting()
    assert (count, told) == (2, True) and since > 0
    assert "pas: messages not understood since" in wards.ctl("record", f"p{seq}.0").stdout
    for one in odd:
        assert not wards.request(discard=control_pb2.DiscardRequest(seq=one.stored.seq, who="Sam", why="noise")).error
    wards.wait_folded()
    assert waiting() == (0, 0, False)
