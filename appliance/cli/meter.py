"""``linetap meter``: the levels of a card's channels, as they are now."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, final

import typer

from appliance.cli.options import AsJson
from appliance.cli.tone import Backend

if TYPE_CHECKING:
    from appliance.audio.meter import Reading
    from drivers.taps.soundcard.listening import Listening

_WIDTH = 40
_LOWEST_DBFS = -80.0
_SHOWN_S = 0.1  # on a terminal
_TOLD_S = 1.0  # into a pipe
_AGAIN_S = 0.5
_CLEAR = "\x1b[K"


def meter(  # noqa: PLR0917 - typer passes them by name
    device: Annotated[str, typer.Option(help="ALSA PCM (linetap cards), or a part of the name that PortAudio lists.")],
    channels: Annotated[int, typer.Option(min=1, max=64, help="Inputs of the card; all are opened.")] = 2,
    rate: Annotated[int, typer.Option(min=8000, max=48000, metavar="HZ", help="Frames a second.")] = 48000,
    full_scale_dbm0: Annotated[
        float | None, typer.Option("--full-scale-dbm0", help="Calibration of the card: shows dBm0 too.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0, help="For so long; 0: until Ctrl-C.")] = 0.0,
    backend: Annotated[Backend, typer.Option(help="As of the tap soundcard.")] = Backend.ALSA,
    as_json: AsJson = False,
) -> None:
    """Show levels until Ctrl-C: ten times a second on a terminal, else a line a second.

    The level is that of the last 0.3 s, peaks are held for two seconds, and what reached full scale is counted. A card
    that is pulled is waited for; one that is not there at the begin is exit code 1.
    """
    from appliance.errors import LinetapError
    from drivers.contract import TapOptionsError
    from drivers.taps.soundcard.listening import Listening, Options, StreamError, StreamLostError

    if not device:
        raise typer.BadParameter("linetap cards tells which there are", param_hint="--device")
    options = Options(
        name="meter",
        kind="soundcard",
        device=device,
        backend=backend.value,
        channels=channels,
        card_rate_hz=rate,
        period_ms=20,
    )
    display = _Display(full_scale_dbm0, as_json=as_json, seconds=seconds)
    opened = False
    try:
        while not display.over:
            try:
                with Listening(options) as card:
                    opened = True
                    _show(card, display, channels, rate)
            except StreamLostError as error:
                display.tell(str(error))
            except (StreamError, TapOptionsError) as error:
                if not opened:
                    raise LinetapError(str(error)) from error
                display.wait(_AGAIN_S)
    except KeyboardInterrupt:
        return


def _show(card: Listening, display: _Display, channels: int, rate_hz: int) -> None:
    """Show until the display is over. Raises StreamLostError when the card is gone."""
    from appliance.audio.meter import Meter

    levels = Meter(channels, rate_hz)
    while not display.over:
        pcm = card.read(_SHOWN_S)
        if pcm is not None:
            levels.take(pcm)
            display.show(levels.read(), card.overruns)


@final
class _Display:
    """Prints what there is to see, when it is due."""

    def __init__(self, full_scale_dbm0: float | None, *, as_json: bool, seconds: float) -> None:
        from appliance import clock

        self._now = clock.monotonic_s
        self._dbm0 = full_scale_dbm0
        self._json = as_json
        self._live = sys.stdout.isatty() and not as_json
        self._due_s = 0.0
        self._ends_s = self._now() + seconds if seconds else float("inf")
        self._rows = 0

    @property
    def over(self) -> bool:
        return self._now() >= self._ends_s

    def wait(self, seconds: float) -> None:
        import time

        time.sleep(min(seconds, max(0.0, self._ends_s - self._now())))

    def tell(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
        self._rows = 0

    def show(self, readings: list[Reading], overruns: int) -> None:
        now_s = self._now()
        if now_s < self._due_s:
            return
        self._due_s = now_s + (_SHOWN_S if self._live else _TOLD_S)
        if self._json:
            print(json.dumps({"overruns": overruns, "channels": [self._facts(one) for one in readings]}), flush=True)
        elif self._live:
            rows = [self._row(number, one) for number, one in enumerate(readings, 1)]
            up = f"\x1b[{self._rows}F" if self._rows else ""
            sys.stdout.write(up + "".join(f"{row}{_CLEAR}\n" for row in rows))
            sys.stdout.flush()
            self._rows = len(rows)
        else:
            print("  ".join(f"{number}: {self._levels(one)}" for number, one in enumerate(readings, 1)), flush=True)

    def _row(self, number: int, one: Reading) -> str:
        return f"{number:3} {bar(one.level_dbfs, one.peak_dbfs)} {self._levels(one)}"

    def _levels(self, one: Reading) -> str:
        dbm0 = f" {one.level_dbfs + self._dbm0:+7.1f} dBm0" if self._dbm0 is not None else ""
        clip = f" CLIP {one.clips}" if one.clips else ""
        return f"{one.level_dbfs:6.1f} dBFS, peak {one.peak_dbfs:6.1f}{dbm0}{clip}"

    def _facts(self, one: Reading) -> dict[str, float | int]:
        facts: dict[str, float | int] = {
            "level_dbfs": round(one.level_dbfs, 2),
            "peak_dbfs": round(one.peak_dbfs, 2),
            "clips": one.clips,
        }
        if self._dbm0 is not None:
            facts["level_dbm0"] = round(one.level_dbfs + self._dbm0, 2)
        return facts


def bar(level_dbfs: float, peak_dbfs: float) -> str:
    """Draw a level from -80 to 0 dBFS, and the held peak."""

    def place(dbfs: float) -> int:
        return max(0, min(_WIDTH, round((1 - dbfs / _LOWEST_DBFS) * _WIDTH)))

    cells = ["#" if cell < place(level_dbfs) else "." for cell in range(_WIDTH)]
    if place(peak_dbfs):
        cells[place(peak_dbfs) - 1] = "|"
    return "".join(cells)
