"""What is kept long enough in the audit goes; the rest is proved from there, and a correction still reaches who was given what is gone."""

import json
import os
import shutil
import struct
import subprocess
import sys

import pytest

from carebus_bus import CAREBUSCTL, ROOT, event_pb2, wait_for
from carebus_readers import Feed
from test_audit import HOSPICE, admission, begin, disclosures, folder, person_of, verify
from test_retention import DAY, Later
from test_sharing import config, referral, said
from test_sharing_ways import WITH_OTHERS, again, ends, event_ids, problem

pytestmark = pytest.mark.plain

KEPT = 2922  # days: the least that may be said


def segments(bus):
    return sorted(path.name for path in folder(bus).glob("*.audit"))


def run(later, *arguments):
    """Of carebusctl by the clock of the bus."""
    return subprocess.run([str(CAREBUSCTL), "--config", str(later.bus.config_path), *arguments], capture_output=True, text=True,
                          check=False, env={**os.environ, **later.environment})


def preview_of(later):
    done = run(later, "--json", "retention", "--preview")
    assert done.returncode == 0, done.stderr
    return next(row for row in map(json.loads, done.stdout.splitlines()) if row["class"] == "audit")


def shortened(bus):
    return wait_for(lambda: "AUDIT_SHORTENED" in bus.log_events(), seconds=60, what="the oldest of the audit is removed")


def stand_at(later, days):
    """Stops the bus and moves its clock, without a start: nothing goes yet."""
    later.bus.stop()
    later.path.write_bytes(struct.pack("<q", days * DAY))


def given_once(later, *message_ids):
    """Delivered to the hospice on the first day, and something else forty days later, so that the first days are a segment of their own."""
    later.bus.source("pas").send(*[admission(name) for name in message_ids])
    with Feed(later.bus, "hospice", "list") as hospice:
        deliveries = begin(hospice).take(len(message_ids))
        hospice.ack(deliveries[-1])
    later.days(40)
    later.bus.source("pas").send(admission("LATER"))
    later.bus.wait_folded()
    return deliveries


def test_the_oldest_goes_and_the_rest_is_proved_from_there(make_bus, tmp_path):
    later = Later(make_bus, {"audit": f"{KEPT}d"}, teams=HOSPICE)
    bus = later.bus
    later.days(1)
    delivery, = given_once(later, "OLD")
    bus.stop()
    elsewhere = tmp_path / "anchors"
    first = json.loads((folder(bus) / "anchors").read_text().splitlines()[0])
    elsewhere.write_text((folder(bus) / "anchors").read_text())
    oldest, *rest = segments(bus)
    assert rest, "forty days are more than one segment"
    # The preview says what the start then does.
    stand_at(later, KEPT + 35)
    preview = preview_of(later)
    assert preview["segments"] == 1 and preview["goes"] == int(rest[0][:20]) - 1 and preview["held"] == {}
    text = run(later, "retention", "--preview").stdout
    assert f"up to record {preview['up_to_record']}" in text and "stays, and all behind it: it is still written to" in text
    before = int((folder(bus) / oldest).stat().st_size)
    bus.start()
    shortened(bus)
    assert oldest not in segments(bus) and set(rest) <= set(segments(bus)), segments(bus)
    code, whole = verify(bus)
    assert (code, whole["intact"], whole["begins"]) == (0, True, preview["up_to_record"] + 1)
    assert f"it begins with record {whole['begins']}" in bus.ctl("audit", "verify", check=0).stdout
    # An anchor from before the beginning is named as that, and is no break.
    code, saved = verify(bus, "--anchor", str(elsewhere))
    assert (code, saved["intact"]) == (0, True) and saved["anchors_before"] >= 1 and saved["anchors_saved"] >= 1
    assert first["number"] < whole["begins"]
    # Nobody is told that nothing was given: it is not known any more.
    answer = bus.ctl("--json", "audit", "who", person_of(delivery), check=0)
    assert disclosures([json.loads(line) for line in answer.stdout.splitlines()], "hospice") == []
    assert "is not in the audit any more" in answer.stderr
    said = bus.ctl("why", f"{delivery.seq}.{delivery.index}", "hospice", check=0).stdout
    assert "it was given, by " in said and "not in the audit any more" in said
    receipt, = bus.ctl_json("receipts", "pas", "--message", "OLD")
    assert [(team["team"], team["state"], "sent_at" in team) for team in receipt["teams"] if team["team"] == "hospice"] == \
        [("hospice", "sent", False)]
    # What is left takes a small part of the room, and the audit says that it was done.
    assert (folder(bus) / oldest.replace(".audit", ".carried")).stat().st_size < before
    kinds = [json.loads(line)["type"]["code"] for line in bus.ctl("audit", "export", "--fhir", "-", check=0).stdout.splitlines()]
    assert kinds.count("110101") == 1
    bus.stop()
    assert verify(bus)[0] == 0


def test_a_correction_reaches_a_team_whose_delivery_is_not_in_the_audit_any_more(make_bus):
    later = Later(make_bus, {"audit": f"{KEPT}d"}, **config(sharing=None, teams=WITH_OTHERS))
    bus = later.bus
    pas = bus.source("pas")
    pas.send(said("patient.registered", "R-0")[0], referral("R-1"))
    with Feed(bus, "hospice") as feed:
        feed.open().opened()
        pas.send(problem("O-1"))
        feed.ack(next(one for one in iter(lambda: feed.take(1)[0], None) if one.event.type == "condition.recorded"))
    pas.send(ends("R-2"))
    bus.wait_folded()
    later.days(40)
    later.days(KEPT + 35)
    shortened(bus)
    # The index is made anew, without the segment in which the delivery stood.
    bus.stop()
    shutil.rmtree(folder(bus) / "index")
    bus.start()
    bus.source("pas").send(again(problem, "W-1", "condition.recorded", action=event_pb2.ACTION_ENTERED_IN_ERROR))
    bus.wait_folded()
    with Feed(bus, "hospice") as feed:
        feed.open().opened()
        corrected = next(event for event in iter(lambda: feed.take(1)[0].event, None) if event.type == "record.corrected")
    assert corrected.notice.section == "conditions"
    assert corrected.notice.event_ids and set(corrected.notice.event_ids) <= event_ids(bus, "condition.recorded")
    assert verify(bus)[0] == 0


def test_what_was_given_under_a_glass_stays_until_somebody_has_looked_at_it(make_bus):
    later = Later(make_bus, {"audit": f"{KEPT}d"}, teams=HOSPICE)
    bus = later.bus
    bus.source("pas").send(admission("OLD"))
    bus.wait_folded()
    patient = bus.ctl_json("record", "carebus:pas", "P-OLD")[0]["patient_id"]
    bus.ctl("break-glass", patient, "--team", "hospice", "--reason", "emergency", "--why", "collapsed at home, no letter",
            "--who", "Dr Ng", check=0)
    given_once(later, "OTHER")
    later.days(KEPT + 35)
    held = preview_of(later)
    assert held["segments"] == 0 and set(held["held"]) == {"broken-glass"}
    assert "it is needed by a broken glass that nobody has looked at, record" in run(later, "retention", "--preview").stdout
    assert verify(bus)[1]["begins"] == 1 and "AUDIT_SHORTENED" not in bus.log_events()
    glass, = bus.ctl_json("break-glass", "list")
    bus.ctl("break-glass", "review", str(glass["seq"]), "--who", "Caldicott guardian", "--why", "the ward had rung before, it was right",
            check=0)
    bus.wait_folded()
    later.days(KEPT + 36)
    shortened(bus)
    code, whole = verify(bus)
    assert code == 0 and whole["begins"] > 1


def test_a_backup_has_where_the_audit_begins_and_what_was_carried_over(make_bus, tmp_path):
    later = Later(make_bus, {"audit": f"{KEPT}d"}, teams=HOSPICE)
    bus = later.bus
    given_once(later, "OLD")
    later.days(KEPT + 35)
    shortened(bus)
    code, whole = verify(bus)
    assert code == 0
    bus.ctl("backup", str(tmp_path / "backup"), "--with-keys", check=0)
    bus.stop()
    shutil.rmtree(bus.folder / "state")
    bus.ctl("restore", str(tmp_path / "backup"), "--state", str(bus.folder / "state"), check=0)
    assert verify(bus)[1]["begins"] == whole["begins"]
    bus.start()
    bus.wait_folded()
    assert verify(bus)[0] == 0 and (folder(bus) / "00000000000000000001.carried").exists()


def test_the_proof_with_other_tools_is_as_the_page_says(make_bus):
    later = Later(make_bus, {"audit": f"{KEPT}d"}, teams=HOSPICE)
    bus = later.bus
    given_once(later, "OLD")
    later.days(KEPT + 35)
    shortened(bus)
    bus.stop()
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    program = program.replace("/var/lib/carebus/serve/audit", str(folder(bus)))
    program = program.replace("from cryptography.hazmat.primitives.serialization import load_pem_public_key\n", "")
    assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 0
    last = sorted(folder(bus).glob("*.audit"))[0]
    data = bytearray(last.read_bytes())
    data[150] ^= 1
    last.write_bytes(data)
    assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode != 0


def test_nothing_said_keeps_the_audit_for_ever(make_bus):
    later = Later(make_bus, None, teams=HOSPICE)
    given_once(later, "OLD")
    later.days(20 * 365)
    assert "audit: kept for ever" in run(later, "retention", "--preview").stdout
    assert verify(later.bus)[1]["begins"] == 1
