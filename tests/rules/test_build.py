"""Nothing lies beside the build: every source, test and package is named where it is used."""

import re

import tree


def test_every_source_is_named_by_its_folders_meson_build():
    bad = []
    for path in tree.files(".c"):
        build = path.parent / "meson.build"
        folder = path.parent
        # A folder without a file of its own is spoken of by the one above.
        while not (tree.TOP / build).is_file() and folder.parts:
            folder = folder.parent
            build = folder / "meson.build"
        if folder.parts and not is_named(path, (tree.TOP / build).read_text()):
            bad.append(f"{path} is not named in {build}")
    assert not bad, "\n".join(bad)


def is_named(path, build):
    # Tests and fuzz targets may be listed by what they are about.
    names = {path.stem, re.sub(r"^(test|fuzz)-", "", path.stem)}
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(\.c)?(?![\w-])", build) for name in names)


def test_every_fuzz_target_has_samples():
    bad = []
    for path in tree.files(".c", folders=("tests",)):
        if path.parts[1] != "fuzz" or path.stem == "fuzz-main" or not path.stem.startswith("fuzz-"):
            continue
        samples = tree.TOP / "tests/fuzz/samples" / path.stem[len("fuzz-") :]
        if not samples.is_dir() or not any(samples.iterdir()):
            bad.append(str(path))
    assert not bad, "\n".join(bad)


def test_packages_stand_once_with_a_group_and_a_reason():
    rows = [line.split(None, 2) for line in (tree.TOP / "packaging/dependencies.txt").read_text().splitlines()]
    rows = [row for row in rows if row and not row[0].startswith("#")]
    assert all(len(row) == 3 and row[1] in ("build", "test", "lint", "package") for row in rows), rows
    names = [row[0] for row in rows]
    assert len(set(names)) == len(names)


def test_architecture_names_only_files_that_are_there():
    """The way of a message, file by file, on its first page."""
    text = tree.text(next(path for path in tree.tracked() if str(path) == "ARCHITECTURE.md"))
    block = text.split("```")[1]
    bad = []
    for name in re.findall(r"^((?:adapters|sdk|daemon|proto|canon)/\S+\.(?:c|proto))", block, re.M):
        pattern = name.replace("*", "[a-z-]*")
        if not any(re.fullmatch(pattern, str(path)) for path in tree.tracked()):
            bad.append(name)
    assert not bad, bad
