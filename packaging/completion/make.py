#!/usr/bin/python3
"""Completion for bash and zsh out of what the programs themselves say: make.py SHELL OUTPUT PROGRAM...

carebusctl --help prints the table that it finds its commands by; the others print their options. So a command that is new is completed
from the build on that has it.
"""
import pathlib
import re
import subprocess
import sys

OPTION = re.compile(r"--([a-z][a-z-]*)(?:[ =](?!--)((?:\[[A-Z|]+\])?[^\s\[\]|]+))?")
FILES = {"FILE", "FILE|-", "FILE..."}
FOLDERS = {"FOLDER", "DIR"}
NAMES = {"--team": "teams", "--source": "sources", "--destination": "destinations"}


def said_by(program):
    return subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout


def alternatives(usage):
    """Parts between bars that stand in no bracket; a bar without blanks is part of a word."""
    parts, depth, current = [], 0, []
    for word in usage.split():
        if word == "|" and depth == 0:
            parts.append(" ".join(current))
            current = []
            continue
        depth += word.count("[") + word.count("(") - word.count("]") - word.count(")")
        current.append(word)
    return [*parts, " ".join(current)]


def options_of(text):
    return {f"--{name}": value for name, value in OPTION.findall(text)}


class Command:
    """A row of the table: its word, what it does, its options, and its own words with theirs."""

    def __init__(self, usage, does):
        self.name, self.does = usage.split()[0], does
        self.options, self.words = {}, {}
        for part in alternatives(usage):
            rest = part[len(self.name):].strip() if part.split()[0] == self.name else part
            own = options_of(rest)
            self.options.update(own)
            first = rest.split()[0] if rest else ""
            if re.fullmatch(r"[a-z][a-z-]*", first):
                self.words.setdefault(first, {}).update(own)
        # What is said once at the end (--who NAME --why TEXT) holds for the words before it that say nothing of their own.
        for own in self.words.values():
            if not own and len(self.words) > 1:
                own.update(self.options)


def commands(help_text):
    """Rows are indented by two, what they do by eight; the options of all stand behind an empty line."""
    rows = re.findall(r"^  (\S[^\n]*)\n {8}(\S[^\n]*)$", help_text, re.M)
    return [Command(usage, does) for usage, does in rows]


def common_options(help_text):
    """Of the rows of options, and of the forms of use where the program has no commands, what stands before two blanks."""
    rows = re.findall(r"^  +(?:-\w, )?(--[a-z].*?)(?:  .*)?$", help_text, re.M)
    forms = re.findall(r"^  (carebus[a-z-]* .*?--.*?)(?:   *\S.*)?$", help_text, re.M) if not commands(help_text) else []
    return {**options_of("\n".join(forms)), **options_of("\n".join(rows))}


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def takes(options):
    """Options by what stands behind them."""
    kinds = {"files": set(), "folders": set(), "words": set(), "nothing": set()}
    for name, value in options.items():
        kind = "nothing" if not value else "files" if value in FILES else "folders" if value in FOLDERS else "words"
        kinds[kind].add(name)
    return kinds


def case(names):
    return "|".join(sorted(names))


BASH_NAMES = """\
# Names that stand in the configuration below a key; what cannot be read completes nothing.
_carebus_names() {
    local file=${CAREBUS_CONFIG:-/etc/carebus/carebus.yaml} files
    files=("$file" "${file%/*}"/conf.d/*.yaml)
    awk -v key="$1:" '/^[^ #]/ { inside = ($1 == key) } inside && match($0, /^  [a-z0-9][a-z0-9-]*:/) {
        print substr($0, 3, RLENGTH - 3) }' "${files[@]}" 2>/dev/null
}
"""


def bash_values(options):
    kinds = takes(options)
    lines = []
    for option, key in NAMES.items():
        if option in kinds["words"]:
            words = f"$(_carebus_names {key})"
            lines.append(f"        {option}) mapfile -t COMPREPLY < <(compgen -W \"{words}\" -- \"$cur\"); return ;;")
            kinds["words"].discard(option)
    for kind, flag in (("files", "-f"), ("folders", "-d")):
        if kinds[kind]:
            lines.append(f"        {case(kinds[kind])}) mapfile -t COMPREPLY < <(compgen {flag} -- \"$cur\"); return ;;")
    if kinds["words"]:
        lines.append(f"        {case(kinds['words'])}) return ;;")
    return "    case $prev in\n" + "\n".join(lines) + "\n    esac\n" if lines else ""


def bash_plain(name, options):
    function = "_" + name.replace("-", "_")
    words = " ".join(sorted(options))
    return (f"{function}() {{\n    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}\n"
            "    COMPREPLY=()\n"
            f"{bash_values(options)}    if [[ $cur == -* ]]; then\n        mapfile -t COMPREPLY < <(compgen -W '{words}' -- \"$cur\")\n"
            f"    else\n        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n    fi\n}}\ncomplete -o filenames -F {function} {name}\n")


def bash_commands(name, rows, common):
    everything = dict(common)
    for row in rows:
        everything.update(row.options)
    with_value = case(name for name, value in everything.items() if value)
    lines = [
        f"_{name}() {{",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' word='' i",
        "    COMPREPLY=()",
        bash_values(everything) + "    # The command, and its own word, are the first two that are neither an option nor an option's.",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        "        case ${COMP_WORDS[i]} in",
        f"            {with_value}) ((++i)) ;;",
        "            -*) ;;",
        "            *) if [[ -z $command ]]; then command=${COMP_WORDS[i]}; elif [[ -z $word ]]; then word=${COMP_WORDS[i]}; fi ;;",
        "        esac",
        "    done",
        "    case $command:$word in",
    ]
    reply = "mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\")"
    lines.append("        :*) " + reply.format(" ".join([row.name for row in rows] + sorted(common))) + " ;;")
    for row in rows:
        for word, options in row.words.items():
            lines.append(f"        {row.name}:{word}) " + reply.format(" ".join(sorted(options))) + " ;;")
        lines.append(f"        {row.name}:*) " + reply.format(" ".join([*row.words, *sorted(row.options)])) + " ;;")
    lines += [
        "    esac",
        "    if ((${#COMPREPLY[@]} == 0)) && [[ $cur != -* ]]; then",
        "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")",
        "    fi",
        "}",
        f"complete -o filenames -F _{name} {name}",
    ]
    return "\n".join(lines) + "\n"


def zsh_value(option, value):
    if option in NAMES:
        return f":{value.lower()}:($(_carebus_names {NAMES[option]}))"
    return f":{value.lower()}:" + ("_files" if value in FILES else "_files -/" if value in FOLDERS else "") if value else ""


def zsh_options(options):
    return " ".join(quoted(option + zsh_value(option, re.sub(r"[\[\]:]", "", value))) for option, value in sorted(options.items()))


IN_BASH = """\
    local file=${CAREBUS_CONFIG:-/etc/carebus/carebus.yaml} files
    files=("$file" "${file%/*}"/conf.d/*.yaml)"""
IN_ZSH = """\
    local file=${CAREBUS_CONFIG:-/etc/carebus/carebus.yaml}
    local -a files=($file ${file:h}/conf.d/*.yaml(N))"""
ZSH_NAMES = BASH_NAMES.replace(IN_BASH, IN_ZSH)


def zsh_plain(programs):
    lines = [f"#compdef {' '.join(name for name, _ in programs)}", "", ZSH_NAMES, "case $service in"]
    for name, options in programs:
        lines.append(f"    {name}) _arguments {zsh_options(options)} '*:file:_files' ;;")
    return "\n".join([*lines, "esac"]) + "\n"


def zsh_commands(name, rows, common):
    lines = [
        f"#compdef {name}",
        "",
        ZSH_NAMES,
        f"_{name}() {{",
        "    local context state line",
        "    local -a commands",
        "    typeset -A opt_args",
        f"    _arguments -C {zsh_options(common)} '1:command:->command' '*::argument:->argument'",
        "    case $state in",
        "        command)",
        "            commands=(",
    ]
    lines += [f"                {quoted(row.name + ':' + row.does)}" for row in rows]
    lines += [
        "            )",
        "            _describe -t commands command commands",
        "            ;;",
        "        argument)",
        "            case $words[1] in",
    ]
    for row in rows:
        first = f"'1:word:({' '.join(row.words)})'" if row.words else "'1:argument:_files'"
        lines.append(f"                {row.name}) _arguments {zsh_options(row.options)} {first} '*:argument:_files' ;;")
    return "\n".join([*lines, "            esac", "            ;;", "    esac", "}", "", f"_{name} \"$@\""]) + "\n"


def main(shell, output, *programs):
    texts = [(pathlib.Path(program).name, said_by(program)) for program in programs]
    name, text = texts[0]
    rows = commands(text)
    if rows:
        parts = [(bash_commands if shell == "bash" else zsh_commands)(name, rows, common_options(text))]
    elif shell == "bash":
        parts = [bash_plain(name, common_options(text)) for name, text in texts]
    else:
        parts = [zsh_plain([(name, common_options(text)) for name, text in texts])]
    head = f"# Completion of {', '.join(name for name, _ in texts)} for {shell}: made by packaging/completion/make.py.\n"
    if shell == "bash":
        parts = [head + "\n" + BASH_NAMES + "\n", *parts]
    else:
        first, rest = parts[0].split("\n", 1)
        parts = [first + "\n" + head + rest]
    pathlib.Path(output).write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
