"""What a person decides by the control socket, and what core says of itself."""

import pytest

from carebus_bus import control_pb2, submission, wait_for


def decide(bus, **command):
    return bus.request(**command)


def retry(bus, seq, **fields):
    return decide(bus, retry=control_pb2.RetryRequest(seq=seq, **fields))


def discard(bus, seq, **fields):
    return decide(bus, discard=control_pb2.DiscardRequest(seq=seq, **fields))


def quarantined_without_events(bus, source, message_id="Q-1"):
    """Something that the adapter could not read; its number."""
    one = submission(message_id, original=b"MSH|cannot be read", events=0)
    one.problem.code = "parse-segment"
    receipt, = source.send(one)
    bus.wait_folded()
    return receipt.stored.seq


def quarantined_with_events(bus, source):
    """The same id with other bytes; its number."""
    source.send(submission("Q-2"))
    receipt, = source.send(submission("Q-2", original=b"other bytes"))
    bus.wait_folded()
    return receipt.stored.seq


def test_discard_needs_who_and_why_and_is_journaled_with_who_it_was(bus):
    pas = bus.source("pas")
    seq = quarantined_with_events(bus, pas)
    for fields in ({}, {"who": "Dr A"}, {"why": "test"}, {"who": "  ", "why": "test"}, {"who": "Dr A", "why": "\t"}):
        assert discard(bus, seq, **fields).error == "who-and-why"
    assert bus.status().quarantine.open == 1
    reply = discard(bus, seq, who="Dr A", why="sent twice by mistake")
    assert reply.decision.state == "stored" and reply.decision.seq == seq + 1
    bus.wait_folded()
    assert bus.status().quarantine.open == 0
    assert discard(bus, seq, who="Dr A", why="again").error == "already-resolved"
    bus.restart()
    assert bus.status().quarantine.open == 0


def test_retry_of_what_has_events_is_carried_out_by_the_fold(bus):
    pas = bus.source("pas")
    seq = quarantined_with_events(bus, pas)
    reply = retry(bus, seq, who="Dr A")
    assert reply.decision.state == "stored" and reply.decision.seq == seq + 1
    bus.wait_folded()
    assert bus.status().quarantine.open == 0


def test_retry_of_what_has_none_asks_an_adapter_of_its_source(bus):
    pas = bus.source("pas", can_retranslate=True)
    bus.source("lab", can_retranslate=True)
    seq = quarantined_without_events(bus, pas)
    reply = retry(bus, seq)
    assert reply.decision.state == "asked"
    again = pas.receive().retranslate
    assert again.seq == seq
    assert again.message_id == "Q-1"
    assert again.original == b"MSH|cannot be read"
    better = submission("Q-1")
    better.ClearField("original")
    better.retranslates = seq
    receipt, = pas.send(better)
    assert receipt.stored.seq == seq + 1 and not receipt.stored.quarantined
    bus.wait_folded()
    assert bus.status().quarantine.open == 0
    late = submission("Q-1")
    late.ClearField("original")
    late.retranslates = seq
    receipt, = pas.send(late)
    assert receipt.refused.reason == "bad-retranslates"


def test_original_comes_back_as_it_was_when_it_was_compressed(bus):
    """Enough traffic for a dictionary, then an original that is kept compressed by it."""
    pas = bus.source("pas", can_retranslate=True)
    text = "MSH|^~\\&|PAS|RA9|||20260101120000||ADT^A01|{0}|T|2.4\rPID|||{0}^^^RA9^MR||Test^Person{0}\r" * 4
    # Samples are passed over while the helper is busy with other work: so as many as it takes.
    for start in range(0, 30000, 500):
        pas.send(*[submission(f"T-{i}", original=text.format(i).encode(), events=0) for i in range(start, start + 500)])
        if "DICTIONARY_ADDED" in bus.log_events():
            break
    wait_for(lambda: "DICTIONARY_ADDED" in bus.log_events(), what="a dictionary")
    original = text.format(999999).encode()
    one = submission("Q-1", original=original, events=0)
    one.problem.code = "parse-segment"
    receipt, = pas.send(one)
    bus.wait_folded()
    for _ in range(2):  # before and after a start, which reads the dictionary from the state
        assert retry(bus, receipt.stored.seq).decision.state == "asked"
        assert pas.receive().retranslate.original == original
        bus.restart()
        pas = bus.source("pas", can_retranslate=True)


def test_retry_without_an_adapter_says_what_to_do(bus):
    pas = bus.source("pas")  # cannot read again
    seq = quarantined_without_events(bus, pas)
    reply = retry(bus, seq)
    assert reply.error == "no-adapter"
    assert "adapter" in reply.detail
    assert bus.status().quarantine.open == 1


def test_nobody_reads_again_what_is_another_sources(bus):
    pas, lab = bus.source("pas", can_retranslate=True), bus.source("lab")
    seq = quarantined_without_events(bus, pas)
    for number in (seq, 1, 999):
        one = submission("X-1")
        one.retranslates = number
        receipt, = lab.send(one)
        assert receipt.refused.permanent and receipt.refused.reason == "bad-retranslates"
    assert bus.status().quarantine.open == 1


def test_what_is_not_there_and_what_is_not_cores_is_said(bus):
    assert retry(bus, 1).error == "not-quarantined"
    assert retry(bus, 12345).error == "not-found"
    assert discard(bus, 12345, who="a", why="b").error == "not-found"
    assert bus.request(tail=control_pb2.TailRequest()).error == "unknown-command"


def test_rubbish_on_the_control_socket_is_answered(bus):
    import zmq
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    dealer.connect(bus.endpoint("control"))
    try:
        for frame in (b"", b"\xff" * 30, b"x" * 20000):
            dealer.send(frame)
            assert dealer.poll(10000)
            assert control_pb2.Reply.FromString(dealer.recv()).error == "protocol"
    finally:
        dealer.close()
        context.term()
    assert bus.status().ready


def test_status_says_who_was_heard_and_what_became_of_it(bus):
    pas = bus.source("pas")
    pas.send(submission("A-1"), submission("A-1"), submission("A-2"), submission("x" * 300))
    status = bus.wait_folded()
    source = next(source for source in status.sources if source.name == "pas")
    assert (source.stored, source.duplicate, source.refused, source.received) == (2, 1, 1, 4)
    assert source.sessions == 1 and source.in_flight == 0 and source.team == "ward"
    assert source.last_heard_at > 1_600_000_000_000_000
    assert status.bus == "test-bus" and status.environment == "test" and status.state == "running"
    assert status.intake_up and status.serve_up and status.ready
    assert status.disk.free_bytes > 0 and status.disk.journal_bytes > 0
    assert any("nothing to do with them" in notice for notice in status.notices), "the rules of these tests are open"
    bus.restart()
    source = bus.source_status("pas")
    assert source.stored == 2
    assert source.last_heard_at > 1_600_000_000_000_000


def test_environment_any_is_said_in_the_status(make_bus):
    bus = make_bus({"environment": "any"}).start()
    assert any("development" in notice for notice in bus.status().notices)


@pytest.mark.root
def test_the_daemons_own_user_who_is_no_operator_is_told_nothing(make_bus):
    """It is let in for what serve asks for others, and for nothing else."""
    bus = make_bus({"operators": ["bin"]}).start()
    reply = bus.request(status=control_pb2.StatusRequest())
    assert reply.error == "not-allowed" and not reply.HasField("status")
    reply = bus.request(discard=control_pb2.DiscardRequest(seq=1, who="a", why="b"))
    assert reply.error == "not-allowed"
    bus.config["operators"] = ["root"]
    bus.reload()
    assert bus.status().ready
