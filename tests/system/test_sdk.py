"""What a vendor is promised: the examples run as they are, and a reader's stream has neither gap nor repeat."""

import os
import signal
import subprocess
import threading
import time

import pytest

from carebus_bus import ANSWER_SECONDS, BUILD, ROOT, SLOW, submission, wait_for
from carebus_readers import GRANTS

EXAMPLES = ROOT / "sdk" / "examples"


def python_example(name, *arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "tests" / "python")}
    return subprocess.run(["/usr/bin/python3", str(EXAMPLES / name), *arguments], env=environment, capture_output=True, text=True,
                          timeout=60 * SLOW, check=False, **options)


def c_example(name, *arguments):
    return subprocess.run([str(BUILD / "sdk" / name), *arguments], capture_output=True, text=True, timeout=60 * SLOW, check=False)


class Reader:
    """The C example of a reader, left running; its lines as they come."""

    def __init__(self, bus, consumer="desk", live=True, count=1000000):
        self.lines = []
        self.process = subprocess.Popen(
            [str(BUILD / "sdk" / "example-read"), bus.endpoint("feed"), bus.endpoint("live/ward") if live else "", "ward",
             consumer, str(count)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            place, kind = line.split()[:2]
            if kind not in GRANTS:
                self.lines.append(place)

    def wait(self, count, seconds=ANSWER_SECONDS):
        wait_for(lambda: len(self.lines) >= count, seconds, f"{count} events; there are {len(self.lines)}")
        return list(self.lines)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()


@pytest.fixture
def make_reader(bus):
    made = []

    def make(**options):
        made.append(Reader(bus, **options))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def places(first, last):
    return [f"{seq}.0" for seq in range(first, last + 1)]


def test_examples_are_short_enough_to_be_read_at_a_sitting():
    for path in EXAMPLES.iterdir():
        # A replica keeps what it was told and proves it; who brings events on keeps who waits.
        limit = {"records": 140, "deliver": 130}.get(path.stem, 80)
        assert len(path.read_text(encoding="utf-8").splitlines()) <= limit, path.name


def test_c_example_submits_and_reads(bus):
    done = c_example("example-submit", bus.endpoint("intake"), "pas", "M1", "H1")
    assert (done.returncode, done.stdout.split()) == (0, ["stored", "2"]), done.stderr
    again = c_example("example-submit", bus.endpoint("intake"), "pas", "M1", "H1")
    # A second later it is another time, and so another message under the same id; within the second it is a repeat.
    assert again.stdout.split()[0] in ("stored", "duplicate")
    read = c_example("example-read", bus.endpoint("feed"), bus.endpoint("live/ward"), "ward", "desk", "1")
    assert (read.returncode, read.stdout) == (0, "2.0 encounter.admitted pas p2.0\n")


def test_c_example_takes_a_number_of_any_length(bus):
    """It is what a vendor begins with: what it packs has the room that it needs."""
    done = c_example("example-submit", bus.endpoint("intake"), "pas", "M1", "H" * 5000)
    assert (done.returncode, done.stdout.split()[0]) == (0, "stored"), (done.returncode, done.stderr)


def test_python_example_submits_and_reads(bus):
    done = python_example("submit.py", bus.endpoint("intake"), "pas", "M1", "H1")
    assert (done.returncode, done.stdout.split()) == (0, ["stored", "2"]), done.stderr
    read = python_example("read.py", bus.endpoint("feed"), "ward", "desk", "1")
    assert (read.returncode, read.stdout) == (0, "2.0 encounter.admitted pas p2.0\n"), read.stderr


def test_name_that_the_bus_does_not_know_is_refused_with_a_reason(bus):
    done = python_example("submit.py", bus.endpoint("intake"), "nobody-knows", "M1", "H1")
    assert done.returncode == 1 and "unknown-source" in done.stderr
    read = c_example("example-read", bus.endpoint("feed"), "", "nobody-knows", "desk", "1")
    assert read.returncode == 77 and "unknown-team" in read.stderr


def test_reader_resumes_behind_what_it_acknowledged(bus):
    pas = bus.source("pas")
    pas.send(*[submission(f"A-{i}") for i in range(10)])
    bus.wait_folded()
    # Beside each stay, that the ward has to do with somebody new.
    first = c_example("example-read", bus.endpoint("feed"), bus.endpoint("live/ward"), "ward", "desk", "7")
    second = c_example("example-read", bus.endpoint("feed"), bus.endpoint("live/ward"), "ward", "desk", "13")
    read = [line.split()[:2] for line in (first.stdout + second.stdout).splitlines()]
    assert [place for place, kind in read if kind not in GRANTS] == places(2, 11)
    assert len(read) == 20


@pytest.mark.parametrize("live", [True, False])
def test_stream_has_no_gap_and_no_repeat_over_deaths_of_serve(bus, make_reader, live):
    reader = make_reader(live=live)
    pas = bus.source("pas")
    sent = 0
    for _ in range(3):
        pas.send(*[submission(f"A-{sent + i}") for i in range(20)])
        sent += 20
        reader.wait(sent)
        os.kill(bus.serve_pid, signal.SIGKILL)
        pas.send(*[submission(f"A-{sent + i}") for i in range(20)])
        sent += 20
    assert reader.wait(sent, ANSWER_SECONDS + 20) == places(2, sent + 1)


def test_stream_has_no_gap_and_no_repeat_over_the_death_of_the_bus(bus, make_reader):
    reader = make_reader()
    bus.source("pas").send(*[submission(f"A-{i}") for i in range(20)])
    reader.wait(20)
    bus.kill()
    bus.start()
    bus.source("pas").send(*[submission(f"B-{i}") for i in range(20)])
    assert reader.wait(40, ANSWER_SECONDS + 20) == places(2, 41)


def test_reader_that_was_asleep_gets_everything_when_it_wakes(bus, make_reader):
    reader = make_reader()
    pas = bus.source("pas")
    pas.send(submission("A-0"))
    reader.wait(1)
    os.kill(reader.process.pid, signal.SIGSTOP)
    for block in range(10):
        pas.send(*[submission(f"B-{block}-{i}") for i in range(100)])
    os.kill(reader.process.pid, signal.SIGCONT)
    assert reader.wait(1001, ANSWER_SECONDS + 20) == places(2, 1002)


def test_two_readers_of_a_team_each_get_everything(bus, make_reader):
    readers = [make_reader(consumer=name) for name in ("desk", "wall")]
    bus.source("pas").send(*[submission(f"A-{i}") for i in range(50)])
    assert [reader.wait(50) for reader in readers] == [places(2, 51)] * 2


def test_source_library_sends_again_what_has_no_receipt_and_the_bus_counts_it_once(bus):
    """The library holds a submission through a bus that is away, and gets one receipt for it."""
    bus.kill()
    waiting = subprocess.Popen([str(BUILD / "sdk" / "example-submit"), bus.endpoint("intake"), "pas", "M1", "H1"],
                               stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    bus.start()
    out, _ = waiting.communicate(timeout=ANSWER_SECONDS)
    assert out.split()[0] == "stored"
    bus.wait_folded()
    assert [line["source_message_id"] for line in bus.ctl_json("tail")
            if line.get("source") == "pas" and line["type"] not in GRANTS] == ["M1"]
