"""docs/faults.md: every row that is owed is there, and each names tests that exist and run when it says."""

import importlib.util
import re

import pytest
import tree
from test_safety import exists, names_of_tests

# What is owed; the others of the first list are tested by other names (the page says which).
OWED = [*range(1, 9), *range(10, 17), *range(18, 25), *range(26, 29), *range(30, 36), *range(37, 41)]


def page():
    spec = importlib.util.spec_from_file_location("rows", tree.TOP / "tests" / "faults" / "rows.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.rows()


def is_nightly(named):
    """By the marker before the test's function, or of its whole file."""
    path, _, function = named.partition("::")
    text = (tree.TOP / path).read_text()
    before = re.search(rf"((?:^@.*\n(?:[ )].*\n)*)*)^def {re.escape(function)}\(", text, re.M) if function else None
    return bool(before and "pytest.mark.nightly" in before.group(1))


def test_every_row_that_is_owed_is_there_in_order():
    assert list(page()) == OWED


@pytest.mark.parametrize("number", OWED)
def test_each_row_says_how_and_what_and_names_tests_that_exist_and_run_then(number):
    row = page()[number]
    assert min(len(row.fault), len(row.injected), len(row.outcome)) > 3 and row.short
    assert not [named for named in row.short + row.nightly if not exists(named)]
    assert not [named for named in row.short if is_nightly(named)], "would be skipped by ./run faults"
    assert not [named for named in row.nightly if not is_nightly(named)], "is no nightly test"


def test_every_test_that_the_page_names_exists():
    missing = [named for named in names_of_tests((tree.TOP / "docs" / "faults.md").read_text()) if not exists(named)]
    assert not missing
