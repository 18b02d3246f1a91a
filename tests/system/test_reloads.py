"""Reloads one after another while messages come in and go out: nothing is lost, and nobody whose part did not change is disconnected."""

import copy
import threading
import time

import pytest
import yaml
from carebus_bus import BusError, Source, submission, wait_for
from carebus_readers import Feed, Live, place

GOOD, WRONG = 0, 78
WINDOW = 20
AHEAD = 200  # so far the sender may be before the reader of the feed


class Traffic:
    """One source, one feed and one live stream that stay connected all the while; each in a thread of its own."""

    def __init__(self, bus):
        self.over = threading.Event()
        self.acknowledged = []
        self.fed, self.lived = [], []
        self.source = bus.source("pas")
        self.feed = Feed(bus, "ward", "steady")
        self.feed.open().opened()
        self.live = Live(bus, "ward")
        self.failed = []
        self.threads = [threading.Thread(target=self._keep, args=(work,)) for work in (self._send, self._read, self._listen)]
        for thread in self.threads:
            thread.start()

    def _keep(self, work):
        try:
            work()
        except Exception as error:  # noqa: BLE001 told by the test that waits for it
            self.failed.append(error)

    def _send(self):
        while not self.over.is_set():
            number = len(self.acknowledged)
            if number - len(self.fed) > AHEAD:
                time.sleep(0.01)
                continue
            ids = [f"M-{number + i}" for i in range(WINDOW)]
            self.source.send(*(submission(message_id) for message_id in ids))
            self.acknowledged += ids

    def _read(self):
        while not self.over.is_set() or len(self.fed) < len(self.acknowledged):
            message = self.feed.hear(1)
            if message is None or not message.HasField("delivery"):
                continue
            self.fed.append(message.delivery)
            if len(self.fed) % 100 == 0:
                self.feed.credit(200)  # words on relationships, which are passed over here, need some too
                self.feed.ack(message.delivery, wait=False)

    def _listen(self):
        while not self.over.is_set():
            message = self.live.hear(1)
            if message and not message[1].place_only:
                self.lived.append(message[1])

    def end(self, seconds):
        """Stops the sender and waits until the feed has given all that was acknowledged."""
        self.over.set()
        for thread in self.threads:
            thread.join(seconds)
        assert not self.failed, self.failed
        assert not any(thread.is_alive() for thread in self.threads), f"{len(self.fed)} of {len(self.acknowledged)} came by the feed"

    def close(self):
        self.over.set()
        for thread in self.threads:
            thread.join(30)
        self.live.close()
        self.feed.close()


def mistakes(config):
    """Files that are wrong, over and over: a key with a letter missing, a reference to nobody, half a file, no YAML at all."""
    good = yaml.safe_dump(config, sort_keys=False)
    unknown = copy.deepcopy(config)
    unknown["soruces"] = unknown["sources"]
    nobody = copy.deepcopy(config)
    nobody["sources"]["pas"]["team"] = "nobody-there"
    return [yaml.safe_dump(unknown), yaml.safe_dump(nobody), good[: good.index("sources:") + 4], good + "\n\tteams: [\n"]


def reload_all(bus, count, every):
    """So many reloads, each with another source beside those that stay, one in ten of them wrong; how many of each."""
    verdicts = {GOOD: 0, WRONG: 0}
    for turn in range(count):
        bus.config["sources"] = {name: bus.config["sources"][name] for name in ("pas", "lab")}
        bus.config["sources"][f"extra-{turn}"] = {"team": "ward", "adapter": "own"}
        bus.write_config()
        if turn % every == every // 2:
            kinds = mistakes(bus.config)
            bus.config_path.write_text(kinds[turn // every % len(kinds)], encoding="utf-8")
            answer = bus.ctl("reload", "--wait", check=WRONG)
            assert str(bus.config_path) in answer.stderr, f"the mistake is not located: {answer.stderr}"
            verdicts[WRONG] += 1
        else:
            bus.ctl("reload", "--wait", check=GOOD)
            verdicts[GOOD] += 1
    return verdicts


def check_reloads(bus, count, every=10):
    pid, serve = bus.pid, bus.serve_pid
    traffic = Traffic(bus)
    try:
        wait_for(lambda: len(traffic.fed) > WINDOW, what="traffic")
        began = time.monotonic()
        verdicts = reload_all(bus, count, every)
        print(f"{count} reloads in {time.monotonic() - began:.1f} s, {verdicts[WRONG]} of them refused, "
              f"{len(traffic.acknowledged)} messages")
        traffic.end(seconds=120)
    finally:
        traffic.close()
    assert verdicts == {GOOD: count - count // every, WRONG: count // every}
    assert (bus.pid, bus.serve_pid) == (pid, serve), "a process was started anew"
    assert "DISCONNECTED" not in traffic.source.events(0.1), "the source was disconnected"
    return traffic


def check_nothing_is_missing(bus, traffic):
    lines = [line for line in bus.ctl_json("tail") if line.get("source") == "pas" and "source_message_id" in line]
    stored = [line["source_message_id"] for line in lines if line["type"] == "encounter.admitted"]
    assert stored == traffic.acknowledged, "the journal has not what was acknowledged, once and in order"
    places = [place(one) for one in traffic.fed]
    assert places == sorted(set(places)) and len(places) == len(traffic.acknowledged)
    lived = [place(one) for one in traffic.lived]
    assert lived == sorted(set(lived)) and lived, "live gave something twice or out of order"


def test_reloads_under_load_lose_nothing_and_disconnect_nobody(make_bus):
    bus = make_bus().start()
    traffic = check_reloads(bus, 40)
    check_nothing_is_missing(bus, traffic)
    with Source(bus.endpoint("intake"), "extra-39") as source:
        assert source.welcome, "the last good reload is not in force"
    with pytest.raises(BusError), Source(bus.endpoint("intake"), "extra-38", hello=False) as source:
        source.hello()


@pytest.mark.nightly
@pytest.mark.plain
def test_a_thousand_reloads_under_load_lose_nothing_and_disconnect_nobody(make_bus):
    bus = make_bus().start()
    check_nothing_is_missing(bus, check_reloads(bus, 1000))


def test_a_source_and_a_team_that_are_taken_away_keep_what_is_theirs(make_bus):
    bus = make_bus({"teams": {"ward": {"name": "Ward", "organisation": "RA9", "class": "clinical"},
                              "leaving": {"name": "Leaving", "organisation": "RA8", "class": "clinical"}}}).start()
    bus.source("lab").send(*(submission(f"L-{i}") for i in range(5)))
    with Feed(bus, "leaving", "theirs") as feed:
        feed.open().opened()
        first = feed.take(1)[0]
        feed.ack(first)
    del bus.config["teams"]["leaving"], bus.config["sources"]["lab"]
    bus.write_config()
    bus.ctl("reload", "--wait", check=GOOD)
    wait_for(lambda: "leaving" in bus.ctl("status").stdout, what="a consumer that is left behind, in the status")
    assert len([line for line in bus.ctl_json("tail") if line.get("source") == "lab" and line["type"] == "encounter.admitted"]) == 5
    bus.config["teams"]["leaving"] = {"name": "Leaving", "organisation": "RA8", "class": "clinical"}
    bus.config["sources"]["lab"] = {"team": "ward", "adapter": "own"}
    bus.write_config()
    bus.ctl("reload", "--wait", check=GOOD)
    with Feed(bus, "leaving", "theirs") as feed:
        feed.open().opened()
        assert [place(one) for one in feed.take(4)] > [place(first)]
