"""Ask a kind of tap for its workers and lines, in a short-lived process, so that the core loads no driver's library."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any, final

import pydantic

from appliance.capture.process import log_output
from appliance.capture.verdict import error_named
from drivers.contract import Capabilities, TapError, TapFailedError, TapOptions, WorkerPlan
from drivers.registry import load

PLAN_S = 30.0


@final
class Question(pydantic.BaseModel):
    """Argument of ``python -m appliance.capture.host --plan``."""

    model_config = pydantic.ConfigDict(frozen=True)
    options: dict[str, Any]  # the tap's options, ``kind`` and ``name`` among them


@final
class Planned(pydantic.BaseModel):
    """Its answer, one line of JSON: the plan, or the class name of a TapError and its text."""

    model_config = pydantic.ConfigDict(frozen=True)
    capabilities: Capabilities = Capabilities()
    workers: tuple[WorkerPlan, ...] = ()
    error: str = ""
    text: str = ""


def answer(question: Question) -> Planned:
    """Load the kind and let it plan; runs in the short-lived process."""
    try:
        tap = load(question.options["kind"])
        options = tap.Options.model_validate(question.options)
        workers = tap.plan(options)
    except TapError as error:
        return Planned(error=type(error).__name__, text=str(error))
    return Planned(capabilities=tap.abilities(options), workers=tuple(workers))


async def ask(options: TapOptions) -> Planned:
    """Plan the tap. Raises TapOptionsError, and TapFailedError when the process dies or takes over PLAN_S."""
    question = Question(options=options.model_dump(mode="json"))
    command = [sys.executable, "-m", "appliance.capture.host", "--plan", question.model_dump_json()]
    try:
        ended = await asyncio.to_thread(
            subprocess.run, command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PLAN_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise TapFailedError(f"tap {options.name}: no plan within {PLAN_S:.0f} s") from error
    if ended.returncode != os.EX_OK:
        said = ended.stderr.decode(errors="backslashreplace").strip().rpartition("\n")[2]
        raise TapFailedError(f"tap {options.name}: planning ended with code {ended.returncode}: {said}")
    planned = Planned.model_validate_json(ended.stdout)
    if planned.error:
        raise error_named(planned.error, f"tap {options.name}: {planned.text}")
    for line in ended.stderr.splitlines():
        log_output(f"tap {options.name}", line)
    return planned
