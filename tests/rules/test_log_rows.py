"""What is asked at the end of all tests, which rows of the log they had written, can fail; and what is excepted from it is said why."""

import sys

import pytest
import tree

sys.path.insert(0, str(tree.TOP / "tests"))
import log_rows  # noqa: E402

ROWS = log_rows.table()
AT = "2026-11-21T22:01:07.123456Z carebusd[serve]"


def line(name, *said, level=None, words=None):
    told = "".join(f" {field}" for field in said)
    return f"{AT} {level or ROWS[name].level}: {words or ROWS[name].sentence}{told} event={name}\n"


def leave(folder, rows):
    lane = folder / "lane"
    lane.mkdir(exist_ok=True)
    (lane / "worker").write_text("".join(" ".join((name, *sorted(said))) + "\n" for name, said in rows), encoding="ascii")
    return log_rows.judge(folder)


def all_rows():
    return {name: set(said) for name, said in log_rows.catalogued().items()}


def test_all_rows_as_their_entries_speak_of_them_are_right(tmp_path):
    judged = leave(tmp_path, all_rows().items())
    assert not judged.wrong and set(judged.right) == set(ROWS) and not judged.excepted


def test_row_that_nobody_wrote_is_named_where_it_is_not_excepted(tmp_path):
    rows = all_rows()
    del rows["STARTED"]
    judged = leave(tmp_path, rows.items())
    assert [sentence.split(":")[0] for sentence in judged.wrong] == ["STARTED"]
    for name in log_rows.excepted():
        rows.pop(name)
    judged = leave(tmp_path, rows.items())
    assert len(judged.wrong) == 1 and set(judged.excepted) == set(log_rows.excepted())
    (tmp_path / "lane" / "worker").unlink()
    assert len(log_rows.judge(tmp_path).wrong) == len(ROWS) - len(judged.excepted)


@pytest.mark.parametrize("said, what", [({"seq"}, "without state_seq"), ({"seq", "state_seq", "name"}, "with name")])
def test_row_with_other_fields_than_it_should_have_is_named(tmp_path, said, what):
    rows = list({**all_rows(), "JOURNAL_OPENED": said}.items())
    judged = leave(tmp_path, rows)
    assert len(judged.wrong) == 1 and judged.wrong[0].startswith(f"JOURNAL_OPENED: written {what}")
    # Once as it should is no excuse for the other time.
    assert leave(tmp_path, [*rows, ("JOURNAL_OPENED", {"seq", "state_seq"})]).wrong == judged.wrong


def test_lines_count_whole_and_at_their_level_and_in_their_words():
    good = line("JOURNAL_OPENED", "seq=7", "state_seq=7")
    assert log_rows.rows_in(f"noise\n{good}noise event=STOPPED\n") == {("JOURNAL_OPENED", ("seq", "state_seq"))}
    assert log_rows.said(line("LOCKED", 'path="/a b"', "owner=7"), "LOCKED") == [{"path": "/a b", "owner": "7"}]
    bad = [line("STOPPED", level="critical"), line("STOPPED", words="stopped by hand"), line("STOPPED", "left over", "seq=1"),
           line("STOPPED")[30:], line("STOPPED").replace("STOPPED", "STOPPING")]
    assert not [text for text in bad if log_rows.rows_in(text)]


def test_what_is_excepted_is_a_row_and_says_why():
    reasons = log_rows.excepted()
    assert set(reasons) <= set(ROWS)
    assert all(len(reason.split()) >= 5 for reason in reasons.values())
    assert len(reasons) <= 3, "what can be brought about is to be brought about"
