"""What the intake promises to whoever hands something in."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

import journal_bytes
from carebus_bus import ANSWER_SECONDS, Bus, BusError, curve_pair, free_port, intake_pb2, submission, wait_for
from standstill import held, wait_carried


def kinds(receipts):
    return [receipt.WhichOneof("result") for receipt in receipts]


# ---- accepted means stored


def test_receipt_gives_the_place_in_the_one_order(bus):
    pas, lab = bus.source("pas"), bus.source("lab")
    first, = pas.send(submission("A-1"))
    second, third = lab.send(submission("B-1"), submission("B-2"))
    fourth, = pas.send(submission("A-2"))
    seqs = [receipt.stored.seq for receipt in (first, second, third, fourth)]
    assert seqs == list(range(seqs[0], seqs[0] + 4))
    assert seqs[0] == 2  # the first entry of all is the settings


def test_what_was_acknowledged_survives_a_kill(bus):
    pas = bus.source("pas")
    receipts = pas.send(*[submission(f"A-{i}") for i in range(200)])
    bus.kill()
    bus.start()
    assert bus.wait_folded().seq == receipts[-1].stored.seq
    again = bus.source("pas").send(*[submission(f"A-{i}") for i in range(200)])
    assert kinds(again) == ["duplicate"] * 200
    assert [receipt.duplicate.of for receipt in again] == [receipt.stored.seq for receipt in receipts]
    assert bus.status().seq == receipts[-1].stored.seq


def test_numbers_go_on_without_a_gap_after_each_of_several_kills(bus):
    last = bus.status().seq
    for turn in range(4):
        pas = bus.source("pas")
        numbers = pas.submit(*[submission(f"{turn}-{i}") for i in range(300)])
        taken = pas.wait_receipts(1 + turn * 20)
        assert [receipt.number for receipt in taken] == numbers[:len(taken)]
        assert [receipt.stored.seq for receipt in taken] == list(range(last + 1, last + 1 + len(taken)))
        bus.kill()
        bus.start()
        again = bus.source("pas").send(*[submission(f"{turn}-{i}") for i in range(300)])
        places = [receipt.duplicate.of or receipt.stored.seq for receipt in again]
        assert places == list(range(last + 1, last + 301))
        assert [receipt.duplicate.of for receipt in again[:len(taken)]] == [receipt.stored.seq for receipt in taken]
        last = places[-1]


def test_clean_stop_and_start_keep_everything(bus):
    pas = bus.source("pas")
    stored, = pas.send(submission("A-1"))
    assert bus.stop() == 0
    bus.start()
    again, = bus.source("pas").send(submission("A-1"))
    assert again.duplicate.of == stored.stored.seq


@pytest.mark.plain
def test_receipt_leaves_after_the_sync_and_not_before(make_bus):
    """Seen from outside: between the write of a batch and the answer to it there is an fdatasync."""
    bus = make_bus()
    trace = bus.folder / "trace"
    if subprocess.run(["strace", "-V"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs strace")
    bus.wrapper = ["strace", "-f", "-o", str(trace), "-e", "trace=fdatasync,fsync,pwritev,pwrite64,sendto,sendmsg,write", "-y"]
    try:
        bus.start()
    except BusError as error:
        pytest.skip(f"strace cannot be used here: {str(error)[:80]}")
    pas = bus.source("pas")
    pas.send(submission("A-0"))
    time.sleep(0.3)
    before = len(trace.read_text(errors="replace").splitlines())
    pas.send(submission("SEEN-IN-TRACE"))
    lines = trace.read_text(errors="replace").splitlines()[before:]
    # The io thread of libzmq sends the frame with the receipt; nothing else goes to a socket of ours in between.
    sync = next(i for i, line in enumerate(lines) if "fdatasync(" in line and "/journal/" in line)
    wrote = next(i for i, line in enumerate(lines) if "pwrite" in line and "/journal/" in line)
    sent = next(i for i, line in enumerate(lines) if "sendto(" in line and "socket:" in line and "notify" not in line)
    assert wrote < sync < sent


# ---- the same again


def test_resend_is_answered_duplicate_at_once_and_is_not_written_again(bus):
    pas = bus.source("pas")
    receipts = pas.send(submission("A-1"), submission("A-1"), submission("A-2"), submission("A-1"))
    assert kinds(receipts) == ["stored", "duplicate", "stored", "duplicate"]
    assert receipts[1].duplicate.of == receipts[3].duplicate.of == receipts[0].stored.seq
    assert bus.status().seq == receipts[2].stored.seq


def test_same_id_with_other_bytes_is_stored_and_quarantined(bus):
    pas = bus.source("pas")
    pas.send(submission("A-1"))
    other, = pas.send(submission("A-1", original=b"something else"))
    assert other.stored.quarantined == "same-id-other-bytes"
    bus.wait_folded()
    assert bus.source_status("pas").quarantined == 1
    assert bus.status().quarantine.open == 1
    assert bus.status().quarantine.urgent == 1
    again, = pas.send(submission("A-1", original=b"something else, once more"))
    assert again.stored.quarantined == "same-id-other-bytes"


def test_other_bytes_under_one_id_sent_again_are_known_and_not_written_again(bus):
    """An engine resends what it has no peace about: that must not fill the journal, from memory, from the state, or behind a restart."""
    pas = bus.source("pas")
    first, = pas.send(submission("A-1"))
    at_once = pas.send(*[submission("A-1", original=original) for original in (b"other", b"other", b"third", b"other")])
    assert kinds(at_once) == ["stored", "duplicate", "stored", "duplicate"]
    other, third = at_once[0].stored.seq, at_once[2].stored.seq
    assert [at_once[1].duplicate.of, at_once[3].duplicate.of] == [other, other]
    last = bus.wait_folded().seq
    assert last == third
    for _ in range(2):
        again = pas.send(submission("A-1", original=b"third"), submission("A-1"), submission("A-1", original=b"other"))
        assert [receipt.duplicate.of for receipt in again] == [third, first.stored.seq, other]
        assert bus.status().seq == last
        bus.kill()
        bus.start()
        pas = bus.source("pas")
    assert bus.wait_folded().seq == last
    assert bus.status().quarantine.open == 2
    elsewhen, = pas.send(submission("A-1", original=b"other", time_at=1))
    assert elsewhen.WhichOneof("result") == "stored" and not elsewhen.stored.quarantined


def test_same_id_at_another_time_or_of_another_source_is_another_message(bus):
    pas, lab = bus.source("pas"), bus.source("lab")
    one = pas.send(submission("A-1", time_at=1), submission("A-1", time_at=2), submission("A-1"))
    two = lab.send(submission("A-1", time_at=1))
    assert kinds(one + two) == ["stored"] * 4
    assert not any(receipt.stored.quarantined for receipt in one + two)


def test_message_without_an_id_is_known_by_its_bytes(bus):
    pas = bus.source("pas")
    receipts = pas.send(submission(None, original=b"one"), submission(None, original=b"two"), submission(None, original=b"one"))
    assert kinds(receipts) == ["stored", "stored", "duplicate"]


def test_duplicate_is_known_from_memory_and_from_the_state_alike(bus):
    pas = bus.source("pas")
    stored = pas.send(*[submission(f"A-{i}") for i in range(50)])
    at_once = pas.send(*[submission(f"A-{i}") for i in range(50)])
    bus.wait_folded()
    later = pas.send(*[submission(f"A-{i}") for i in range(50)])
    for receipts in (at_once, later):
        assert [receipt.duplicate.of for receipt in receipts] == [receipt.stored.seq for receipt in stored]


# ---- what cannot be used is kept


def test_what_an_adapter_could_not_read_is_stored_and_quarantined_under_its_code(bus):
    pas = bus.source("pas")
    one = submission("A-1", events=0)
    one.problem.code = "parse-segment"
    one.problem.position = "PID[1]"
    receipt, = pas.send(one)
    assert receipt.stored.quarantined == "parse-segment"
    bus.wait_folded()
    assert bus.status().quarantine.open == 1


@pytest.mark.parametrize("spoil, code", [
    (lambda one: one.events[0].ClearField("type"), "bad-event-type"),
    (lambda one: setattr(one.events[0], "type", "Not A Type"), "bad-event-type"),
    (lambda one: one.ClearField("events"), "no-events"),
])
def test_event_of_no_use_is_stored_and_quarantined(bus, spoil, code):
    pas = bus.source("pas")
    one = submission("A-1")
    spoil(one)
    receipt, = pas.send(one)
    assert receipt.stored.seq > 0
    assert receipt.stored.quarantined == code


# ---- what is refused


def test_submission_that_is_none_is_refused_for_good_with_field_and_limit(bus):
    pas = bus.source("pas")
    bad = submission("q" * 201)
    receipt, good = pas.send(bad, submission("A-1"))
    assert receipt.refused.permanent
    assert "message_id" in receipt.refused.detail
    assert "qqq" not in receipt.refused.detail
    assert good.stored.seq == 2  # a permanent refusal holds up nothing
    without = submission("A-2")
    without.ClearField("original")
    receipt, = pas.send(without)
    assert receipt.refused.permanent
    assert bus.source_status("pas").refused == 2


def test_original_beyond_the_sources_limit_is_refused_for_good(make_bus):
    bus = make_bus({"sources": {"pas": {"team": "ward", "adapter": "own", "max_message_bytes": 2048}}}).start()
    pas = bus.source("pas")
    big, fits = pas.send(submission("A-1", original=b"x" * 2049), submission("A-2", original=b"x" * 2048))
    assert big.refused.permanent and big.refused.reason == "too-large"
    assert "2048" in big.refused.detail
    assert fits.stored.seq


def test_frame_beyond_the_limit_ends_the_connection_and_nothing_else(bus):
    pas, lab = bus.source("pas"), bus.source("lab")
    pas.send_raw(b"\x12" + b"\xff" * (pas.welcome.max_message_bytes + 1))
    assert pas.wait_event("DISCONNECTED") == "DISCONNECTED"
    receipt, = lab.send(submission("B-1"))
    assert receipt.stored.seq
    assert bus.process.poll() is None


def test_rubbish_is_answered_and_harms_nobody(bus):
    pas = bus.source("pas", hello=False)
    for frame in (b"", b"\x00", b"\xff" * 100, b"GET / HTTP/1.1\r\n\r\n", os.urandom(2000), b"\x12\x05"):
        pas.send_raw(frame)
        answer = pas.receive()
        assert answer.refused.reason in ("protocol", "not-greeted"), frame
    pas.send_raw(b"two", b"frames")
    pas.send_raw(b"", b"")
    assert pas.receive(0.3) is None
    pas.hello()
    receipt, = pas.send(submission("A-1"))
    assert receipt.stored.seq == 2


def test_submit_before_hello_is_answered_not_greeted(bus):
    pas = bus.source("pas", hello=False)
    pas.next_number = 1
    pas.submit(submission("A-1"))
    assert pas.receive().refused.reason == "not-greeted"
    assert bus.status().seq == 1


def test_source_nobody_configured_and_protocol_nobody_speaks_are_refused(bus):
    pas = bus.source("pas", hello=False)
    with pytest.raises(BusError, match="unknown-source"):
        pas.hello("nobody")
    with pytest.raises(BusError, match="protocol"):
        pas.hello(protocol=2)
    with pytest.raises(BusError, match="refused"):
        pas.hello("No Name!")
    pas.hello()


# ---- numbering


def test_number_out_of_order_is_refused_and_the_next_one_still_counts(bus):
    pas = bus.source("pas")
    pas.send(submission("A-1"))
    for number in (1, 3, 0, 2**63):
        bad, = pas.send(submission(f"bad-{number}"), number=number)
        assert bad.refused.permanent and bad.refused.reason == "bad-number"
    good, = pas.send(submission("A-2"), number=2)
    assert good.stored.seq == 3


def test_second_hello_begins_a_new_session(bus):
    pas = bus.source("pas")
    pas.send(submission("A-1"), submission("A-2"))
    pas.hello()
    assert pas.welcome.next_number == 1
    receipt, = pas.send(submission("A-3"))
    assert receipt.number == 1 and receipt.stored.seq == 4


def test_after_one_refused_as_later_all_behind_is_until_it_comes_again(make_bus):
    bus = make_bus({"sources": {"pas": {"team": "ward", "adapter": "own", "messages_per_second": 2}}}).start()
    pas = bus.source("pas")
    receipts = pas.send(*[submission(f"A-{i}") for i in range(6)])
    assert kinds(receipts) == ["stored", "stored", "refused", "refused", "refused", "refused"]
    assert [receipt.refused.permanent for receipt in receipts[2:]] == [False] * 4
    assert [receipt.refused.reason for receipt in receipts[2:]] == ["over-quota"] + ["behind-refused"] * 3
    time.sleep(receipts[2].refused.retry_after_ms / 1000 + 0.05)
    skipped, = pas.send(submission("A-3"), number=4)
    assert skipped.refused.reason == "behind-refused"
    again, = pas.send(submission("A-2"), number=3)
    assert again.stored.seq == receipts[1].stored.seq + 1


def test_quota_of_one_source_does_not_touch_another(make_bus):
    bus = make_bus({"sources": {"pas": {"team": "ward", "adapter": "own", "messages_per_second": 1}}}).start()
    pas, lab = bus.source("pas"), bus.source("lab")
    assert kinds(pas.send(*[submission(f"A-{i}") for i in range(3)])).count("stored") == 1
    assert kinds(lab.send(*[submission(f"B-{i}") for i in range(100)])) == ["stored"] * 100


# ---- windows and floods


def test_whole_window_may_be_on_the_way_in_any_frames(bus):
    pas = bus.source("pas")
    window = pas.welcome.window
    for start in range(0, window, 64):
        pas.submit(*[submission(f"A-{i}") for i in range(start, start + 64)])
    receipts = pas.wait_receipts(window)
    assert [receipt.number for receipt in receipts] == list(range(1, window + 1))
    assert kinds(receipts) == ["stored"] * window


def test_who_sends_beyond_the_window_is_answered_for_every_one_and_can_go_on(bus):
    pas = bus.source("pas")
    total = pas.welcome.window * 8
    for start in range(0, total, 512):
        pas.submit(*[submission(f"A-{i}", original=b"x") for i in range(start, start + 512)])
    receipts = pas.wait_receipts(total, 60)
    assert len(receipts) == total
    stored = [receipt for receipt in receipts if receipt.WhichOneof("result") == "stored"]
    refused = [receipt for receipt in receipts if receipt.WhichOneof("result") == "refused"]
    assert len(stored) >= pas.welcome.window
    assert all(not receipt.refused.permanent for receipt in refused)
    # Whatever was refused, what was stored is gapless from the first on.
    assert [receipt.number for receipt in stored] == list(range(1, len(stored) + 1))
    again, = pas.send(submission("after"), number=len(stored) + 1)
    assert again.stored.seq


@pytest.mark.root
def test_flood_of_one_source_delays_another_by_no_more_than_two_batches(bus):
    """With all that twenty connections may have on the way waiting for intake, another's message is in the second batch at the latest."""
    floods = [bus.source("pas") for _ in range(20)]
    lab = bus.source("lab")
    window = floods[0].welcome.window
    with held(bus):
        before = len(journal_bytes.batch_sizes(bus.folder / "state" / "journal"))
        for index, source in enumerate(floods):
            for start in range(0, window, 50):
                source.submit(*[submission(f"{index}-{i}", original=b"x", events=0) for i in range(start, min(start + 50, window))])
        wait_carried(os.getpid(), bus.pid)
        lab.submit(submission("B-1"))
        wait_carried(os.getpid(), bus.pid)
    receipt, = lab.wait_receipts(1)
    for source in floods:
        assert kinds(source.wait_receipts(window)) == ["stored"] * window
    batches = journal_bytes.batch_sizes(bus.folder / "state" / "journal")
    place = next(index for index, (first, count) in enumerate(batches) if first <= receipt.stored.seq < first + count)
    # A batch that was being written when intake was held stands there already or is the first to come.
    assert place - before < 2, batches[before:place + 1]
    assert len(batches) - before > 10, "there was no flood"
    assert bus.source_status("pas").stored == 20 * window


# ---- who are you


AS_ANOTHER_USER = textwrap.dedent("""
    import os, sys
    sys.path.insert(0, sys.argv[1])
    from carebus_bus import Source, BusError
    os.setgroups([]); os.setgid(int(sys.argv[4])); os.setuid(int(sys.argv[4]))
    source = Source(sys.argv[2], "pas", hello=False)
    print(source.wait_event("HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_AUTH", "HANDSHAKE_FAILED_NO_DETAIL"))
    if sys.argv[3]:
        try:
            source.hello(sys.argv[3], seconds=5)
            print("welcome")
        except BusError as error:
            print(error)
""")


def as_user(bus, uid, hello=""):
    """What a process of another unix user sees: the handshake's event, then the answer to Hello."""
    done = subprocess.run([sys.executable, "-c", AS_ANOTHER_USER, os.path.dirname(__file__), bus.endpoint("intake"), hello, str(uid)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.mark.root
def test_unix_user_whom_nobody_named_does_not_get_past_the_handshake(bus):
    assert as_user(bus, 2) == ["HANDSHAKE_FAILED_AUTH"]
    assert "PEER_REFUSED" in bus.log_events()


@pytest.mark.root
def test_hidden_unix_user_does_not_get_past_the_handshake_either(bus):
    assert as_user(bus, 65534) == ["HANDSHAKE_FAILED_AUTH"]
    assert "reason=hidden-unix-user" in bus.log()


@pytest.mark.root
def test_unix_user_speaks_for_its_own_source_only(make_bus):
    bus = make_bus({"sources": {"pas": {"team": "ward", "adapter": "own", "user": "bin"}}}).start()
    assert as_user(bus, 2, "pas") == ["HANDSHAKE_SUCCEEDED", "welcome"]
    assert as_user(bus, 2, "lab") == ["HANDSHAKE_SUCCEEDED", "refused: not-allowed"]
    with pytest.raises(BusError, match="not-allowed"):
        bus.source("pas", hello=False).hello()


@pytest.mark.root
def test_only_operators_reach_control(make_bus):
    bus = make_bus({"operators": ["bin"]}).start()
    context_fails = bus.ctl("status")
    assert context_fails.returncode != 0


def tcp_bus(make_bus, port):
    bus = make_bus({"listen": {"intake": f"tcp://127.0.0.1:{port}"}})
    server, peer = curve_pair(), curve_pair()
    bus.write_keys(bus=server, pas=(peer[0], None))
    return bus.start(), server, peer


def test_known_key_speaks_over_tcp_and_no_other(make_bus):
    port = free_port()
    bus, server, peer = tcp_bus(make_bus, port)
    endpoint = f"tcp://127.0.0.1:{port}"
    good = bus.source("pas", endpoint=endpoint, keys=(server[0], *peer))
    receipt, = good.send(submission("A-1"))
    assert receipt.stored.seq
    stranger = bus.source("pas", endpoint=endpoint, keys=(server[0], *curve_pair()), hello=False)
    assert stranger.wait_event("HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_AUTH") == "HANDSHAKE_FAILED_AUTH"
    wrong_server = bus.source("pas", endpoint=endpoint, keys=(curve_pair()[0], *peer), hello=False)
    assert wrong_server.wait_event("HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_PROTOCOL", "HANDSHAKE_FAILED_NO_DETAIL",
                                   "DISCONNECTED") != "HANDSHAKE_SUCCEEDED"
    plain = bus.source("pas", endpoint=endpoint, hello=False)
    assert "HANDSHAKE_SUCCEEDED" not in plain.events(1.0)
    with pytest.raises(BusError, match="not-allowed"):
        bus.source("lab", endpoint=endpoint, keys=(server[0], *peer), hello=False).hello()


def test_key_that_is_taken_away_is_refused_on_its_next_message(make_bus):
    port = free_port()
    bus, server, peer = tcp_bus(make_bus, port)
    endpoint = f"tcp://127.0.0.1:{port}"
    source = bus.source("pas", endpoint=endpoint, keys=(server[0], *peer))
    source.send(submission("A-1"))
    bus.write_keys(pas=(curve_pair()[0], None))
    bus.reload()
    source.submit(submission("A-2"))
    refused = wait_for(lambda: source.receive(), what="a refusal")
    assert refused.refused.reason == "not-allowed"
    again = bus.source("pas", endpoint=endpoint, keys=(server[0], *peer), hello=False)
    assert again.wait_event("HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_AUTH") == "HANDSHAKE_FAILED_AUTH"
    bus.wait_folded()
    assert bus.source_status("pas").stored == 1


# ---- the daemon's life


def test_second_daemon_on_the_same_state_is_told_who_is_there(bus, make_bus):
    second = make_bus({"state": bus.config["state"], "run": str(bus.folder / "run2")})
    second.start(wait=False)
    assert second.wait() == 75
    assert str(bus.pid) in second.log()
    second.process = None
    receipt, = bus.source("pas").send(submission("A-1"))
    assert receipt.stored.seq


def test_serve_may_die_and_intake_does_not_notice(bus):
    pas = bus.source("pas")
    for turn in range(3):
        before = bus.serve_pid
        os.kill(before, signal.SIGKILL)
        receipt, = pas.send(submission(f"A-{turn}"))
        assert receipt.stored.seq == 2 + turn
        wait_for(lambda: bus.serve_pid != before and bus.status().serve_up, what="serve to be back")
    assert bus.status().serve_restarts == 3


def test_stop_answers_who_still_sends_and_loses_nothing(bus):
    pas = bus.source("pas")
    for start in range(0, 1000, 50):
        pas.submit(*[submission(f"A-{i}") for i in range(start, start + 50)])
    bus.process.terminate()
    receipts = pas.wait_receipts(1000)
    assert bus.stop() == 0
    stored = [receipt for receipt in receipts if receipt.WhichOneof("result") == "stored"]
    refused = receipts[len(stored):]
    assert [receipt.number for receipt in stored] == list(range(1, len(stored) + 1))
    assert all(receipt.refused.reason in ("stopping", "behind-refused") and not receipt.refused.permanent for receipt in refused)
    bus.start()
    assert bus.wait_folded().seq == 1 + len(stored)


def test_reload_lets_a_new_source_in_and_journals_the_settings(bus):
    pas = bus.source("pas")
    pas.send(submission("A-1"))
    bus.config["sources"]["hospice"] = {"team": "ward", "adapter": "own"}
    bus.reload()
    hospice = bus.source("hospice")
    receipt, = hospice.send(submission("H-1"))
    # Behind settings, A-1, settings; and where the new settings say otherwise who has relationships, a tick.
    assert receipt.stored.seq in (4, 5)
    still, = pas.send(submission("A-2"))
    assert still.stored.seq > receipt.stored.seq
    kinds = [line["type"] for line in bus.ctl_json("tail", "--from", "1")]
    assert kinds.count("bus.settings") == 2


def test_reload_that_changes_nothing_the_fold_goes_by_writes_nothing(bus):
    bus.source("pas").send(submission("A-1"))
    for _ in range(3):
        bus.reload()
    assert bus.status().seq == 2


def test_bad_reload_changes_nothing_and_says_where(bus):
    pas = bus.source("pas")
    good = bus.config_path.read_text()
    bus.config_path.write_text(good + "\nno_such_key: 1\n")
    bus.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "RELOAD_REFUSED" in bus.log_events(), what="the refusal in the log")
    line = next(line for line in bus.log().splitlines() if "RELOAD_REFUSED" in line)
    assert f"line={len(good.splitlines()) + 2}" in line
    receipt, = pas.send(submission("A-1"))
    assert receipt.stored.seq == 2


def test_wrong_configuration_is_told_with_its_place_and_exit_78(make_bus):
    bus = make_bus()
    bus.config_path.write_text(bus.config_path.read_text() + "\nsourcez: {}\n")
    bus.start(wait=False)
    assert bus.wait() == 78
    bus.process = None
    assert f"{bus.config_path}:" in bus.log()
    assert "sources" in bus.log()  # did you mean


def test_damaged_journal_stops_the_start_and_is_left_alone(bus):
    pas = bus.source("pas")
    for turn in range(5):
        pas.send(submission(f"A-{turn}", original=os.urandom(500)))
    assert bus.stop() == 0
    segment, = [path for path in (bus.folder / "state" / "journal").iterdir() if path.name[0].isdigit()]
    data = bytearray(segment.read_bytes())
    place = data.index(b"A-2")
    data[place] ^= 1
    segment.write_bytes(data)
    bus.start(wait=False)
    assert bus.wait() == 74
    bus.process = None
    assert "journal verify" in bus.log()
    assert segment.read_bytes() == bytes(data)


def test_sessions_of_those_who_went_are_forgotten(bus):
    source = bus.source("pas")
    assert bus.source_status("pas").sessions == 1
    bus.sources.remove(source)
    source.close()
    wait_for(lambda: bus.source_status("pas").sessions == 0, ANSWER_SECONDS + 10, "the session to be forgotten")


def test_log_says_nothing_of_what_was_in_a_message(bus):
    pas = bus.source("pas")
    secret = "Zebulon-Quagmire-4857773456"
    one = submission("A-1", original=secret.encode())
    one.events[0].patient.identifiers[0].value = secret
    broken = submission(secret * 10, original=secret.encode())
    odd = submission("A-2", original=secret.encode())
    odd.events[0].type = secret
    pas.send(one, broken, odd)
    pas.send_raw(secret.encode() * 3)
    pas.receive()
    bus.stop()
    assert secret not in bus.log()
    assert "Zebulon" not in bus.log()


def test_two_buses_side_by_side_do_not_meet(make_bus):
    one, two = make_bus().start(), make_bus({"bus": "other"}).start()
    assert one.source("pas").welcome.bus == "test-bus"
    assert two.source("pas").welcome.bus == "other"
    one.source("pas").send(submission("A-1"))
    assert (one.status().seq, two.status().seq) == (2, 1)


@pytest.mark.tsan
def test_end_to_end_with_every_thread_at_work(make_bus):
    """One run of everything that crosses threads, for ThreadSanitizer: intake, fold, reload, serve's death, status, stop."""
    with Bus() as bus:
        sources = [bus.source("pas"), bus.source("lab"), bus.source("pas")]
        for turn in range(20):
            for index, source in enumerate(sources):
                source.submit(*[submission(f"{index}-{turn}-{i}") for i in range(20)])
            if turn == 5:
                bus.config["sources"]["hospice"] = {"team": "ward", "adapter": "own"}
                bus.reload()
            if turn == 10:
                os.kill(bus.serve_pid, signal.SIGKILL)
            bus.status()
        for source in sources:
            assert kinds(source.wait_receipts(400)) == ["stored"] * 400
        # Two settings, and where these say otherwise who has relationships, ticks.
        assert 1202 <= bus.wait_folded().seq <= 1206
        assert intake_pb2.Hello
        assert bus.stop() == 0
