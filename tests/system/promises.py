"""What holds after whatever was done to a bus: one order without gaps, nothing acknowledged missing, nothing counted twice."""

import collections
import json
import re
import socket

from carebus_bus import wait_for

NOT_EVENTS = ("bus.tick", "bus.settings", "bus.decision", "bus.dictionary")


def entries_of(lines):
    """tail's lines by entry: {seq: [line, ...]}, in order."""
    entries = collections.OrderedDict()
    for line in lines:
        entries.setdefault(line["seq"], []).append(line)
    return entries


def check_order(lines):
    """The sequence is gapless from 1, the places go up, and settings come first."""
    places = [(line["seq"], line.get("index", 0)) for line in lines]
    assert places == sorted(set(places)), "places do not go up"
    seqs = list(entries_of(lines))
    assert seqs == list(range(1, len(seqs) + 1)), f"a gap in the sequence: {first_difference(seqs, range(1, len(seqs) + 1))}"
    assert not lines or lines[0]["type"] == "bus.settings"


def first_difference(got, expected):
    for index, (one, other) in enumerate(zip(got, expected)):
        if one != other:
            return f"at {index}: {one}, not {other}"
    return f"lengths {len(got)} and {len(list(expected))}"


def first_entries(lines, source):
    """{message id: [seq, ...]} of the source's entries that are news; entries that turned out duplicates are not."""
    found = collections.defaultdict(list)
    for seq, group in entries_of(lines).items():
        line = group[0]
        if line.get("source") == source and line["type"] not in NOT_EVENTS and line["type"] != "bus.duplicate":
            found[line["source_message_id"]].append(seq)
    return found


def check_messages(lines, source, acknowledged, attempted):
    """All that was acknowledged is there once; nothing is there that nobody sent, or twice. Returns {message id: seq}."""
    found = first_entries(lines, source)
    missing = [message_id for message_id in acknowledged if message_id not in found]
    assert not missing, f"acknowledged and lost: {missing[:10]} ({len(missing)} of {len(acknowledged)})"
    twice = {message_id: seqs for message_id, seqs in found.items() if len(seqs) > 1}
    assert not twice, f"counted twice: {dict(list(twice.items())[:10])}"
    strange = set(found) - set(attempted)
    assert not strange, f"nobody sent {sorted(strange)[:10]}"
    return {message_id: seqs[0] for message_id, seqs in found.items()}


def check_sent_order(seqs, sent, who):
    """What a connection sent first stands first."""
    order = [seqs[message_id] for message_id in sent if message_id in seqs]
    assert order == sorted(order), f"{who}: order lost at {first_difference(order, sorted(order))}"


def check_storage(bus):
    """Journal and state agree with themselves and with each other; with or without a daemon."""
    verified, = bus.ctl_json("journal", "verify", check=0)
    rebuilt, = bus.ctl_json("rebuild", "--verify", check=0)
    assert verified["intact"] and rebuilt["equal"]
    return verified, rebuilt


SAMPLE = re.compile(r'^(carebus_\w+)\{source="([^"]+)"(?:,kind="([^"]+)")?\} (-?\d+)$', re.M)
ANSWERED = ("carebus_stored_total", "carebus_duplicate_total", "carebus_refused_total")


def figures(bus):
    """{source: {name of the figure: its value}} as anybody reads them; None while nobody answers."""
    page = b""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(f"{bus.config['run']}/metrics")
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: bus\r\nConnection: close\r\n\r\n")
            while part := client.recv(65536):
                page += part
    except OSError:
        return None
    found = collections.defaultdict(collections.Counter)
    for name, source, _, value in SAMPLE.findall(page.decode()):
        found[source][name] += int(value)
    return dict(found) if page.rstrip().endswith(b"# EOF") else None


def check_sums(found):
    """received = stored + duplicate + refused + in flight, at every source."""
    for source, values in found.items():
        assert values["carebus_unaccounted"] == 0, f"{source}: {values['carebus_unaccounted']} messages are not accounted for"
        answered = sum(values[name] for name in ANSWERED)
        assert values["carebus_received_total"] == answered + values["carebus_in_flight"], f"{source}: {dict(values)}"


def check_balance(bus):
    """The sums of every source of the configuration, at this moment. Returns the figures."""
    found = wait_for(lambda: figures(bus), what="the figures of the bus")
    assert set(found) >= set(bus.config["sources"]), f"no figures of {set(bus.config['sources']) - set(found)}"
    check_sums(found)
    return found


def check_bus(bus, source, acknowledged, attempted):
    """Everything above, of a daemon that runs; {message id: seq}."""
    status = bus.wait_folded()
    check_balance(bus)
    lines = bus.ctl_json("tail")
    check_order(lines)
    seqs = check_messages(lines, source, acknowledged, attempted)
    counted = bus.source_status(source)
    assert counted.stored == len(seqs), f"status counts {counted.stored} stored, the journal has {len(seqs)}"
    verified, rebuilt = check_storage(bus)
    assert verified["last_seq"] >= status.seq and rebuilt["seq"] >= status.seq
    return lines, seqs


def visible_places(bus, team):
    """(seq, index) of all that the team sees, in order, by asking the bus; and the lines."""
    lines = bus.ctl_json("tail", "--team", team)
    return [(line["seq"], line.get("index", 0)) for line in lines], lines


def visible_places_or_none(bus, team):
    """The same, or None while nobody answers."""
    done = bus.ctl("--json", "tail", "--team", team)
    lines = [json.loads(line) for line in done.stdout.splitlines()] if done.returncode == 0 else []
    return ([(line["seq"], line.get("index", 0)) for line in lines], lines) if lines else None


def wait_readers(bus, team, reader, stream, seconds):
    """Until both readers have what the bus has to give."""
    places, lines = visible_places(bus, team)
    wait_for(lambda: len(reader.events) >= len(places), seconds, f"the feed's reader to have {len(places)} events")
    wait_for(lambda: len(stream.lines) >= len(places), seconds, f"the library's reader to have {len(places)} events")
    return places, lines


def check_readers(places, lines, reader, stream):
    """Each visible event exactly once per place, in order, without a gap."""
    assert reader.problems == []
    got = list(reader.events)
    assert got == places, f"feed: {first_difference(got, places)}"
    expected = [f"{line['seq']}.{line.get('index', 0)} {line['type']} {line['source']} {line['patient'].get('patient_id', '-')}"
                for line in lines]
    assert stream.lines == expected, f"library: {first_difference(stream.lines, expected)}"
