"""All that only time and people bring about, in one journal: what was granted, what waits for a receiver, what was let go of.

A rebuild comes to the same digest as the state that was folded entry by entry: at each step, over a restart, and behind a hole.
"""

import json

from carebus_bus import Bus, wait_for
from test_destination import Receiver, items
from test_scope import allergy, journal_has, referral, stay

RULES = {
    "rules": [
        {"name": "care", "reason": "who looks after somebody sees what is known", "classes": ["clinical"], "kinds": ["all"],
         "relationships": ["encounter", "referral", "break-glass"]},
        {"name": "call", "reason": "who answers a call has to know who calls", "classes": ["helpline"],
         "kinds": ["demographics", "encounters"], "relationships": ["opened-contact"]},
        {"name": "told", "reason": "whose record it is hears of it", "classes": ["all"], "kinds": ["notices"],
         "relationships": ["not-needed"]}],
    "break_glass": {"reasons": ["emergency"]},
    "answers_calls": ["helpline"],
}
TEAMS = {"ward": {"name": "Ward", "organisation": "RA9", "class": "clinical"},
         "hospice": {"name": "Hospice", "organisation": "8HK42", "class": "clinical"},
         "clinic": {"name": "Clinic", "organisation": "RB1", "class": "clinical"},
         "calls": {"name": "Calls", "organisation": "RC1", "class": "helpline"}}
OUT = {"team": "hospice", "adapter": "own", "tries": 3, "pause_max": "1s", "timeout": "2s", "window": 4, "types": ["encounter.*"]}


def same(bus, what):
    """A rebuild says that it is the state of now; its digest."""
    bus.wait_folded()
    done = bus.ctl("--json", "rebuild", "--verify")
    assert done.returncode == 0, (what, done.stdout, done.stderr)
    return json.loads(done.stdout.splitlines()[-1])["digest"]


def decided(bus, *words):
    return bus.ctl(*words, "--who", "Dr Ng", "--why", "a test of all of it together", check=0)


def visit(message_id, number, mrn, **more):
    """A stay of its own, so that the receiver tells them apart."""
    result = stay(message_id, mrn, **more)
    result.events[0].encounter.identifier.value = number
    return result


def test_a_rebuild_over_grants_parks_and_what_was_let_go_of_comes_to_the_same():
    with Bus({"teams": TEAMS, "sharing": RULES, "scope": {"people": "related", "originals": "5s"}, "destinations": {"out": OUT}}) as bus:
        pas, receiver = bus.source("pas"), Receiver(bus)
        receiver.script("V-H2 rejected AR", "V-H3 rejected AR", "* delivered")
        receiver.start()
        try:
            # Followed by nobody else: let go of. Followed by the hospice: told, or waiting since the receiver refuses.
            pas.send(visit("M1", "V-H1", "H1"), allergy("M2", "H1"))
            for number in (2, 3, 4):
                pas.send(referral(f"R{number}", "8HK42", f"H{number}"), visit(f"S{number}", f"V-H{number}", f"H{number}"),
                         allergy(f"L{number}", f"H{number}"))
            waiting = wait_for(lambda: len(found := items(bus)) == 2 and found, what="two persons wait for the receiver")
            receiver.wait_stays(["V-H4"])
            digests = [same(bus, "parked")]

            # Granted: a glass that is ended and reviewed, one that runs out, one that stays, and a contact.
            patient = bus.ctl_json("record", "carebus:pas", "H4")[0]["patient_id"]
            for seconds in ("1h", "2s", "1h"):
                decided(bus, "break-glass", patient, "--team", "clinic", "--reason", "emergency", "--for", seconds)
            glasses = sorted(str(one["seq"]) for one in bus.ctl_json("break-glass", "list", "--all"))
            decided(bus, "break-glass", "end", glasses[0])
            decided(bus, "break-glass", "review", glasses[0])
            bus.ctl("contact", "open", patient, "--team", "calls", "--caller", "carer", "--reason", "asks for the plan", "--who", "Bo",
                    check=0)
            wait_for(lambda: len([one for one in bus.ctl_json("tail") if one.get("type") == "break_glass.ended"]) == 2,
                     what="the short one has run out")
            assert bus.ctl("record", patient, "--team", "clinic").returncode == 0
            digests.append(same(bus, "granted"))

            # What waited: one goes out after all, one is left out.
            receiver.script("V-H3 rejected AR", "* delivered")
            decided(bus, "quarantine", "retry", str(waiting[0]["id"]))
            receiver.wait_stays(["V-H2"])
            decided(bus, "quarantine", "discard", str(waiting[1]["id"]))
            wait_for(lambda: not items(bus), what="nothing waits any more")
            digests.append(same(bus, "resumed"))
            assert len(set(digests)) == len(digests), "each step changed the state"

            # Let go of: the rebuild begins behind the hole.
            wait_for(lambda: not journal_has(bus, "AM2"), what="what nobody needed is let go of")
            assert journal_has(bus, "AL4")
            same(bus, "let go of")
            bus.ctl("journal", "verify", check=0)
        finally:
            receiver.stop()
        last = same(bus, "the receiver is gone")
        bus.stop()
        assert json.loads(bus.ctl("--json", "rebuild", "--verify", check=0).stdout.splitlines()[-1])["digest"] == last
        bus.start()
        pas = bus.source("pas")
        pas.send(referral("M9", "8HK42", "H1"))
        assert same(bus, "followed after all") != last
