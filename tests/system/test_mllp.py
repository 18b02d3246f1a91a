"""What an integration engineer is promised by carebus-mllp, over real sockets."""

import re
import signal
import ssl
import subprocess
import time

import pytest

from carebus_bus import ANSWER_SECONDS, SLOW, wait_for
from mllp_peer import END, START, Mllp, Sender, adt


@pytest.fixture
def make_mllp(make_bus):
    """A bus and its adapter, both running."""
    made = []

    def make(config=None, profile=None, **settings):
        bus = make_bus(config)
        if profile is not None:
            folder = bus.folder / "profiles"
            folder.mkdir(exist_ok=True)
            (folder / "own.yaml").write_text(profile, encoding="utf-8")
            settings["profile"] = "own"
        mllp = Mllp(bus, **settings)
        made.append(mllp)
        bus.start()
        return mllp.start()

    yield make
    for mllp in made:
        mllp.close()


@pytest.fixture
def mllp(make_mllp):
    return make_mllp()


def tail(bus):
    bus.wait_folded()
    return bus.ctl_json("tail")


def said(bus):
    """What the source said, without what the bus derives from it."""
    return [line for line in tail(bus) if line.get("source") == "pas" and not line.get("caused_by")]


def message_ids(bus):
    return [line["source_message_id"] for line in said(bus)]


def quarantine(bus):
    bus.wait_folded()
    return bus.ctl_json("quarantine", "list")


# ---- the answer


def test_positive_answer_means_the_message_is_in_the_journal_whatever_happens_next(mllp):
    answer = mllp.sender().ask(adt("M1"))
    mllp.bus.kill()
    mllp.bus.start()
    assert (answer.code, answer.message_id) == ("AA", "M1")
    assert message_ids(mllp.bus) == ["M1"]


def test_enhanced_mode_answers_with_a_commit_acknowledgement(mllp):
    answer = mllp.sender().ask(adt("M1", msh15="AL", msh16="NE"))
    assert (answer.code, answer.message_id) == ("CA", "M1")


def test_never_asked_for_an_answer_none_is_given_and_the_message_is_stored(mllp):
    sender = mllp.sender()
    sender.send(adt("M1", msh15="NE", msh16="NE"))
    wait_for(lambda: message_ids(mllp.bus) == ["M1"], what="the message")
    assert sender.is_silent()


def test_an_acknowledgement_is_never_acknowledged(mllp):
    sender = mllp.sender()
    sender.send("MSH|^~\\&|PAS|RA9|CAREBUS|RA9|20261101||ACK^A01|X1|T|2.4\rMSA|AA|1\r")
    assert sender.is_silent()
    assert sender.ask(adt("M1")).code == "AA"
    assert message_ids(mllp.bus) == ["M1"]


def test_answers_come_in_the_order_of_pipelined_messages(mllp):
    sender = mllp.sender()
    ids = [f"M{i}" for i in range(200)]
    sender.send(*[adt(i, local_id=f"H{i}", processing="P" if n % 7 == 3 else "T") for n, i in enumerate(ids)])
    answers = [sender.receive() for _ in ids]
    assert [a.message_id for a in answers] == ids
    assert [a.code for a in answers] == ["AR" if n % 7 == 3 else "AA" for n in range(200)]


def test_the_same_message_again_is_answered_positively_and_changes_nothing(mllp):
    sender = mllp.sender()
    assert [sender.ask(adt("M1")).code for _ in range(3)] == ["AA"] * 3
    assert message_ids(mllp.bus) == ["M1"]


def test_control_id_with_separators_of_its_own_comes_back_as_it_was(mllp):
    answer = mllp.sender().ask("MSH#*~\\&#PAS#RA9#CAREBUS#RA9#20261101101500##ADT*A28#M|1#T#2.4\r"
                               "EVN#A28#20261101\rPID#1##H1***RA9*MR##EXAMPLE*ANNA\r")
    assert answer.text.startswith("MSH#*~\\&#")
    assert "MSA#AA#M|1" in answer.text


# ---- what is refused, and what is kept


@pytest.mark.parametrize("environment, processing, code", [
    ("test", "T", "AA"), ("test", "D", "AA"), ("test", "P", "AR"),
    ("live", "P", "AA"), ("live", "T", "AR"), ("live", "D", "AR"),
    ("any", "P", "AA"), ("any", "T", "AA"),
])
def test_processing_id_that_does_not_fit_the_bus_is_refused_and_not_stored(make_mllp, environment, processing, code):
    mllp = make_mllp({"environment": environment})
    answer = mllp.sender().ask(adt("M1", processing=processing))
    assert answer.code == code
    assert message_ids(mllp.bus) == (["M1"] if code == "AA" else [])


def test_without_a_readable_header_the_sender_is_told_no_and_the_bytes_are_kept(mllp):
    answer = mllp.sender().ask(b"this is no HL7 \xff\xfe")
    item, = quarantine(mllp.bus)
    assert answer.code == "AR"
    assert mllp.bus.ctl("quarantine", "show", str(item["id"]), "--original", check=0, text=False).stdout == b"this is no HL7 \xff\xfe"


def test_unhandled_trigger_is_acknowledged_and_waits_in_the_quarantine(mllp):
    answer = mllp.sender().ask(adt("M1", trigger="A29"))
    item, = quarantine(mllp.bus)
    assert answer.code == "AA"
    assert (item["reason"], item["trigger"]) == ("unhandled-trigger", "ADT^A29")
    assert item["class"] == "urgent"  # it would take a person away


def test_trigger_that_the_profile_ignores_is_acknowledged_and_not_kept(make_mllp):
    mllp = make_mllp(profile="triggers: {ADT^A60: ignore}\n")
    assert mllp.sender().ask(adt("M1", trigger="A60")).code == "AA"
    assert message_ids(mllp.bus) == []


def test_status_counts_what_the_adapter_ignored_and_refused_over_all_its_sessions(make_mllp):
    mllp = make_mllp({"environment": "test"}, profile="triggers: {ADT^A60: ignore}\n", max_message_bytes=4096)

    def counted(ignored, refused):
        def look():
            status = mllp.bus.source_status("pas")
            return (status.ignored, status.refused) == (ignored, refused)
        wait_for(look, what=f"{ignored} ignored and {refused} refused")
        time.sleep(1.5)  # and no more than that when it is said again
        assert look()

    sender = mllp.sender()
    assert sender.ask(adt("M1")).code == "AA"
    assert [sender.ask(adt(f"I{i}", trigger="A60")).code for i in range(3)] == ["AA"] * 3
    assert sender.ask(adt("P1", processing="P")).code == "AR"
    assert sender.ask(adt("L1") + "NTE|1||" + "x" * 100000 + "\r").code == "AR"
    counted(3, 2)
    head, row = [line.split() for line in mllp.bus.ctl("status").stdout.splitlines() if line.startswith(("source ", "pas "))]
    assert (row[head.index("ignored")], row[head.index("refused")], row[head.index("stored")]) == ("3", "2", "1")

    # another adapter begins at none, and what the one before said stays
    mllp.stop()
    mllp.start()
    assert mllp.sender().ask(adt("I9", trigger="A60")).code == "AA"
    counted(4, 2)

    # a bus that begins anew is told what is new, not all again
    mllp.bus.stop()
    mllp.bus.start()
    sender = mllp.sender()
    wait_for(lambda: sender.ask(adt("M2", processing="T")).code == "AA", what="the bus again")
    assert sender.ask(adt("P2", processing="P")).code == "AR"
    counted(0, 1)


def test_same_id_with_other_bytes_is_acknowledged_and_urgent(mllp):
    sender = mllp.sender()
    assert sender.ask(adt("M1")).code == "AA"
    assert sender.ask(adt("M1", family="OTHER")).code == "AA"
    item, = quarantine(mllp.bus)
    assert (item["reason"], item["class"]) == ("same-id-other-bytes", "urgent")


def test_message_beyond_the_limit_is_refused_and_the_next_is_taken(make_mllp):
    mllp = make_mllp(max_message_bytes=4096)
    sender = mllp.sender()
    refused = sender.ask(adt("M1") + "NTE|1||" + "x" * 100000 + "\r")
    assert (refused.code, refused.message_id, refused.reason) == ("AR", "M1", "too-large")
    assert sender.ask(adt("M2")).code == "AA"
    assert message_ids(mllp.bus) == ["M2"]


def test_message_for_another_receiver_is_acknowledged_and_waits_in_the_quarantine(make_mllp):
    mllp = make_mllp(profile="receiving_applications: [ELSEWHERE]\n")
    assert mllp.sender().ask(adt("M1")).code == "AA"
    assert mllp.sender().ask(adt("M2", msh5="ELSEWHERE")).code == "AA"
    assert message_ids(mllp.bus) == ["M1", "M2"]
    item, = quarantine(mllp.bus)
    shown, = mllp.bus.ctl_json("quarantine", "show", str(item["id"]))
    assert (shown["message_id"], item["reason"]) == ("M1", "wrong-receiver")


# ---- framing


def test_message_arriving_byte_by_byte_is_one_message(mllp):
    sender = mllp.sender()
    for byte in START + adt("M1").encode() + END:
        sender.send_raw(bytes([byte]))
    assert sender.receive().message_id == "M1"


@pytest.mark.parametrize("name, before, after", [
    ("garbage between frames", b"GET / HTTP/1.0\r\n\r\n", b"\x1c\r"),
    ("no carriage return behind the end", b"\x0b", b"\x1c"),
    ("line feeds for carriage returns", b"\x0b", b"\x1c\n"),
    ("two starts", b"\x0bMSH|^~\\&|half a mess\x0b", b"\x1c\r"),
])
def test_framing_that_is_nearly_right_is_understood(mllp, name, before, after):
    sender = mllp.sender()
    body = adt("M1").encode()
    sender.send_raw(before + (b"" if before.endswith(b"\x0b") else b"\x0b") + body + after)
    assert sender.receive().code == "AA"
    sender.send_raw(START + adt("M2").encode() + END)
    assert sender.receive().message_id == "M2"


def test_several_messages_in_one_frame_are_answered_one_by_one(mllp):
    sender = mllp.sender()
    sender.send("FHS|^~\\&|PAS\rBHS|^~\\&|PAS\r" + adt("M1") + adt("M2", local_id="H2") + "BTS|2\rFTS|1\r")
    assert [sender.receive().message_id for _ in range(2)] == ["M1", "M2"]
    assert message_ids(mllp.bus) == ["M1", "M2"]


def test_a_batch_that_counts_more_than_came_waits_for_a_person_each_time_that_it_happens(mllp):
    """The messages that came are in use; that one is missing nobody else would notice."""
    sender = mllp.sender()
    for first, second in (("M1", "M2"), ("M3", "M4")):
        sender.send("BHS|^~\\&|PAS\r" + adt(first, local_id="H1") + adt(second, local_id="H2") + "BTS|3\r")
        assert [sender.receive().code for _ in range(2)] == ["AA", "AA"]
    assert message_ids(mllp.bus)[:2] == ["M1", "M2"]
    wait_for(lambda: [item["reason"] for item in quarantine(mllp.bus)] == ["wrong-count"] * 2, 20 * SLOW)
    assert {item["class"] for item in quarantine(mllp.bus)} == {"urgent"}
    assert {item["position"] for item in quarantine(mllp.bus)} == {"BTS-1"}


def test_trailers_whose_batch_came_in_other_frames_are_held_against_nothing(mllp):
    sender = mllp.sender()
    for text in ("FHS|^~\\&|PAS\rBHS|^~\\&|PAS\r", adt("M1"), "BTS|1\rFTS|1\r"):
        assert sender.ask(text).code == "AA", text
    assert message_ids(mllp.bus) == ["M1"] and not quarantine(mllp.bus)


def test_an_empty_batch_is_answered_since_its_sender_waits(mllp):
    sender = mllp.sender()
    answer = sender.ask("FHS|^~\\&|PAS\rBHS|^~\\&|PAS\rBTS|0\rFTS|1\r")
    assert answer.code == "AA" and sender.ask(adt("M1")).message_id == "M1"
    assert message_ids(mllp.bus) == ["M1"] and not quarantine(mllp.bus)


def test_the_two_answers_of_enhanced_mode_are_two_messages(mllp):
    sender = mllp.sender()
    sender.send(adt("M1", msh15="AL", msh16="AL"))
    first, second = sender.receive(), sender.receive()
    assert (first.code, second.code) == ("CA", "AA")
    assert first.segments["MSH"][9] != second.segments["MSH"][9], "who has seen the one takes the other for a repeat"


# ---- character sets


def test_latin_1_that_is_declared_becomes_text(mllp):
    assert mllp.sender().ask(adt("M1", family="MÜLLER", msh18="8859/1").encode("latin-1")).code == "AA"
    event = said(mllp.bus)[-1]
    assert event["patient"]["demographics"]["names"][0]["family"] == "MÜLLER"


def test_bytes_of_an_unsaid_character_set_wait_until_the_profile_says_it_and_land_at_their_own_time(make_mllp):
    mllp = make_mllp(profile="timezone: Europe/London\n")
    bus = mllp.bus
    assert mllp.sender().ask(adt("M1", family="MÜLLER").encode("latin-1")).code == "AA"
    item, = quarantine(bus)
    assert item["reason"] == "no-charset"

    (bus.folder / "profiles" / "own.yaml").write_text("timezone: Europe/London\ncharset: ISO-8859-1\n", encoding="utf-8")
    mllp.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "RELOADED" in mllp.log(), what="the reload")
    bus.ctl("quarantine", "retry", str(item["id"]), "--who", "A. Engineer", "--why", "the profile knows it now", check=0)
    wait_for(lambda: quarantine(bus) == [], what="the retry")
    event = said(bus)[-1]
    assert event["patient"]["demographics"]["names"][0]["family"] == "MÜLLER"
    assert event["belated"] is True
    assert event["occurred_at"] == "2026-11-01T10:10:00Z"
    bus.ctl("rebuild", "--verify", check=0)


# ---- when the bus cannot


def test_without_a_bus_the_sender_is_told_to_try_again_and_nothing_is_lost_or_doubled(mllp):
    mllp.bus.kill()
    sender = mllp.sender()
    assert sender.ask(adt("M1"), seconds=20 * SLOW).code == "AE"
    mllp.bus.start()
    wait_for(lambda: sender.ask(adt("M1"), seconds=20 * SLOW).code == "AA", what="the bus to take it")
    assert message_ids(mllp.bus).count("M1") == 1


def test_short_absence_of_the_bus_is_waited_out(mllp):
    sender = mllp.sender()
    assert sender.ask(adt("M1")).code == "AA"
    mllp.bus.kill()
    sender.send(adt("M2"))
    mllp.bus.start()
    answer = sender.receive()
    assert (answer.code, answer.message_id) == ("AA", "M2") if SLOW == 1 else answer.code in ("AA", "AE")


def test_stop_answers_what_is_on_the_way_and_ends_well(mllp):
    sender = mllp.sender()
    ids = [f"M{i}" for i in range(50)]
    sender.send(*[adt(i, local_id=i) for i in ids])
    first = sender.receive()
    assert first.code == "AA"
    assert mllp.stop() == 0
    answered = [first.message_id]
    while (answer := sender.receive()) is not None:
        answered.append(answer.message_id)
        assert answer.code == "AA"
    stored = message_ids(mllp.bus)
    assert answered == ids[:len(answered)]
    assert stored[:len(answered)] == answered


# ---- connections


def test_hundreds_of_connections_in_one_process(make_mllp):
    mllp = make_mllp(max_connections=400)
    senders = [mllp.sender() for _ in range(300)]
    for number, sender in enumerate(senders):
        sender.send(adt(f"M{number}", local_id=f"H{number}"))
    assert [sender.receive().code for sender in senders] == ["AA"] * 300
    assert sorted(message_ids(mllp.bus)) == sorted(f"M{n}" for n in range(300))


def test_connection_beyond_the_limit_is_closed_and_the_others_go_on(make_mllp):
    mllp = make_mllp(max_connections=3)
    time.sleep(0.5)  # until the connection that looked whether it listens is seen to be gone
    senders = [mllp.sender() for _ in range(3)]
    assert [sender.ask(adt(f"M{n}")).code for n, sender in enumerate(senders)] == ["AA"] * 3
    with pytest.raises((ConnectionError, AttributeError)):
        late = mllp.sender()
        late.ask(adt("M9")).code
    assert senders[0].ask(adt("M3")).code == "AA"


def test_address_that_may_not_connect_is_refused(make_mllp):
    mllp = make_mllp(allow_from=["192.0.2.0/24"])
    with pytest.raises((ConnectionError, AttributeError)):
        mllp.sender().ask(adt("M1")).code
    assert re.search(r"\bpeer=127\.0\.0\.1 .*\bevent=SENDER_REFUSED", mllp.log()), mllp.log()


# ---- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA, a server's certificate of it, a client's, and a client's of another CA."""
    folder = tmp_path_factory.mktemp("tls")

    def run(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for ca in ("ca", "other"):
        run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-subj", f"/CN={ca}",
            "-days", "2")
    for name, ca in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=localhost")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-out", f"{name}.pem",
            "-days", "2")
        (folder / f"{name}.key").chmod(0o600)
    return folder


def client_context(certificates, name=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificates / "ca.pem")
    context.check_hostname = False
    if name:
        context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return context


def test_tls_carries_messages_and_plain_text_gets_no_answer(make_mllp, certificates):
    mllp = make_mllp(tls={"certificate": str(certificates / "server.pem"), "key": str(certificates / "server.key")})
    sender = mllp.sender(tls=client_context(certificates))
    ids = [f"M{i}" for i in range(100)]
    sender.send(*[adt(i, local_id=i) for i in ids])
    assert [sender.receive().message_id for _ in ids] == ids
    plain = Sender(mllp.port)
    plain.send(adt("P1"))
    said = b""
    try:
        while piece := plain.socket.recv(4096):  # a TLS alert perhaps, then the end
            said += piece
    except ConnectionResetError:
        pass
    plain.close()
    assert b"MSA" not in said
    assert "P1" not in message_ids(mllp.bus)


def test_mutual_tls_lets_in_only_who_has_a_certificate_of_the_ca(make_mllp, certificates):
    mllp = make_mllp(tls={"certificate": str(certificates / "server.pem"), "key": str(certificates / "server.key"),
                          "client_ca": str(certificates / "ca.pem")})
    assert mllp.sender(tls=client_context(certificates, "client")).ask(adt("M1")).code == "AA"
    for name in (None, "stranger"):
        with pytest.raises((ssl.SSLError, ConnectionError, AttributeError)):
            # In TLS 1.3 the refusal comes with the first read.
            mllp.sender(tls=client_context(certificates, name)).ask(adt("M2")).code
    assert message_ids(mllp.bus) == ["M1"]


@pytest.mark.root
def test_bus_that_does_not_let_the_adapter_in_costs_senders_a_try_again(make_mllp):
    mllp = make_mllp(user="daemon")
    wait_for(lambda: "BUS_NOT_ALLOWED" in mllp.log(), what="the refusal in the log")
    started = time.monotonic()
    assert mllp.sender().ask(adt("M1"), seconds=20 * SLOW).code == "AE"
    assert time.monotonic() - started < ANSWER_SECONDS
