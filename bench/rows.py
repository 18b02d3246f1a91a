"""The rows: each takes its figures and their baselines in the same run, and says how. A row is a function that gives Figures."""
import re
import statistics
import subprocess
import time

import machine
import peer
from bus import ADAPTERS, CLIENT_CORE, SERVER_CORE, TEAMS, Bus, Failed, Meter
from figure import Figure, all_micros, costs, fold_behind, micros, must_be_stored, plural, two_micros

SINK = "bare sink, one sync a batch"
PIPELINE = "ZeroMQ alone, the same shape"


# ---- HL7 over MLLP ----


def row_mllp(run):
    targets = {64: (20000, 40000), 8: (10000, None), 1: (None, None)}
    figures = []
    with Bus(run.tools, ["hl7-1"]) as bus:
        for connections, target in targets.items():
            with Meter(bus) as meter:
                result = bus.load_mllp(connections=connections, seconds=run.seconds, warm_up_ms=500)
                behind = fold_behind(bus)
            must_be_stored(result)
            if bus.status()["quarantine"]["open"]:
                raise Failed("messages went to the quarantine")
            sink = run.sink(connections)
            figure = Figure(f"HL7 over MLLP, {plural(connections, 'connection')}", result["per_second"], "msg/s")
            figure.against(sink["per_second"], SINK).at_least(*target)
            figure.note(f"{all_micros(result['latency'])} (sink {two_micros(sink['latency'])}); {behind}")
            figures.append(figure.note(costs(meter, result["accepted"])))
    one, group = run.sync()["per_second"], run.sync(batch=64)["per_second"]
    figures[0].note(f"the disk alone, 1 KB: {one:,.0f}/s with a sync each, {group:,.0f}/s with one for 64")
    return figures


def row_mllp_unpinned(run):
    """Where the scheduler puts things."""
    pinned, run.tools.pin = run.tools.pin, False
    try:
        with Bus(run.tools, ["hl7-1"]) as bus:
            result = must_be_stored(bus.load_mllp(connections=64, seconds=run.seconds, warm_up_ms=500))
        sink = run.sink(64)
    finally:
        run.tools.pin = pinned
    figure = Figure("the same, nothing pinned, 64 connections", result["per_second"], "msg/s").at_least(20000, 40000)
    return [figure.against(sink["per_second"], SINK).note(all_micros(result["latency"]))]


def measure_latency(run, bus):
    """The whole way, the library alone and the bare disk by turns: the mood of a disk changes from second to second."""
    seconds, turns = max(1, run.seconds // 3), 3 if run.seconds > 2 else 1
    wholes, libraries, syncs = [], [], []
    with Meter(bus) as meter:
        for _ in range(turns):
            syncs.append(run.tools.baseline("sync", seconds=1, core=run.tools.core(SERVER_CORE)))
            wholes.append(must_be_stored(bus.load_mllp(connections=1, seconds=seconds, warm_up_ms=200)))
    for _ in range(turns):
        libraries.append(must_be_stored(bus.load_intake(source="bench", window=1, seconds=seconds, warm_up_ms=200)))
    return wholes, libraries, syncs, meter


def row_latency(run):
    """One connection, one in flight: what lies between the wire and the disk."""
    wire = run.sink(1, sync=0)["latency"]["p50_us"]
    ping = run.zeromq("ping-pong")["latency"]["p50_us"]
    with Bus(run.tools, ["hl7-1"]) as bus:
        wholes, libraries, syncs, meter = measure_latency(run, bus)
    median = lambda results, name="p50_us": statistics.median(result["latency"][name] for result in results)
    share = lambda us: f"{us:,.0f} us ({100 * us / whole:.0f} %)"
    whole, library, sync, translating = median(wholes), median(libraries), median(syncs), translate_micros(run)
    if whole < sync:
        raise Failed(f"the bare disk ({sync:,.0f} us) was slower than the whole way ({whole:,.0f} us): something else uses it")
    hops = [
        f"wire there and back, with nobody behind it {share(wire)}",
        f"adapter {share(whole - library - wire)}" + (f", {translating:,.0f} us of it translating" if translating else ""),
        f"ZeroMQ there and back {share(ping)}",
        f"bus without ZeroMQ and sync {share(library - ping - sync)}",
        f"sync {share(sync)}",
    ]
    figure = Figure("latency above a bare fdatasync, 1 connection", whole - sync, "us").at_most(250, 150)
    figure.against(sync, "fdatasync of 1 KB, by turns with it").note("hops, as differences of medians: " + "; ".join(hops))
    figure.note(
        f"whole: median {whole:,.0f}, p99 {median(wholes, 'p99_us'):,.0f} us; "
        f"by libcarebus alone: median {library:,.0f}, p99 {median(libraries, 'p99_us'):,.0f} us"
    )
    return [figure.note(costs(meter, sum(w["accepted"] for w in wholes)))]


def translate_micros(run):
    """By the translator's own bench, where it is built and there is time for it."""
    program = run.tools.build / "bench/bench-translate"
    if not program.exists() or run.seconds < 3:
        return None
    found = re.search(r"translate.*?([0-9.]+) us", subprocess.run([program], capture_output=True, text=True, timeout=60).stdout)
    return float(found[1]) if found else None


def row_peer(run):
    """simple-hl7 of the npm registry: a server that writes and syncs each message before it acknowledges."""
    figures = []
    with peer.simple_hl7(run.tools) as port, Bus(run.tools, ["hl7-1"]) as bus:
        for connections in (64, 8, 1):
            theirs = run.load_port(port, connections)
            ours = must_be_stored(bus.load_mllp(connections=connections, seconds=run.half, warm_up_ms=200))
            figure = Figure(f"against simple-hl7, {plural(connections, 'connection')}", ours["per_second"], "msg/s")
            figure.against(theirs["per_second"], "simple-hl7, a sync each")
            figures.append(figure.note(f"theirs {two_micros(theirs['latency'])}; ours {two_micros(ours['latency'])}"))
    return figures


# ---- canonical events ----


def row_intake(run):
    figures = []
    pipeline = run.zeromq("pipeline", window=256, batch=64)["per_second"]
    with Bus(run.tools) as bus:
        for adapters in (1, ADAPTERS):
            with Meter(bus) as meter:
                result = bus.load_intake(adapters=adapters, window=256, seconds=run.seconds, warm_up_ms=300)
                behind = fold_behind(bus)
            must_be_stored(result)
            figure = Figure(f"intake by libcarebus, 256 in flight, {plural(adapters, 'adapter')}", result["per_second"], "events/s")
            figure.against(pipeline, PIPELINE).at_least(60000, 100000)
            figure.note(f"{all_micros(result['latency'])}; {result['bytes_each']:,.0f} bytes each; {behind}")
            figures.append(figure.note(costs(meter, result["stored"])))
    return figures


def count_syncs(pids, seconds):
    """Counts fdatasync and fsync calls of processes, by the kernel; None where perf is not there."""
    events = "syscalls:sys_enter_fdatasync,syscalls:sys_enter_fsync"
    command = ["perf", "stat", "-x,", "-e", events, "-p", ",".join(map(str, pids)), "--", "sleep", str(seconds)]
    try:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except OSError:
        return None


def row_disk(run):
    """At saturation: how often the disk is waited for, and how much is written to it."""
    disk = run.tools.disk
    with Bus(run.tools) as bus:
        before, written = bus.journal(), machine.bytes_written(disk)
        counter = count_syncs(list(bus.pids()), run.seconds)
        result = must_be_stored(bus.load_intake(adapters=ADAPTERS, window=256, seconds=run.seconds))
        counted = re.findall(r"^(\d+),", counter.communicate()[1], re.M) if counter else []
        bus.settle()
        bus.stop()
        subprocess.run(["sync", "-f", disk], check=False)
        after, now_written = bus.journal(), machine.bytes_written(disk)
    entries, batches = after["last_seq"] - before["last_seq"], after["batches"] - before["batches"]
    syncs = Figure("fdatasync of the journal per event at saturation", batches / entries).at_most(1 / 50).against(1, "one each")
    syncs.note(f"{batches:,} batches of the journal for {entries:,} entries, a sync each")
    if counted:
        syncs.note(f"the kernel counted {sum(map(int, counted)):,} calls meanwhile, those of the state's commits included")
    if written is None:
        return [syncs]
    each = Figure("written to the disk per 1 KB event", (now_written - written) / entries, "bytes").at_most(2500)
    each.against(result["bytes_each"], "what came in")
    each.note("all sectors of the device, whoever wrote them: journal, zeros ahead of it, state, file system, other programs")
    return [syncs, each]


# ---- to the teams ----


def read(bus, mode, teams, **options):
    """Starts readers and waits until they are connected."""
    team = "team" if teams > 1 else "team-1"
    core = bus.tools.core(CLIENT_CORE)
    process = bus.tools.start("read-stream", run=bus.run, mode=mode, teams=teams, team=team, core=core, **options)
    if process.stdout.readline().strip() != "ready":
        raise Failed(process.stderr.read().strip() or "the readers did not become ready")
    return process


def row_live(run):
    bare = run.zeromq("fan-out", teams=TEAMS)
    with Bus(run.tools) as bus:
        process = read(bus, "live", TEAMS, idle_ms=1500)
        with Meter(bus) as meter:
            sent = must_be_stored(bus.load_intake(source="bench", window=256, seconds=run.half))
            bus.settle()
        result = bus.tools.finish(process, "read-stream")
    all_there = sent["stored"] * TEAMS
    figure = Figure(f"live to {TEAMS} teams", result["per_second"], "deliveries/s").at_least(200000)
    figure.against(bare["per_second"], "ZeroMQ PUB alone, to as many")
    figure.note(
        f"{result['deliveries']:,} of {all_there:,} arrived, {all_there - result['deliveries']:,} were dropped, "
        f"{result['gaps']:,} gaps shown; intake took {sent['per_second']:,.0f}/s meanwhile"
    )
    return [figure.note(costs(meter, sent["stored"]))]


def read_feeds(bus, teams, count, title):
    with Meter(bus) as meter:
        process = read(bus, "feed", teams, consumer=f"bench-{teams}", count=count)
        result = bus.tools.finish(process, "read-stream")
    figure = Figure(f"feeds that acknowledge, {plural(teams, 'team')}{title}", result["per_second"], "deliveries/s").at_least(100000)
    figure.note(f"{result['deliveries']:,} deliveries of {result['bytes_each']:,.0f} bytes, acknowledged every 64")
    return figure.note(costs(meter, result["deliveries"]))


def row_feeds(run):
    """Team 1 owns the sources: the first event of each person brings it the record so far in a delivery of its own, so where each event
    is of somebody new every second delivery is a record."""
    n = 10000 * run.seconds
    pipeline = run.zeromq("pipeline", window=256, batch=64)["per_second"]
    figures = []
    for persons, title in ((None, ""), (max(1, n // ADAPTERS // 20), ", 20 events a person")):
        with Bus(run.tools) as bus:
            must_be_stored(bus.load_intake(adapters=ADAPTERS, window=256, count=n // ADAPTERS, persons=persons))
            bus.settle()
            figures += [read_feeds(bus, teams, count, title) for teams, count in ((TEAMS, n // 5), (1, n))]
    return [figure.against(pipeline, PIPELINE) for figure in figures]


# ---- the state, and much of it ----


def row_rebuild(run):
    with Bus(run.tools) as bus:
        must_be_stored(bus.load_intake(adapters=ADAPTERS, window=256, count=20000 * run.seconds // ADAPTERS))
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
    figure = Figure("rebuild of the state from the journal", entries / took, "events/s").at_least(100000)
    figure.against(entries / verify, "journal verify")
    return [figure.note(f"{entries:,} entries in {took:.1f} s, with verifying the journal and comparing digests; "
                        f"start to ready afterwards {ready:.2f} s")]


def part(run, name, *arguments):
    """What a part's own bench printed."""
    program = run.tools.build / "bench" / name
    done = subprocess.run([program, "--folder", run.tools.disk, *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise Failed(f"{name} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def rate_in(printed, title):
    return float(re.search(rf"^{re.escape(title)} +([0-9]+) /s", printed, re.M)[1])


def row_fold(run):
    """By itself, as a rebuild does it; beside it reading the same journal."""
    printed = part(run, "bench-fold", "--entries", str(20000 * run.seconds))
    reading = rate_in(printed, "read the journal and unpack")
    title = "fold (a rebuild, digest included)", "fold, people told apart by names"
    bare, named = (Figure(text, rate_in(printed, text), "entries/s").at_least(100000) for text in title)
    bare.against(reading, "reading the journal and unpacking its entries")
    return [bare, named.against(bare.value, "the fold without names").note(printed.splitlines()[0])]


def row_record(run):
    """What a shared record costs to read, and to keep."""
    printed = part(run, "bench-record", "--persons", str(400 * run.seconds))
    unpacking = rate_in(printed, "unpack what is stored")
    read = Figure("records read, with their digest", rate_in(printed, "read a record, with its digest"), "records/s")
    stored, canonical = map(int, re.search(r"(\d+) bytes stored, (\d+) bytes canonical", printed).groups())
    size = Figure("kept of a record", stored, "bytes").against(canonical, "its canonical bytes, as a feed delivers them")
    return [read.against(unpacking, "unpacking what is stored of it").note(printed.splitlines()[0]), size.at_most()]


def row_sharing(run):
    """What it costs to ask who may see an event: once a team, and once a delivery of a part of it."""
    printed = part(run, "bench-sharing", "--rounds", str(200000 * run.seconds))
    nanos = lambda title: 1e9 / rate_in(printed, title)
    copy, unpacking = nanos("copy the event's bytes"), nanos("unpack the event")
    asked = Figure("whether a team may see an event", nanos("ask whether a team may see it"), "ns").at_most(1000)
    found = Figure("what is sensitive in an event", nanos("find what is sensitive in it"), "ns").at_most(20000)
    cut = Figure("an event seen in part, with unpacking it", nanos("unpack it and leave out what is not shown"), "ns").at_most(20000)
    return [asked.against(copy, "copying its bytes").note(printed.splitlines()[0]),
            found.against(unpacking, "unpacking it"), cut.against(unpacking, "unpacking it")]


def row_million(run):
    """--full: a million events about 100,000 persons."""
    memory_of = lambda bus: {name: machine.memory_anonymous(pid) for pid, name in bus.pids().items()}
    with Bus(run.tools) as bus:
        must_be_stored(bus.load_intake(adapters=ADAPTERS, window=256, count=1000000 // ADAPTERS, persons=100000 // ADAPTERS))
        entries = bus.settle(timeout=600)
        after_intake, readies = memory_of(bus), []
        bus.stop()
        for _ in range(3):
            readies.append(bus.start_daemon())
            after_start = memory_of(bus)
            bus.stop()
    said = lambda sizes: ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes.items())
    ready = Figure("start to ready with 1 million events", statistics.median(readies), "s").at_most(1)
    memory = Figure("memory of the daemon, 1 million events, 100,000 persons", sum(after_intake.values()) / 1e6, "MB").at_most(50)
    return [
        ready.note(f"{entries:,} entries; three starts after clean stops: {', '.join(f'{r:.2f}' for r in readies)} s"),
        memory.note(f"anonymous, page cache aside, when all was taken in: {said(after_intake)}; after a start: {said(after_start)}"),
    ]


# ---- fairness ----


def row_fairness(run):
    rate, seconds = 50, run.half
    # Connections enough that no message waits for one of its own source.
    lone = {"source": "hl7-2", "connections": 50, "rate": rate}
    # Nothing pinned: two adapters on one core would measure the scheduler.
    with Bus(run.tools, ["hl7-1", "hl7-2"], pin=False) as bus:
        alone = must_be_stored(bus.load_mllp(seconds=seconds, warm_up_ms=300, **lone))
        waiting = {"connections": 100, "in_flight": 1000, "count": 100000}
        flood = run.tools.start("load-mllp", port=bus.ports["hl7-1"], prefix=run.tools.prefix(), **waiting)
        time.sleep(0.3)
        beside = must_be_stored(bus.load_mllp(seconds=seconds, **lone))
        flooded = must_be_stored(run.tools.finish(flood, "load-mllp"))
        bus.settle()
    median, p99 = (
        Figure(f"lone messages beside a flood of 100,000, {title}", beside["latency"][name], "us")
        .at_most().against(alone["latency"][name], "without the flood")
        for title, name in (("median", "p50_us"), ("p99", "p99_us"))
    )
    median.note(
        f"{rate} messages/s of one source, counted from when each was due; the 100,000 of another source took "
        f"{flooded['seconds']:.1f} s, and each of them {micros(flooded['latency'], 'p50_us')}"
    )
    return [median, p99]


# ---- parts alone ----


def row_parts(run):
    ping = run.zeromq("ping-pong")
    figures = [Figure("bare ZeroMQ ping-pong", ping["per_second"], "round trips/s").note(two_micros(ping["latency"]))]
    for name in ("bench-journal", "bench-translate"):
        program = run.tools.build / "bench" / name
        if not program.exists():
            continue
        done = subprocess.run([program], capture_output=True, text=True, timeout=120, cwd=run.tools.disk)
        if done.returncode != 0:
            raise Failed(f"{name} ended with {done.returncode}: {done.stderr.strip()}")
        figures.append(Figure(name).note(*(line.rstrip() for line in done.stdout.splitlines() if line.strip())))
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
    "fold": row_fold,
    "record": row_record,
    "sharing": row_sharing,
    "fairness": row_fairness,
    "parts": row_parts,
}
FULL_ROWS = {"million": row_million}
