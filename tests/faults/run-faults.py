"""Runs the fault tests of the store and prints TAP: power cuts by replay, and every call failing in its turn.

usage: run-faults.py BUILD-FOLDER-OF-tests/faults
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(sys.argv[1])
SEGMENT = "16384"


class Failed(Exception):
    pass


class Scratch:
    """A folder with journal/ and state/ in it; in memory where that is possible, for nothing here asks a disk."""

    def __init__(self):
        where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="carebus-faults-", dir=where))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def folder(self, name):
        path = self.path / name
        for sub in ("journal", "state"):
            (path / sub).mkdir(parents=True, exist_ok=True)
        return path


def writer(folder, *options, state=False, environment=None):
    command = [BUILD / "journal-writer", "--journal", folder / "journal", "--segment-bytes", SEGMENT, *options]
    if state:
        command += ["--state", folder / "state"]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, **(environment or {})))


def said(output, word):
    numbers = [int(line.split()[1]) for line in output.splitlines() if line.startswith(word + " ")]
    return max(numbers, default=0)


def check(folder, output, state):
    command = [BUILD / "journal-check", "--journal", folder / "journal", "--segment-bytes", SEGMENT, "--go-on"]
    command += ["--acked", str(said(output, "ack"))]
    if state:
        command += ["--state", folder / "state", "--state-acked", str(said(output, "state"))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{done.stdout}{done.stderr} (exit {done.returncode})")


def record(scratch, folder, *options, state):
    recording = scratch.path / "recording"
    recording.unlink(missing_ok=True)
    environment = {
        "LD_PRELOAD": str(BUILD / "recshim.so"),
        "CAREBUS_RECORD": str(recording),
        "CAREBUS_RECORD_UNDER": str(folder),
    }
    done = writer(folder, *options, state=state, environment=environment)
    if done.returncode != 0:
        raise Failed(f"journal-writer: {done.stderr}")
    if said(done.stdout, "ack") == 0:
        raise Failed("nothing was written")
    return recording


def replay(recording, scratch, *options, state):
    command = [BUILD / "replay", "--recording", recording, "--scratch", scratch.folder("image"), "--segment-bytes", SEGMENT]
    done = subprocess.run(command + (["--state"] if state else []) + list(options), capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{done.stdout}{done.stderr} (exit {done.returncode})")
    return done.stdout.strip()


def power_cuts(state, *options):
    with Scratch() as scratch:
        recording = record(scratch, scratch.folder("live"), *options, state=state)
        return replay(recording, scratch, state=state)


def power_cuts_while_starting_after_one(state, at, seed):
    """The disk is torn in the middle of a run; the next run starts on that, and loses power at every moment of it, too."""
    with Scratch() as scratch:
        first = record(scratch, scratch.folder("live"), "--commits", "30", "--batch", "3", state=state)
        base = scratch.folder("base")
        emit = [BUILD / "replay", "--recording", first, "--scratch", base, "--emit", str(at), "--seed", str(seed)]
        subprocess.run(emit, check=True, capture_output=True)
        again = scratch.folder("again")
        shutil.copytree(base, again, dirs_exist_ok=True)
        recording = record(scratch, again, "--commits", "6", "--batch", "2", "--seal", state=state)
        return replay(recording, scratch, "--base", base, state=state)


def every_call(glob, call, action, state):
    """The n-th such call fails, for every n there is; what was acknowledged must be there afterwards."""
    options = ("--commits", "40", "--batch", "2", "--prepare", "--seal")
    tried = 0
    with Scratch() as scratch:
        counter = scratch.path / "count"
        total = None
        while total is None or tried < total:
            shutil.rmtree(scratch.path / "live", ignore_errors=True)
            folder = scratch.folder("live")
            environment = {
                "LD_PRELOAD": str(BUILD / "failshim.so"),
                "CAREBUS_FAULT": f"{glob} {call} {0 if total is None else tried + 1} {action}",
                "CAREBUS_FAULT_COUNT": str(counter),
            }
            done = writer(folder, *options, state=state, environment=environment)
            if total is None:
                if done.returncode != 0 or "sealed" not in done.stdout:
                    raise Failed(f"without a fault: {done.stderr}")
                total = int(counter.read_text())
                if total < 10:
                    raise Failed(f"only {total} calls to try")
                continue
            tried += 1
            killed = done.returncode == -signal.SIGKILL
            if killed != (action in ("kill", "killed", "torn")):
                raise Failed(f"call {tried}: exit {done.returncode} {done.stderr}")
            try:
                check(folder, done.stdout, state)
            except Failed as failed:
                raise Failed(f"call {tried} of {total}: {failed}") from failed
    return f"{tried} calls"


def a_misspelt_rule_is_refused():
    with Scratch() as scratch:
        for rule in ("*.seg write 1", "*.seg wrote 1 EIO", "*.seg write x EIO", "*.seg write 1 EOI"):
            environment = {"LD_PRELOAD": str(BUILD / "failshim.so"), "CAREBUS_FAULT": rule}
            done = writer(scratch.folder("live"), "--commits", "1", environment=environment)
            if done.returncode != 64:
                raise Failed(f"{rule!r}: exit {done.returncode}")
    return "4 rules"


def the_replay_finds_what_it_is_for():
    """A writer that acknowledges before the sync must be caught: the recording is changed so that it did."""
    with Scratch() as scratch:
        recording = record(scratch, scratch.folder("live"), "--commits", "8", state=False)
        data = recording.read_bytes()
        ops, at = [], 0
        while at < len(data):
            size = 24 + int.from_bytes(data[at + 16 : at + 20], "little") + int.from_bytes(data[at + 20 : at + 24], "little")
            ops.append(data[at : at + size])
            at += size
        kinds = [int.from_bytes(op[4:8], "little") for op in ops]
        last_ack = len(kinds) - 1 - kinds[::-1].index(8)
        sync = last_ack - 1
        if kinds[sync] != 3:
            raise Failed("a sync was expected before the acknowledgement")
        ops[sync], ops[last_ack] = ops[last_ack], ops[sync]
        recording.write_bytes(b"".join(ops))
        try:
            replay(recording, scratch, state=False)
        except Failed as failed:
            if "was acknowledged" in str(failed):
                return str(failed).strip()
            raise
        raise Failed("nothing was found")


def scenarios():
    yield "power may go at any moment of a journal's writing", lambda: power_cuts(
        False, "--commits", "60", "--batch", "1", "--prepare", "--seal"
    )
    yield "power may go while batches fill whole segments", lambda: power_cuts(False, "--commits", "20", "--batch", "40")
    yield "power may go while journal and state are written", lambda: power_cuts(
        True, "--commits", "40", "--batch", "2", "--prepare", "--seal"
    )
    for at, seed in ((95, 1), (160, 2), (201, 3)):
        yield f"power may go again while a start repairs (moment {at})", (
            lambda at=at, seed=seed: power_cuts_while_starting_after_one(True, at, seed)
        )
    yield "an acknowledgement before the sync is found", the_replay_finds_what_it_is_for
    for glob, call in (("*/journal/*", "any"), ("*/state/*", "any")):
        for action in ("EIO", "ENOSPC", "kill", "killed"):
            yield f"{call} call on {glob} may meet {action}", (
                lambda glob=glob, call=call, action=action: every_call(glob, call, action, True)
            )
    yield "any write of the journal may be torn", lambda: every_call("*/journal/*", "write", "torn", True)
    yield "a fault that is misspelt is refused", a_misspelt_rule_is_refused


def main():
    bad = 0
    tests = list(scenarios())
    print(f"1..{len(tests)}", flush=True)
    for number, (name, run) in enumerate(tests, 1):
        try:
            print(f"ok {number} - {name} ({' '.join(run().split())})", flush=True)
        except Failed as failed:
            bad += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in str(failed).splitlines():
                print(f"# {line}", flush=True)
    return 1 if bad else 0


sys.exit(main())
