"""The rows: each takes its figure and its baseline in the same run and says how. A row is a function that gives Figures."""
import dataclasses
import re
import statistics
import subprocess
import time

import machine
import peer
from bus import ADAPTERS, CLIENT_CORE, SERVER_CORE, TEAMS, Bus, Failed, Meter


@dataclasses.dataclass
class Figure:
    """One line of the table. `ratio` is figure / baseline; `target` and `best` are of the design, None where it has none."""

    name: str
    value: float
    unit: str
    baseline: float = None
    baseline_name: str = ""
    target: float = None
    best: float = None
    smaller_is_better: bool = False
    notes: list = dataclasses.field(default_factory=list)

    @property
    def ratio(self):
        return self.value / self.baseline if self.baseline else None

    def reaches(self, target):
        return self.value <= target if self.smaller_is_better else self.value >= target

    @property
    def verdict(self):
        if self.target is None:
            return ""
        if not self.reaches(self.target):
            return "not reached"
        return "reached, and the next" if self.best is not None and self.reaches(self.best) else "reached"


class Run:
    """What rows share: the tools, how long they may take, and baselines that were taken once."""

    def __init__(self, tools, seconds, full=False):
        self.tools, self.seconds, self.full, self.taken = tools, seconds, full, {}

    def baseline(self, what, seconds=None, **options):
        key = (what, *sorted(options.items()))
        if key not in self.taken:
            seconds = seconds or max(1, self.seconds // 2)
            self.taken[key] = self.tools.baseline(what, seconds=seconds, **options)
        return self.taken[key]

    def sync(self):
        return self.baseline("sync", core=self.tools.core(SERVER_CORE))

    def zeromq(self, what, **options):
        return self.baseline(what, folder=self.tools.sockets, core=self.tools.core(CLIENT_CORE), other_core=self.tools.core(SERVER_CORE), **options)

    def sink(self, connections, sync=1):
        key = ("sink", connections, sync)
        if key not in self.taken:
            with self.tools.sink(sync) as port:
                self.taken[key] = self.tools.run(
                    "load-mllp", port=port, connections=connections, seconds=max(1, self.seconds // 2), warm_up_ms=200,
                    core=self.tools.core(CLIENT_CORE), prefix=self.tools.prefix(),
                )
        return self.taken[key]


def micros(latency, *names):
    words = {"p50_us": "median", "p99_us": "p99", "max_us": "max", "p90_us": "p90"}
    return ", ".join(f"{words[name]} {latency[name]:,.0f}" for name in names) + " us"


def fold_behind(bus):
    """How far what is visible was behind what was durable when the load ended: at length, the slower of the two is the pace."""
    status = bus.status()
    began, behind = time.monotonic(), int(status["seq"]) - int(status["folded_seq"])
    bus.settle()
    return f"the fold was {behind:,} behind, {time.monotonic() - began:.1f} s"


def costs(meter, n):
    return "time on a core, us a message: " + ", ".join(f"{name} {each:.1f}" for name, each in meter.per_event(n)[:6])


def must_be_stored(result):
    wrong = {name: result[name] for name in ("later", "never", "other", "refused", "duplicate", "quarantined") if result.get(name)}
    if wrong:
        raise Failed("not all was simply stored: " + ", ".join(f"{n} {name}" for name, n in wrong.items()))


# ---- 1, 2: HL7 over MLLP ----


def row_mllp(run):
    targets = {64: (20000, 40000), 8: (10000, None), 1: (None, None)}
    figures = []
    with Bus(run.tools, ["hl7-1"]) as bus:
        for connections, (target, best) in targets.items():
            with Meter(bus) as meter:
                result = bus.load_mllp(connections=connections, seconds=run.seconds, warm_up_ms=500)
                behind = fold_behind(bus)
            must_be_stored(result)
            if bus.status()["quarantine"]["open"]:
                raise Failed("messages went to the quarantine")
            sink = run.sink(connections)
            figures.append(Figure(
                f"HL7 over MLLP, {connections} connection{'s' if connections > 1 else ''}", result["per_second"], "msg/s", sink["per_second"],
                "bare sink, one sync a batch", target, best,
                notes=[micros(result["latency"], "p50_us", "p99_us", "max_us") + f" (sink {micros(sink['latency'], 'p50_us', 'p99_us')}); {behind}", costs(meter, result["accepted"])],
            ))
    one = run.sync()
    group = run.baseline("sync", batch=64, core=run.tools.core(SERVER_CORE))
    figures[0].notes.append(f"disk alone, 1 KB: {one['per_second']:,.0f}/s a sync each, {group['per_second']:,.0f}/s by 64 a sync")
    return figures


def row_mllp_unpinned(run):
    """Where the scheduler puts things: nothing is pinned."""
    run.tools.pin, pinned = False, run.tools.pin
    try:
        with Bus(run.tools, ["hl7-1"]) as bus:
            result = bus.load_mllp(connections=64, seconds=run.seconds, warm_up_ms=500)
        must_be_stored(result)
        with run.tools.sink() as port:
            sink = run.tools.run("load-mllp", port=port, connections=64, seconds=max(1, run.seconds // 2), warm_up_ms=200, prefix=run.tools.prefix())
    finally:
        run.tools.pin = pinned
    return [Figure("the same, nothing pinned, 64 connections", result["per_second"], "msg/s", sink["per_second"], "bare sink, one sync a batch", 20000, 40000,
                   notes=[micros(result["latency"], "p50_us", "p99_us", "max_us")])]


def row_latency(run):
    """One connection, one in flight: what lies between the wire and the disk. By turns with the bare disk, whose mood changes."""
    tools, seconds = run.tools, max(1, run.seconds // 3)
    wholes, libraries, syncs = [], [], []
    wire = run.sink(1, sync=0)["latency"]["p50_us"]
    ping = run.zeromq("ping-pong")["latency"]["p50_us"]
    with Bus(tools, ["hl7-1"]) as bus:
        with Meter(bus) as meter:
            for _ in range(3):
                syncs.append(tools.baseline("sync", seconds=1, core=tools.core(SERVER_CORE)))
                wholes.append(bus.load_mllp(connections=1, seconds=seconds, warm_up_ms=200))
                must_be_stored(wholes[-1])
        for _ in range(2):
            libraries.append(bus.load_intake(source="bench", window=1, seconds=seconds, warm_up_ms=200))
            must_be_stored(libraries[-1])
    median = lambda results, name="p50_us": statistics.median(result["latency"][name] for result in results)
    whole, library, sync, translate = median(wholes), median(libraries), median(syncs), translate_micros(run)
    share = lambda us: f"{us:,.0f} us ({100 * us / whole:.0f} %)"
    hops = [
        f"wire there and back, with nobody behind it {share(wire)}",
        f"adapter {share(whole - library - wire)}" + (f", {translate:,.0f} us of it translating" if translate else ""),
        f"ZeroMQ there and back {share(ping)}", f"bus without ZeroMQ and sync {share(library - ping - sync)}", f"sync {share(sync)}",
    ]
    return [Figure("latency above a bare fdatasync, 1 connection", whole - sync, "us", sync, "fdatasync of 1 KB, median of three turns", 250, 150, smaller_is_better=True,
                   notes=["hops, as differences of medians: " + "; ".join(hops),
                          f"whole: median {whole:,.0f}, p99 {median(wholes, 'p99_us'):,.0f}, max {max(w['latency']['max_us'] for w in wholes):,.0f} us; by libcarebus alone: "
                          f"median {library:,.0f}, p99 {median(libraries, 'p99_us'):,.0f} us", costs(meter, sum(w["accepted"] for w in wholes))])]


def translate_micros(run):
    """By the translator's own bench, where it is built."""
    program = run.tools.build / "bench/bench-translate"
    if not program.exists():
        return None
    found = re.search(r"translate.*?([0-9.]+) us", subprocess.run([program], capture_output=True, text=True, timeout=60).stdout)
    return float(found[1]) if found else None


def row_peer(run):
    """simple-hl7 of the npm registry: a server that writes and syncs each message before it acknowledges."""
    figures = []
    with peer.simple_hl7(run.tools) as port, Bus(run.tools, ["hl7-1"]) as bus:
        for connections in (64, 8, 1):
            load = dict(connections=connections, seconds=max(1, run.seconds // 2), warm_up_ms=500)
            theirs = run.tools.run("load-mllp", port=port, core=run.tools.core(CLIENT_CORE), prefix=run.tools.prefix(), **load)
            ours = bus.load_mllp(**load)
            figures.append(Figure(f"against simple-hl7, {connections} connection{'s' if connections > 1 else ''}", ours["per_second"], "msg/s", theirs["per_second"],
                                  "simple-hl7, a sync each", notes=[f"theirs {micros(theirs['latency'], 'p50_us', 'p99_us')}; ours {micros(ours['latency'], 'p50_us', 'p99_us')}"]))
    return figures


# ---- 3, 4: canonical events ----


def row_intake(run):
    figures = []
    pipeline = run.zeromq("pipeline", window=256, batch=64)
    with Bus(run.tools) as bus:
        for adapters in (1, ADAPTERS):
            with Meter(bus) as meter:
                result = bus.load_intake(adapters=adapters, window=256, seconds=run.seconds, warm_up_ms=300)
                behind = fold_behind(bus)
            must_be_stored(result)
            figures.append(Figure(
                f"intake by libcarebus, 256 in flight, {adapters} adapter{'s' if adapters > 1 else ''}", result["per_second"], "events/s", pipeline["per_second"],
                "ZeroMQ alone, the same shape", 60000, 100000,
                notes=[micros(result["latency"], "p50_us", "p99_us", "max_us") + f"; {result['bytes_each']:,.0f} bytes each; {behind}", costs(meter, result["stored"])],
            ))
    return figures


def count_syncs(pids, seconds):
    """fdatasync and fsync calls of processes, counted by the kernel; None where perf may not."""
    command = ["perf", "stat", "-x,", "-e", "syscalls:sys_enter_fdatasync,syscalls:sys_enter_fsync", "-p", ",".join(map(str, pids)), "--", "sleep", str(seconds)]
    try:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except OSError:
        return None


def row_disk(run):
    """At saturation: how often the disk is waited for, and how much is written to it."""
    with Bus(run.tools) as bus:
        before, written = bus.journal(), machine.bytes_written(run.tools.disk)
        counter = count_syncs(list(bus.pids()), run.seconds)
        result = bus.load_intake(adapters=ADAPTERS, window=256, seconds=run.seconds)
        counted = re.findall(r"^(\d+),", counter.communicate()[1], re.M) if counter else []
        bus.settle()
        must_be_stored(result)
        bus.stop()
        subprocess.run(["sync", "-f", run.tools.disk], check=False)
        after, now_written = bus.journal(), machine.bytes_written(run.tools.disk)
    entries, batches = after["last_seq"] - before["last_seq"], after["batches"] - before["batches"]
    note = f"{batches:,} batches of the journal for {entries:,} entries, a sync each"
    if counted:
        note += f"; the kernel counted {sum(map(int, counted)):,} calls meanwhile, those of the state's commits included"
    figures = [Figure("fdatasync of the journal per event at saturation", batches / entries, "", 1, "one each", 1 / 50, smaller_is_better=True, notes=[note])]
    if written is not None:
        each = (now_written - written) / entries
        figures.append(Figure("written to the disk per 1 KB event", each, "bytes", result["bytes_each"], "what came in", 2500, smaller_is_better=True,
                              notes=["all sectors of the device, by whomever: journal, zeros ahead of it, state, file system, and other programs"]))
    return figures


# ---- 5: to the teams ----


def read(bus, mode, teams, **options):
    options.setdefault("core", bus.tools.core(CLIENT_CORE))
    process = bus.tools.start("read-stream", run=bus.run, mode=mode, teams=teams, team="team" if teams > 1 else "team-1", **options)
    if process.stdout.readline().strip() != "ready":
        raise Failed(process.stderr.read().strip() or "the readers did not become ready")
    return process


def row_live(run):
    bare = run.zeromq("fan-out", teams=TEAMS)
    with Bus(run.tools) as bus:
        process = read(bus, "live", TEAMS, idle_ms=1500)
        with Meter(bus) as meter:
            sent = bus.load_intake(source="bench", window=256, seconds=max(2, run.seconds // 2))
            bus.settle()
        result = bus.tools.finish(process, "read-stream")
    must_be_stored(sent)
    lost = sent["stored"] * TEAMS - result["deliveries"]
    return [Figure(f"live to {TEAMS} teams", result["per_second"], "deliveries/s", bare["per_second"], "ZeroMQ PUB alone", 200000,
                   notes=[f"{result['deliveries']:,} of {sent['stored'] * TEAMS:,} arrived, {lost:,} were dropped, {result['gaps']:,} gaps shown; "
                          f"intake took {sent['per_second']:,.0f}/s meanwhile", costs(meter, sent["stored"])])]


def row_feeds(run):
    n = 10000 * run.seconds
    figures = []
    with Bus(run.tools) as bus:
        must_be_stored(bus.load_intake(adapters=ADAPTERS, window=256, count=n // ADAPTERS))
        bus.settle()
        for teams, count in ((TEAMS, n // 5), (1, n)):
            with Meter(bus) as meter:
                result = bus.tools.finish(read(bus, "feed", teams, consumer=f"bench-{teams}", count=count), "read-stream")
            figures.append(Figure(f"feeds that acknowledge, {teams} team{'s' if teams > 1 else ''}", result["per_second"], "deliveries/s",
                                  run.zeromq("pipeline", window=256, batch=64)["per_second"], "ZeroMQ alone, the same shape", 100000,
                                  notes=[f"{result['deliveries']:,} deliveries of {result['bytes_each']:,.0f} bytes, acknowledged every 64", costs(meter, result["deliveries"])]))
    return figures


# ---- 6: the state, and much of it ----


def row_rebuild(run):
    n = 20000 * run.seconds
    with Bus(run.tools) as bus:
        must_be_stored(bus.load_intake(adapters=ADAPTERS, window=256, count=n // ADAPTERS))
        entries = bus.settle()
        bus.stop()
        began = time.monotonic()
        verified = bus.ctl("journal", "verify")
        verify = time.monotonic() - began
        began = time.monotonic()
        rebuilt = bus.ctl("rebuild", "--verify")
        took = time.monotonic() - began
        if verified.returncode != 0 or rebuilt.returncode != 0:
            raise Failed(f"rebuild --verify: {(rebuilt.stderr or rebuilt.stdout).strip()}")
        ready = bus.start_daemon()
    return [Figure("rebuild of the state from the journal", entries / took, "events/s", entries / verify, "journal verify", 100000,
                   notes=[f"{entries:,} entries in {took:.1f} s, with the comparison of digests; start to ready afterwards {ready:.2f} s"])]


def row_million(run):
    """--full: a million events about 100,000 persons."""
    with Bus(run.tools) as bus:
        must_be_stored(bus.load_intake(adapters=ADAPTERS, window=256, count=250000, persons=100000))
        entries = bus.settle(timeout=600)
        memory = {name: machine.memory_anonymous(pid) for pid, name in bus.pids().items()}
        bus.stop()
        readies = []
        for _ in range(3):
            readies.append(bus.start_daemon())
            fresh = {name: machine.memory_anonymous(pid) for pid, name in bus.pids().items()}
            bus.stop()
    said = lambda sizes: ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes.items())
    return [
        Figure("start to ready with 1 million events", statistics.median(readies), "s", target=1, smaller_is_better=True, notes=[f"{entries:,} entries; three starts: {', '.join(f'{r:.2f}' for r in readies)} s"]),
        Figure("memory of the daemon with 1 million events, 100,000 persons", sum(memory.values()) / 1e6, "MB", target=50, smaller_is_better=True,
               notes=[f"anonymous, page cache aside, after taking them in: {said(memory)}; after a start: {said(fresh)}"]),
    ]


# ---- 7: fairness ----


def row_fairness(run):
    rate, figures = 50, []
    # Nothing pinned: two adapters on one core would measure the scheduler.
    with Bus(run.tools, ["hl7-1", "hl7-2"], pin=False) as bus:
        # Connections enough that no message waits for one of its own source.
        lone = dict(source="hl7-2", connections=50, rate=rate)
        alone = bus.load_mllp(seconds=run.seconds // 2 + 1, warm_up_ms=300, **lone)
        flood = run.tools.start("load-mllp", port=bus.ports["hl7-1"], connections=100, in_flight=1000, count=100000, prefix=run.tools.prefix())
        time.sleep(0.3)
        beside = bus.load_mllp(seconds=run.seconds // 2 + 1, **lone)
        flooded = run.tools.finish(flood, "load-mllp")
        bus.settle()
    must_be_stored(flooded)
    must_be_stored(beside)
    for name, title in (("p50_us", "median"), ("p99_us", "p99")):
        figures.append(Figure(f"lone messages beside a flood of 100,000, {title}", beside["latency"][name], "us", alone["latency"][name], "without the flood", smaller_is_better=True,
                              notes=[f"{rate} messages/s of one source (from when each was due); another source's 100,000 took {flooded['seconds']:.1f} s, each {micros(flooded['latency'], 'p50_us')}"] if name == "p50_us" else []))
    return figures


# ---- 8: parts alone ----


def row_parts(run):
    ping = run.zeromq("ping-pong")
    figures = [Figure("bare ZeroMQ ping-pong", ping["per_second"], "round trips/s", notes=[micros(ping["latency"], "p50_us", "p99_us")])]
    for name in ("bench-journal", "bench-fold", "bench-translate"):
        program = run.tools.build / "bench" / name
        if not program.exists():
            continue
        done = subprocess.run([program], capture_output=True, text=True, timeout=120, cwd=run.tools.disk)
        figures.append(Figure(name, float(done.returncode), "exit", notes=[line.strip() for line in done.stdout.splitlines() if line.strip()]))
    return figures


ROWS = {
    "mllp": row_mllp,
    "mllp-unpinned": row_mllp_unpinned,
    "latency": row_latency,
    "peer": row_peer,
    "intake": row_intake,
    "disk": row_disk,
    "live": row_live,
    "feeds": row_feeds,
    "rebuild": row_rebuild,
    "fairness": row_fairness,
    "parts": row_parts,
}
FULL_ROWS = {"million": row_million}
