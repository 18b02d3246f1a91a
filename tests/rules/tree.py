"""The files of the tree, as the rules look at them."""

import functools
import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]

CODE_FOLDERS = ("base", "proto", "canon", "config", "sdk", "daemon", "adapters", "ctl")


@functools.lru_cache(maxsize=None)
def tracked():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout
    paths = [pathlib.PurePosixPath(name) for name in listing.decode().split("\0") if name]
    return [path for path in paths if (TOP / path).is_file()]


def files(*suffixes, folders=None):
    for path in tracked():
        if path.suffix in suffixes and (folders is None or path.parts[0] in folders):
            yield path


@functools.lru_cache(maxsize=None)
def text(path):
    return (TOP / path).read_text(encoding="utf-8")


def lines(path):
    return text(path).splitlines()


def is_text(path):
    data = (TOP / path).read_bytes()
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


@functools.lru_cache(maxsize=None)
def code_without_comments(path):
    """The C text with comments and the insides of literals blanked; lines stay where they are."""
    pattern = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)

    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[-1]

    return pattern.sub(blank, text(path))


class Function:
    def __init__(self, path, line, name, head, body):
        self.path, self.line, self.name, self.head, self.body = path, line, name, head, body

    @property
    def size(self):
        return len(self.body)

    def __str__(self):
        return f"{self.path}:{self.line}: {self.name}()"


def functions(path):
    """Function definitions of a formatted C file: a head that begins at the margin and a body up to the next "}" there."""
    source = code_without_comments(path).splitlines()
    i = 0
    while i < len(source):
        if not re.match(r"[A-Za-z_].*\(", source[i]) or source[i].startswith(("typedef", "#")):
            i += 1
            continue
        start = i
        while i < len(source) and not source[i].rstrip().endswith(("{", ";", ")")) or source[i].rstrip().endswith(","):
            i += 1
        head = " ".join(source[start : i + 1])
        if not head.rstrip().endswith(") {"):
            i += 1
            continue
        end = i
        while end < len(source) and not source[end].startswith("}"):
            end += 1
        match = re.search(r"([A-Za-z_]\w*)\s*\((?!.*__attribute__)", head)
        match = match or re.search(r"([A-Za-z_]\w*)\s*\(", head)
        yield Function(path, start + 1, match.group(1), head, source[start : end + 1])
        i = end + 1
