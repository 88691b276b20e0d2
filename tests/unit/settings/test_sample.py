"""The sample file and the reference say what the models say."""

from __future__ import annotations

import re
import tomllib

import pydantic

from appliance.settings.loader import parse
from appliance.settings.models import ScheduleSettings, Section, Settings
from appliance.settings.reference import reference
from appliance.settings.sample import sample
from drivers import registry

COMMENTED_KEY = re.compile(r"^#(?=[a-z_]+ = |\[\[)", re.MULTILINE)


def models() -> list[type[pydantic.BaseModel]]:
    sections = [field.annotation for field in Settings.model_fields.values()]
    found: list[type[pydantic.BaseModel]] = [s for s in sections if isinstance(s, type) and issubclass(s, Section)]
    return [*found, ScheduleSettings, *(registry.load(kind).Options for kind in registry.kinds())]


def test_the_sample_as_it_is_loads_to_the_defaults_and_one_schedule() -> None:
    settings = parse(sample(), "sample")
    assert settings.model_copy(update={"schedules": ()}) == Settings()
    assert [schedule.name for schedule in settings.schedules] == ["everything"]


def test_every_key_of_the_sample_may_be_uncommented() -> None:
    document = COMMENTED_KEY.sub("", sample())
    settings = parse(document, "sample")
    assert [tap.kind for tap in settings.taps] == registry.kinds()
    values = tomllib.loads(document)
    for name in ("box", "recording", "api", "events", "web"):
        assert set(values[name]) == set(type(getattr(settings, name)).model_fields)


def test_a_key_shown_with_its_default_changes_nothing() -> None:
    defaults_only = re.sub(r"(?m)^# .*\(an example\)\n#.*\n", "", sample())
    assert (
        parse(COMMENTED_KEY.sub("", defaults_only), "sample").model_copy(update={"taps": (), "schedules": ()})
        == Settings()
    )


def test_sample_and_reference_name_every_key_with_its_meaning() -> None:
    page, file = reference(), sample()
    for model in models():
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} says nothing of itself"
            assert f"| `{name}` |" in page
            assert re.search(rf"(?m)^#?{name} = ", file)
