"""What can be set for a sound card."""

from __future__ import annotations

import sys
from typing import Annotated, Final, Literal, Self, final

import pydantic
from pydantic import Field

from drivers.contract import TapOptions

_BACKEND: Final[Literal["alsa", "portaudio"]] = "alsa" if sys.platform == "linux" else "portaudio"

Start = Literal["scheduler", "always", "vox"]


@final
class LineOptions(pydantic.BaseModel):
    """One line of a card."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", description="name, unique on the card")]
    inputs: Annotated[
        tuple[Annotated[int, Field(ge=1, le=64)], ...],
        Field(min_length=1, max_length=2, description="the card's input, from 1; of a pair the caller's first"),
    ]
    start: Annotated[Start, Field(description="what starts a recording: scheduler (CALLSTART), always, or vox")] = (
        "scheduler"
    )
    device: Annotated[str, Field(max_length=64, description="device of the calls that always and vox make")] = ""
    gain_db: Annotated[float, Field(ge=-40, le=40, description="gain before anything else is done")] = 0
    dc_removal: Annotated[bool, Field(description="take the input's constant part away")] = True

    @pydantic.field_validator("inputs")
    @classmethod
    def _two_inputs(cls, inputs: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(inputs)) != len(inputs):
            raise ValueError("a pair is made of two different inputs")
        return inputs


@final
class Options(TapOptions):
    """Options of a sound card."""

    backend: Annotated[
        Literal["alsa", "portaudio"],
        Field(description="alsa: the card itself; portaudio: laptops, PulseAudio, systems other than Linux"),
    ] = _BACKEND
    device: Annotated[
        str,
        Field(
            min_length=1,
            description="the card by its name, never by its number: linetap cards tells it",
            examples=["hw:CARD=LINEA"],
        ),
    ]
    channels: Annotated[int, Field(ge=1, le=64, description="inputs of the card; all are opened")] = 2
    card_rate_hz: Annotated[int, Field(ge=8000, le=48000, description="frames a second that the card gives")] = 48000
    rate_hz: Annotated[Literal[8000, 16000], Field(description="frames a second that are stored")] = 8000
    resampler: Annotated[
        Literal["fir", "soxr"],
        Field(
            description="what makes rate_hz of card_rate_hz: fir, for 1/2, 1/4 and 1/6, is flat up to 3.4 kHz of 8 "
            "kHz and holds 5 ms back; soxr is flat a little further, serves any other two rates, and holds 160 ms, "
            "by which a recording's stop takes longer"
        ),
    ] = "fir"
    lines: Annotated[
        tuple[LineOptions, ...],
        Field(
            description="lines: { name, inputs = [1] or [1, 2], start, device, gain_db, dc_removal }; "
            "empty: every input is a line, named by its number",
            json_schema_extra={"items": {"type": "object"}},
        ),
    ] = ()
    period_ms: Annotated[
        int, Field(ge=5, le=1000, description="the card is read this often; 20 for a card that is a sound server's")
    ] = 500
    buffer_ms: Annotated[int, Field(ge=50, le=4000, description="the card keeps so much when it is not read")] = 2000
    stall_s: Annotated[
        float, Field(ge=0.5, le=60, description="a card that gave no frame for so long is opened again")
    ] = 1
    full_scale_dbm0: Annotated[
        float | None,
        Field(ge=-40, le=60, description="calibration: level of a full-scale sine in dBm0", examples=[3.14]),
    ] = None
    always_cut_s: Annotated[
        int, Field(ge=10, le=86400, description="a line that records always begins a new call this often")
    ] = 3600
    vox_onset_db: Annotated[float, Field(ge=3, le=40, description="voice is so much above the line's noise")] = 9
    vox_hysteresis_db: Annotated[float, Field(ge=0, le=20, description="and stays voice down to so much less")] = 4
    vox_hang_s: Annotated[float, Field(ge=0.2, le=600, description="a pause of so much ends a call by voice")] = 4
    vox_preroll_s: Annotated[
        float, Field(ge=0, le=5, description="so much from before the first voice belongs to the call")
    ] = 0.5
    vox_never_below_dbfs: Annotated[float, Field(ge=-90, le=0, description="what is quieter is never voice")] = -55
    vox_always_above_dbfs: Annotated[
        float, Field(ge=-90, le=0, description="what is louder is always voice, however long it lasts")
    ] = -25

    @pydantic.model_validator(mode="after")
    def _lines_fit(self) -> Self:
        names = [line.name for line in self.lines]
        if len(set(names)) != len(names):
            raise ValueError("two lines have the same name")
        if any(number > self.channels for line in self.lines for number in line.inputs):
            raise ValueError(f"a line has an input that the card's {self.channels} channels do not have")
        if self.buffer_ms < 2 * self.period_ms:
            raise ValueError("buffer_ms is at least twice period_ms")
        if self.stall_s * 1000 < 2 * self.period_ms:
            raise ValueError("stall_s is at least twice period_ms")
        if self.vox_never_below_dbfs >= self.vox_always_above_dbfs:
            raise ValueError("vox_never_below_dbfs is less than vox_always_above_dbfs")
        if self.vox_hysteresis_db >= self.vox_onset_db:
            raise ValueError("vox_hysteresis_db is less than vox_onset_db")
        return self

    @property
    def holds(self) -> dict[str, str]:
        """See :attr:`drivers.contract.TapOptions.holds`: a card belongs to one, a sound server to all."""
        return {"device": self.device} if self.device.startswith(("hw:", "plughw:")) else {}

    @property
    def card_lines(self) -> tuple[LineOptions, ...]:
        """Every line: those that are set, or one for each input."""
        return self.lines or tuple(LineOptions(name=str(n), inputs=(n,)) for n in range(1, self.channels + 1))

    @property
    def starts_calls(self) -> bool:
        """Whether lines begin calls that no CALLSTART tells of."""
        return any(line.start != "scheduler" for line in self.card_lines)
