"""Who somebody may be: what a helpline hears on the telephone finds the person, and nothing that it may not hear."""

import re
import shlex
import subprocess

import pytest
from carebus_bus import CAREBUSCTL, common_pb2, control_pb2, event_pb2, submission

NHS = "https://fhir.nhs.uk/Id/nhs-number"


def teams():
    return {
        "ward": {"name": "Ward", "organisation": "RA9", "class": "clinical", "may_read": ["pas", "lab"]},
        "clinic": {"name": "Clinic", "organisation": "RA9", "class": "clinical", "may_read": ["lab"]},
    }


def person(message_id, number, source="pas", family=None, given=None, born=None, sex=None, postcode=None, phone=None, former=None,
           nhs=None, **more):
    """What a source knows of somebody."""
    one = submission(message_id, events=0)
    event = one.events.add(type="patient.updated", action=event_pb2.ACTION_UPDATE)
    event.occurred_at.utc_at = 1_700_000_000_000_000
    event.patient.identifiers.add(system=f"carebus:{source}", value=number, type="MR")
    if nhs:
        event.patient.identifiers.add(system=NHS, value=nhs, status=common_pb2.Identifier.STATUS_VERIFIED)
    who = event.demographics
    if family:
        who.names.add(use="official", family=family, given=[given] if given else [])
    if former:
        who.names.add(use="maiden", family=former)
    if born:
        who.birth_date.year, who.birth_date.month, who.birth_date.day = born
    if sex:
        who.sex.code = sex
        who.sex.system = "http://hl7.org/fhir/administrative-gender"
    if postcode:
        who.addresses.add(use="home", line=["1 High Street"], city="Cupar", postal_code=postcode)
    if phone:
        who.telecom.add(system="phone", value=phone)
    for name, value in more.items():
        setattr(who, name, value)
    return one


@pytest.fixture
def town(make_bus):
    """People of one town: two named alike, one who is called otherwise, one who must not be found by where she lives, one who died."""
    bus = make_bus({"teams": teams()}).start()
    pas, lab = bus.source("pas"), bus.source("lab")
    pas.send(
        person("1", "H1", family="McAllister", given="Jean", born=(1950, 2, 3), sex="female", postcode="KY15 4AB", phone="01334 111222",
               nhs="9434765919"),
        person("2", "H2", family="McAllister", given="Jean", born=(1950, 2, 9), sex="female", postcode="KY15 4ZZ", phone="01334 333444"),
        person("3", "H3", family="Wojcik", given="Margaret", former="Campbell", born=(1944, 7, 11), sex="female", postcode="KY16 9AA",
               phone="01334 555666"),
        person("4", "H4", family="Hidden", given="Ann", born=(1961, 5, 6), sex="female", postcode="KY16 1XY", phone="01334 777888",
               restricted=True),
        person("5", "H5", family="Gone", given="Peter", born=(1930, 1, 12), sex="male", postcode="KY14 7XX", deceased=True),
    )
    lab.send(person("L1", "L9", source="lab", family="Elsewhere", given="Una", born=(1971, 8, 9), sex="female", postcode="KY10 3AB"))
    bus.wait_folded()
    return bus


def find(bus, **asked):
    request = control_pb2.Request()
    born = asked.pop("born", None)
    number = asked.pop("number", None)
    for name, value in asked.items():
        setattr(request.find, name, value)
    if number:
        request.find.identifier.value = number
    if born:
        for part, value in zip(("year", "month", "day"), born):
            setattr(request.find.birth_date, part, value)
    reply = bus.request("query", find=request.find)
    assert not reply.error, reply
    return reply.found


def families(found):
    return [candidate.name.family for candidate in found.candidates]


def agreement(candidate, field):
    return next((one.agreement for one in candidate.evidence if one.field == field), None)


def test_a_name_and_a_birth_date_find_the_one_person_with_what_speaks_for_it(town):
    found = find(town, name="Jean McAllister", born=(1950, 2, 3))
    first = found.candidates[0]
    assert (first.name.family, first.name.given, first.birth_date.day, first.postal_code) == ("McAllister", ["Jean"], 3, "KY15 4AB")
    assert (agreement(first, "family"), agreement(first, "given"), agreement(first, "birth_date")) == ("exact", "exact", "exact")
    assert list(first.sources) == ["pas"] and not first.dead
    assert {identifier.value for identifier in first.identifiers} >= {"H1", "9434765919"}
    scores = [candidate.score_thousandths for candidate in found.candidates]
    assert scores == sorted(scores, reverse=True)
    assert agreement(first, "postcode") is None, "nobody asked for it"


def test_the_order_of_the_names_a_slip_and_the_day_and_month_swapped_find_her_all_the_same(town):
    for name, born in (("McAllister, Jean", (1950, 2, 3)), ("Jean Macalister", (1950, 2, 3)), ("Jean McAllister", (1950, 3, 2))):
        asked = {"name": name, "born": born}
        assert find(town, **asked).candidates[0].patient_id == find(town, number="H1").candidates[0].patient_id, asked


def test_a_former_name_and_a_nickname_find_who_goes_by_another(town):
    for asked in ({"name": "Margaret Campbell", "born": (1944, 7, 11)}, {"name": "Peggy Wojcik", "born": (1944, 7, 11)}):
        assert families(find(town, **asked))[:1] == ["Wojcik"], asked


def test_what_is_known_in_part_is_enough_with_the_name(town):
    assert families(find(town, name="Margaret Wojcik", born=(1944,)))[:1] == ["Wojcik"]
    assert families(find(town, name="Wojcik", postcode="ky169aa"))[:1] == ["Wojcik"]
    assert families(find(town, phone="+44 1334 555666"))[:1] == ["Wojcik"]


def test_two_who_fit_alike_are_several_and_a_detail_more_tells_them_apart(town):
    found = find(town, name="Jean McAllister", born=(1950, 2))
    assert found.advice == "several-close" and families(found)[:2] == ["McAllister", "McAllister"]
    found = find(town, name="Jean McAllister", born=(1950, 2), postcode="KY15 4ZZ")
    assert found.candidates[0].birth_date.day == 9


def test_a_number_finds_its_person_however_it_is_read_out(town):
    for number in ("9434765919", "943 476 5919", "943-476-5919", "H1"):
        found = find(town, number=number)
        assert found.advice == "unique" and len(found.candidates) == 1
        assert agreement(found.candidates[0], "number") == "exact"
    assert find(town, number="H77").advice == "none"


def test_a_number_with_a_birth_date_that_is_another_is_no_answer_to_take_as_it_is(town):
    found = find(town, number="9434765919", name="Jean McAllister", born=(1991, 12, 30))
    assert found.advice == "not-enough" and agreement(found.candidates[0], "birth_date") == "differs"


def test_somebody_whose_whereabouts_are_restricted_is_found_by_name_and_birth_date_only(town):
    where = "KY16 1XY"
    for asked in ({"postcode": where, "born": (1961, 5, 6)}, {"phone": "01334 777888"}, {"name": "Ann Hidden", "postcode": where}):
        assert families(find(town, **asked)) == [], asked
    known = {"name": "Ann Hidden", "born": (1961, 5, 6)}
    for asked in ({**known, "postcode": where, "phone": "01334 777888"}, {"number": "H4", "postcode": where}):
        one = find(town, **asked).candidates[0]
        assert one.name.family == "Hidden" and not one.postal_code
        assert agreement(one, "postcode") is None and agreement(one, "telecom") is None, "an answer would tell where she lives"
    # a guess at where she lives weighs nothing either way
    right, wrong = (find(town, **known, postcode=code).candidates[0].score_thousandths for code in (where, "EH1 1AA"))
    assert right == wrong


def test_who_died_is_found_and_says_so(town):
    found = find(town, name="Peter Gone", born=(1930, 1, 12))
    assert found.candidates[0].dead


def test_nobody_and_too_little_are_told_apart(town):
    assert find(town, name="Nobody Atall", born=(1902, 3, 4)).advice == "none"
    assert find(town, born=(1950,)).advice == "not-enough"


def test_a_team_finds_only_whom_it_sees_and_by_nothing_that_it_does_not(town):
    assert families(find(town, team="clinic", name="Una Elsewhere", born=(1971, 8, 9))) == ["Elsewhere"]
    jean = {"name": "Jean McAllister", "born": (1950, 2, 3)}
    for asked in (jean, {"number": "9434765919"}, {"number": "H1"}, {"phone": "01334 111222"}):
        assert families(find(town, team="clinic", **asked)) == [], asked
        assert families(find(town, team="ward", **asked))[:1] == ["McAllister"], asked
    request = control_pb2.Request()
    request.find.name, request.find.team = "Jean McAllister", "nobody"
    assert town.request("query", find=request.find).error == "unknown-team"


def test_a_team_is_not_told_what_another_source_knows_of_its_person(town):
    pas, lab = town.source("pas"), town.source("lab")
    pas.send(person("6", "H6", family="Both", given="Zoe", born=(1980, 4, 5), postcode="KY12 1AA", nhs="9912003888"))
    lab.send(person("L2", "L6", source="lab", family="Both", given="Zoe", born=(1980, 4, 5), nhs="9912003888"))
    town.wait_folded()
    one = find(town, team="clinic", name="Zoe Both", born=(1980, 4, 5), postcode="KY12 1AA").candidates[0]
    assert list(one.sources) == ["lab"] and not one.postal_code
    assert agreement(one, "postcode") == "missing"
    asked = {"postcode": "KY12 1AA", "born": (1980, 4, 5), "name": "Zoe Both"}
    by_team, by_all = (find(town, **who, **asked).candidates[0].score_thousandths for who in ({"team": "clinic"}, {}))
    assert by_team < by_all
    whole = find(town, name="Zoe Both", born=(1980, 4, 5)).candidates[0]
    assert list(whole.sources) == ["lab", "pas"]


def test_the_limit_bounds_the_answer_and_says_that_there_is_more(town):
    pas = town.source("pas")
    pas.send(*[person(f"S{i}", f"S{i}", family="Smith", given="John", born=(1950, 1 + i % 12, 1 + i)) for i in range(12)])
    town.wait_folded()
    found = find(town, name="John Smith", born=(1950,), limit=3)
    assert len(found.candidates) == 3 and found.more


# -- carebusctl


def test_carebusctl_prints_what_speaks_for_each_and_what_to_do(town):
    answer = town.ctl("find", "Jean McAllister", "--born", "03/02/1950", "--postcode", "KY15 4AB", check=0).stdout
    assert "Jean McAllister, born 3 Feb 1950" in answer and "NHS 943 476 5919" in answer
    assert "agrees: " in answer and "known by: pas" in answer
    found = re.search(r"^One person fits.*: carebusctl record (p\S+)$", answer, flags=re.M)
    assert found and "Jean McAllister" in town.ctl("record", found.group(1), check=0).stdout, "it says what to do next, and that works"
    assert "DIED" in town.ctl("find", "Peter", "Gone", "--born", "1930-01-12", check=0).stdout
    line = town.ctl_json("find", "--identifier", "9434765919")
    line = line[0] if isinstance(line, list) else line
    assert line["advice"] == "unique" and line["candidates"][0]["name"]["family"] == "McAllister"


@pytest.mark.parametrize(
    "words",
    [
        ["find"],
        ["find", "Jean", "--born", "31/02/1950"],
        ["find", "Jean", "--born", "3/2/12"],
        ["find", "Jean", "--born", "yesterday"],
        ["find", "Jean", "--sex", "x"],
        ["find", "Jean", "--limit", "1000"],
        ["find", "Jean", "--born"],
        ["find", "Jean", "--colour", "red"],
    ],
)
def test_carebusctl_says_what_is_wrong_with_a_question(town, words):
    done = town.ctl(*words)
    assert done.returncode == 64 and "carebusctl find" in done.stderr


@pytest.mark.parametrize("words", [
    ["Jean McAllister", "--born", "3.2.50"], ["McAllister,", "Jean", "03/02/1950"], ["Jean", "McAllister", "--born", "3 feb 1950"],
    ["943", "476", "5919"], ["943-476-5919"], ["943 476 5919"], ["--identifier", "943 476 5919"], ["--phone", "01334111222"],
])
def test_what_is_said_on_the_telephone_may_be_typed_as_it_is_said(town, words):
    answer = town.ctl("find", *words, check=0).stdout
    assert "H1 of pas" in answer.split(" 2. ")[0], answer


@pytest.mark.parametrize("words, lacks", [
    (["Jean"], "the whole name"), (["McAllister"], "the whole name"), (["Jean Macalistr"], "the full birth date"),
    (["--postcode", "ZZ1 1ZZ"], "the whole name"), (["--phone", "01234567890"], "the whole name"),
    (["Ann", "--born", "1961"], "the postcode"),
])
def test_too_little_never_reads_as_nobody(town, words, lacks):
    """Whoever asks by a name alone has not learnt that nobody is known."""
    done = town.ctl("find", *words, check=1)
    assert "Nobody here fits" not in done.stdout and "Too little" in done.stdout and lacks in done.stdout, done.stdout
    assert town.ctl_json("find", *words, check=1)[0]["advice"] == "not-enough"


def test_a_number_with_a_slip_is_told_from_a_number_that_nobody_has(town):
    slip = town.ctl("find", "943 476 5918", check=1).stdout
    assert "a digit of it is wrong" in slip
    unknown = town.ctl("find", "9000000009", check=1).stdout
    assert "a digit" not in unknown and "may be known without it" in unknown


def test_what_agrees_with_what_was_said_before_is_not_shown_as_if_it_stood_there(town):
    town.source("pas").send(person("6b", "H1", family="McAllister", given="Jean", born=(1950, 2, 5)))
    town.wait_folded()
    shown = town.ctl("find", "Jean McAllister", "--born", "1950-02-03", "--postcode", "KY15 4AB", check=0).stdout
    assert "born 5 Feb 1950" in shown and "birth date (as somebody says or said; not the one above)" in shown


def test_what_a_source_sent_cannot_steer_the_terminal(town):
    town.source("pas").send(person("esc", "H\x1b[2J9", family="Es\x1b[31mcape", given="Tess", born=(1955, 5, 6)))
    town.wait_folded()
    shown = town.ctl("find", "Tess", "--born", "1955-05-06", "--identifier", "H\x1b[2J9").stdout
    shown += town.ctl("find", "Tess Escape", "--born", "1955-05-06").stdout
    assert "Tess" in shown and "\x1b" not in shown


def test_lines_fit_the_terminal_and_are_wrapped_at_a_hundred_without_one(town):
    shown = town.ctl("find", "Jean McAllister", "--born", "1950-02-03", check=0).stdout
    record = town.ctl("record", "pas", "H1", check=0).stdout
    assert max(map(len, (shown + record).splitlines())) <= 100
    command = shlex.join([str(CAREBUSCTL), "--config", str(town.config_path), "record", "pas", "H1"])
    narrow = subprocess.run(["script", "-qec", f"stty cols 80; {command}", "/dev/null"], capture_output=True, text=True, check=False)
    if narrow.returncode != 0:
        pytest.skip("no terminal can be had here: script(1)")
    assert "RESUSCITATION" in narrow.stdout and max(map(len, narrow.stdout.splitlines())) <= 80
    assert "\x1b" not in shown + record + narrow.stdout, "no colours"


def test_nobody_found_is_the_answer_no(town):
    done = town.ctl("find", "Nobody Atall", "--born", "1902-03-04")
    assert done.returncode == 1 and "Nobody here fits" in done.stdout


def test_nothing_of_a_question_is_in_the_log(town):
    town.ctl("find", "Jean McAllister", "--born", "1950-02-03", "--postcode", "KY15 4AB")
    town.ctl("find", "Jean McAllister", "--team", "nosuchteam")
    assert not any(word in town.log() for word in ("McAllister", "KY15", "1950-02-03", "Jean"))
