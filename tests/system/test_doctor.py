"""carebusctl doctor: it tries the way of a message, leaves no trace, and names cause and next step of what is wrong."""

import datetime
import json
import os
import shutil
import signal
import socket
import subprocess

import pytest

from carebus_bus import CAREBUSCTL, submission, wait_for
from carebus_readers import Feed


def doctor(bus, *arguments):
    """The exit code and the findings."""
    done = subprocess.run([str(CAREBUSCTL), "--config", str(bus.config_path), "--json", "doctor", *arguments], capture_output=True,
                          text=True, timeout=120, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def ctl(bus, *arguments):
    return subprocess.run([str(CAREBUSCTL), "--config", str(bus.config_path), *arguments], capture_output=True, text=True, timeout=60,
                          check=False)


def wrong(findings):
    return [finding for finding in findings if finding["verdict"] == "wrong"]


def of(findings, part):
    return [finding for finding in findings if finding["part"] == part]


def seq(bus):
    return json.loads(ctl(bus, "--json", "status").stdout)["seq"]


@pytest.fixture
def sources(make_bus):
    bus = make_bus().start()
    os.chmod(bus.config["state"], 0o700)
    return bus, bus.source("pas"), bus.source("lab")


def test_a_bus_that_is_well_is_well_and_the_way_of_a_message_was_tried(sources):
    bus, pas, _ = sources
    pas.send(submission("A-1"))
    before = seq(bus)
    code, findings = doctor(bus)
    assert code == 0 and not wrong(findings), findings
    assert any("stored and answered" in finding["what"] for finding in of(findings, "intake"))
    assert any("given out" in finding["what"] for finding in of(findings, "fold"))
    assert seq(bus) == before + 1


def test_what_was_tried_leaves_no_trace_and_goes_to_nobody(sources):
    bus, _, _ = sources
    with Feed(bus, "ward", "list", grants=True) as feed:
        feed.open().opened()
        before = seq(bus)
        assert doctor(bus)[0] == 0
        lines = [json.loads(line) for line in ctl(bus, "tail", "--from", str(before + 1)).stdout.splitlines()]
        assert [line["type"] for line in lines] == ["bus.decision"] and "patient" not in lines[0]
        assert ctl(bus, "tail", "--team", "ward", "--from", str(before + 1)).stdout == ""
        assert feed.silent()
    assert doctor(bus, "--no-probe")[0] == 0
    assert seq(bus) == before + 1
    bus.stop()
    assert ctl(bus, "rebuild", "--verify").returncode == 0


def test_where_a_message_would_be_refused_the_doctor_says_so(sources):
    bus, _, _ = sources
    bus.config["journal"] = {**bus.config["journal"], "reserve_bytes": shutil.disk_usage(bus.folder).free * 2}
    bus.write_config()
    os.kill(bus.pid, signal.SIGHUP)
    wait_for(lambda: "storage-full" in ctl(bus, "--json", "status").stdout)
    code, findings = doctor(bus)
    assert code == 1
    assert any("storage-full" in finding["what"] and finding["next"] for finding in of(wrong(findings), "intake"))
    assert of(wrong(findings), "disk") and of(wrong(findings), "ready")


def test_an_adapter_that_is_not_there_is_named_with_what_to_do(make_bus):
    bus = make_bus().start()
    bus.source("pas")
    code, findings = doctor(bus)
    assert code == 1
    finding, = of(wrong(findings), "adapter")
    assert "source lab" in finding["what"] and "adapter" in finding["next"]


def test_a_bus_that_does_not_answer_is_69_and_the_rest_is_looked_at(make_bus):
    bus = make_bus()
    code, findings = doctor(bus)
    assert code == 69
    assert of(wrong(findings), "core") and of(wrong(findings), "folders") and of(findings, "environment")


def test_keys_that_others_can_read_and_a_mix_of_test_and_live_are_wrong(make_bus):
    bus = make_bus({"environment": "any"})
    key = bus.folder / "audit.key"
    key.write_text("secret")
    key.chmod(0o644)
    bus.config["audit"] = {"key": str(key)}
    bus.write_config()
    _, findings = doctor(bus)
    assert any(str(key) in finding["what"] and "0600" in finding["next"] for finding in of(wrong(findings), "keys"))
    assert of(wrong(findings), "environment")


@pytest.mark.parametrize("days,verdict", [(-1, "wrong"), (0.5, "wrong"), (5, "wrong"), (20, "note"), (400, "good")])
def test_certificates_that_end_soon_are_named(make_bus, tmp_path, days, verdict):
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")
    for command in (["req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", tmp_path / "r.pem", "-subj", "/CN=x"],
                    ["req", "-x509", "-key", key, "-out", tmp_path / "ca.pem", "-subj", "/CN=ca", "-days", "900"]):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    (tmp_path / "index.txt").touch()
    (tmp_path / "ca.cnf").write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={tmp_path}/index.txt\nrand_serial=yes\nnew_certs_dir={tmp_path}\n"
                                     "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    subprocess.run(["openssl", "ca", "-batch", "-config", str(tmp_path / "ca.cnf"), "-keyfile", str(key), "-cert", str(tmp_path / "ca.pem"),
                    "-in", str(tmp_path / "r.pem"), "-out", str(certificate), "-startdate", "20200101000000Z", "-enddate", end],
                   check=True, capture_output=True)
    key.chmod(0o600)
    bus = make_bus({"sources": {"pas": {"team": "ward", "adapter": "mllp", "listen": "127.0.0.1:2575",
                                        "tls": {"certificate": str(certificate), "key": str(key)}}}})
    _, findings = doctor(bus)
    finding, = of(findings, "certificate")
    assert finding["verdict"] == verdict and "source pas" in finding["what"]
    assert (verdict == "good") == ("next" not in finding)


def test_a_listener_without_encryption_for_all_the_world_is_noted(make_bus):
    bus = make_bus({"sources": {"pas": {"team": "ward", "adapter": "mllp", "listen": "0.0.0.0:2575"}}})
    _, findings = doctor(bus)
    assert [f for f in of(findings, "plaintext") if "any address" in f["what"] and f["next"]]


def test_the_page_for_people_says_what_to_do_next(make_bus):
    bus = make_bus().start()
    done = ctl(bus, "doctor")
    assert done.returncode == 1
    assert "WRONG  adapter" in done.stdout and "next: start its adapter" in done.stdout
    assert ctl(bus, "doctor", "--nonsense").returncode == 64


def test_a_folder_that_its_adapter_cannot_write_and_one_that_is_not_there_are_wrong(make_bus, tmp_path):
    inbox, outbox, lost = tmp_path / "in", tmp_path / "out", tmp_path / "lost"
    inbox.mkdir(mode=0o755)
    outbox.mkdir()
    outbox.chmod(0o777)
    user = os.geteuid() + 4711  # owns none of them
    bus = make_bus({"sources": {"files": {"team": "ward", "adapter": "csv", "folder": str(inbox), "user": user}},
                    "destinations": {"lists": {"team": "ward", "adapter": "csv", "folder": str(outbox), "user": user},
                                     "gone": {"team": "ward", "adapter": "csv", "folder": str(lost), "user": user}}})
    _, findings = doctor(bus)
    said = [finding for finding in of(wrong(findings), "folders") if str(tmp_path) in finding["what"]]
    assert any("source files" in one["what"] and str(user) in one["what"] and "chown" in one["next"] for one in said), findings
    assert any("destination gone" in one["what"] and one["next"] for one in said)
    assert not any("destination lists" in one["what"] for one in said)


def test_figures_that_nobody_can_reach_at_their_address_are_wrong(make_bus):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))  # taken, and nobody listens there
        bus = make_bus({"metrics": f"127.0.0.1:{other.getsockname()[1]}"}).start()
        _, findings = doctor(bus)
        assert any("nobody answers at metrics:" in finding["what"] and finding["next"] for finding in of(wrong(findings), "figures"))
