"""What a rig file may say: tables and their keys."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, Literal, Self, final

import pydantic
from pydantic import Field

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"
END: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}:[1-9][0-9]?(-[1-9][0-9]?)?$"

Name = Annotated[str, Field(pattern=NAME)]


class Table(pydantic.BaseModel):
    """A table of a rig file: no other keys, and nothing changes."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


@final
class Station(Table):
    """Where the bench is and what stands on it."""

    name: Annotated[str, Field(min_length=1, max_length=80, description="name of the bench")]
    serial: Annotated[str, Field(max_length=80, description="serial number of the box that is proven")] = ""
    site: Annotated[str, Field(max_length=200, description="where it stands")] = ""
    operator: Annotated[str, Field(max_length=80, description="who runs it; --operator says it anew")] = ""
    features: Annotated[
        tuple[Name, ...], Field(description="further features that tests may ask for, such as spans")
    ] = ()


@final
class RunSettings(Table):
    """How it is measured."""

    level_dbfs: Annotated[float, Field(ge=-30, le=-3, description="level of the test tone, at the output")] = -10
    continuity_s: Annotated[float, Field(ge=2, le=3600, description="length of the tone that drop-outs count in")] = 120
    quiet_s: Annotated[float, Field(ge=0.5, le=60, description="length of the silence that noise is measured in")] = 2


@final
class Calibration(Table):
    """How a card's or output's levels were found. Without it levels are dBFS alone."""

    full_scale_dbm0: Annotated[float, Field(ge=-40, le=60, description="level of a full-scale sine in dBm0")]
    date: Annotated[dt.date, Field(description="day of the calibration")]
    instrument: Annotated[str, Field(min_length=1, max_length=120, description="what it was measured by")]
    instrument_serial: Annotated[str, Field(max_length=80, description="its serial number")] = ""
    valid_days: Annotated[int, Field(ge=1, le=3650, description="for how long it holds")] = 365

    @property
    def ends(self) -> dt.date:
        """Last day on which it holds."""
        return self.date + dt.timedelta(days=self.valid_days)

    def fault(self, today: dt.date) -> str | None:
        """Say why it does not hold today; None if it does."""
        if self.date > today:
            return f"calibrated on {self.date}, which is still to come"
        return f"calibration of {self.date} ended on {self.ends}" if today > self.ends else None


class Device(Table):
    """A sound device, either way."""

    name: Annotated[Name, Field(description="name in this file")]
    device: Annotated[str, Field(min_length=1, description="ALSA PCM, or a part of the name that PortAudio lists")]
    backend: Annotated[Literal["alsa", "portaudio"], Field(description="as of the tap soundcard")] = "alsa"
    channels: Annotated[int, Field(ge=1, le=64, description="channels of the device; all are opened")] = 2
    model: Annotated[str, Field(max_length=120, description="maker and model")] = ""
    serial: Annotated[str, Field(max_length=80, description="serial number; a USB card must show it")] = ""
    calibration: Calibration | None = None


@final
class Card(Device):
    """A card that records, by the product's own tap."""

    card_rate_hz: Annotated[int, Field(ge=8000, le=48000, description="as of the tap soundcard")] = 48000
    rate_hz: Annotated[Literal[8000, 16000], Field(description="frames a second that are stored")] = 8000
    period_ms: Annotated[int, Field(ge=5, le=500, description="as of the tap; 20 for a sound server's")] = 200
    buffer_ms: Annotated[int, Field(ge=50, le=4000, description="as of the tap")] = 1000


@final
class Output(Device):
    """What plays test signals into the lines."""

    rate_hz: Annotated[int, Field(ge=8000, le=192000, description="frames a second that it is played at")] = 48000
    buffer_ms: Annotated[int, Field(ge=50, le=4000, description="so much is ahead of what is heard")] = 500


@final
class Cable(Table):
    """A cable from outputs to inputs: ``gen:1`` to ``LINE1:1``, or as many of both, ``gen:1-8`` to ``LINE1:1-8``."""

    line: Annotated[Name, Field(description="name of the line; several are numbered from their input on")]
    output: Annotated[str, Field(pattern=END, description="output:channel, or output:first-last")]
    input: Annotated[str, Field(pattern=END, description="card:channel, or card:first-last")]
    loss_db: Annotated[float, Field(ge=-60, le=60, description="what the cable takes from the level")] = 0
    inverted: Annotated[bool, Field(description="whether its wires are crossed on purpose")] = False
    serial: Annotated[str, Field(max_length=80, description="number on the cable")] = ""


@final
class Phone(Table):
    """A telephone within reach of the bench."""

    name: Name
    number: Annotated[str, Field(min_length=1, max_length=80, description="number, or SIP address")]
    kind: Annotated[Literal["analogue", "sip", "digital"], Field(description="what it is")] = "analogue"
    model: Annotated[str, Field(max_length=120, description="maker and model")] = ""
    serial: Annotated[str, Field(max_length=80, description="serial number")] = ""


@final
class SerialPort(Table):
    """A serial port of the box."""

    name: Name
    device: Annotated[str, Field(pattern=r"^/", description="its file, best below /dev/serial/by-id")]
    baud: Annotated[Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200], Field(description="its speed")] = 9600
    looped: Annotated[bool, Field(description="whether a plug leads what is sent back")] = False
    serial: Annotated[str, Field(max_length=80, description="serial number")] = ""


@final
class LimitPair(Table):
    """Limits of a measurement on this rig, in its unit; one that is left out is none."""

    low: float | None = None
    high: float | None = None

    @pydantic.model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("should have low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low is more than high")
        return self


@final
class Rig(Table):
    """A whole rig file."""

    station: Station
    run: RunSettings = RunSettings()
    cards: tuple[Card, ...] = ()
    outputs: tuple[Output, ...] = ()
    cables: tuple[Cable, ...] = ()
    phones: tuple[Phone, ...] = ()
    serial_ports: tuple[SerialPort, ...] = ()
    limits: dict[str, LimitPair] = {}
