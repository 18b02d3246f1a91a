"""--help, manual pages, completion and the tables of the parsers say the same: every command, option and key is in each, and no other."""

import collections
import os
import re
import shutil
import subprocess

import pytest

from carebus_packages import BUILD, PROGRAMS, TOP, functions_of_the_header, help_of, run, text

pytestmark = pytest.mark.plain

MADE = BUILD / "packaging"
PAGES = {"carebusctl": "carebusctl.1", "carebusd": "carebusd.8", "carebus-csv": "carebus-csv.8", "carebus-fhir": "carebus-fhir.8",
         "carebus-mllp": "carebus-mllp.8"}
ADAPTERS = ("carebus-csv", "carebus-fhir", "carebus-mllp")
# Said to an adapter that carebusctl starts, and by core to the process it starts: nobody types them there.
NOT_TYPED = {"carebusctl": {"load"}, "carebusd": {"serve"}}
OF_ALL = {"help", "version"}


def options_in(said):
    return set(re.findall(r"--([a-z][a-z-]*)", said))


def options_of_the_parser(program):
    """What the code compares with, or has in the table for getopt_long(3)."""
    if program == "carebusctl":
        code = "".join(path.read_text(encoding="utf-8") for path in (TOP / "ctl").glob("*.c"))
        found = set(re.findall(r'"--([a-z][a-z-]*)=?"', code))
    else:
        folder = "daemon" if program == "carebusd" else f"adapters/{program.partition('-')[2]}"
        code = "".join(path.read_text(encoding="utf-8") for path in (TOP / folder).glob("*.c"))
        if program in ADAPTERS:
            code += text("adapters/common/program.c")
        found = set(re.findall(r'\{ "([a-z][a-z-]*)", (?:no|required)_argument', code))
        found |= set(re.findall(r'argv\[1\], "--([a-z-]+)"', code))
    return found - NOT_TYPED.get(program, set())


def table_of_commands():
    """Usage of each command, as carebusctl prints its table."""
    rows = re.findall(r"^  (\S[^\n]*)\n {8}\S", help_of("carebusctl"), re.M)
    return {usage.split()[0]: usage for usage in rows}


def completed(program, *words, config="/nowhere"):
    """What bash would offer behind these words."""
    function = "_" + program.replace("-", "_")
    script = f'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); {function}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    environment = {"PATH": "/usr/bin:/bin", "CAREBUS_CONFIG": str(config)}
    done = run("bash", "-c", script, MADE / "completion" / program, program, *words, env=environment)
    return set(done.stdout.split())


@pytest.mark.parametrize("program", PROGRAMS)
def test_parser_help_page_and_completion_know_the_same_options(program):
    parser = options_of_the_parser(program) | OF_ALL
    said = options_in(help_of(program)) | OF_ALL
    documented = set(re.findall(r"Fl -([a-z][a-z-]*)", text(f"packaging/man/{PAGES[program]}"))) | OF_ALL
    assert parser == said, "the parser, and --help"
    assert documented == said, "the page, and --help"
    if program != "carebusctl":
        assert {word[2:] for word in completed(program, "--")} | OF_ALL == said, "completion, and --help"


@pytest.mark.parametrize("program", ["carebusctl", "carebusd"])
def test_exit_codes_of_the_page_are_those_that_help_names(program):
    said = set(re.findall(r"\b(\d+) [a-z]", help_of(program).partition("Exit codes:")[2]))
    page = text(f"packaging/man/{PAGES[program]}").partition(".Sh EXIT STATUS\n")[2].partition("\n.Sh")[0]
    codes = set(re.findall(r"^ +EXIT_\w+ = (\d+),", text("base/error.h"), re.M))
    assert len(said) > 4 and set(re.findall(r"\b(\d+) [a-z]", page)) == said <= codes


def test_completion_offers_every_command_and_behind_each_its_words_and_options():
    table = table_of_commands()
    assert len(table) > 20
    assert {word for word in completed("carebusctl", "") if not word.startswith("--")} == set(table)
    for name, usage in table.items():
        offered = completed("carebusctl", name, "")
        assert {word[2:] for word in offered if word.startswith("--")} == options_in(usage), name
        for word in re.findall(rf"(?:^{name}| \|) ([a-z][a-z-]*)(?= |$)", usage):
            if word != name:
                assert word in offered, f"{name} {word}"
                assert {one[2:] for one in completed("carebusctl", name, word, "--")} <= options_in(usage)


def test_completion_of_names_reads_them_out_of_the_configuration(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "carebus.yaml").write_text("bus: x\nteams:\n  ward-a: {class: clinical}\nsources:\n  pas:\n    team: ward-a\n")
    (tmp_path / "conf.d" / "more.yaml").write_text("teams:\n  hospice: {class: clinical}\n")
    assert completed("carebusctl", "tail", "--team", "", config=tmp_path / "carebus.yaml") == {"ward-a", "hospice"}


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
@pytest.mark.parametrize("name", ["_carebusctl", "_carebusd", "_carebus-adapters"])
def test_completion_for_zsh_is_well_formed_and_names_every_command_and_option(name):
    run("zsh", "-n", MADE / "completion" / name)
    made = (MADE / "completion" / name).read_text(encoding="utf-8")
    programs = {"_carebusctl": ["carebusctl"], "_carebusd": ["carebusd"]}.get(name, ADAPTERS)
    for program in programs:
        assert program in made.split("\n", 1)[0]
        assert options_in(help_of(program)) - OF_ALL <= options_in(made)
    if name == "_carebusctl":
        assert set(re.findall(r"^ {16}'([a-z-]+):", made, re.M)) == set(table_of_commands())


def keys_of(page):
    return collections.Counter(re.findall(r"^\.It Cm (\S+)$", (MADE / "man" / page).read_text(encoding="utf-8"), re.M))


def test_the_pages_of_the_configuration_have_every_key_of_the_reference_and_no_other():
    """docs/configuration.md is held to the tables of the parser by tests/unit/config."""
    rows = re.findall(r"^\| `([^`]+)` \|", text("docs/configuration.md"), re.M)
    reference = collections.Counter(re.split(r"\.|\[\]", row)[-1] for row in rows)
    assert len(rows) > 150
    pages = keys_of("carebus.yaml.5") + keys_of("carebus-sharing.5") + keys_of("carebus-profile.5")
    assert pages == reference, (pages - reference, reference - pages)


def test_the_pages_of_the_configuration_say_what_the_reference_says_of_each_key():
    names = ("carebus.yaml.5", "carebus-sharing.5", "carebus-profile.5")
    pages = " ".join((MADE / "man" / page).read_text(encoding="utf-8") for page in names)
    plain = " ".join(re.sub(r"\\f[BP]|\\&", "", pages).replace("\\e", "\\").split())
    rows = re.findall(r"^\| `([^`]+)` \| [^|]* \| [^|]* \| ([^|]*) \|$", text("docs/configuration.md"), re.M)
    assert len(rows) > 150
    lacking = [key for key, says in rows if " ".join(says.replace("`", "").split()) not in plain]
    assert not lacking, lacking


def test_the_page_of_events_has_every_type_of_the_grammar_and_no_other():
    grammar = set(re.findall(r"^\| `([a-z_]+(?:\.[a-z_]+)+)` \|", text("proto/GRAMMAR.md"), re.M))
    assert len(grammar) > 100
    assert set(keys_of("carebus-events.7")) == grammar


def test_the_page_of_log_lines_has_every_row_of_the_table_with_its_id():
    rows = dict(re.findall(r'^LOG_EVENT\((\w+), "([0-9a-f]{32})"', text("base/log-events.h"), re.M))
    page = (MADE / "man" / "carebus-messages.7").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\.It Cm (\w+)\n.*MESSAGE_ID=([0-9a-f]{32})", page, re.M)) == rows


@pytest.fixture(scope="module", name="section_three")
def fixture_section_three(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man3")
    run("python3", TOP / "packaging/man/functions.py", TOP / "sdk/carebus.h", folder)
    return folder


def test_every_function_of_the_library_has_a_page_that_shows_it(section_three):
    for function in functions_of_the_header():
        page = (section_three / f"{function}.3").read_text(encoding="utf-8")
        leads = re.match(r"\.so man3/(\w+\.3)\n$", page)
        page = (section_three / leads[1]).read_text(encoding="utf-8") if leads else page
        assert f".Fo {function}\n" in page and f".Nm {function}" in page


def example_of(page):
    """What stands under EXAMPLES, as whoever reads the page sees it."""
    shown = re.search(r"^\.Sh EXAMPLES\n.*?^\.Bd -literal\n(.*?)^\.Ed$", page.read_text(encoding="utf-8"), re.M | re.S)[1]
    return shown.replace("\\&", "").replace("\\e", "\\")


def test_a_vendor_builds_what_the_pages_show_with_what_is_installed_and_no_more(section_three, tmp_path):
    """Header, library, contract and the file for pkg-config as they are installed, elsewhere; the commands as the page has them."""
    root, desk = tmp_path / "root", tmp_path / "desk"
    for folder in ("include", "lib/pkgconfig", "share/carebus"):
        (root / folder).mkdir(parents=True)
    desk.mkdir()
    shutil.copy(TOP / "sdk/carebus.h", root / "include")
    for library in (BUILD / "sdk").glob("libcarebus.so*"):
        if library.is_file():
            shutil.copy(library, root / "lib", follow_symlinks=False)
    shutil.copytree(TOP / "proto/carebus", root / "share/carebus/proto/carebus", ignore=shutil.ignore_patterns("meson.build"))
    described = (BUILD / "meson-private/libcarebus.pc").read_text(encoding="utf-8")
    described = re.sub(r"^prefix=.*", f"prefix={root}", described, flags=re.M)
    described = re.sub(r"^libdir=.*", "libdir=${prefix}/lib", described, flags=re.M)
    (root / "lib/pkgconfig/libcarebus.pc").write_text(described, encoding="utf-8")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(root / "lib/pkgconfig"), "LD_LIBRARY_PATH": str(root / "lib")}
    for page in ("carebus_stream", "carebus_records", "carebus_ask", "carebus_source"):
        (desk / "submit.c").write_text(example_of(section_three / f"{page}.3"), encoding="utf-8")
        built = subprocess.run(["sh", "-e", "-c", example_of(section_three / "libcarebus.3")], cwd=desk, env=environment,
                               capture_output=True, text=True, check=False)
        assert built.returncode == 0 and not built.stderr, (page, built.stderr)
        assert subprocess.run([desk / "submit"], env=environment, capture_output=True, check=False).returncode == 64, page


def test_types_of_the_library_are_shown_once(section_three):
    types = set(re.findall(r"^typedef (?:struct|enum) (\w+) \{", text("sdk/carebus.h"), re.M))
    shown = collections.Counter()
    for page in section_three.glob("*.3"):
        shown.update(re.findall(r"^typedef (?:struct|enum) (\w+) \{", page.read_text(encoding="utf-8"), re.M))
    assert shown == collections.Counter(types)


def test_pages_are_well_formed_and_lead_to_pages_that_are_there(section_three):
    pages = [*(TOP / "packaging/man").glob("*.[1-9]"), *(MADE / "man").glob("*.[1-9]"),
             *[page for page in section_three.glob("*.3") if not page.read_text(encoding="utf-8").startswith(".so")]]
    assert len(pages) > 16
    names = {page.name for page in pages} | {page.name for page in section_three.glob("*.3")} | {"errno.3", "journalctl.1"}
    for page in pages:
        done = run("mandoc", "-T", "lint", "-W", "warning", page, check=False)
        assert [line for line in done.stdout.splitlines() if "referenced manual not found" not in line] == []
        for name, section in re.findall(r"^\.(?:It )?Xr (\S+) (\d)", page.read_text(encoding="utf-8"), re.M):
            assert f"{name}.{section}" in names, f"{page.name} leads to {name}({section})"
