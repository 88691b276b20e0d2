"""Write the commented sample: ``python -m appliance.settings.sample > config/linetap.toml``."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator

import pydantic

from appliance.settings.describe import first_line, keys
from appliance.settings.models import ScheduleSettings, Section, Settings
from drivers import registry

_HEAD = """\
# Settings of Linetap. Read with: linetap run --config FILE; checked with: linetap check-config --config FILE
#
# Every key is here. A line that begins with # and a key shows that key's default (or an example, where it says so);
# take the # away to change it. Generated from the models: see docs/settings.md for the same as a table.
"""


def sample() -> str:
    """Give the whole file."""
    return "\n".join([_HEAD, *_sections(), *_taps(), *_schedules()])


def _sections() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, Section):
            yield f"# {first_line(model)}\n[{name}]\n{_keys(model, {})}"


def _taps() -> Iterator[str]:
    yield "# Taps: where audio comes from, one [[taps]] for each card, trunk or span. These kinds ship:\n"
    for kind in registry.kinds():
        options = registry.load(kind).Options
        given = {"name": f"{kind}1", "kind": kind}
        yield f"# {first_line(options)}\n#[[taps]]\n{_keys(options, given, shown=())}"


def _schedules() -> Iterator[str]:
    yield (
        f"# {first_line(ScheduleSettings)}\n"
        f"# The schedule of the highest priority wins, of equal ones the first. Without one nothing is recorded.\n"
        f"[[schedules]]\n{_keys(ScheduleSettings, {}, shown=('name',))}"
    )


def _keys(model: type[pydantic.BaseModel], given: dict[str, str], shown: tuple[str, ...] = ()) -> str:
    lines: list[str] = []
    for key in keys(model, given):
        about = key.meaning if key.default or key.required else f"{key.meaning} (an example)"
        lines += textwrap.wrap(about, 110, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"{'' if key.name in shown else '#'}{key.name} = {key.value}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(sample())
