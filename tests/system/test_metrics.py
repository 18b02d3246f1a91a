"""The figures: what they say is so, they balance whatever happens, and page, alerts and dashboard speak of figures that there are."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from carebus_bus import ANSWER_SECONDS, CAREBUSCTL, ROOT, Source, free_port, submission, wait_for
from carebus_readers import Feed
from mllp_peer import Mllp, adt

PROMETHEUS = ROOT / "packaging" / "prometheus"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
ROW = re.compile(r'FIGURE\((\w+), (\w+), "([^"]*)", "([^"]*)", "([^"]*)",\s*((?:"[^"]*"\s*)+)\)')


def rows():
    """The table in the code: name of the family -> (kind, labels, help)."""
    text = (ROOT / "daemon" / "figures" / "figure-rows.h").read_text(encoding="utf-8")
    result = {name: (kind.lower(), [label for label in labels.split(",") if label], "".join(re.findall(r'"([^"]*)"', words)))
              for _, kind, name, _, labels, words in ROW.findall(text)}
    assert len(result) == text.count("\nFIGURE(") > 40
    return result


def sample_names():
    """All names that samples can have."""
    names = set()
    for name, (kind, _, _) in rows().items():
        ends = {"counter": ["_total"], "info": ["_info"], "histogram": ["_bucket", "_count", "_sum"]}.get(kind, [""])
        names.update(name + end for end in ends)
    return names


def talk(bus, request, seconds=ANSWER_SECONDS):
    """Sends bytes to <run>/metrics; all that comes back until the end."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(bus.folder / "run" / "metrics"))
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def get(bus, path="/metrics", method="GET", headers=""):
    """Status, headers, body."""
    head, _, body = talk(bus, f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body.decode()


def figures(bus):
    """Every sample, by name and labels; read strictly."""
    status, headers, body = get(bus)
    assert status == 200 and headers["content-type"] == OPENMETRICS
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(body) for sample in family.samples}


def value(bus, name, **labels):
    return figures(bus).get((name, tuple(sorted(labels.items()))))


def wait_value(bus, expected, name, **labels):
    wait_for(lambda: value(bus, name, **labels) == expected, what=lambda: f"{name}{labels} {value(bus, name, **labels)}, not {expected}")


def assert_balance(bus):
    every = figures(bus)
    unaccounted = {labels: number for (name, labels), number in every.items() if name == "carebus_unaccounted"}
    assert unaccounted and not any(unaccounted.values()), unaccounted


def test_what_came_in_is_counted_by_what_became_of_it_and_balances(make_bus):
    bus = make_bus().start()
    pas = bus.source("pas")
    pas.send(*[submission(f"A-{i}") for i in range(30)])
    pas.send(submission("A-1"), submission("A-2"))
    pas.send(submission("Q-1", events=0, problem={"code": "unhandled-trigger"}))
    wait_value(bus, 33, "carebus_received_total", source="pas")
    wait_value(bus, 31, "carebus_stored_total", source="pas")
    wait_value(bus, 2, "carebus_duplicate_total", source="pas")
    wait_value(bus, 1, "carebus_quarantined_total", source="pas")
    wait_value(bus, 1, "carebus_quarantine_open", **{"class": "unhandled"})
    wait_value(bus, 1, "carebus_source_sessions", source="pas")
    assert value(bus, "carebus_received_total", source="lab") == 0
    assert_balance(bus)
    pas.send_message(goodbye={})
    wait_value(bus, 0, "carebus_source_sessions", source="pas")
    assert_balance(bus)


def test_batches_and_their_syncs_are_counted_together(make_bus):
    bus = make_bus().start()
    pas = bus.source("pas")
    for i in range(5):
        pas.send(submission(f"A-{i}"))
    wait_for(lambda: value(bus, "carebus_batch_entries_sum") >= 5)
    every = figures(bus)
    syncs, batches = every["carebus_fdatasync_seconds_count", ()], every["carebus_batch_entries_count", ()]
    assert syncs == batches >= 1
    assert every["carebus_fdatasync_seconds_sum", ()] > 0
    assert every["carebus_journal_seq", ()] >= 6


def test_who_goes_before_the_answer_is_accounted_for_and_so_is_a_flood(make_bus):
    bus = make_bus().start()
    for round_ in range(3):
        with Source(bus.endpoint("intake"), "pas") as hasty:  # it does not wait for the receipts
            hasty.submit(*[submission(f"F-{round_}-{i}") for i in range(900)])
    pas = bus.source("pas")
    pas.send(submission("last"))
    wait_value(bus, 0, "carebus_in_flight", source="pas")
    wait_for(lambda: value(bus, "carebus_received_total", source="pas") >= 1)
    assert_balance(bus)
    wait_value(bus, 1, "carebus_source_sessions", source="pas")
    assert_balance(bus)


def test_counts_outlive_a_serve_that_dies_and_begin_anew_with_core(make_bus):
    bus = make_bus().start()
    pas = bus.source("pas")
    pas.send(*[submission(f"A-{i}") for i in range(7)])
    wait_value(bus, 7, "carebus_stored_total", source="pas")
    before = bus.serve_pid
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: bus.serve_pid != before and "event=SERVE_READY" in bus.log().split(f"serve_pid={bus.serve_pid}")[-1])
    wait_value(bus, 1, "carebus_serve_restarts_total")
    assert value(bus, "carebus_stored_total", source="pas") == 7
    assert_balance(bus)
    bus.kill()
    bus.start()
    wait_value(bus, 0, "carebus_stored_total", source="pas")
    pas = bus.source("pas")
    pas.send(submission("A-1"), submission("B-1"))
    wait_value(bus, 1, "carebus_duplicate_total", source="pas")
    wait_value(bus, 1, "carebus_stored_total", source="pas")
    assert_balance(bus)


def test_an_adapter_tells_what_it_took_and_how_it_answered(make_bus):
    bus = make_bus()
    mllp = Mllp(bus)
    bus.start()
    mllp.start()
    try:
        sender = mllp.sender()
        for number in (1, 2):
            assert sender.ask(adt(f"M-{number}"))
        wait_value(bus, 2, "carebus_adapter_received_total", source="pas")
        wait_value(bus, 2, "carebus_adapter_answers_total", source="pas", answer="accept")
        wait_value(bus, 1, "carebus_adapter_connections", source="pas")
        wait_value(bus, 0, "carebus_adapter_waiting", source="pas")
        sender.close()
        wait_value(bus, 0, "carebus_adapter_connections", source="pas")
        assert value(bus, "carebus_adapter_answers_total", source="pas", answer="reject") == 0
        assert_balance(bus)
    finally:
        mllp.close()


def test_a_full_disk_is_said_and_what_is_refused_balances(make_bus):
    bus = make_bus().start()
    pas = bus.source("pas")
    pas.send(submission("A-1"))
    free = shutil.disk_usage(bus.folder).free
    bus.config["journal"] = {**bus.config["journal"], "reserve_bytes": free * 2}
    bus.write_config()
    os.kill(bus.pid, signal.SIGHUP)
    wait_value(bus, 1, "carebus_storage_full")
    pas.submit(submission("A-2"))
    receipt, = pas.wait_receipts(1)
    assert receipt.refused.reason == "storage-full"
    wait_value(bus, 1, "carebus_refused_total", source="pas", kind="later")
    assert_balance(bus)
    status, _, body = get(bus, "/readyz")
    assert status == 503 and "storage: full" in body and "fold: ok" in body
    assert value(bus, "carebus_ready") == 0
    assert get(bus, "/healthz")[0] == 200


def test_a_consumer_that_is_behind_shows_lag_and_age_and_one_that_is_not_shows_none(make_bus):
    bus = make_bus().start()
    consumer = {"team": "ward", "consumer": "list"}
    pas = bus.source("pas")
    with Feed(bus, "ward", "list", grants=True) as feed:
        feed.open().opened()
        pas.send(submission("A-1"), submission("A-2"))
        wait_for(lambda: (value(bus, "carebus_feed_lag_entries", **consumer) or 0) >= 2)
        wait_for(lambda: value(bus, "carebus_feed_oldest_undelivered_age_seconds", **consumer) > 0)
        assert value(bus, "carebus_feed_open", **consumer) == 1
        deliveries = feed.take(4)  # two admissions, and what each grants
        feed.ack(deliveries[-1])
        wait_value(bus, 0, "carebus_feed_lag_entries", **consumer)
        assert value(bus, "carebus_feed_oldest_undelivered_age_seconds", **consumer) == 0
        wait_for(lambda: value(bus, "carebus_delivered_total", **consumer) >= len(deliveries))
        wait_for(lambda: value(bus, "carebus_published_total", team="ward") >= 2)
    wait_value(bus, 0, "carebus_feed_open", **consumer)


def test_only_get_and_head_are_answered_and_nothing_else_harms(make_bus):
    bus = make_bus().start()
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
        status, headers, _ = get(bus, method=method)
        assert status == 405 and headers["allow"] == "get, head"
    assert get(bus, method="POST", headers="Content-Length: 5\r\n")[0] == 405
    status, headers, body = get(bus, method="HEAD")
    assert status == 200 and not body and int(headers["content-length"]) > 1000
    assert get(bus, "/")[0] == get(bus, "/metrics/")[0] == get(bus, "/../etc/passwd")[0] == 404
    assert get(bus, "/metrics?x=1")[0] == 200
    assert get(bus, "/" + "a" * 300)[0] == 414
    assert get(bus, headers="X: " + "a" * 5000 + "\r\n")[0] == 431
    for rubbish in (b"GARBAGE\r\n\r\n", b"GET /metrics\r\n\r\n", b"GET  /metrics HTTP/1.1\r\n\r\n",
                    b"GET /metrics HTTP/1.1\r\nA : b\r\n\r\n"):
        assert talk(bus, rubbish).startswith(b"HTTP/1.1 400 ")
    assert talk(bus, b"GET /metrics HTTP/3.0\r\n\r\n").startswith(b"HTTP/1.1 ")
    assert get(bus)[0] == 200


def test_those_who_say_nothing_keep_nobody_out(make_bus):
    bus = make_bus().start()
    path = str(bus.folder / "run" / "metrics")
    silent = []
    try:
        for i in range(60):
            connection = socket.socket(socket.AF_UNIX)
            silent.append(connection)
            connection.setblocking(False)
            try:
                connection.connect(path)
                connection.send(b"GET /met"[: i % 9])
            except BlockingIOError:
                time.sleep(0.05)  # the row is full: it is taken in a moment
        assert get(bus)[0] == 200
    finally:
        for connection in silent:
            connection.close()
    assert get(bus, "/readyz")[0] == 200


def test_whoever_wants_the_older_format_gets_it_and_promtool_finds_no_fault(make_bus):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not there: install the package prometheus")
    bus = make_bus().start()
    status, headers, body = get(bus, headers="Accept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_figures_are_read_over_tcp_where_the_configuration_says_so(make_bus):
    port = free_port()
    bus = make_bus({"metrics": f"127.0.0.1:{port}"}).start()

    def answer():
        try:
            with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
                connection.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
                return connection.recv(4096).startswith(b"HTTP/1.1 ")
        except OSError:
            return False

    wait_for(answer)


def test_an_address_that_is_taken_costs_the_figures_and_not_the_bus(make_bus):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        bus = make_bus({"metrics": f"127.0.0.1:{other.getsockname()[1]}"}).start()
        wait_for(lambda: "event=FIGURES_NOT_LISTENING" in bus.log())
        pas = bus.source("pas")
        pas.send(submission("A-1"))
        assert get(bus)[0] == 200


def test_what_is_shown_is_the_table_with_its_help_and_labels(make_bus):
    bus = make_bus().start()
    shown = {family.name: family for family in text_string_to_metric_families(get(bus)[2])}
    table = rows()
    assert set(shown) == set(table)
    for name, (kind, labels, words) in table.items():
        assert shown[name].type == kind, name
        assert shown[name].documentation == words, name
        for sample in shown[name].samples:
            assert set(sample.labels) - {"le"} == set(labels), sample


def test_page_and_table_say_the_same():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    written = dict(re.findall(r"^\| `(carebus_\w+)` \| (.*) \|$", page, re.M))
    expected = {}
    for name, (kind, labels, words) in rows().items():
        end = {"counter": "_total", "info": "_info"}.get(kind, "")
        expected[name + end] = f"{kind} | {', '.join(f'`{label}`' for label in labels)} | {words}"
    assert written == expected


def names_in(expression):
    return set(re.findall(r"\bcarebus_\w+", expression))


def test_alerts_name_figures_that_there_are_and_each_says_what_to_do():
    text = (PROMETHEUS / "carebus.rules.yml").read_text(encoding="utf-8")
    assert names_in(text) and names_in(text) <= sample_names()
    alerts = text.split("- alert: ")[1:]
    assert len(alerts) >= 15
    for alert in alerts:
        assert re.search(r"summary: '\S", alert) and re.search(r"runbook: '\S", alert), alert
        name = alert.split()[0]
        assert f"alertname: {name}\n" in (PROMETHEUS / "carebus.test.yml").read_text(encoding="utf-8"), f"{name} is not tried"


@pytest.mark.parametrize("arguments", [("check", "rules", "carebus.rules.yml"), ("test", "rules", "carebus.test.yml")])
def test_alerts_are_raised_by_their_faults(arguments):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not there: install the package prometheus")
    done = subprocess.run([promtool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_asks_for_figures_that_there_are():
    board = json.loads((ROOT / "packaging" / "grafana" / "carebus.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) > 20
    for expression in expressions:
        assert names_in(expression) and names_in(expression) <= sample_names(), expression


def test_top_shows_sources_teams_and_rates_once_and_as_json(make_bus):
    bus = make_bus().start()
    command = [str(CAREBUSCTL), "--config", str(bus.config_path)]
    pas = bus.source("pas")
    pas.send(submission("A-1"))
    done = subprocess.run([*command, "top", "--once"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and not done.stderr
    assert re.search(r"^pas +\d", done.stdout, re.M) and "ward" in done.stdout and "core/intake" in done.stdout
    assert "\033" not in done.stdout
    done = subprocess.run([*command, "--json", "top", "--once"], capture_output=True, text=True, timeout=60, check=False)
    shown = json.loads(done.stdout)
    received = next(f for f in shown["figures"] if f["name"] == "carebus_received_total" and f["labels"] == {"source": "pas"})
    assert received["value"] == 1 and received["rate"] == 0
    assert {f["name"] for f in shown["figures"]} <= sample_names()
    bus.stop()
    assert subprocess.run([*command, "top", "--once"], capture_output=True, timeout=60, check=False).returncode == 69
