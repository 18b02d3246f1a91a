"""Runs of a bus in which a system call fails or ends the process, and what has to hold afterwards."""

import collections
import concurrent.futures
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

import promises
from carebus_bus import ANSWER_SECONDS, BUILD, READY_SECONDS, Bus, BusError, Source, control_pb2, submission, wait_for
from engine import Engine
from mllp_peer import Mllp

EXIT_STORAGE, EXIT_LATER = 74, 75
# One or several in a Submit: batches of several sizes. 20 messages in all.
PACES = (1, 1, 2, 3, 5, 8)
ONE_BY_ONE = (1,) * 20
# As small as it may be, so that 20 messages of ORIGINAL_BYTES fill several segments.
SEGMENT = "64 KiB"
ORIGINAL_BYTES = 8000


def failshim():
    """The library that makes calls fail: see its head comment."""
    path = BUILD / "tests" / "faults" / "failshim.so"
    assert path.exists(), f"{path} is not built"
    return path


def fault_environment(rules, count=None):
    """What makes a program fail as the rules say; `count` names a file for the number of calls that matched the first."""
    environment = {"LD_PRELOAD": str(failshim()), "CAREBUS_FAULT": rules}
    if count:
        environment["CAREBUS_FAULT_COUNT"] = str(count)
    return environment


def original(message_id):
    """Bytes that no compression makes small, always the same for an id."""
    return random.Random(message_id).randbytes(ORIGINAL_BYTES)


class MemoryBus(Bus):
    """A bus whose files lie in memory where that is possible: what is asked of these runs is not the disk's speed."""

    def __init__(self, **options):
        where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.made = tempfile.mkdtemp(prefix="carebus-", dir=where)
        super().__init__({"journal": {"reserve_bytes": 0, "segment_bytes": SEGMENT}}, folder=self.made, **options)

    def close(self):
        try:
            super().close()
        finally:
            shutil.rmtree(self.made, ignore_errors=True)


class Ended(Exception):
    """The daemon is gone."""


class PatientSource(Source):
    """A source that sends again what was refused for now, and notices when the daemon is gone."""

    def __init__(self, bus, name="pas"):
        self.bus = bus
        self.n_later = 0
        self.places = {}  # message id -> seq
        super().__init__(bus.endpoint("intake"), name)

    def receive(self, seconds=ANSWER_SECONDS):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = super().receive(0.02)
            if message is not None:
                return message
            if self.bus.process.poll() is not None:
                raise Ended
        return None

    def deliver(self, ids):
        """Until all of them have a place: in order, in one Submit, again what was refused for now."""
        ids = list(ids)
        end = time.monotonic() + ANSWER_SECONDS
        while ids:
            numbers = self.submit(*[submission(message_id, original(message_id)) for message_id in ids])
            refused = None
            for message_id, receipt in zip(list(ids), self.wait_receipts(len(numbers))):
                kind = receipt.WhichOneof("result")
                if kind == "refused":
                    assert not receipt.refused.permanent, f"{message_id}: refused for ever, {receipt.refused.reason}"
                    refused = refused or receipt
                    continue
                assert refused is None, f"{message_id} was taken though {refused.number} before it was refused"
                self.places[message_id] = receipt.stored.seq if kind == "stored" else receipt.duplicate.of
                ids.remove(message_id)
            if refused:
                self.n_later += 1
                self.next_number = refused.number
                assert time.monotonic() < end, f"refused for too long: {refused.refused.reason}"
                time.sleep(min(0.2, refused.refused.retry_after_ms / 1000))


def run_ids(paces):
    ids, number = [], 0
    for pace in paces:
        ids.append([f"M-{number + i}" for i in range(pace)])
        number += pace
    return ids


def wait_folded_or_ended(bus):
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(BusError):
            status = bus.request(seconds=0.3, status=control_pb2.StatusRequest()).status
            if status.folded_seq == status.seq:
                return
        if bus.process.poll() is not None:
            raise Ended
        time.sleep(0.002)
    raise BusError("the fold does not catch up")


class Outcome:
    def __init__(self):
        self.ready = self.complete = False
        self.exit_code = None  # None: it had to be ended
        self.places, self.attempted = {}, []
        self.n_later = 0
        self.log = ""


def faulty_run(bus, paces=PACES, stop=False):
    """Starts the bus under its faults, hands in 20 messages, ends it: by SIGKILL, or with `stop` cleanly."""
    outcome = Outcome()
    source = None
    try:
        bus.start()
        outcome.ready = True
        source = PatientSource(bus)
        for ids in run_ids(paces):
            outcome.attempted += ids
            source.deliver(ids)
        wait_folded_or_ended(bus)  # the fold's own calls are part of the run
        outcome.complete = True
    except (BusError, Ended) as error:
        try:
            bus.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            raise BusError(f"the daemon neither answers nor ends: {error}\n{bus.log()[-4000:]}") from None
    finally:
        if source:
            outcome.places, outcome.n_later = source.places, source.n_later
            source.close()
        if bus.process.poll() is None and stop and outcome.complete:
            os.kill(bus.pid, signal.SIGTERM)
            bus.wait(READY_SECONDS)
        outcome.exit_code = bus.process.poll()
        bus.kill()
        outcome.log = bus.log()
    return outcome


def check_afterwards(bus, outcome, paces=PACES):
    """A restart without faults loses nothing, counts nothing twice, and takes the rest."""
    bus.environment = {}
    bus.start()
    try:
        source = PatientSource(bus)
        try:
            everything = [message_id for ids in run_ids(paces) for message_id in ids]
            source.deliver(everything)
        finally:
            source.close()
        for message_id, seq in outcome.places.items():
            assert source.places[message_id] == seq, f"{message_id} was acknowledged as {seq} and is {source.places[message_id]} now"
        _, seqs = promises.check_bus(bus, "pas", everything, everything)
        assert seqs == source.places
        promises.check_sent_order(seqs, everything, "pas")
    finally:
        bus.kill()


def count_calls(rule, paces=PACES):
    """How many calls match the rule: until all is folded, and in all with a clean stop."""
    bus = MemoryBus()
    counter = bus.folder / "count"
    try:
        bus.environment = fault_environment(f"{rule} 0 EIO", counter)
        counts = {}
        for stop in (False, True):
            counter.unlink(missing_ok=True)
            outcome = faulty_run(bus, paces, stop)
            assert outcome.complete, outcome.log[-2000:]
            counts[stop] = int(counter.read_text()) if counter.exists() else 0
            subprocess.run(["rm", "-rf", bus.config["state"]], check=True)
        return counts[False], max(counts[True], counts[False])
    finally:
        bus.close()


def try_one(rule, n, action, stop, judge, paces=PACES):
    """One case: whether the fault struck, and what was wrong, or None."""
    bus = MemoryBus()
    counter = bus.folder / "count"
    bus.environment = fault_environment(f"{rule} {n} {action}", counter)
    struck = False
    try:
        outcome = faulty_run(bus, paces, stop)
        struck = int(counter.read_text()) >= n
        judge(outcome)
        check_afterwards(bus, outcome, paces)
        return struck, None
    except Exception as error:
        # What belongs to one number is worth more in one place than a trace back through threads.
        return struck, f"--- {rule} {n} {action}: {type(error).__name__}: {error}\n{bus.log()[-3000:]}"
    finally:
        with contextlib.suppress(Exception):
            bus.close()


def try_all(rule, action, judge, paces=PACES, workers=3):
    """Every N of the rule; returns how many there were, and raises with all that failed."""
    running, stopped = count_calls(rule, paces)
    # The fold commits by what has come meanwhile, so no two runs have quite the same number of calls: a few more.
    cases = [(n, False) for n in range(1, running + 3)] + [(n, True) for n in range(running + 1, stopped + 3)]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(lambda case: try_one(rule, case[0], action, case[1], judge, paces), cases))
    wrong = [text for _, text in results if text]
    assert not wrong, f"{len(wrong)} of {len(cases)}\n" + "\n".join(wrong[:5])
    struck = sum(one for one, _ in results)
    assert struck >= running * 2 // 3, f"only {struck} of {len(cases)} faults struck: the runs are not alike"
    return f"{len(cases)} cases, {struck} struck"


class Load:
    """A bus, its adapter, and engines that send until they are told yes."""

    def __init__(self, bus, n_engines=4, limit=None, pause=0.005):
        self.bus, self.mllp = bus, Mllp(bus)
        self.engines = [Engine(self.mllp.port, f"e{i}", window=(1, 1, 4)[i % 3], pause=pause, limit=limit) for i in range(n_engines)]
        self.started = False

    def start(self):
        self.bus.start()
        self.start_senders()
        return self

    def start_senders(self):
        self.mllp.start()
        for engine in self.engines:
            engine.start()
        self.started = True

    def n_acked(self):
        return sum(len(engine.acked) for engine in self.engines)

    def n_later(self):
        return sum(engine.n_later for engine in self.engines)

    def progress(self, more, seconds=2 * ANSWER_SECONDS):
        aim = self.n_acked() + more
        wait_for(lambda: self.n_acked() >= aim, seconds, f"{more} more acknowledgements")

    def finish_and_check(self):
        for engine in self.engines:
            engine.finish(3 * ANSWER_SECONDS) if engine.limit is None else engine.join(3 * ANSWER_SECONDS)
            assert not engine.is_alive() and engine.problems == []
        sent = [message_id for engine in self.engines for message_id in engine.sent]
        assert sorted(sent) == sorted(message_id for engine in self.engines for message_id in engine.acked)
        _, seqs = promises.check_bus(self.bus, "pas", sent, sent)
        for engine in self.engines:
            if engine.window == 1 or engine.n_later == 0:
                promises.check_sent_order(seqs, engine.sent, engine.name)

    def close(self):
        for engine in self.engines:
            engine.abandon()
        if self.mllp.process:
            self.mllp.close()


# ---- strace


def can_strace():
    look = ["strace", "-qq", "-e", "trace=none", "true"]
    return shutil.which("strace") and subprocess.run(look, capture_output=True, check=False).returncode == 0


def strace(calls, output, *options):
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={calls}", "-o", str(output), *options]


def traced_pid(bus):
    """Of core. Not from the lock file: on a full disk that may be empty."""
    tracer = bus.process.pid
    with open(f"/proc/{tracer}/task/{tracer}/children", encoding="ascii") as children:
        return int(children.read().split()[0])


def traced_run(bus, load):
    """200 messages of four engines; the daemon is started again without a tracer when it ends. Its exit code, or None."""
    code = None
    try:
        bus.start()
    except BusError:
        pass
    else:
        load.start_senders()

    def ended_or_done():
        return bus.process.poll() is not None or all(not engine.is_alive() for engine in load.engines)
    if bus.process.poll() is None:
        wait_for(ended_or_done, 4 * ANSWER_SECONDS, "the run to end")
        with contextlib.suppress(Ended):  # the fold's own calls may be what fails
            wait_folded_or_ended(bus)
    code = bus.process.poll()
    if code is None:
        for pid in (traced_pid(bus), bus.serve_pid):  # not the tracer: it would let them go on
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        bus.process.wait(READY_SECONDS)
    bus._ended()
    bus.wrapper = []
    bus.start()
    if not load.started:
        load.start_senders()
    return code


def count_traced(calls):
    """How many of each call the busiest thread of core makes in such a run."""
    bus = MemoryBus()
    output = bus.folder / "strace.out"
    load = Load(bus, limit=50, pause=0)
    try:
        bus.wrapper = strace(",".join(calls), output)
        traced_run(bus, load)
        load.finish_and_check()
        by_thread = collections.Counter()
        for line in output.read_text(encoding="utf-8", errors="replace").splitlines():
            match = re.match(r"(\d+)\s+(\w+)\(", line)
            if match:
                by_thread[match.groups()] += 1
        counts = {call: max((n for (_, name), n in by_thread.items() if name == call), default=0) for call in calls}
        assert all(counts.values()), counts
        return counts
    finally:
        load.close()
        bus.close()


def trace_one(case):
    call, what, n = case
    bus = MemoryBus()
    load = Load(bus, limit=50, pause=0)
    try:
        bus.wrapper = strace(call, "/dev/null", "-e", f"inject={call}:{what}:when={n}")
        code = traced_run(bus, load)
        assert code in (None, EXIT_STORAGE, EXIT_LATER, -signal.SIGKILL, 128 + signal.SIGKILL), f"exit {code}"
        load.finish_and_check()
        return code is not None, None
    except Exception as error:
        return False, f"--- {call} {what} when={n}: {type(error).__name__}: {error}\n{bus.log()[-3000:]}"
    finally:
        load.close()
        with contextlib.suppress(Exception):
            bus.close()


def trace_all(cases, workers=3):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(trace_one, cases))
    wrong = [text for _, text in results if text]
    assert not wrong, f"{len(wrong)} of {len(cases)}\n" + "\n".join(wrong[:5])
    ended = sum(one for one, _ in results)
    assert ended >= len(cases) // 4, f"only {ended} of {len(cases)} faults ended the daemon: they did not strike"
    print(f"{len(cases)} cases, {ended} ended the daemon")
