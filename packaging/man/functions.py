#!/usr/bin/python3
"""Manual pages of section 3 out of the library's header: functions.py HEADER FOLDER

While meson installs, FOLDER is below its prefix.

One page for each object of the header (carebus_source, carebus_stream, carebus_records, carebus_ask) and libcarebus(3) for what they
share. The comments of the header are the text: what a vendor reads there, and here, is one and the same.
"""
import os
import pathlib
import re
import sys
import textwrap

DATE = "November 22, 2026"
PAGES = {
    "carebus_source": "hand in messages of a record system",
    "carebus_stream": "read events as a team, in order",
    "carebus_records": "keep a replica of the records that a team may see",
    "carebus_ask": "ask for records, people and events as a team",
}
EXAMPLES = {"carebus_source": "submit.c", "carebus_stream": "read.c", "carebus_records": "records.c", "carebus_ask": "ask.c"}
BUILD = ("protodir=$(pkg-config --variable=protodir libcarebus)",
         'protoc-c --proto_path="$protodir" --c_out=. "$protodir"/carebus/v1/*.proto',
         "cc -I. -o submit submit.c carebus/v1/*.c $(pkg-config --cflags --libs libcarebus libprotobuf-c)")
FUNCTION = re.compile(r"CAREBUS_API\s+([^;]*?)(\w+)\(([^;]*)\);")


def read(path):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    body = text[text.index('extern "C" {'):]
    return body[body.index("#endif") + 6:body.rindex("#ifdef __cplusplus")]


def plain(comment):
    """The words of a comment, without its stars."""
    lines = re.sub(r"^/\*+|\*/$", "", comment.strip()).split("\n")
    return " ".join(re.sub(r"^\s*\*?\s*", "", line).strip() for line in lines).strip()


def escaped(text):
    text = text.replace("\\", "\\e").replace("-1", "\\-1")
    return "\\&" + text if text[:1] in (".", "'") else text


def sentences(text):
    return [escaped(one) for one in re.split(r"(?<=[.:]) (?=[A-Z])", text) if one]


def parts(body):
    """(comment, declaration) in order; a declaration is a function, or a type with all that is in it."""
    pattern = re.compile(r"(?P<comment>/\*.*?\*/)|(?P<function>CAREBUS_API[^;]*;)|(?P<type>typedef [^;{]*(?:\{.*?\n\}[^;]*)?;)"
                         r"|(?P<define>#define[^\n]*)", re.S)
    comment = ""
    for found in pattern.finditer(body):
        if found["comment"]:
            text = plain(found["comment"])
            comment = "" if text.startswith("----") else (comment + " " + text).strip()
        elif found["define"]:
            comment = ""
        else:
            yield comment, found["function"] or found["type"]
            comment = ""


def owner(declaration):
    """The page of a function or type; what belongs to no object is of the library."""
    called = FUNCTION.search(declaration)
    name = called[2] if called else re.search(r"(carebus_\w+)", declaration)[1]
    kept = {"carebus_held": "carebus_records", "carebus_record": "carebus_records", "carebus_record_kind": "carebus_records",
            "carebus_delivery": "carebus_stream", "carebus_delivery_kind": "carebus_stream", "carebus_parked": "carebus_stream",
            "carebus_from": "carebus_stream"}
    if name in kept:
        return kept[name]
    for page in PAGES:
        if name == page or name.startswith(page + "_"):
            return page
    return "carebus_source" if not called and name != "carebus_connection" else "libcarebus"


def synopsis(function):
    kind, name, arguments = FUNCTION.search(" ".join(function.split())).groups()
    lines = [f".Ft {kind.strip()}", f".Fo {name}"]
    lines += [f'.Fa "{one.strip()}"' for one in re.split(r",(?![^(]*\))", arguments)]
    return lines + [".Fc"]


def display(declaration):
    text = textwrap.dedent(declaration.replace("\\", "\\e"))
    return [".Bd -literal", *["\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n")], ".Ed"]


def examples_of(name, header):
    """How a program is built, on the page of the library; on those of its objects the program that ships as their example."""
    if name == "libcarebus":
        return [".Sh EXAMPLES", "The program that", ".Xr carebus_source 3", "shows is built so:", *display("\n".join(BUILD))]
    program = pathlib.Path(header).parent / "examples" / EXAMPLES[name]
    return [".Sh EXAMPLES", *display(program.read_text(encoding="utf-8").rstrip())]


def page_of(name, what, functions, types, text, examples):
    names = [name] + [FUNCTION.search(" ".join(one.split()))[2] for _, one in functions]
    lines = [f".Dd {DATE}", f".Dt {name.upper()} 3", ".Os carebus", ".Sh NAME"]
    lines += [f".Nm {one}" + (" ," if one != names[-1] else "") for one in names]
    lines += [f".Nd {what}", ".Sh LIBRARY", "carebus (libcarebus, -lcarebus)"]
    lines += [".Sh SYNOPSIS", ".In carebus.h"]
    for _, function in functions:
        lines += synopsis(function)
    lines += [".Sh DESCRIPTION", *text]
    for comment, function in functions:
        if comment:
            lines += [".Pp", f".Fn {FUNCTION.search(' '.join(function.split()))[2]}", ".Pp", *sentences(comment)]
    if types:
        lines.append(".Sh TYPES")
        for comment, declaration in types:
            lines += [*sentences(comment), *display(declaration)]
    lines += [".Sh RETURN VALUES", "Unless said otherwise above, functions that give an int give 0, or a negative number of",
              ".Xr errno 3 .", *examples, ".Sh SEE ALSO"]
    others = [other for other in ["libcarebus", *PAGES] if other != name]
    others.sort()
    lines += [f".Xr {other} 3 ," for other in others] + [".Xr carebusd 8"]
    return names, "\n".join(lines) + "\n"


def main(header, folder):
    folder = pathlib.Path(os.environ.get("MESON_INSTALL_DESTDIR_PREFIX", "."), folder)
    folder.mkdir(parents=True, exist_ok=True)
    of = {name: ([], []) for name in ["libcarebus", *PAGES]}
    for comment, declaration in parts(read(header)):
        if re.fullmatch(r"typedef struct (\w+) \1;", declaration):
            continue
        of[owner(declaration)][0 if declaration.startswith("CAREBUS_API") else 1].append((comment, declaration))
    intro = plain(re.search(r"/\*.*?\*/", pathlib.Path(header).read_text(encoding="utf-8"), re.S)[0])
    for name, (functions, types) in of.items():
        what = PAGES.get(name, "submit to and read from a carebus message bus")
        text = sentences(intro) if name == "libcarebus" else ["See", ".Xr libcarebus 3", "for what all objects have in common."]
        names, page = page_of(name, what, functions, types, text, examples_of(name, header))
        pathlib.Path(folder, f"{name}.3").write_text(page, encoding="utf-8")
        for other in names[1:]:
            pathlib.Path(folder, f"{other}.3").write_text(f".so man3/{name}.3\n", encoding="utf-8")


main(*sys.argv[1:])
