"""What a service manager sees: readiness, watchdog, reload, inherited listeners, exit codes."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from carebus_bus import CAREBUSD, SLOW, Bus, BusError, curve_pair, free_port, log_rows, submission, wait_for


def run(*arguments, **options):
    done = subprocess.run([str(CAREBUSD), *arguments], capture_output=True, text=True, timeout=60, check=False, **options)
    log_rows.hear(done.stderr)
    return done


def test_ready_is_said_when_it_can_take_in_and_give_out(make_bus):
    bus = make_bus().start()
    assert bus.status().ready
    assert bus.ctl("status").returncode == 0
    assert "READY=1" not in bus.read_notices()  # once, and that was waited for


def test_stop_is_announced_and_exits_0(bus):
    bus.process.terminate()
    assert bus.wait() == 0
    wait_for(lambda: "STOPPING=1" in bus.read_notices(), what="STOPPING=1")
    assert any(notice.startswith("EXTEND_TIMEOUT_USEC=") for notice in bus.notices)


def test_reload_is_announced_and_its_end_too(bus):
    bus.read_notices()
    bus.notices = []
    bus.process.send_signal(signal.SIGHUP)
    bus.wait_notice("RELOADING=1")
    wait_for(lambda: any(notice.startswith("MONOTONIC_USEC=") for notice in bus.read_notices()), what="MONOTONIC_USEC")
    bus.wait_notice("READY=1")


def test_many_reloads_at_once_leave_the_last_one_in_force(bus):
    pas = bus.source("pas")
    for turn in range(30):
        bus.config["sources"][f"extra-{turn}"] = {"team": "ward", "adapter": "own"}
        bus.write_config()
        bus.process.send_signal(signal.SIGHUP)
    pas.send(submission("A-1"))

    def last_is_known():
        try:
            return bus.source("extra-29", hello=False).hello()
        except BusError:
            time.sleep(0.1)
            return None
    assert wait_for(last_is_known, what="the last reload to be in force")
    assert bus.process.poll() is None


def test_carebusctl_reload_ends_with_what_became_of_it(bus):
    bus.config["sources"]["later"] = {"team": "ward", "adapter": "own"}
    bus.write_config()
    assert bus.ctl("reload", "--wait", check=0).stderr == ""
    assert bus.source("later").welcome
    good = dict(bus.config)
    bus.config["bus"] = "another-bus"
    bus.write_config()
    assert "restart" in bus.ctl("reload", "--wait", check=78).stderr
    bus.config["colour"] = "blue"
    bus.write_config()
    assert "colour" in bus.ctl("reload", "--wait", check=78).stderr
    bus.config = good
    bus.write_config()
    bus.ctl("reload", check=0)
    bus.ctl("reload", "--wait", check=0)
    assert bus.stop() == 0
    assert bus.ctl("reload", "--wait", check=69)
    bus.ctl("reload", "--now", check=64)


def test_figures_over_tcp_that_the_fence_would_not_let_through_need_a_restart(bus):
    """What was started without any listener may never make a socket of the internet again."""
    bus.config["metrics"] = f"127.0.0.1:{free_port()}"
    bus.write_config()
    assert "restart" in bus.ctl("reload", "--wait", check=78).stderr
    assert "setting=metrics" in bus.log() and "FIGURES_NOT_LISTENING" not in bus.log_events()
    assert bus.stop() == 0
    bus.start()
    socket.create_connection(("127.0.0.1", int(bus.config["metrics"].rpartition(":")[2])), timeout=60).close()


def test_a_reload_behind_a_restart_is_told_apart_from_those_before_it(bus):
    """The folder of sockets outlives a restart, and so does the verdict of the last reload in it."""
    name = bus.config["bus"]
    bus.config["bus"] = "another-bus"
    bus.write_config()
    bus.ctl("reload", "--wait", check=78)
    bus.config["bus"] = name
    bus.write_config()
    assert bus.stop() == 0
    bus.start()
    began = time.monotonic()
    bus.ctl("reload", "--wait", check=0)
    bus.config["colour"] = "blue"
    bus.write_config()
    bus.ctl("reload", "--wait", check=78)
    assert time.monotonic() - began < 60, "it waited for a verdict that had been given"


def test_status_line_says_what_is_stored_and_what_is_wrong(bus):
    bus.source("pas").send(submission("A-1"))
    bus.wait_folded()

    def said(text):
        bus.read_notices()
        return any(notice.startswith("STATUS=") and text in notice for notice in bus.notices)
    wait_for(lambda: said("2 entries, 0 to fold, 1 of 2 sources connected"), what=lambda: f"the counts in {bus.notices}")
    bus.config["colour"] = "blue"
    bus.write_config()
    bus.process.send_signal(signal.SIGHUP)
    wait_for(lambda: said("the last reload was refused"), what=lambda: f"what is wrong in {bus.notices}")


@pytest.mark.plain
@pytest.mark.nightly
def test_serve_that_hangs_is_ended_and_started_again_and_intake_never_notices(bus):
    serve = int(subprocess.run(["pgrep", "-P", str(bus.pid)], capture_output=True, text=True, check=True).stdout.split()[0])
    os.kill(serve, signal.SIGSTOP)
    pas = bus.source("pas")
    wait_for(lambda: "SERVE_SILENT" in bus.log_events(), 180, "core to notice")
    assert pas.send(submission("A-1"))[0].stored.seq == 2
    wait_for(lambda: bus.log_events().count("SERVE_READY") == 2, what="another serve")


@pytest.mark.plain
def test_watchdog_is_fed_while_all_threads_move_and_not_when_one_stands(make_bus):
    bus = make_bus()
    bus.environment = {"WATCHDOG_USEC": str(2_000_000 * SLOW)}
    bus.start()
    bus.wait_notice("WATCHDOG=1", 6 * SLOW)
    bus.wait_notice("WATCHDOG=1", 6 * SLOW)
    tasks = f"/proc/{bus.pid}/task"
    fold = next(tid for tid in os.listdir(tasks) if open(f"{tasks}/{tid}/comm", encoding="ascii").read().strip() == "fold")
    # One thread alone can be held still by a tracer only.
    tracer = subprocess.Popen(["strace", "-qq", "-p", fold, "-e", "trace=poll,ppoll", "-e", "inject=poll,ppoll:delay_enter=60000000"],
                              stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: "STUCK" in bus.log_events(), what="core to notice that a thread stands")
        bus.read_notices()
        bus.notices = []
        time.sleep(4 * SLOW)
        assert "WATCHDOG=1" not in bus.read_notices()
    finally:
        tracer.kill()
        tracer.wait()
        bus.kill()


def test_inherited_listener_takes_tcp_with_keys_and_refuses_strangers(make_bus):
    server, peer = curve_pair(), curve_pair()
    bus = make_bus()
    bus.write_keys(bus=server, pas=(peer[0], None))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    port = listener.getsockname()[1]
    bus.config["listen"] = {"intake": f"tcp://127.0.0.1:{port}"}
    bus.write_config()
    # LISTEN_PID has to be the daemon's own, and the descriptor 3: a step in between knows the one and sees to the other.
    step = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[2], sys.argv[2:])"
    bus.environment = {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "intake"}
    bus.wrapper = [sys.executable, "-c", step, str(listener.fileno())]
    bus.pass_fds = [listener.fileno()]
    bus.start()
    listener.close()
    good = bus.source("pas", endpoint=f"tcp://127.0.0.1:{port}", keys=(server[0], *peer))
    receipt, = good.send(submission("A-1"))
    assert receipt.stored.seq
    stranger = bus.source("pas", endpoint=f"tcp://127.0.0.1:{port}", keys=(server[0], *curve_pair()), hello=False)
    assert stranger.wait_event("HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_AUTH") == "HANDSHAKE_FAILED_AUTH"


def test_tcp_without_the_buss_own_key_does_not_start(make_bus):
    bus = make_bus({"listen": {"intake": "tcp://127.0.0.1:1"}})
    bus.start(wait=False)
    assert bus.wait() == 78
    bus.process = None
    assert "key new" in bus.log()


def test_address_that_is_taken_does_not_start(make_bus):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        bus = make_bus({"listen": {"intake": f"tcp://127.0.0.1:{other.getsockname()[1]}"}})
        bus.write_keys(bus=curve_pair())
        bus.start(wait=False)
        assert bus.wait() == 75
        bus.process = None
    assert "ADDRESS_TAKEN" in bus.log_events()


def test_check_is_the_code_of_the_start(make_bus):
    bus = make_bus()
    assert run("--config", str(bus.config_path), "--check").returncode == 0
    bus.config["sources"]["pas"]["colour"] = "blue"
    del bus.config["timezone"]
    bus.config["environment"] = "tset"
    bus.write_config()
    checked = run("--config", str(bus.config_path), "--check")
    assert checked.returncode == 78
    bus.start(wait=False)
    assert bus.wait() == 78
    bus.process = None
    assert checked.stderr == bus.log()
    assert "colour" in checked.stderr and "tset" in checked.stderr  # every mistake, not the first


@pytest.mark.parametrize("arguments, code, said", [
    (["--help"], 0, "SIGHUP"),
    (["--version"], 0, "carebusd "),
    (["--no-such-option"], 64, "--help"),
    (["argument"], 64, "--help"),
    (["--serve", "x"], 64, "--help"),
    (["--config"], 64, "--help"),
    (["--config", "/does/not/exist.yaml"], 78, "/does/not/exist.yaml"),
])
def test_command_line_says_what_it_takes(arguments, code, said):
    done = run(*arguments)
    assert done.returncode == code
    assert said in done.stdout + done.stderr


def test_serve_alone_ends_when_nobody_holds_the_other_end():
    ours, theirs = socket.socketpair()
    ours.close()
    os.set_inheritable(theirs.fileno(), True)
    done = run("--serve", str(theirs.fileno()), pass_fds=[theirs.fileno()])
    theirs.close()
    assert done.returncode in (0, 64, 69, 70, 78)


def test_dead_sockets_of_a_kill_are_in_nobodys_way(bus):
    for _ in range(3):
        bus.kill()
        bus.start()
    receipt, = bus.source("pas").send(submission("A-1"))
    assert receipt.stored.seq == 2


@pytest.mark.root
def test_sockets_can_be_reached_by_all_and_their_folders_entered(make_bus):
    before = os.umask(0o077)
    try:
        bus = make_bus().start()
    finally:
        os.umask(before)
    run_folder = bus.folder / "run"
    for path, mode in ((run_folder, 0o755), (run_folder / "live", 0o755), (run_folder / "intake", 0o666), (run_folder / "control", 0o666),
                       (run_folder / "feed", 0o666), (run_folder / "query", 0o666), (run_folder / "live" / "ward", 0o666)):
        assert path.stat().st_mode & 0o777 == mode, path
    assert (bus.folder / "state").stat().st_mode & 0o007 == 0


def test_path_of_a_socket_that_is_too_long_is_told_with_its_length(make_bus):
    bus = make_bus()
    bus.config["run"] = str(bus.folder / ("r" * 100))
    bus.write_config()
    bus.start(wait=False)
    assert bus.wait() == 78
    bus.process = None
    assert "107" in bus.log()


def test_state_of_another_fold_version_is_built_anew(bus):
    pas = bus.source("pas")
    receipts = pas.send(*[submission(f"A-{i}") for i in range(50)])
    digest = bus.ctl("rebuild", "--verify", check=0).stdout
    assert digest
    assert bus.stop() == 0
    for path in (bus.folder / "state" / "fold").iterdir():
        path.unlink()
    bus.start()
    assert bus.wait_folded().folded_seq == receipts[-1].stored.seq
    bus.ctl("rebuild", "--verify", check=0)


def test_state_beyond_the_journal_does_not_start(bus):
    bus.source("pas").send(*[submission(f"A-{i}") for i in range(20)])
    bus.wait_folded()
    assert bus.stop() == 0
    journal = bus.folder / "state" / "journal"
    journal.rename(bus.folder / "state" / "journal.away")
    bus.start(wait=False)
    assert bus.wait() == 74
    bus.process = None
    assert "beyond" in bus.log()
    subprocess.run(["rm", "-rf", str(journal)], check=True)
    (bus.folder / "state" / "journal.away").rename(journal)
    bus.start()
    assert bus.wait_folded().seq == 21


@pytest.mark.tsan
def test_stop_while_sources_send_is_clean_under_thread_sanitizer():
    with Bus() as bus:
        sources = [bus.source(name) for name in ("pas", "lab")]
        for turn in range(10):
            for source in sources:
                source.submit(*[submission(f"{source.name}-{turn}-{i}") for i in range(30)])
        assert bus.stop() == 0
