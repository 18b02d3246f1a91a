"""`carebusctl matching`: weights out of records of one's own are found as they were put in, and can be used as they are printed.

People are made by lot from a fixed seed; every figure that is wanted was put in. On the public sets with known truth `./run bench
identity` has to be right: nobody is joined wrongly, and the fold joins as the rules say.
"""
import csv
import json
import os
import pathlib
import random
import re
import subprocess
import sys

import pytest
import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CAREBUS_BUILD", SOURCE / "build"))
CORPUS = pathlib.Path(os.environ.get("CAREBUS_CORPUS", SOURCE.parent / "shared" / "corpus"))
IDENTITY = CORPUS / "identity"
COLUMNS = "family=Surname,given=Forename,birth_date=DOB,sex=Sex,postcode=Postcode,line=Road,line=Town,telecom=Phone"
HEADER = ["who", "Surname", "Forename", "DOB", "Sex", "Postcode", "Road", "Town", "Phone"]
PEOPLE, WRONG_DATES, MOVED = 600, 0.10, 0.30


def ctl(*arguments):
    command = [BUILD / "ctl" / "carebusctl", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def word(lot, syllables):
    return "".join(lot.choice("bdfgklmnprstv") + lot.choice("aeiou") for _ in range(syllables))


def home(lot):
    road = f"{lot.randint(1, 400)} {word(lot, 3)} street"
    outward = f"{lot.choice('ABDEFG')}{lot.choice('BDFGHK')}{lot.randint(1, 20)}"
    return [f"{outward} {lot.randint(1, 9)}{lot.choice('ABD')}{lot.choice('ABD')}", road, word(lot, 4)]


def day(lot):
    return f"{lot.randint(1920, 2005)}-{lot.randint(2, 12):02}-{lot.randint(2, 28):02}"


def people():
    """Each twice; of the second one in ten has another birth date, and three in ten have moved."""
    lot = random.Random(11)
    families, givens = [word(lot, 4) for _ in range(120)], [word(lot, 3) for _ in range(60)]
    for who in range(PEOPLE):
        names, born, sex = [lot.choice(families), lot.choice(givens)], day(lot), lot.choice("MF")
        phone = f"0{lot.randint(10**9, 10**10 - 1)}"
        lives = home(lot)
        yield [who, *names, born, sex, *lives, phone]
        yield [who, *names, day(lot) if lot.random() < WRONG_DATES else born, sex, *(home(lot) if lot.random() < MOVED else lives), phone]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("matching") / "people.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *people()])
    return path


def weights_of(done):
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["matching"]["weights"]


@pytest.mark.long
@pytest.mark.parametrize("truth", [["--truth", "who"], []], ids=["counted", "expected"])
def test_weights_are_found_as_they_were_put_in(table, truth):
    weights = weights_of(ctl("matching", "estimate", table, "--columns", COLUMNS, *truth))
    # log2 of 0.9 in one of some 26,000 days; of 1 in 120 and 1 in 60 names; of 1 in 2 sexes.
    assert 12.5 < weights["birth_date"]["exact"] < 19.7
    assert 6.2 < weights["family"]["exact"] < 7.6
    assert 5.2 < weights["given"]["exact"] < 6.6
    assert 0.8 < weights["sex"]["exact"] < 1.2
    assert -4.5 < weights["birth_date"]["differs"] < -2.5
    assert -2.5 < weights["postcode"]["differs"] < -1.0
    # Nobody here has a nickname or a twin: as shipped.
    assert weights["given"]["nickname"] == 5.5
    assert weights["birth_order"]["differs"] == -12


@pytest.fixture(scope="module")
def estimated(table):
    """What is printed of that table."""
    done = ctl("matching", "estimate", table, "--columns", COLUMNS)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_the_same_records_give_the_same_weights(table, estimated):
    assert estimated and ctl("matching", "estimate", table, "--columns", COLUMNS).stdout == estimated


@pytest.mark.long
def test_what_is_printed_is_a_section_of_the_configuration(estimated, tmp_path):
    configuration = tmp_path / "carebus.yaml"
    example = (SOURCE / "etc" / "carebus.yaml").read_text(encoding="utf-8")
    # Folders of the example that are not on this machine are no mistake that is meant here.
    example = example.replace("/srv/hospice/in", str(tmp_path)).replace("/var/lib/carebus", str(tmp_path / "state"))
    configuration.write_text(f"{example}\n{estimated}", encoding="utf-8")
    (tmp_path / "profiles").symlink_to(SOURCE / "etc" / "profiles")
    assert weights_of(ctl("--config", configuration, "matching", "show")) == yaml.safe_load(estimated)["matching"]["weights"]


@pytest.mark.parametrize(
    "arguments, code, says",
    [
        ([], 64, "show or estimate"),
        (["estimate"], 64, "--columns"),
        (["estimate", "TABLE"], 64, "--columns"),
        (["estimate", "TABLE", "--columns", "surname=Surname"], 64, "FIELD is family, given"),
        (["estimate", "TABLE", "--columns", "family"], 64, "FIELD=HEADER"),
        (["estimate", "TABLE", "--columns", "family=Nobody"], 65, "no column 'Nobody'"),
        (["estimate", "TABLE", "--columns", "family=Surname", "--truth", "id"], 65, "no column 'id'"),
        (["estimate", "TABLE", "--columns", "family=Surname", "--what"], 64, "--columns and --truth"),
        (["estimate", "NOWHERE", "--columns", "family=Surname"], 65, "cannot be read"),
        (["estimate", "EMPTY", "--columns", "family=Surname"], 65, "no column 'Surname'"),
        (["estimate", "HEADER", "--columns", "family=Surname"], 65, "nothing to estimate from"),
    ],
)
def test_what_cannot_be_done_is_said(table, tmp_path, arguments, code, says):
    empty, header = tmp_path / "empty.csv", tmp_path / "header.csv"
    empty.write_text("", encoding="utf-8")
    header.write_text("Surname\n", encoding="utf-8")
    files = {"TABLE": table, "NOWHERE": tmp_path / "nowhere.csv", "EMPTY": empty, "HEADER": header}
    done = ctl("matching", *(files.get(argument, argument) for argument in arguments))
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert done.stdout == ""


def shipped(tmp_path):
    """What is in force where a configuration says nothing of it: as match_settings_default() has it."""
    configuration = tmp_path / "carebus.yaml"
    configuration.write_text(f"bus: test\nenvironment: test\nstate: {tmp_path}\n", encoding="utf-8")
    done = ctl("--config", configuration, "matching", "show")
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["matching"]


def rows(document, columns):
    text = (SOURCE / "docs" / document).read_text(encoding="utf-8")
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|"))
    return [row for row in cells if len(row) == columns]


def test_the_weights_of_the_manual_are_those_that_are_shipped(tmp_path):
    documented, field = {}, ""
    for name, agreement, bits, _ in rows("matching.md", 4):
        field = name.strip("`") or field
        if re.fullmatch(r"-?[0-9.]+", bits) and agreement != "`communal`":
            documented.setdefault(field, {})[agreement.strip("`")] = float(bits)
    assert documented == shipped(tmp_path)["weights"]


def test_the_thresholds_of_the_manual_and_the_example_are_those_that_are_shipped(tmp_path):
    wanted = shipped(tmp_path)
    manual = {row[0].strip("`"): row[1] for row in rows("matching.md", 3)}
    reference = {row[0].strip("`"): row[2].strip("`") for row in rows("configuration.md", 4)}
    example = (SOURCE / "etc" / "carebus.yaml").read_text(encoding="utf-8")
    for name in ("link_above", "review_above", "margin"):
        assert float(manual[name].removesuffix("bits")) == wanted[name]
        assert float(reference[f"matching.{name}"].removesuffix(", as shipped")) == wanted[name]
    for name in ("link_above", "review_above"):
        assert float(re.search(rf"^#   {name}: ([0-9.]+)", example, re.MULTILINE)[1]) == wanted[name]
    for name in ("twins", "birth_date"):
        assert reference[f"matching.{name}"] == wanted[name] == re.search(rf"^#   {name}: (\w+)", example, re.MULTILINE)[1]


@pytest.mark.parametrize("name, word, other", [("twins", "score", "review"), ("birth_date", "score", "agree")])
def test_a_rule_is_taken_back_by_the_configuration_and_by_nothing_else(tmp_path, name, word, other):
    configuration = tmp_path / "carebus.yaml"
    base = f"bus: test\nenvironment: test\nstate: {tmp_path}\nmatching: {{{name}: "
    for said in (word, other):
        configuration.write_text(f"{base}{said}}}\n", encoding="utf-8")
        assert yaml.safe_load(ctl("--config", configuration, "matching", "show").stdout)["matching"][name] == said
    configuration.write_text(f"{base}always}}\n", encoding="utf-8")
    refused = ctl("--config", configuration, "matching", "show")
    assert refused.returncode == 78 and word in refused.stderr and other in refused.stderr


@pytest.mark.long
@pytest.mark.skipif(not IDENTITY.is_dir(), reason=f"no corpus: {IDENTITY} is not there (CAREBUS_CORPUS names another folder)")
def test_nobody_of_the_public_sets_is_joined_wrongly():
    command = [sys.executable, "bench/bench.py", "--build", BUILD, "--json", "identity"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=SOURCE)
    assert done.returncode == 0, done.stderr
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    assert figures["people wrongly joined, all sets and ways"]["value"] == 0
    assert figures["people whom the fold joins otherwise than the rules"]["value"] == 0
    assert figures["FEBRL 4, a to b, estimated weights, the score alone"]["value"] >= 95
    assert figures["FEBRL 4, a to b, shipped, with such a number, the score alone"]["value"] >= 95
    # Twins, people without a first name and people of two birth dates are asked about.
    assert 75 <= figures["FEBRL 4, a to b, shipped"]["value"] < 87.5
