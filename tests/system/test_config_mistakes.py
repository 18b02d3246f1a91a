"""Mistakes in the files that ship, as an administrator makes them: `carebusctl check` finds each where it is and says what was meant."""

import json
import os
import random
import re
import shutil
import string
import subprocess

import pytest
import yaml
from carebus_bus import CAREBUSCTL, ROOT

WRONG, GOOD = 78, 0
SAMPLE = 40  # keys of a file beyond those of carebus.yaml, which are all tried
SUGGESTED_AT_LEAST = 0.95
PROFILES = sorted(path.name for path in (ROOT / "etc" / "profiles").glob("*.yaml"))
COMMENTED = re.compile(r"^( *)# ((?: *# )? *(?:[a-z][a-z_-]*:(?: .*)?|- \{.*))$")


@pytest.fixture
def rng():
    seed = int(os.environ.get("CAREBUS_SEED", random.randrange(1 << 32)))
    print(f"CAREBUS_SEED={seed}")
    return random.Random(seed)


class Site:
    """What ships, laid out as a site has it: the example, the rules, every profile."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "profiles").mkdir()
        self.main = folder / "carebus.yaml"
        example = (ROOT / "etc" / "carebus.yaml").read_text(encoding="utf-8")
        # folders and files of a site that are not on this machine are no mistake that is meant here
        example = example.replace("/srv/hospice/in", str(folder)).replace("/var/lib/carebus", str(folder / "state"))
        self.main.write_text(example, encoding="utf-8")
        shutil.copy(ROOT / "etc" / "sharing.yaml", folder / "sharing.yaml")
        for name in PROFILES:
            shutil.copy(ROOT / "etc" / "profiles" / name, folder / "profiles" / name)

    def check(self, code):
        done = subprocess.run([str(CAREBUSCTL), "--config", str(self.main), "--json", "check"], capture_output=True, text=True,
                              timeout=120, check=False)
        assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
        report = json.loads(done.stdout)
        errors = [one for one in report["problems"] if one["severity"] == "error"]
        assert len(errors) == report["errors"]
        assert (code == GOOD) == (not errors)
        return errors

    def refuse(self, path, text):
        """The errors with that text in a file, which is put back as it was."""
        before = path.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        try:
            return self.check(WRONG)
        finally:
            path.write_text(before, encoding="utf-8")


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def keys_of(node, found=None, path=()):
    """Every key of a file with its path; names of teams, codes and the like among them."""
    found = [] if found is None else found
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found.append((path, key))
            keys_of(value, found, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            keys_of(item, found, (*path, "-"))
    return found


def edits(word, rng):
    """One letter dropped, two that changed places, one more: as fingers do."""
    at = rng.randrange(len(word))
    swapped = [word[:i] + word[i + 1] + word[i] + word[i + 2:] for i in range(len(word) - 1) if word[i] != word[i + 1]]
    return [word[:at] + word[at + 1:], *rng.sample(swapped, min(1, len(swapped))),
            word[:at] + rng.choice(string.ascii_lowercase) + word[at:]]


def replaced(text, mark, old, new):
    assert text[mark.index:mark.index + len(old)] == old
    return text[:mark.index] + new + text[mark.index + len(old):]


class Tally:
    def __init__(self):
        self.tried, self.missed = 0, []

    def add(self, errors, file, mark, key, word):
        here = [one for one in errors if one["file"] == str(file) and (one["line"], one["column"]) == (mark.line + 1, mark.column + 1)]
        assert here, f"{word} instead of {key} at {file}:{mark.line + 1}:{mark.column + 1} is not located: {errors}"
        self.tried += 1
        if not any(one["hint"] and f"'{key}'" in one["hint"] for one in here):
            self.missed.append(f"{file.name}: {word} instead of {key}: {[one['hint'] for one in here]}")

    def end(self):
        print(f"{self.tried} mistakes, all located, {len(self.missed)} without what was meant", *self.missed, sep="\n")
        assert self.tried > 0 and len(self.missed) <= self.tried * (1 - SUGGESTED_AT_LEAST)


def try_keys(site, file, keys, rng, each=3):
    text = file.read_text(encoding="utf-8")
    known = {key.value for _, key in keys_of(yaml.compose(text))}
    tally = Tally()
    for _, key in keys:
        words = [word for word in edits(key.value, rng) if word and word not in known]
        for word in rng.sample(words, min(each, len(words))):
            tally.add(site.refuse(file, replaced(text, key.start_mark, key.value, word)), file, key.start_mark, key.value, word)
    tally.end()


# ---- keys


def is_own_name(path):
    """Names that a site gives, which can be anything."""
    return path in (("teams",), ("sources",), ("destinations",), ("sensitive",))


def test_what_ships_is_good(site):
    assert site.check(GOOD) == []


@pytest.mark.long
def test_every_key_of_the_example_with_a_letter_wrong_is_located_and_understood(site, rng):
    root = yaml.compose(site.main.read_text(encoding="utf-8"))
    keys = [(path, key) for path, key in keys_of(root) if not is_own_name(path)]
    assert len(keys) > 40
    try_keys(site, site.main, keys, rng)


def uncommented(text):
    """The example with all that it offers in comments; of two ways to say one thing the latter."""
    lines = []
    is_below_first_key = False
    for line in text.splitlines():
        is_below_first_key = is_below_first_key or line.startswith("bus:")
        found = COMMENTED.match(line)
        if found and is_below_first_key and not line.startswith("# sharing: sharing.yaml"):
            line = found[1] + found[2].replace("# ", "", 1) if found[2].lstrip().startswith("# ") else found[1] + found[2]
        lines.append(line)
    return "\n".join(lines) + "\n"


@pytest.mark.long
def test_every_key_that_the_example_offers_in_comments_is_located_and_understood(site, rng):
    site.main.write_text(uncommented(site.main.read_text(encoding="utf-8")), encoding="utf-8")
    assert not any("unknown key" in one["message"] or "not YAML" in one["message"] for one in site.check(WRONG))
    keys = [(path, key) for path, key in keys_of(yaml.compose(site.main.read_text(encoding="utf-8")))
            if not is_own_name(path) and path[:2] != ("matching", "weights")]
    assert {"listen", "destinations", "facade", "tls", "client_ca", "poll", "scope", "audit", "matching", "ownership", "may_read"} <= {
        key.value for _, key in keys}
    assert len(keys) > 90
    try_keys(site, site.main, keys, rng, each=1)


@pytest.mark.long
def test_keys_of_the_rules_with_a_letter_wrong_are_located_and_understood(site, rng):
    with site.main.open("a", encoding="utf-8") as main:
        main.write("sharing: sharing.yaml\n")
    assert site.check(GOOD) == []
    file = site.folder / "sharing.yaml"
    keys = [(path, key) for path, key in keys_of(yaml.compose(file.read_text(encoding="utf-8"))) if not is_own_name(path)]
    try_keys(site, file, rng.sample(keys, SAMPLE), rng)


def is_profile_key(path):
    """Keys of the tables: at the top, of an authority, of an entry of a map."""
    return not path or path == ("authorities", "-") or (path[0] == "maps" and len(path) == 3)


@pytest.mark.long
@pytest.mark.parametrize("name", PROFILES)
def test_keys_of_a_profile_with_a_letter_wrong_are_located_and_understood(site, rng, name):
    site.main.write_text(site.main.read_text(encoding="utf-8").replace("profile: itk", f"profile: {name.removesuffix('.yaml')}"),
                         encoding="utf-8")
    assert site.check(GOOD) == []
    file = site.folder / "profiles" / name
    keys = [(path, key) for path, key in keys_of(yaml.compose(file.read_text(encoding="utf-8"))) if is_profile_key(path)]
    if not keys:
        pytest.skip("it says nothing")
    try_keys(site, file, rng.sample(keys, min(SAMPLE // 4, len(keys))), rng)


# ---- values


def at(text, part, nth=0):
    """Line and column of a part of a text, from 1."""
    index = -1
    for _ in range(nth + 1):
        index = text.index(part, index + 1)
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


# What stands in the example, what somebody writes instead, what is said of it, and of which part of that: the place.
VALUES = [
    ("environment: test ", "environment: tset ", "did you mean 'test'?", "tset"),
    ("environment: test ", "environment: [test] ", None, "[test]"),
    ("bus: wester-care", "bus: Wester Care", "a name is 1 to 32", "Wester Care"),
    ("bus: wester-care", "bus:wester-care", "the space behind its colon", None),
    ("bus: wester-care", "bus wester-care", "a colon and a space", None),
    ("run: /run/carebus", "run: run/carebus", "a path begins with /", "run/carebus"),
    ("timezone: Europe/London", "timezone: Europe/Lodnon", None, "Europe/Lodnon"),
    ("segment_bytes: 64 MiB", "segment_bytes: 64 MB", "KiB, MiB or GiB", "64 MB"),
    ("segment_bytes: 64 MiB", "segment_bytes: 1 KiB", None, "1 KiB"),
    ("soft_bytes: 2 GiB", "soft_bytes: {a: b}", None, "{a: b}"),
    ("team: neurology\n    adapter", "team: neurolgy\n    adapter", "did you mean 'neurology'?", "neurolgy"),
    ("profile: itk", "profile: ikt", "did you mean 'itk'?", "ikt"),
    ("listen: \"127.0.0.1:2575\"", "listen: \"localhost:2575\"", "addresses are literal", "\"localhost"),
    ("listen: \"127.0.0.1:8088\"", "listen: \"0.0.0.0:2575\"", "another port", "\"0.0.0.0:2575\""),
    ("class: clinical", "class: clinicla", "did you mean 'clinical'?", "clinicla"),
    ("state: ", "bus: again\nstate: ", "keep one of the two", "bus: again"),
    ("    organisation: RB1", "\torganisation: RB1", "tab", "\torganisation"),
    ("    name: Neurology", "    name: \"Neurology", "quotation mark", None),
    ("hours: \"Mo-Fr 09:00-17:00\", phone", "hours: \"Mo-Fr 09:00-17:00, phone", None, None),
]


@pytest.mark.parametrize("before, after, hint, part", VALUES)
def test_a_wrong_value_is_located_with_what_to_write(site, before, after, hint, part):
    text = site.main.read_text(encoding="utf-8")
    assert before in text
    wrong = text.replace(before, after, 1)
    errors = site.refuse(site.main, wrong)
    places = {(one["line"], one["column"]) for one in errors if one["file"] == str(site.main)}
    assert places
    if part:
        assert at(wrong, part) in places, errors
    else:  # what goes on in the next line is found there
        first = at(wrong, after.strip())[0]
        assert any(first <= line <= first + 1 for line, _ in places), errors
    if hint:
        assert any(one["hint"] and hint in one["hint"] for one in errors), errors


def test_all_mistakes_of_all_files_come_in_one_run(site):
    text = site.main.read_text(encoding="utf-8")
    for before, after in (("environment: test ", "enviroment: test "), ("class: clinical", "class: clinicla"),
                          ("team: hospice", "team: hospcie"), ("soft_bytes: 2 GiB", "soft_bytes: much")):
        assert before in text
        text = text.replace(before, after, 1)
    (site.folder / "conf.d").mkdir()
    layer = site.folder / "conf.d" / "50-site.yaml"
    layer.write_text("metrics: here\n", encoding="utf-8")
    profile = site.folder / "profiles" / "itk.yaml"
    profile.write_text(profile.read_text(encoding="utf-8") + "\ntimezoen: Europe/London\n", encoding="utf-8")
    errors = site.refuse(site.main, text)
    said = " ".join(one["message"] for one in errors)
    for word in ("enviroment", "clinicla", "hospcie", "much", "here", "timezoen"):
        assert f"'{word}'" in said, said
    assert {one["file"] for one in errors} == {str(site.main), str(layer), str(profile)}
    assert len(errors) == 6
    done = subprocess.run([str(CAREBUSCTL), "--config", str(site.main), "check"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == WRONG and done.stdout == ""  # the layer and the profile are wrong still
    for file in (layer, profile):
        assert re.search(rf"^{re.escape(str(file))}:\d+:\d+: error: .*\n.*\n *\^\n", done.stderr, re.MULTILINE), done.stderr


@pytest.mark.long
def test_half_a_file_is_never_half_taken_without_a_word(site, rng):
    """A file that was cut off is refused with a place in it, or it is whole as far as it goes: what it does not say it does not have."""
    text = site.main.read_text(encoding="utf-8")
    for cut in sorted(rng.sample(range(1, len(text)), SAMPLE)):
        half = text[:cut]
        site.main.write_text(half, encoding="utf-8")
        done = subprocess.run([str(CAREBUSCTL), "--config", str(site.main), "--json", "check"], capture_output=True, text=True,
                              timeout=120, check=False)
        assert done.returncode in (GOOD, WRONG), f"cut at {cut}: {done.stderr}"
        report = json.loads(done.stdout)
        assert (done.returncode == GOOD) == (report["errors"] == 0)
        lines = half.count("\n") + 1
        assert all(one["line"] <= lines for one in report["problems"] if one["file"] == str(site.main)), f"cut at {cut}: {report}"
        if done.returncode == GOOD:
            assert isinstance(yaml.safe_load(half), dict)
