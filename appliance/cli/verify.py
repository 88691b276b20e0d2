"""``linetap verify``: recordings on disk against their sidecars."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.cli.options import DEFAULT_CONFIG, AsJson, Config

if TYPE_CHECKING:
    from appliance.recording.verify import Verdict


def verify(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", help="Files and folders; default: all recordings of the settings file."),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Check recordings against their sidecars.

    Hash, header and length; exit code 1 if something differs. Changes nothing.
    """
    from appliance.recording.verify import recordings, verify
    from appliance.settings.loader import load

    places = paths or [load(config).recording_path]
    missing = [place for place in places if not place.exists()]
    if missing:
        raise typer.BadParameter(f"not there: {', '.join(map(str, missing))}", param_hint="PATH")
    verdicts = []
    for audio in recordings(places):
        verdict = verify(audio)
        verdicts.append(verdict)
        if not as_json:
            print(_line(verdict), flush=True)
    bad = sum(not verdict.good for verdict in verdicts)
    if as_json:
        print(json.dumps({"recordings": [_facts(v) for v in verdicts], "good": len(verdicts) - bad, "bad": bad}))
    else:
        print(f"{len(verdicts)} recordings, {bad} bad")
    raise typer.Exit(1 if bad else 0)


def _line(verdict: Verdict) -> str:
    if not verdict.good:
        return f"BAD   {verdict.path}: {'; '.join(verdict.faults)}"
    notes = [f"record {verdict.record_id}", f"{verdict.duration_s:.2f} s", *_losses(verdict)]
    return f"good  {verdict.path} ({', '.join(notes)})"


def _losses(verdict: Verdict) -> Iterator[str]:
    """Say what a good recording lacks all the same, and how its card's clock went."""
    if verdict.interrupted:
        yield "interrupted"
    if verdict.gaps:
        yield f"{verdict.gaps} gap{'s' * (verdict.gaps > 1)}, {verdict.lost_s:.2f} s lost"
    if overruns := verdict.measured.get("overruns"):
        yield f"{overruns} overruns"
    if (drift_ppm := verdict.measured.get("drift_ppm")) is not None:
        yield f"drift {drift_ppm:+.1f} ppm"


def _facts(verdict: Verdict) -> dict[str, Any]:
    return {
        "file": str(verdict.path),
        "good": verdict.good,
        "record_id": verdict.record_id,
        "duration_s": verdict.duration_s,
        "interrupted": verdict.interrupted,
        "gaps": verdict.gaps,
        "lost_s": verdict.lost_s,
        "measured": verdict.measured,
        "faults": list(verdict.faults),
    }
