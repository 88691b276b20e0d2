"""The suite under pytest: its options, what is skipped, and what stands at the end."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from appliance.errors import SettingsError
from drivers.taps.soundcard.cards import cards
from hil.measure import KINDS
from hil.report import write_report
from hil.rigfile import load, wires
from hil.suite.bench import Bench
from hil.suite.captures import Captures
from hil.suite.proof import Measured, Proof
from hil.suite.serials import identities

Check = Callable[[str, str, Callable[[], Measured]], None]

_PROOF = pytest.StashKey[Proof]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's options."""
    group = parser.getgroup("linetap", "the rig suite")
    group.addoption("--rig", type=Path, metavar="FILE", help="rig file: what stands on the bench")
    group.addoption("--report", type=Path, metavar="DIR", help="write report.html, report.json and junit.xml there")
    group.addoption("--only", default="*", metavar="NAMES", help="measurements by name, as in 'level,vox_*'")
    group.addoption("--operator", default="", metavar="NAME", help="who runs it; else as the rig file says")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the rig file; JUnit is pytest's own."""
    config.addinivalue_line("markers", "rig(*features): features of the rig that the test needs")
    config.addinivalue_line("markers", "measures(*names): measurements that the test makes")
    path: Path | None = config.getoption("--rig")
    if path is None:
        raise pytest.UsageError("the rig suite needs --rig FILE")
    for pattern in config.getoption("--only").split(","):
        if not fnmatch.filter(KINDS, pattern):
            raise pytest.UsageError(f"no measurement is called {pattern}; there are {', '.join(KINDS)}")
    try:
        rig = load(path)
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from error
    folder: Path | None = config.getoption("--report")
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(f"{folder}: {error.strerror}") from error
        config.option.xmlpath = config.option.xmlpath or str(folder / "junit.xml")
    operator = config.getoption("--operator") or rig.station.operator
    began_at, found = dt.datetime.now().astimezone(), identities(rig, cards())
    config.stash[_PROOF] = Proof(rig, path, Captures(Bench(rig)), operator, began_at, found)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make each test of a line one for every line; a rig without lines has it once, to be skipped by name."""
    proof = metafunc.config.stash[_PROOF]
    if "wire" in metafunc.fixturenames:
        found = wires(proof.rig)
        metafunc.parametrize("wire", found or [None], ids=[wire.line for wire in found] or ["no line"])
    if "port" in metafunc.fixturenames:
        ports = [port for port in proof.rig.serial_ports if port.looped]
        metafunc.parametrize("port", ports or [None], ids=[port.name for port in ports] or ["no port"])
    if "identity" in metafunc.fixturenames:
        known = [one for one in proof.identities if not one.fault]
        metafunc.parametrize("identity", known or [None], ids=[one.title for one in known] or ["no USB card"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the measurements out that were not asked for."""
    patterns = config.getoption("--only").split(",")
    chosen = [item for item in items if any(fnmatch.filter(_names(item), pattern) for pattern in patterns)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip by the name of what the rig lacks."""
    needed = [feature for marker in item.iter_markers("rig") for feature in marker.args]
    missing = [feature for feature in needed if feature not in item.config.stash[_PROOF].features]
    if missing:
        pytest.skip(f"the rig has no {', '.join(missing)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what was skipped, and what failed without a measurement."""
    proof = item.config.stash[_PROOF]
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        for name in _names(item):
            proof.skipped[name] = str(report.longrepr[2]).removeprefix("Skipped: ")
    elif report.failed and not isinstance(getattr(call.excinfo, "value", None), AssertionError):
        proof.troubles[item.name] = str(getattr(call.excinfo, "value", "")) or str(report.longrepr)
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the report; a run in which nothing was measured is not a good one."""
    proof = session.config.stash.get(_PROOF, None)
    if proof is None or session.config.option.collectonly:
        return
    proof.ended_at = dt.datetime.now().astimezone()
    folder: Path | None = session.config.getoption("--report")
    if folder is not None:
        write_report(proof, folder)
    if exitstatus in {0, 5} and not proof.passed:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what failed, what was skipped, and the verdict."""
    proof = config.stash[_PROOF]
    if config.option.collectonly:
        return
    say = terminalreporter.write_line
    terminalreporter.section(proof.rig.station.name)
    for result in proof.failed:
        say(str(result))
    for test, trouble in proof.troubles.items():
        say(f"BROKE OFF  {test}: {trouble}")
    for name, reason in proof.skipped.items():
        say(f"skipped  {KINDS[name].title}: {reason}")
    for reason in proof.uncalibrated:
        say(f"not calibrated  {reason}")
    say(proof.verdict)
    folder: Path | None = config.getoption("--report")
    if folder is not None:
        say(f"report: {folder / 'report.html'}")


@pytest.fixture(scope="session")
def captures(request: pytest.FixtureRequest) -> Captures:
    """What the bench recorded."""
    return request.config.stash[_PROOF].captures


@pytest.fixture
def check(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Check:
    """See :meth:`~hil.suite.proof.Proof.measure`; JUnit has the facts of the result as properties."""
    proof = request.config.stash[_PROOF]

    def checked(name: str, line: str, measure: Callable[[], Measured]) -> None:
        result = proof.measure(name, line, measure)
        for key, value in result.facts().items():
            record_property(key, value)
        assert result.passed, str(result)

    return checked


def _names(item: pytest.Item) -> list[str]:
    return [name for marker in item.iter_markers("measures") for name in marker.args]
