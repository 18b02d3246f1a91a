"""What can be read in one sitting: functions, files, parameters, nesting."""

import re

import tree

FUNCTION_HARD, FUNCTION_SOFT, SOFT_SHARE = 100, 60, 0.04
FILE_HARD, HEADER_HARD = 900, 300
PARAMETERS_HARD, PARAMETERS_SOFT, PARAMETERS_SHARE = 8, 6, 0.02
NESTING = 4


def all_functions(folders=tree.CODE_FOLDERS):
    return [function for path in tree.files(".c", folders=folders) for function in tree.functions(path)]


def test_the_reader_of_functions_sees_them():
    names = {function.name for function in all_functions(("base",))}
    assert {"arena_new", "buffer_append", "crc32c", "ring_push", "utf8_valid_prefix", "log_write"} <= names


def test_no_function_is_longer_than_a_hundred_lines():
    bad = [f"{function}: {function.size} lines" for function in all_functions() if function.size > FUNCTION_HARD]
    assert not bad, "\n".join(bad)


def test_functions_beyond_sixty_lines_are_rare():
    every = all_functions()
    long = [f"{function}: {function.size} lines" for function in every if function.size > FUNCTION_SOFT]
    assert len(long) <= SOFT_SHARE * len(every), "\n".join(long)


def test_no_file_is_longer_than_nine_hundred_lines():
    bad = [f"{path}: {len(tree.lines(path))}" for path in tree.files(".c", ".py") if len(tree.lines(path)) > FILE_HARD]
    assert not bad, "\n".join(bad)


def test_no_header_is_longer_than_three_hundred_lines():
    # The library has one header, whatever it offers.
    limits = {"sdk/carebus.h": 400}
    bad = [f"{path}: {len(tree.lines(path))}" for path in tree.files(".h")
           if len(tree.lines(path)) > limits.get(str(path), HEADER_HARD)]
    assert not bad, "\n".join(bad)


def count_parameters(head):
    inside = head[head.index("(") + 1 : head.rindex(")")]
    depth, n = 0, 1
    for character in inside:
        depth += character in "([{"
        depth -= character in ")]}"
        n += character == "," and depth == 0
    return n


def test_no_function_takes_more_than_eight_parameters():
    bad = [f"{function}" for function in all_functions() if count_parameters(function.head) > PARAMETERS_HARD]
    assert not bad, "\n".join(bad)


def test_functions_of_more_than_six_parameters_are_rare():
    every = all_functions()
    many = [f"{function}" for function in every if count_parameters(function.head) > PARAMETERS_SOFT]
    assert len(many) <= PARAMETERS_SHARE * len(every), "\n".join(many)


def test_nothing_is_nested_deeper_than_four():
    deep = re.compile(r"^ {%d,}(if|for|while|switch|do)\b" % (8 * (NESTING + 1)))
    bad = []
    for function in all_functions():
        bad += [f"{function}: line {function.line + i}" for i, line in enumerate(function.body) if deep.match(line)]
    assert not bad, "\n".join(bad)


def test_no_line_is_wider_than_140():
    """clang-format keeps code in 120 columns; a comment may stand a little over."""
    bad = []
    for path in tree.files(".c", ".h", ".py", ".build"):
        if path.name != "log-events.h":  # one row, one line
            bad += [f"{path}:{i}" for i, line in enumerate(tree.lines(path), 1) if len(line) > 140]
    assert not bad, "\n".join(bad)
