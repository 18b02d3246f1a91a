"""A figure, and what all rows share: baselines that are taken once a run, and the words of the notes."""
import dataclasses
import time

from bus import CLIENT_CORE, SERVER_CORE, Failed


@dataclasses.dataclass
class Figure:
    """One line of the table. Where `value` is None there are only notes."""

    name: str
    value: float = None
    unit: str = ""
    baseline: float = None
    baseline_name: str = ""
    target: float = None
    best: float = None
    smaller_is_better: bool = False
    notes: list = dataclasses.field(default_factory=list)

    def against(self, baseline, name):
        self.baseline, self.baseline_name = baseline, name
        return self

    def at_least(self, target, best=None):
        self.target, self.best = target, best
        return self

    def at_most(self, target=None, best=None):
        self.target, self.best, self.smaller_is_better = target, best, True
        return self

    def note(self, *notes):
        self.notes += [note for note in notes if note]
        return self

    @property
    def ratio(self):
        return self.value / self.baseline if self.baseline else None

    def _reaches(self, target):
        return self.value <= target if self.smaller_is_better else self.value >= target

    @property
    def verdict(self):
        if self.target is None:
            return ""
        if not self._reaches(self.target):
            return "not reached"
        return "reached, and the next" if self.best is not None and self._reaches(self.best) else "reached"


class Run:
    """The tools, how long a figure may take, and baselines that were taken once."""

    def __init__(self, tools, seconds):
        self.tools, self.seconds, self.taken = tools, seconds, {}
        self.half = max(1, seconds // 2)

    def once(self, key, take):
        if key not in self.taken:
            self.taken[key] = take()
        return self.taken[key]

    def sync(self, batch=1):
        core = self.tools.core(SERVER_CORE)
        return self.once(("sync", batch), lambda: self.tools.baseline("sync", seconds=self.half, batch=batch, core=core))

    def zeromq(self, what, **options):
        cores = {"core": self.tools.core(CLIENT_CORE), "other_core": self.tools.core(SERVER_CORE)}
        taken = lambda: self.tools.baseline(what, folder=self.tools.sockets, seconds=self.half, **cores, **options)
        return self.once((what, *sorted(options.items())), taken)

    def load_port(self, port, connections, seconds=None):
        """The same load as the bus gets, on any MLLP server."""
        core = self.tools.core(CLIENT_CORE)
        options = {"seconds": seconds or self.half, "warm_up_ms": 200, "prefix": self.tools.prefix(), "core": core}
        return self.tools.run("load-mllp", port=port, connections=connections, **options)

    def sink(self, connections, sync=1):
        def take():
            with self.tools.sink(sync) as port:
                return self.load_port(port, connections)

        return self.once(("sink", connections, sync, self.tools.pin), take)


def plural(n, word):
    return f"{n} {word}{'' if n == 1 else 's'}"


def micros(latency, *names):
    words = {"p50_us": "median", "p90_us": "p90", "p99_us": "p99", "max_us": "max"}
    return ", ".join(f"{words[name]} {latency[name]:,.0f}" for name in names) + " us"


def all_micros(latency):
    return micros(latency, "p50_us", "p99_us", "max_us")


def two_micros(latency):
    return micros(latency, "p50_us", "p99_us")


def fold_behind(bus):
    """What is visible may be behind what is durable when the load ends: at length, the slower of the two is the pace."""
    status = bus.status()
    began, behind = time.monotonic(), int(status["seq"]) - int(status["folded_seq"])
    bus.settle()
    return f"the fold was {behind:,} behind, {time.monotonic() - began:.1f} s"


def costs(meter, n):
    dearest = meter.per_event(n)[:6]
    return "time on a core, us a message: " + ", ".join(f"{name} {each:.1f}" for name, each in dearest)


def must_be_stored(result):
    names = ("later", "never", "other", "refused", "duplicate", "quarantined")
    wrong = [f"{result[name]} {name}" for name in names if result.get(name)]
    if wrong:
        raise Failed("not all was simply stored: " + ", ".join(wrong))
    return result
