"""What all system tests share: markers, and the fixtures that start a bus."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

MARKERS = {
    "plain": "needs the build without sanitizers: timing, strace, preloading, memory",
    "long": "computes much: on the plain build, and at night under the sanitizers too",
    "tsan": "runs on the ThreadSanitizer build, and on no other",
    "nightly": "long; runs when CAREBUS_NIGHTLY is set",
    "root": "needs root",
}


def pytest_configure(config):
    for name, text in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")


def shares_with_module(item):
    """Whether it uses a fixture of its module: all that do are run in one place, so that it is made once."""
    return any(definition.scope == "module" for definitions in item._fixtureinfo.name2fixturedefs.values() for definition in definitions)


# Before pytest-xdist looks at the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if shares_with_module(item):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
    nightly = bool(os.environ.get("CAREBUS_NIGHTLY"))
    for item in items:
        if item.get_closest_marker("nightly") and not nightly:
            item.add_marker(pytest.mark.skip(reason="nightly: set CAREBUS_NIGHTLY=1"))
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture
def make_bus(request):
    """Makes buses that are not started yet; all are closed at the end, and what they logged is shown when a test fails."""
    from carebus_bus import Bus

    made = []

    def make(config=None, **options):
        bus = Bus(config, **options)
        made.append(bus)
        return bus

    yield make
    errors = []
    for bus in made:
        if getattr(request.node, "failed", False):
            sys.stderr.write(f"--- log of carebusd in {bus.folder}\n{bus.log()[-8000:]}\n---\n")
        try:
            bus.close()
        except AssertionError as error:
            errors.append(error)
    if errors:
        raise errors[0]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call" and outcome.get_result().failed:
        item.failed = True


@pytest.fixture
def bus(make_bus):
    """A bus that runs, with the sources pas and lab and the team ward."""
    return make_bus().start()


@pytest.fixture
def memory_bus():
    """A bus that is not started, whose files lie in memory and whose segments are small."""
    from faulty import MemoryBus

    made = MemoryBus()
    yield made
    made.close()


@pytest.fixture
def load(memory_bus):
    """Engines that send to that bus over MLLP until they are told yes; not started."""
    from faulty import Load

    made = Load(memory_bus)
    yield made
    made.close()
