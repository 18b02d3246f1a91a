"""Rows of the log that the course of things does not write: each is brought about, and says what its entry of the catalogue speaks of."""

import contextlib
import errno
import itertools
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import time

import faulty
import pytest
import test_scope
from carebus_bus import ANSWER_SECONDS, BUILD, BusError, curve_pair, intake_pb2, log_rows, submission, wait_for
from carebus_readers import Feed, Records
from csv_peer import Csv
from fhir_peer import Fhir, encounter
from fhir_receiver import FhirDestination
from mllp_peer import START, Mllp, adt, free_port
from test_destination import EVERYBODY, OPEN, Receiver, items, said
from test_fhir import tls_settings
from test_mllp import certificates  # noqa: F401

CANARY = "Xylocopa"
SECOND = 1_000_000
STRACE = pytest.mark.skipif(not faulty.can_strace(), reason="strace cannot trace here")


@pytest.fixture
def site(make_bus):
    """Makes a bus; what it and its adapters logged holds nothing of what messages said, whatever went wrong."""
    made, peers = [], []

    def make(*arguments, **options):
        made.append(make_bus(*arguments, **options))
        made[-1].peers = peers
        return made[-1]

    yield make
    for peer in peers:
        with contextlib.suppress(ProcessLookupError):
            peer.close()
    for bus in made:
        logs = [*bus.folder.glob("log"), *bus.folder.glob("*.log"), *bus.folder.glob("*/log")]
        assert logs
        assert not [path for path in logs if CANARY.encode() in path.read_bytes()]


def told(whose, name, n=1, seconds=ANSWER_SECONDS):
    """Waits for the n-th line of that row; its fields."""
    return wait_for(lambda: log_rows.said(whose.log(), name)[n - 1:n], seconds, lambda: f"{name} in\n{whose.log()[-3000:]}")[0]


def message(number, **fields):
    return submission(f"M{number}", f"MSH|^~\\&|{CANARY}|{number}\r".encode(), **fields)


def preloaded(name, **environment):
    shim = BUILD / "tests" / "system" / f"{name}.so"
    if not shim.exists():
        pytest.skip(f"needs {name}.so, which sanitizers do not let preload")
    return {"LD_PRELOAD": str(shim), **environment}


class Clocks:
    """Both clocks of whoever is started with this environment, moved together: it is later, and nothing has jumped."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "clocks"
        self.write(0)
        self.environment = preloaded("wallclock", CAREBUS_CLOCK=str(self.path))

    def write(self, microseconds):
        with open(self.path, "r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("<qq", microseconds, microseconds))


@contextlib.contextmanager
def held(pid, thread):
    """One thread of a process stands still, which only a tracer can bring about."""
    task = next(task for task in pathlib.Path(f"/proc/{pid}/task").iterdir() if (task / "comm").read_text().strip() == thread)
    tracer = subprocess.Popen(["strace", "-qq", "-p", task.name, "-e", "trace=poll,ppoll,epoll_wait,epoll_pwait", "-e",
                               "inject=poll,ppoll,epoll_wait,epoll_pwait:delay_enter=600000000"], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        tracer.kill()
        tracer.wait()


@contextlib.contextmanager
def taken_port():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        yield other.getsockname()[1]


def ends(bus, code):
    """It does not start, with that exit code."""
    bus.start(wait=False)
    assert bus.wait() == code, bus.log()
    bus.process = None


# ---- what does not start


@pytest.mark.plain
@pytest.mark.parametrize("glob", ["*.seg", "*/fold/data.mdb"], ids=["journal", "state"])
def test_without_room_to_start_it_says_where_and_is_tried_again(site, glob):
    bus = site()
    bus.start()
    bus.source("pas").send(message(1))
    bus.kill()
    if glob == "*.seg":
        bus.config["timezone"] = "UTC"  # new settings are an entry of their own
        bus.write_config()
    else:
        (bus.folder / "state/fold/data.mdb").unlink()
    bus.environment = faulty.fault_environment(f"{glob} write 1+ ENOSPC")
    ends(bus, 75)
    where, = log_rows.said(bus.log(), "START_NO_SPACE")
    assert where["path"].startswith(bus.config["state"])
    assert "STORAGE_FULL" not in bus.log_events() and "FOLD_NO_SPACE" not in bus.log_events()
    bus.environment = {}
    bus.start()
    assert bus.wait_folded().seq >= 2


@pytest.mark.plain
def test_without_a_network_of_its_own_it_names_the_listener_that_is_not_handed_over(site):
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    bus = site({"listen": {"intake": endpoint}}, environment=preloaded("lacking", CAREBUS_LACKS="network"))
    bus.write_keys(bus=curve_pair())
    ends(bus, 78)
    assert told(bus, "NO_NETWORK") == {"endpoint": endpoint}


@pytest.mark.plain
def test_without_encryption_no_door_is_opened_to_strangers(site):
    bus = site({"listen": {"intake": f"tcp://127.0.0.1:{free_port()}"}}, environment=preloaded("lacking", CAREBUS_LACKS="curve"))
    bus.write_keys(bus=curve_pair())
    ends(bus, 70)
    assert told(bus, "STRANGER_LET_IN") == {"result": "no-curve"}


def test_listener_that_is_handed_over_needs_the_buss_own_key(site):
    bus = site()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        step = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid());"
        step += "os.execv(sys.argv[2], sys.argv[2:])"
        bus.environment = {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "intake"}
        bus.wrapper = [sys.executable, "-c", step, str(listener.fileno())]
        bus.pass_fds = [listener.fileno()]
        ends(bus, 78)
    assert told(bus, "NO_BUS_KEY") == {}


# ---- serve


def live_at(bus, port):
    bus.config["teams"]["ward"]["live"] = f"tcp://127.0.0.1:{port}"
    bus.write_config()


def test_serve_that_cannot_do_what_its_first_configuration_says_does_not_say_that_it_goes_on(site):
    bus = site()
    bus.write_keys(bus=curve_pair())
    with taken_port() as port:
        live_at(bus, port)
        ends(bus, 78)
    reason = told(bus, "SERVE_CANNOT_START")["reason"]
    assert str(port) in reason
    assert "SERVE_KEPT_OLD" not in bus.log_events(), "there was none before"


def test_serve_that_cannot_do_what_a_new_configuration_says_goes_on_with_the_one_before(site):
    bus = site()
    bus.write_keys(bus=curve_pair())
    live_at(bus, free_port())
    bus.start()
    bus.source("pas").send(message(1))
    with taken_port() as port:
        live_at(bus, port)
        bus.reload()
        assert str(port) in told(bus, "SERVE_KEPT_OLD")["reason"]
    assert "SERVE_ENDED" not in bus.log_events()
    with Feed(bus, "ward") as feed:
        assert feed.open().opened()


@pytest.mark.plain
def test_serve_that_says_nothing_is_ended_and_intake_never_notices(site, tmp_path):
    clocks = Clocks(tmp_path)
    bus = site(environment=clocks.environment).start()
    hung = bus.serve_pid
    os.kill(hung, signal.SIGSTOP)
    clocks.write(95 * SECOND)
    assert told(bus, "SERVE_SILENT") == {"serve_pid": str(hung)}
    assert told(bus, "SERVE_ENDED") == {"how": "signal", "status": str(signal.SIGKILL.value)}
    assert "CLOCK_JUMPED" not in bus.log_events()
    receipt, = bus.source("pas").send(message(1))
    assert receipt.stored.seq


@STRACE
@pytest.mark.plain
@pytest.mark.root
def test_thread_of_serve_that_stands_still_ends_the_process_and_is_named(site):
    bus = site()
    clocks = Clocks(bus.folder)  # serve reads nothing beyond the folders of its configuration
    bus.environment = clocks.environment
    bus.start()
    first = bus.serve_pid
    with held(first, "zap"):
        time.sleep(11)  # serve looks every five seconds: by now it has seen the thread stand, and the others move
        clocks.write(61 * SECOND)
        assert told(bus, "SERVE_THREAD_STUCK", seconds=2 * ANSWER_SECONDS) == {"thread": "zap"}
        clocks.write(0)
    told(bus, "SERVE_READY", 2)
    assert bus.serve_pid != first


@pytest.mark.plain
def test_live_that_falls_far_behind_leaves_a_gap_and_says_which(site):
    bus = site({"journal": {"segment_bytes": "64 MiB"}}).start()
    pas = bus.source("pas")
    os.kill(bus.serve_pid, signal.SIGSTOP)
    n, step = 70_000, 2_000
    for begin in range(0, n, step):
        pas.send(*[intake_pb2.Submission(media_type="x-application/test", message_id=f"L{i}", original=b"L")
                   for i in range(begin, begin + step)])
    bus.wait_folded()
    os.kill(bus.serve_pid, signal.SIGCONT)
    gap = told(bus, "LIVE_FELL_BEHIND")
    assert int(gap["to"]) - int(gap["from"]) >= 65536
    assert "SERVE_ENDED" not in bus.log_events()


@pytest.mark.plain
def test_places_of_consumers_that_cannot_be_written_are_told_of_once_and_so_is_their_end(site):
    bus = site(environment=faulty.fault_environment("*/serve/cursors* sync 2 EIO; */serve/cursors* sync 3 EIO")).start()
    seqs = [receipt.stored.seq for receipt in bus.source("pas").send(*[message(i) for i in range(6)])]
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        for delivery in feed.take(len(seqs)):
            feed.ack(delivery)
    assert told(bus, "CURSORS_NOT_WRITTEN") == {"errno": os.strerror(errno.EIO)}
    assert told(bus, "CURSORS_WRITTEN_AGAIN") == {}
    assert bus.log_events().count("CURSORS_NOT_WRITTEN") == 1


@pytest.mark.plain
def test_what_a_team_holds_and_cannot_be_written_is_told_of_once(site):
    bus = site(environment=faulty.fault_environment("*/serve/records/* sync 1+ EIO")).start()
    pas = bus.source("pas")
    with Records(bus, "ward") as replica:
        replica.open()

        def held_back():
            pas.send(message(time.monotonic_ns()))
            while replica.step(0.1):
                pass
            return "LEDGER_NOT_WRITTEN" in bus.log_events()
        wait_for(held_back, what="the line that the ledger cannot be written")
        replica.open()
    assert told(bus, "LEDGER_NOT_WRITTEN") == {"team": "ward", "errno": os.strerror(errno.EIO)}
    assert bus.log_events().count("LEDGER_NOT_WRITTEN") == 1


def test_audit_that_ended_within_a_record_is_told_of_with_what_was_cut(site):
    bus = site().start()
    bus.source("pas").send(message(1))
    with Feed(bus, "ward") as feed:
        feed.open().opened()
        feed.take(1)
    bus.stop()
    segment = max((bus.folder / "state/serve/audit").glob("*.audit"))
    before = segment.read_bytes()
    end = len(before.rstrip(b"\0"))
    segment.write_bytes(before + b"\x40\0\0\0half a record" if end == len(before) else before[:end] + b"\x40\0\0\0half" + before[end + 8:])
    bus.start()
    assert int(told(bus, "AUDIT_CUT")["bytes"]) > 0
    assert list((bus.folder / "state/serve/audit").glob("torn-*"))


def test_figures_that_could_not_be_read_are_told_of_when_they_can(site):
    with taken_port() as port:
        bus = site({"metrics": f"127.0.0.1:{port}"}).start()
        assert told(bus, "FIGURES_NOT_LISTENING") == {"address": f"127.0.0.1:{port}", "errno": os.strerror(errno.EADDRINUSE)}
    assert told(bus, "FIGURES_LISTENING") == {"address": f"127.0.0.1:{port}"}


# ---- adapters of sources


@pytest.mark.plain
def test_sender_that_never_ends_its_message_is_named(site, tmp_path):
    clocks = Clocks(tmp_path)
    bus = site()
    mllp = Mllp(bus)
    bus.peers.append(mllp)
    bus.start()
    mllp.start(environment=clocks.environment)
    sender = mllp.sender()
    sender.send_raw(START + f"MSH|^~\\&|{CANARY}".encode())
    time.sleep(1.5)  # a turn of the adapter's clock: it has the first bytes
    clocks.write(61 * SECOND)
    fields = told(mllp, "SENDER_TIMED_OUT")
    assert fields["source"] == "pas" and fields["peer"].startswith("127.0.0.1:")


def test_adapter_that_cannot_note_what_it_reads_says_so_and_messages_go_on(site):
    bus = site()
    mllp = Mllp(bus)
    bus.peers.append(mllp)
    bus.start()
    (bus.folder / "state/adapters/pas/in-hand").mkdir(parents=True)
    mllp.start()
    assert told(mllp, "IN_HAND_NOT_KEPT") == {"source": "pas", "errno": os.strerror(errno.EISDIR)}
    assert mllp.sender().ask(adt("M1", family=CANARY)).code == "AA"


@pytest.mark.plain
def test_resources_that_cannot_be_remembered_are_told_of_once_and_messages_go_on(site):
    bus = site()
    fhir = Fhir(bus)
    bus.peers.append(fhir)
    bus.start()
    fhir.start(environment=faulty.fault_environment("*/adapters/epr/*.mdb any 20+ EIO"))
    for i in range(30):
        assert fhir.client().put(f"/Encounter/e{i}", encounter(f"e{i}", subject="Patient/p1")).status == 201
    assert told(fhir, "MEMORY_NOT_WRITTEN") == {"source": "epr", "errno": os.strerror(errno.EIO)}
    assert fhir.log().count("event=MEMORY_NOT_WRITTEN") == 1


def test_folder_whose_past_is_damaged_is_named_and_files_go_on(site):
    bus = site()
    hospice = Csv(bus)
    bus.peers.append(hospice)
    bus.start()
    hospice.start()
    hospice.drop("people.csv", f"local_id,family_name\nH1,{CANARY}\n")
    hospice.wait_gone("people.csv")
    hospice.stop()
    ledger = next(path for path in (bus.folder / "state").rglob("deliveries") if path.is_file())
    ledger.write_bytes(b"\xff" * 100)
    hospice.start()
    fields = told(hospice, "LEDGER_DAMAGED")
    assert fields["source"] == "hospice" and fields["folder"]
    hospice.drop("people.csv", f"local_id,family_name\nH2,{CANARY}\n")
    hospice.wait_gone("people.csv")


def test_original_that_cannot_be_read_again_is_named_by_its_number(site):
    """What waits says that it is a row of a table that this adapter does not know."""
    bus = site()
    hospice = Csv(bus)
    bus.peers.append(hospice)
    bus.start()
    unread = intake_pb2.Submission(media_type="text/csv", message_id="tables:1:1", original=f"a\n{CANARY}\n".encode())
    unread.problem.code = "parse-failed"
    other = bus.source("hospice")
    seq = other.send(unread)[0].stored.seq
    bus.wait_folded()
    other.close()
    bus.sources.remove(other)
    hospice.start()
    wait_for(lambda: "BUS_CONNECTED" in hospice.log(), what="the adapter at the bus")
    bus.ctl("quarantine", "retry", str(seq), "--who", "a", "--why", "b", check=0)
    fields = told(hospice, "RETRANSLATE_FAILED")
    assert fields["seq"] == str(seq) and fields["errno"]


# ---- destinations


def out_of(site, **more):
    destination = {"team": "ward", "adapter": "own", "tries": 3, "pause_max": "1s", "timeout": "2s", "window": 4}
    return site({"sharing": OPEN, "scope": EVERYBODY, "destinations": {"out": {**destination, **more}}})


class ScriptedReceiver(Receiver):
    def close(self):
        if self.process:
            assert self.stop() == 0, self.log()


def scripted(bus, *lines):
    receiver = ScriptedReceiver(bus)
    receiver.script(*lines)
    bus.peers.append(receiver)
    return receiver.start()


def test_destination_that_may_not_read_is_told_of_once_with_the_reason(site):
    """The adapter's configuration is newer than the bus's, in which there is no such team."""
    bus = out_of(site).start()
    bus.config["teams"]["hospice"] = {"name": "Hospice", "organisation": "RB1", "class": "clinical", "may_read": ["pas"]}
    bus.config["destinations"]["out"]["team"] = "hospice"
    bus.write_config()
    receiver = scripted(bus)
    fields = told(receiver, "DESTINATION_REFUSED")
    assert fields["destination"] == "out" and re.fullmatch(r"[a-z-]+", fields["reason"])
    bus.reload()
    bus.source("pas").send(said(1, 1, "V1"))
    receiver.wait_stays(["V1"])
    assert receiver.log().count("event=DESTINATION_REFUSED") == 1


def small_enough(bus):
    """Of its file system less is free than the greatest limit that the configuration takes."""
    room = os.statvfs(bus.folder)
    if room.f_bavail * room.f_frsize >= 1 << 40:
        pytest.skip("more is free here than a limit can say")


def test_what_cannot_be_put_aside_is_told_of_and_asked_again(site):
    """Core does not answer in time: whether it was put aside nobody knows."""
    bus = out_of(site).start()
    bus.source("pas").send(said(1, 1, "V1"))
    bus.wait_folded()
    os.kill(bus.pid, signal.SIGSTOP)
    try:
        receiver = scripted(bus, "V1 rejected AR")
        assert told(receiver, "PARK_NOT_TAKEN") == {"destination": "out", "reason": "try-later"}
    finally:
        os.kill(bus.pid, signal.SIGCONT)
    assert told(receiver, "DELIVERY_PARKED")["answer"] == "AR"
    waits = wait_for(lambda: items(bus), what="the item of the quarantine")
    assert [item["parked"]["answer"] for item in waits] == ["AR"]


def test_caller_of_the_facade_that_speaks_no_tls_is_named(site, certificates):  # noqa: F811
    port = free_port()
    bus = out_of(site)
    tokens = bus.folder / "tokens"
    tokens.write_text("0123456789abcdef0123456789abcdef wardsystem\n", encoding="ascii")
    tokens.chmod(0o600)
    bus.config["destinations"]["out"] = {"team": "ward", "adapter": "fhir", "facade": f"127.0.0.1:{port}", "facade_token": str(tokens),
                                         "tls": tls_settings(certificates)}
    bus.write_config()
    bus.start()
    facade = FhirDestination(bus).start()
    bus.peers.append(facade)
    facade.wait_log("FACADE_LISTENS")
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as caller:
        caller.sendall(f"GET /Patient?name={CANARY} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            while caller.recv(4096):
                pass
    fields = told(facade, "CALLER_REFUSED")
    assert fields["destination"] == "out" and fields["peer"].startswith("127.0.0.1")


# ---- storage


def send_until(bus, row):
    """One message after the other, so that the fold writes, until that row is there."""
    pas = bus.source("pas")
    numbers = itertools.count()

    def there():
        pas.submit(message(f"F{next(numbers)}"))
        return log_rows.said(bus.log(), row)
    return wait_for(there, what=lambda: f"{row} in\n{bus.log()[-3000:]}")[0]


@pytest.mark.plain
def test_state_without_room_waits_and_goes_on_and_both_are_told_of_with_the_place(site):
    bus = site(environment=faulty.fault_environment("*/fold/data.mdb write 60 ENOSPC")).start()
    waits = send_until(bus, "FOLD_NO_SPACE")
    resumed = told(bus, "FOLD_RESUMED")
    assert waits.keys() == resumed.keys() == {"seq"} and int(resumed["seq"]) >= int(waits["seq"]) > 0
    bus.wait_folded()


@pytest.mark.plain
def test_state_that_cannot_be_written_ends_the_daemon_and_names_place_and_cause(site):
    bus = site(environment=faulty.fault_environment("*/fold/data.mdb write 60 EIO")).start()
    fault = send_until(bus, "FOLD_FAULT")
    assert int(fault["seq"]) > 0 and fault["errno"] == os.strerror(errno.EIO)
    assert bus.wait() == 74
    bus.process = None


@pytest.mark.plain
def test_audit_that_cannot_be_synced_ends_serve_which_begins_again(site):
    bus = site()
    once = bus.folder / "state" / "serve" / "struck"
    bus.environment = {**faulty.fault_environment("*/serve/audit/*.audit sync 2 EIO"), "CAREBUS_FAULT_ONCE": str(once)}
    bus.start()
    bus.source("pas").send(message(1))

    def struck():
        bus.ctl("record", "carebus:pas", "P1")  # is audited, whoever asks
        return log_rows.said(bus.log(), "AUDIT_FAULT")
    assert wait_for(struck, what="a sync of the audit that fails") == [{"errno": os.strerror(errno.EIO)}]
    assert told(bus, "SERVE_THREAD_FAILED")["thread"]
    told(bus, "SERVE_READY", 2)


@pytest.mark.plain
def test_what_could_not_be_let_go_of_is_kept_told_of_and_tried_again(site, tmp_path):
    clocks = Clocks(tmp_path)
    failing = faulty.fault_environment("*/state/base/* sync 1 EIO")
    bus = site({"teams": test_scope.TEAMS, "sources": test_scope.SOURCES, "sharing": None,
                "scope": {"people": "related", "originals": "1s"}},
               environment={**failing, **clocks.environment, "LD_PRELOAD": f"{failing['LD_PRELOAD']}:{clocks.environment['LD_PRELOAD']}"})
    bus.start()
    bus.source("pas").send(test_scope.stay("M1"), test_scope.allergy("M2"))
    assert told(bus, "RETENTION_FAILED") == {"errno": os.strerror(errno.EIO)}
    assert test_scope.journal_has(bus, "AM2")
    clocks.write(61 * SECOND)
    sealed = told(bus, "BASE_SEALED")
    assert int(sealed["seq"]) > 0 and int(sealed["entries"]) > 0
    expired = told(bus, "ORIGINALS_EXPIRED")
    assert int(expired["entries"]) > 0
    assert not test_scope.journal_has(bus, "AM2")


def test_soft_limit_is_told_of_with_the_hard_one_and_its_end_too(site):
    bus = site()
    small_enough(bus)
    bus.config["storage"] = {"soft_bytes": "1024 GiB", "hard_bytes": "1 MiB"}
    bus.write_config()
    bus.start()
    low = told(bus, "STORAGE_LOW")
    assert low["hard_bytes"] == str(1 << 20) and int(low["free_bytes"]) > 0 and low["hours"] == "-1"
    bus.config["storage"]["soft_bytes"] = "2 MiB"
    bus.reload()
    assert int(told(bus, "STORAGE_AMPLE")["free_bytes"]) > 0


# ---- the log itself


def refuse_often(bus, n=40):
    for _ in range(n):
        with pytest.raises(BusError):
            bus.source("nobody-knows")


@pytest.mark.plain
def test_lines_that_were_left_out_are_told_of_within_a_minute_though_nothing_else_is_said(site, tmp_path):
    clocks = Clocks(tmp_path)
    bus = site(environment=clocks.environment).start()
    refuse_often(bus)
    clocks.write(61 * SECOND)
    left = told(bus, "LINES_LEFT_OUT")
    assert left["which"] == "SOURCE_REFUSED" and int(left["count"]) > 0
    assert bus.log_events()[-1] == "LINES_LEFT_OUT"


def test_lines_that_were_left_out_are_told_of_at_the_end_with_whose_they_were(site):
    bus = site().start()
    refuse_often(bus)
    bus.stop()
    n = bus.log_events().count("SOURCE_REFUSED")
    left = log_rows.said(bus.log(), "LINES_LEFT_OUT")
    assert {line["which"] for line in left} == {"SOURCE_REFUSED"} and {line["who"] for line in left} == {f"unix:{os.geteuid()}"}
    assert n >= 20 and n + sum(int(line["count"]) for line in left) == 40
