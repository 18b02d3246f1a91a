"""Runs of a bus in which a system call fails or ends the process, and what has to hold afterwards."""

import concurrent.futures
import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

import promises
from carebus_bus import ANSWER_SECONDS, BUILD, READY_SECONDS, Bus, BusError, Source, control_pb2, submission

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
