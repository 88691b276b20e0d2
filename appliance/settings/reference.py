"""Write the reference of settings: ``python -m appliance.settings.reference > docs/settings.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pydantic

from appliance.settings.describe import Described, first_line, keys
from appliance.settings.models import ScheduleSettings, Section, Settings
from drivers import registry

_HEAD = """\
# Settings

One TOML file, given by `linetap run --config FILE`. `linetap check-config --config FILE` names every fault with its
line. Relative paths count from the folder of the file. A sample with every key is `config/linetap.toml`.

This page is generated from the models (`make docs`); do not edit it.
"""


def reference() -> str:
    """Give the whole page."""
    return "\n".join([_HEAD, *_sections(), *_taps(), _table("[[schedules]]", ScheduleSettings)])


def _sections() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, Section):
            yield _table(f"[{name}]", model)


def _taps() -> Iterator[str]:
    for kind in registry.kinds():
        yield _table(f'[[taps]] kind = "{kind}"', registry.load(kind).Options)


def _table(title: str, model: type[pydantic.BaseModel]) -> str:
    rows = "\n".join(_row(key) for key in keys(model))
    return f"## `{title}`\n\n{first_line(model)}\n\n| Key | Default | Values | Meaning |\n|---|---|---|---|\n{rows}\n"


def _row(key: Described) -> str:
    default = "required" if key.required else f"`{key.value}`" if key.default else "not set"
    cells = (f"`{key.name}`", default, key.values, key.meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
