"""Who is who, over real processes: what waits in a review, what people decide of it, and that a rebuild comes to the same."""

import pytest
from carebus_bus import event_pb2, intake_pb2, wait_for

SHOWN = ("p", "r")


def demographics(message_id, source, local, family, given, born, phone=None, postcode=None, nhs=None, kind="patient.updated"):
    """What a source says of who somebody is."""
    one = intake_pb2.Submission(message_id=message_id, media_type="x-application/hl7-v2+er7", original=f"MSH|{message_id}\r".encode())
    event = one.events.add(type=kind, action=event_pb2.ACTION_UPDATE)
    event.occurred_at.utc_at = 1_700_000_000_000_000
    event.patient.identifiers.add(system=f"carebus:{source}", value=local, type="MR")
    if nhs:
        event.patient.identifiers.add(system="https://fhir.nhs.uk/Id/nhs-number", value=nhs, status_code="01")
    name = event.demographics.names.add(family=family)
    name.given.extend(given if isinstance(given, (list, tuple)) else [given])
    year, month, day = (int(part) for part in born.split("-"))
    event.demographics.birth_date.year = year
    event.demographics.birth_date.month = month
    event.demographics.birth_date.day = day
    event.demographics.sex.code = "female"
    if phone:
        event.demographics.telecom.add(system="phone", value=phone)
    if postcode:
        event.demographics.addresses.add(postal_code=postcode, use="home").line.append("1 High Street")
    return one


def decision(message_id, source, local, order, attempt=False):
    """Somebody decided that resuscitation is not to be tried, or that it is."""
    one = intake_pb2.Submission(message_id=message_id, media_type="x-application/hl7-v2+er7", original=f"MSH|{message_id}\r".encode())
    event = one.events.add(type="cpr_decision.recorded", action=event_pb2.ACTION_NEW)
    event.occurred_at.utc_at = 1_700_000_100_000_000
    event.patient.identifiers.add(system=f"carebus:{source}", value=local, type="MR")
    event.order_id.system = f"carebus:{source}"
    event.order_id.value = order
    event.decision.decision.system = "http://snomed.info/sct"
    event.decision.decision.code = "450475007" if attempt else "450476008"
    return one


def patient_of(bus, source, local):
    """Who answers for a source's own number."""
    return bus.ctl_json("record", f"carebus:{source}", local)[0]["patient_id"]


def reviews(bus, *options):
    return bus.ctl_json("identity", "review", *options)


@pytest.fixture
def two_sources(make_bus):
    return make_bus().start()


def test_a_person_without_a_number_waits_is_linked_and_taken_apart_again(two_sources):
    bus = two_sources
    pas, lab = bus.source("pas"), bus.source("lab")
    pas.send(demographics("P-1", "pas", "H1", "McAllister", "Jean", "1950-02-03"))
    lab.send(demographics("L-1", "lab", "L1", "McAlister", "Jean", "1950-02-03"))
    lab.send(decision("L-2", "lab", "L1", "O1"))
    bus.wait_folded()
    first, second = patient_of(bus, "pas", "H1"), patient_of(bus, "lab", "L1")
    assert first != second

    waiting, = reviews(bus)
    assert waiting["class"] == "urgent", "a decision came for who waits"
    assert waiting["patient_ids"] == [second, first]
    shown = bus.ctl("identity", "show", waiting["id"], check=0).stdout
    assert "mcallister" in shown.lower() and "mcalister" in shown.lower() and "1950-02-03" in shown
    assert "identity link" in shown, "it says what to do next"
    held = bus.ctl_json("record", first)[0]["held"]
    assert [(one["kind"], one["source"]) for one in held] == [("decision", "lab")]
    assert "450476008" not in str(held), "what it says is not shown"

    bus.ctl("identity", "link", waiting["id"], "--who", "Dr Green", "--why", "asked her daughter", check=0)
    assert patient_of(bus, "lab", "L1") == patient_of(bus, "pas", "H1") == first
    assert not bus.ctl_json("record", first)[0].get("held")
    assert reviews(bus) == []
    decided, = reviews(bus, "--all")
    assert (decided["state"], decided["who_says"], decided["why"]) == ("linked", "Dr Green", "asked her daughter")

    bus.ctl("identity", "unlink", first, second, "--who", "Dr Green", "--why", "two sisters", check=0)
    assert patient_of(bus, "lab", "L1") == second and patient_of(bus, "pas", "H1") == first
    lab.send(demographics("L-3", "lab", "L1", "McAlister", "Jean", "1950-02-03", phone="01592 700700"))
    bus.wait_folded()
    assert patient_of(bus, "lab", "L1") == second, "what somebody decided to be two stays two"

    bus.restart()
    assert patient_of(bus, "lab", "L1") == second and patient_of(bus, "pas", "H1") == first
    bus.stop()
    verified = bus.ctl("rebuild", "--verify", check=0)
    assert verified.returncode == 0


def test_the_same_number_with_name_and_birth_date_joins_and_never_by_itself(two_sources):
    bus = two_sources
    pas, lab = bus.source("pas"), bus.source("lab")
    pas.send(demographics("P-1", "pas", "H1", "Green", "Anna", "1950-02-03", nhs="9434765919"))
    lab.send(demographics("L-1", "lab", "L1", "Green", "Anna", "1950-02-03", nhs="9434765919"))
    lab.send(demographics("L-2", "lab", "L2", "Brown", "Peter", "1950-02-03", nhs="9434765919"))
    bus.wait_folded()
    assert patient_of(bus, "pas", "H1") == patient_of(bus, "lab", "L1")
    assert patient_of(bus, "lab", "L2") != patient_of(bus, "pas", "H1")
    waiting, = reviews(bus)
    assert waiting["reason"] == "number-with-another-name"


def test_decisions_that_cannot_be_are_refused_and_say_why(two_sources):
    bus = two_sources
    pas, lab = bus.source("pas"), bus.source("lab")
    pas.send(demographics("P-1", "pas", "H1", "McAllister", "Jean", "1950-02-03"))
    lab.send(demographics("L-1", "lab", "L1", "McAlister", "Jean", "1950-02-03"))
    pas.send(demographics("P-2", "pas", "H2", "Brown", "Mary", "1961-10-20", nhs="9434765919"))
    lab.send(demographics("L-2", "lab", "L2", "White", "Ruth", "1971-11-21", nhs="9000000009"))
    bus.wait_folded()
    waiting, = reviews(bus)
    one, other = patient_of(bus, "pas", "H1"), patient_of(bus, "lab", "L1")
    who = ("--who", "Dr Green", "--why", "looked")

    assert bus.ctl("identity", "link", waiting["id"], check=64).stderr.startswith("carebusctl:")
    assert "unknown-patient" in bus.ctl("identity", "link", one, "p999.0", *who).stderr
    assert "not-in-review" in bus.ctl("identity", "link", "r999.0", *who).stderr
    assert "nothing-to-assign" in bus.ctl("identity", "assign", waiting["id"], one, *who).stderr
    refused = bus.ctl("identity", "link", patient_of(bus, "pas", "H2"), patient_of(bus, "lab", "L2"), *who, check=1)
    assert "two-verified-numbers" in refused.stderr
    assert bus.ctl("identity", "show", "r999.0").returncode == 1

    bus.ctl("identity", "unlink", waiting["id"], *who, check=0)
    assert patient_of(bus, "pas", "H1") == one and patient_of(bus, "lab", "L1") == other
    assert "already-decided" in bus.ctl("identity", "link", waiting["id"], *who).stderr
    assert reviews(bus) == []


def test_a_number_that_becomes_another_persons_waits_and_parts_what_it_was_one_with(two_sources):
    bus = two_sources
    pas, lab = bus.source("pas"), bus.source("lab")
    pas.send(demographics("P-1", "pas", "H1", "Green", "Anna", "1950-02-03", nhs="9434765919"))
    lab.send(demographics("L-1", "lab", "L1", "Green", "Anna", "1950-02-03", nhs="9434765919"))
    bus.wait_folded()
    assert patient_of(bus, "pas", "H1") == patient_of(bus, "lab", "L1")
    lab.send(demographics("L-2", "lab", "L1", "Kowalczyk", "Ruth", "1988-12-30"))
    bus.wait_folded()
    assert patient_of(bus, "pas", "H1") != patient_of(bus, "lab", "L1")
    waiting, = reviews(bus, "--urgent")
    assert waiting["kind"] == "overwrite"
    status = bus.ctl_json("status")[0]["reviews"]
    assert (int(status["open"]), int(status["urgent"])) == (1, 1)
    bus.ctl("identity", "link", waiting["id"], "--who", "Dr Green", "--why", "typed into the wrong form, put right", check=0)
    assert patient_of(bus, "pas", "H1") == patient_of(bus, "lab", "L1")


def test_who_was_one_through_an_overwritten_number_stays_one_without_it(make_bus):
    """Three have one traced number; of one of them the source suddenly says another name: the other two are still one person."""
    bus = make_bus()
    bus.config["teams"]["ward"]["may_read"] = ["pas", "lab", "own"]
    bus.config["sources"]["own"] = {"team": "ward", "adapter": "own"}
    bus.write_config()
    bus.start()
    sources = {name: bus.source(name) for name in ("pas", "lab", "own")}
    for name, source in sources.items():
        source.send(demographics(f"{name}-1", name, "N1", "Green", "Anna", "1950-02-03", nhs="9434765919"))
    bus.wait_folded()
    assert len({patient_of(bus, name, "N1") for name in sources}) == 1
    sources["pas"].send(demographics("pas-2", "pas", "N1", "Kowalczyk", "Ruth", "1988-12-30"))
    bus.wait_folded()
    others = {patient_of(bus, name, "N1") for name in ("lab", "own")}
    assert len(others) == 1 and patient_of(bus, "pas", "N1") not in others
    waiting, = reviews(bus, "--urgent")
    assert waiting["patient_ids"] == [patient_of(bus, "pas", "N1"), *others]
    bus.ctl("identity", "link", waiting["id"], "--who", "Dr Green", "--why", "a slip, put right", check=0)
    assert len({patient_of(bus, name, "N1") for name in sources}) == 1
    bus.stop()
    bus.ctl("rebuild", "--verify", check=0)


def test_a_decided_review_is_shown_with_how_to_take_it_back(two_sources):
    bus = two_sources
    bus.source("pas").send(demographics("P-1", "pas", "H1", "McAllister", "Jean", "1950-02-03"))
    bus.source("lab").send(demographics("L-1", "lab", "L1", "McAlister", "Jean", "1950-02-03"))
    bus.wait_folded()
    waiting, = reviews(bus)
    who = ("--who", "Dr Green", "--why", "looked")
    page = bus.ctl("record", "pas", "H1", check=0).stdout
    assert "WHO IS THIS?" in page and waiting["id"] in page, "nobody takes the page for all that is known"
    assert "identity unlink" in bus.ctl("identity", "link", waiting["id"], *who, check=0).stdout
    shown = bus.ctl("identity", "show", waiting["id"], check=0).stdout
    assert "linked by Dr Green" in shown and "identity unlink" in shown
    assert shown.count("  L1  carebus:lab") == 1, "each is shown once"
    assert bus.ctl("identity", "link", waiting["id"], *who).returncode == 1, "the answer is no"
    assert "WHO IS THIS?" not in bus.ctl("record", "pas", "H1", check=0).stdout


def test_an_urgent_review_alarms_when_nobody_looks(make_bus):
    bus = make_bus({"matching": {"urgent_after": "1s"}}).start()
    pas, lab = bus.source("pas"), bus.source("lab")
    pas.send(demographics("P-1", "pas", "H1", "McAllister", "Jean", "1950-02-03"))
    lab.send(demographics("L-1", "lab", "L1", "McAlister", "Jean", "1950-02-03"))
    lab.send(decision("L-2", "lab", "L1", "O1"))
    bus.wait_folded()
    wait_for(lambda: [one for one in reviews(bus) if one.get("overdue")], what="the review is overdue")
    status = bus.ctl_json("status")[0]
    assert int(status["reviews"]["overdue"]) == 1
    assert any("identity review" in notice for notice in status["notices"])
    assert "McAl" not in bus.log()
