"""Disks that fail: every write and sync of a run, in every way, and what the daemon does about it."""

import pytest

import faulty
from faulty import EXIT_LATER, EXIT_STORAGE

pytestmark = pytest.mark.plain

JOURNAL, FOLD, ANY = "*/state/journal*", "*/state/fold*", "*/state/*"


# ---- every N-th call of a 20-message run


def judge_fault(outcome):
    """EIO, and a sync that fails, are final; or they did not concern what was acknowledged."""
    assert outcome.exit_code == EXIT_STORAGE or outcome.complete, f"exit {outcome.exit_code}"


def judge_no_space(outcome):
    """No room is not final: all is taken in the end. At the start it means: later."""
    if outcome.ready:
        assert outcome.complete, f"exit {outcome.exit_code}"
    else:
        assert outcome.exit_code in (EXIT_LATER, EXIT_STORAGE), f"exit {outcome.exit_code}"


def judge_no_space_for_state(outcome):
    """LMDB's pages may wait for room; its last word on a commit may not."""
    assert outcome.complete or outcome.exit_code in (EXIT_LATER, EXIT_STORAGE), f"exit {outcome.exit_code}"


def judge_kill(outcome):
    assert outcome.complete or outcome.exit_code == -9, f"exit {outcome.exit_code}"


JUDGES = {"EIO": judge_fault, "ENOSPC": judge_no_space, "EDQUOT": judge_no_space, "torn": judge_kill, "kill": judge_kill, "killed": judge_kill}


# Killed before the N-th call and killed after the one before it leave the same files.
ORDINARY = [
    (JOURNAL, "write", "EIO"), (JOURNAL, "write", "ENOSPC"), (JOURNAL, "write", "torn"),
    (JOURNAL, "sync", "EIO"), (JOURNAL, "sync", "kill"),
    (FOLD, "write", "EIO"), (FOLD, "write", "torn"),
    (FOLD, "sync", "EIO"), (FOLD, "sync", "kill"),
    (ANY, "rename", "EIO"), (ANY, "rename", "kill"),
]
LONG = [
    (where, call, action) for where, call in [(JOURNAL, "write"), (JOURNAL, "sync"), (FOLD, "write"), (FOLD, "sync"), (ANY, "rename")]
    for action in JUDGES if (action == "torn") <= (call == "write") and (action in ("ENOSPC", "EDQUOT")) <= (call == "write")
]


@pytest.mark.parametrize("where, call, action", ORDINARY)
def test_every_single_call_of_a_run_may_fail_and_nothing_is_lost(where, call, action):
    print(faulty.try_all(f"{where} {call}", action, JUDGES[action]))


@pytest.mark.nightly
@pytest.mark.parametrize("where, call, action", LONG)
def test_every_single_call_may_fail_in_every_way_and_nothing_is_lost(where, call, action):
    judge = judge_no_space_for_state if where == FOLD and action in ("ENOSPC", "EDQUOT") else JUDGES[action]
    print(faulty.try_all(f"{where} {call}", action, judge, faulty.ONE_BY_ONE))
