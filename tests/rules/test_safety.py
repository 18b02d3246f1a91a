"""The safety file: each hazard has a control, a test that exists and a part for the site; no hazard that the field names is missing."""

import re

import pytest
import tree

SAFETY = tree.TOP / "docs" / "safety"
PARTS = ("Cause", "Effect", "Rating", "Control", "Tests", "The site must")
SEVERITY = "minor|significant|considerable|major|catastrophic"
LIKELIHOOD = "very low|low|medium|high|very high"
RATING = re.compile(rf"({SEVERITY}), ({LIKELIHOOD}); left: ({SEVERITY}), ({LIKELIHOOD})\.")

# What whoever works in this field begins a hazard log with, and the words by which its title is known.
STARTERS = {
    "wrong-patient plan": "one person is shown as another's",
    "stale DNACPR shown as current": "no longer holds is shown as current",
    "hospital DNACPR ended at discharge read as for CPR": "ended at discharge",
    "merge loses a refusal": "merge of two records loses a refusal",
    "admission alert to a team that has left": "team that has left",
    "alert storm hides one alert": "Many alerts hide",
    "restricted address leaks": "restricted address leaks",
    "silent feed read as no events": "silent source",
    "informal death treated as formal": "informal word of a death",
    "erroneous death not undone": "death told by mistake is not undone",
    "time zone or change of the clock": "change of the clock",
    "code map error": "code is mapped to the wrong meaning",
    "unit error in a syringe driver": "syringe driver",
    "replay re-sends old alerts as new": "replay sends old alerts",
    "unknown fields dropped between versions": "dropped between versions",
    "truncated text": "Text is cut off",
}


def parts_of(text):
    """The `- Name: ...` parts of a hazard, each with what is indented below it."""
    return {name: " ".join(body.split()) for name, body in re.findall(r"^- ([A-Z][\w ]+?): (.*(?:\n  .*)*)", text, re.M)}


def hazards():
    sections = re.split(r"^## ", (SAFETY / "hazard-log.md").read_text(), flags=re.M)[1:]
    return {section.split("\n", 1)[0]: parts_of(section) for section in sections}


def names_of_tests(text):
    return re.findall(r"`(tests/[^`]+)`", text)


def exists(named):
    path, _, function = named.partition("::")
    file = tree.TOP / path
    if not function:
        return file.exists()
    return file.is_file() and bool(re.search(rf"^(def|static void) {re.escape(function)}\(", file.read_text(), re.M))


def documents():
    return [*SAFETY.glob("*.md"), *(path for path in [tree.TOP / "docs" / "promises.md"] if path.exists())]


def test_hazards_are_numbered_without_gap_or_repeat():
    numbers = [title.split()[0] for title in hazards()]
    assert numbers == [f"H{i:02}" for i in range(1, len(numbers) + 1)] and len(numbers) >= len(STARTERS)


@pytest.mark.parametrize("starter", STARTERS)
def test_each_hazard_that_the_field_names_is_in_the_log(starter):
    assert sum(STARTERS[starter] in title for title in hazards()) == 1


@pytest.mark.parametrize("title", hazards())
def test_each_hazard_has_cause_control_tests_and_the_sites_part(title):
    parts = hazards()[title]
    assert tuple(parts) == PARTS
    assert all(len(parts[name]) > 20 for name in ("Cause", "Control", "The site must"))
    assert RATING.fullmatch(parts["Rating"]), parts["Rating"]
    assert names_of_tests(parts["Tests"]), "no test is named"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_every_test_that_is_named_exists(path):
    missing = [named for named in names_of_tests(path.read_text()) if not exists(named)]
    assert not missing, f"{path.name} names what does not exist: {missing}"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    assert not [link for link in links if not (path.parent / link).exists()]


def test_every_fault_that_was_found_has_a_command_that_runs_something():
    commands = re.findall(r"^\|.*\| `\./run test \"?([^`\"]+)\"?` \|$", (tree.TOP / "docs" / "promises.md").read_text(), re.M)
    system = [f"{path.name} {path.read_text()}" for path in (tree.TOP / "tests" / "system").glob("test_*.py")]
    builds = [path.read_text() for path in (tree.TOP / "tests").rglob("meson.build")]
    assert len(commands) > 10 and not [name for name in commands if not any(name in text for text in system + builds)]


def test_a_test_that_does_not_exist_is_noticed():
    assert exists("tests/rules/test_safety.py::test_a_test_that_does_not_exist_is_noticed")
    assert not exists("tests/rules/test_safety.py::test_of_nothing") and not exists("tests/rules/no_such_file.py")


@pytest.mark.parametrize(
    "word",
    [
        "Not the clinical record",
        "No advice",
        "Not the only means of alert",
        "does not mean that nothing exists",
        "ring the team",
    ],
)
def test_the_intended_use_says_what_carebus_is_not(word):
    assert re.search(word, (SAFETY / "intended-use.md").read_text())


def test_the_promises_are_worded_as_they_are():
    text = " ".join((SAFETY / "intended-use.md").read_text().split())
    for words in ("everything since the last copy", "complete, or right", "further delivery stops", "anything is recalled"):
        assert words in text, words
