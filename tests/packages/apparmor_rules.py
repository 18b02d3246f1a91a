"""What a profile of AppArmor lets a program do with a path, read as apparmor.d(5) says; and what strace(1) saw a program do.

A kernel that enforces profiles is not at hand where tests run. What a program really opens, held against its profile, shows the same.
"""

import collections
import re

# (permissions that are needed, path). A folder's path ends in a slash, as the rules have it.
Access = collections.namedtuple("Access", "needs path by_owner_rule")

RULE = re.compile(r"^\s*(?P<deny>deny\s+)?(?:audit\s+)?(?P<owner>owner\s+)?(?P<path>[/@]\S*)\s+(?P<perms>[a-zA-Z]+),")


def _expression(pattern):
    """A path of a rule as a regular expression."""
    made, at, depth = "", 0, 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "*":
            double = pattern.startswith("**", at)
            end = at + (2 if double else 1)
            # Behind a slash and at the end it stands for something, never for nothing.
            some = pattern[at - 1] == "/" and end == len(pattern)
            made += ("[^\\0]" if double else "[^/\\0]") + ("+" if some else "*")
            at = end
            continue
        if sign == "{":
            made, depth = made + "(?:", depth + 1
        elif sign == "}":
            made, depth = made + ")", depth - 1
        elif sign == "," and depth:
            made += "|"
        elif sign == "?":
            made += "[^/]"
        elif sign == "[":
            end = pattern.index("]", at)
            made += pattern[at:end + 1]
            at = end
        else:
            made += re.escape(sign)
        at += 1
    return made


class Profile:
    """The rules about paths of one profile, out of what `apparmor_parser --preprocess` prints."""

    def __init__(self, text, name):
        self.variables = {}
        for line in text.splitlines():
            found = re.match(r"^@\{(\w+)\}\s*\+?=\s*(.*)$", line)
            if found:
                self.variables.setdefault(found[1], []).extend(part.strip('"') for part in found[2].split())
        body = re.search(rf"^profile {re.escape(name)} .*?\{{\n(.*?)^\}}", text, re.M | re.S)[1]
        self.rules = []
        for line in body.splitlines():
            rule = RULE.match(line)
            if rule:
                self.rules += [(bool(rule["deny"]), bool(rule["owner"]), re.compile(_expression(path)), rule["perms"])
                               for path in self._expanded(rule["path"])]
        assert len(self.rules) > 50, name

    def _expanded(self, path):
        found = re.search(r"@\{(\w+)\}", path)
        if not found:
            return [re.sub("/{2,}", "/", path)]
        return [one for value in self.variables[found[1]]
                for one in self._expanded(path[:found.start()] + value + path[found.end():])]

    def allows(self, path, with_owner):
        """Permissions on a path; those of rules for its owner where `with_owner` says that it is."""
        given, denied = set(), set()
        for deny, owner, expression, perms in self.rules:
            if (with_owner or not owner) and expression.fullmatch(path):
                (denied if deny else given).update(perms)
        return given - denied


CALL = re.compile(r"^(?P<call>\w+)\((?P<rest>.*)\) += (?P<result>-?\d+|\?)(?:<(?P<opened>[^>]*)>)?")
TEXT = re.compile(r'(?:\w+<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')


def _named(rest):
    """Paths in a call's arguments, made absolute by the descriptors before them."""
    for folder, name in TEXT.findall(rest):
        yield name if name.startswith("/") or not folder else f"{folder.rstrip('/')}/{name}" if name else folder


def _of_open(rest, opened):
    if "O_PATH" in rest or not opened.startswith("/"):
        return
    needs = "w" if "O_WRONLY" in rest else "rw" if "O_RDWR" in rest else "r"
    if "O_CREAT" in rest or "O_TRUNC" in rest:
        needs += "w"
    yield set(needs), opened + ("/" if "O_DIRECTORY" in rest else "")


def _of_call(call, rest, opened):
    """Pairs of permissions and path that a call which succeeded has needed."""
    names = list(_named(rest))
    if call in ("open", "openat", "openat2", "creat"):
        yield from _of_open(rest, opened or "")
    elif call in ("stat", "lstat", "newfstatat", "statx"):
        if names and not names[0].endswith(">"):
            yield {"r"}, names[0].rstrip("/") + ("/" if "S_IFDIR" in rest else "")
    elif call in ("mkdir", "mkdirat", "rmdir") or (call == "unlinkat" and "AT_REMOVEDIR" in rest):
        yield {"w"}, names[0].rstrip("/") + "/"
    elif call in ("unlink", "unlinkat", "chmod", "fchmodat", "chown", "fchownat", "lchown", "truncate", "utimensat", "mknod", "mknodat"):
        yield from (({"w"}, name) for name in names[:1])
    elif call in ("rename", "renameat", "renameat2"):
        yield {"r", "w"}, names[0]
        yield {"w"}, names[1]
    elif call in ("link", "linkat"):
        yield {"l"}, names[1]
    elif call in ("readlink", "readlinkat"):
        yield {"r"}, names[0]
    elif call in ("execve", "execveat"):
        yield {"x"}, names[0]
    elif call in ("flock", "fcntl") and ("LOCK_" in rest or "F_SETLK" in rest or "F_OFD_SETLK" in rest):
        found = re.match(r"\d+<([^>]*)>", rest)
        if found and found[1].startswith("/"):
            yield {"k"}, found[1]
    elif call in ("bind", "connect"):
        found = re.search(r'sun_path="(/[^"]*)"', rest)
        if found:
            yield {"w"}, found[1]


def accesses(trace, program):
    """What the calls in the lines of a trace by `strace -y` needed, each once; calls that failed needed nothing.

    What stands before the program itself is executed is of whoever started it.
    """
    begins = [number for number, line in enumerate(trace) if line.startswith(f'execve("{program}"')]
    seen, undumpable = {}, False
    for line in trace[begins[0] + 1 if begins else 0:]:
        found = CALL.match(line)
        if not found or found["result"].startswith("-") or found["result"] == "?":
            continue
        if found["call"] == "prctl" and re.match(r"PR_SET_DUMPABLE, (0|SUID_DUMP_DISABLE)", found["rest"]):
            undumpable = True
        for needs, path in _of_call(found["call"], found["rest"], found["opened"]):
            path = program if path == "/proc/self/exe" else path.replace(" (deleted)", "")
            if path.startswith("/"):  # and not a pipe or the like
                # Of a process that may not be dumped /proc belongs to root, whoever it runs as.
                seen[Access("".join(sorted(needs)), path, not (undumpable and path.startswith("/proc/")))] = None
    return list(seen)


def of_folders(seen):
    """The same, with the slash of a folder also where a call did not tell that it was one."""
    seen = list(seen)
    folders = {one.path for one in seen if one.path.endswith("/")}
    return {one._replace(path=one.path + "/") if one.path + "/" in folders else one for one in seen}
