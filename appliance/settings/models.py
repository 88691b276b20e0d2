"""What can be set. One field here is one key of the file, one line of the sample and one row of the docs.

The names of box, recording, api, events, web, taps (name, kind) and schedules (name, percent, keep_days, priority)
are fixed: rigs outside this repository use them.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, Self, final

import pydantic
from pydantic import Field


def _network(value: object) -> object:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    if not isinstance(value, str):
        raise ValueError(f"should be a network as text, such as '10.1.0.0/16' (got {value!r})")  # noqa: TRY004 - pydantic
    return ipaddress.ip_network(value)


Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, pydantic.BeforeValidator(_network)]
LOOPBACK: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("::1/128"),
)
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(ge=0, le=86400)]
Weekday = Annotated[int, Field(ge=1, le=7)]


def _local_moment(value: str) -> str:
    if value:
        try:
            dt.datetime.strptime(value, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - local time is what it means
        except ValueError:
            raise ValueError(f"should be YYYY-MM-DD HH:MM (got {value!r})") from None
    return value


LocalMoment = Annotated[str, pydantic.AfterValidator(_local_moment)]
"""``YYYY-MM-DD HH:MM`` in local time, or empty."""
_ATOM, _LABEL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
MAIL_ADDRESS = rf"^{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*$"
MailAddress = Annotated[str, Field(pattern=MAIL_ADDRESS, max_length=254)]


class Section(pydantic.BaseModel):
    """One section of the file; unknown keys are faults."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


@final
class Box(Section):
    """The box itself."""

    core_id: Annotated[int, Field(ge=1, le=9999)] = Field(
        default=1, description="number of this recorder core, first digits of GLOBALCALLID"
    )
    data_dir: Path = Field(
        default=Path("/var/lib/linetap"), description="database, counters, inbox; on a disk that keeps"
    )
    run_dir: Path = Field(default=Path("/run/linetap"), description="memory (a tmpfs): spool, locks, sockets")
    tokens_file: Path | None = Field(
        default=None,
        description="tokens of the HTTP ports, as hashes; if not set, tokens.json in data_dir",
        examples=["/etc/linetap/tokens.json"],
    )
    spool_max_mb: Annotated[int, Field(ge=16)] = Field(
        default=1024, description="most memory the spool may take, in MiB"
    )


@final
class RecordingSettings(Section):
    """What is written, where and how safely."""

    path: Path | None = Field(
        default=None,
        description="folder of the recordings; if not set, recordings in data_dir",
        examples=["/srv/recordings"],
    )
    holdback_s: Seconds = Field(
        default=10, description="audio stays in memory this long, so that a blackout can be called back"
    )
    durable_every_s: Annotated[float, Field(ge=0.1, le=60)] = Field(
        default=1, description="audio is forced to the disk this often"
    )
    encoding: Literal["ulaw", "alaw", "pcm"] = Field(default="ulaw", description="samples in the WAV file")
    reserve_mb: Annotated[int, Field(ge=0)] = Field(
        default=200, description="below this much free disk (MiB) no new recording starts"
    )
    media_wait_s: Seconds = Field(
        default=30, description="a call that waits for its media this long ends with a reason"
    )
    claim_back_s: Seconds = Field(
        default=30, description="a call that arrived this long before CALLSTART is recorded from its begin"
    )
    linger_s: Seconds = Field(
        default=1, description="after the far end hung up, wait this long for CALLSTOP before the recording ends"
    )
    dial_retry_s: Annotated[float, Field(ge=0, le=60)] = Field(
        default=5, description="dial to monitor: a line that is not free yet is tried again for this long"
    )
    silence_dbfs: Annotated[float, Field(ge=-90, le=0)] = Field(
        default=-45, description="audio below this level is silence to MAXRECORDSILENCE"
    )
    blackouts: bool = Field(default=True, description="BLACKOUTSTART and BLACKOUTSTOP; if not, they are answered by 39")
    blackout_tied_to: Literal["call", "agent"] = Field(
        default="call",
        description="a blackout ends with its call, or goes on through the agent's calls until it is stopped",
    )
    blackout_max_s: Annotated[int, Field(ge=0, le=86400)] = Field(
        default=3600, description="a blackout that nobody stops ends after this long; 0: never"
    )
    filters: tuple[dict[str, str], ...] = Field(
        default=(),
        description="calls that are never recorded, whoever asks: patterns of call fields, all of a table must match, "
        "e.g. [{ dnis = '110' }, { group = 'Legal*', call_direction = 'I' }]",
    )


class Listener(Section):
    """An address to listen on and who may connect."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Port = Field(default=0, description="port to listen on; 0 takes a free one")
    allow: tuple[Network, ...] = Field(default=LOOPBACK, description="networks that may connect")
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=500, description="connections at once; more are closed at once"
    )
    max_connections_per_peer: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=400, description="connections of one address at once, so that none takes them all"
    )
    max_requests_per_s: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        default=1000,
        description="requests of one address a second, ten seconds' worth at once; past that each waits for its turn; "
        "0: no limit",
    )
    max_message_bytes: Annotated[int, Field(ge=1024, le=16 << 20)] = Field(
        default=256 << 10, description="longest request"
    )
    idle_s: Seconds = Field(
        default=10,
        description="a request (or TLS handshake) begun but not ended is refused this long after its last byte",
    )
    request_s: Seconds = Field(
        default=60, description="a request begun but not ended is refused this long after its first byte"
    )
    silent_s: Seconds = Field(
        default=0, description="a connection that sends no request for this long is closed; 0: never"
    )
    tls: Literal["off", "both", "on"] = Field(
        default="off", description="plain text alone, plain text and TLS by the first byte, or TLS alone"
    )
    client_ca: Path | None = Field(
        default=None,
        description="certificates (PEM) of who may vouch for clients: each client must show one, over TLS alone",
        examples=["/etc/linetap/clients-ca.pem"],
    )

    @property
    def speaks(self) -> Literal["off", "both", "on"]:
        """What the port speaks, as ``tls``; TLS alone where clients have to show a certificate."""
        return "on" if self.client_ca else self.tls


@final
class ApiSettings(Listener):
    """Port 5620: XML commands."""

    port: Port = Field(default=5620, description="port to listen on; 0 takes a free one")
    compact: bool = Field(default=False, description="answers on one line, for clients that read a line")
    error_resulttype: Literal["label", "ERROR"] = Field(
        default="label", description="RESULTTYPE of an error: its label or ERROR"
    )
    partial_code: Annotated[int, Field(ge=0, le=999)] = Field(
        default=20, description="RESULTCODE of API_PARTIAL_CORE_RESPONSE"
    )
    channel_id_base: Annotated[int, Field(ge=0, le=1)] = Field(
        default=0, description="number of the first channel on the wire"
    )
    strict_call_state: bool = Field(default=False, description="CALLSTOP and CALLUPDATE without an open call give 7")
    device_modes: bool = Field(default=False, description="DEVICELIST and DEVICESTATUS tell what MODECHANGE said")
    strict_lengths: bool = Field(default=False, description="over-long descriptive values are refused, not cut")


@final
class EventSettings(Listener):
    """Port 5621: events."""

    port: Port = Field(default=5621, description="port to listen on; 0 takes a free one")
    silent_s: Seconds = Field(
        default=60, description="a connection without a subscription for this long is closed; 0: never"
    )
    queue: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        default=10_000, description="events that wait for a slow reader before the oldest go"
    )
    keep: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        default=20_000,
        description="events kept for subscribers that come back (SINCE), in memory; at least as many as queue are",
    )
    keep_s: Annotated[float, Field(ge=0, le=7 * 86400)] = Field(
        default=3600, description="kept events are let go when they are older than this"
    )
    buffer_bytes: Annotated[int, Field(ge=4096, le=16 << 20)] = Field(
        default=64 << 10, description="octets written to a subscriber that it has not taken, before it is waited for"
    )
    stall_s: Annotated[float, Field(ge=0, le=7 * 86400)] = Field(
        default=3600, description="a subscriber that takes nothing for this long is hung up; 0: never"
    )
    max_subscriptions: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=100, description="subscriptions of one connection"
    )


class WebListener(Listener):
    """What both HTTP ports have."""

    tokens: bool = Field(
        default=False, description="every request needs a token of `linetap token`: Authorization: Bearer TOKEN"
    )
    query_tokens: bool = Field(
        default=False,
        description="the token may also stand in the query, as token=TOKEN: for clients that send no headers",
    )
    max_requests_per_s: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        default=200,
        description="requests of one address a second, ten seconds' worth at once; past that they are answered with "
        "HTTP 429; 0: no limit",
    )
    silent_s: Seconds = Field(
        default=60,
        description="a connection that sends no request, or takes no octet of its answer, for this long is closed; "
        "0: never",
    )


@final
class WebSettings(WebListener):
    """Port 2012: WebAPI."""

    port: Port = Field(default=2012, description="port to listen on; 0 takes a free one")
    tls: Literal["off", "both", "on"] = Field(
        default="both", description="plain text alone, plain text and TLS by the first byte, or TLS alone"
    )


@final
class HttpsSettings(WebListener):
    """Port 2013: WebAPI over TLS."""

    enabled: bool = Field(default=False, description="listen on it; port 2012 understands TLS, too")
    port: Port = Field(default=2013, description="port to listen on; 0 takes a free one")
    tls: Literal["on"] = Field(default="on", description="TLS alone")


@final
class TlsSettings(Section):
    """The certificate of all ports that speak TLS. Files that are renewed are taken up within an hour."""

    certificate: Path | None = Field(
        default=None,
        description="certificate (PEM), with those above it; if not set, the box makes its own in data_dir/tls",
        examples=["/etc/linetap/box.pem"],
    )
    key: Path | None = Field(
        default=None,
        description="its key (PEM); if not set, it stands in the file of the certificate",
        examples=["/etc/linetap/box.key"],
    )
    names: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_*-]{1,253}$")], ...] = Field(
        default=(), description="names and addresses in the own certificate beside those that the box finds itself"
    )
    own_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=397, description="days that the own certificate is good for; made anew when a third is left"
    )

    @pydantic.model_validator(mode="after")
    def _whole(self) -> Self:
        if self.key and not self.certificate:
            raise ValueError("certificate is required where key is set")
        return self


@final
class MailSettings(Section):
    """Recordings by mail. Without a host EMAIL is answered with 39."""

    host: str = Field(default="", description="the mail server; empty: no mail is sent")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=587, description="its port")
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="TLS after STARTTLS (port 587), from the begin (465), or none (25)"
    )
    ca_file: Path | None = Field(
        default=None,
        description="certificates (PEM) of who may vouch for the server; if not set, the system's",
        examples=["/etc/linetap/mail-ca.pem"],
    )
    user: str = Field(default="", description="name to log in with; empty: no log-in")
    password_file: Path | None = Field(
        default=None, description="file that holds the password, and nothing else", examples=["/etc/linetap/mail.pw"]
    )
    sender: MailAddress | None = Field(
        default=None, description="address that mails come from", examples=["recorder@example.com"]
    )
    recipients: tuple[str, ...] = Field(
        default=("*",), description="patterns of the addresses that mail may go to, such as '*@example.com'"
    )
    timeout_s: Annotated[float, Field(ge=1, le=600)] = Field(
        default=30, description="a server that says or takes nothing for this long is given up for now"
    )
    retry_s: Annotated[float, Field(ge=1, le=86400)] = Field(
        default=60,
        description="a mail that was not taken is tried again after this long, then twice as long, and so on",
    )
    retry_longest_s: Annotated[float, Field(ge=1, le=86400)] = Field(
        default=3600, description="longest time between two tries"
    )
    give_up_h: Annotated[float, Field(ge=0, le=720)] = Field(
        default=48, description="a mail that is this old, in hours, is not tried again"
    )
    most_waiting: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="mails that may wait; further ones are refused"
    )
    keep_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        default=30, description="days that sent and failed mails are listed"
    )

    @pydantic.model_validator(mode="after")
    def _whole(self) -> MailSettings:
        if self.host and self.sender is None:
            raise ValueError("sender is required where host is set")
        if self.user and self.password_file is None:
            raise ValueError("password_file is required where user is set")
        if self.user and self.tls == "none":
            raise ValueError('a log-in needs TLS: tls = "starttls" or "tls"')
        return self


@final
class ScheduleSettings(Section):
    """Which calls are recorded. Matching fields are shell patterns; every one that is set must match."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="name of the schedule, unique", examples=["everything"]
    )
    kind: Literal["percentage", "set_number", "api_initiated", "on_demand", "agent_percentage"] = Field(
        default="percentage",
        description="percentage: a share of the calls; set_number: so many a day; agent_percentage: a share of each "
        "agent's calls; api_initiated: calls for which STARTRECORDING or STARTRECORDINGAUTO asks; on_demand: calls "
        "that say AGENTINITIATED",
    )
    percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=100, description="share of the matching calls that is recorded"
    )
    count: Annotated[int, Field(ge=1)] = Field(
        default=1, description="set_number: recordings a day (of the box's local time)"
    )
    probability: Annotated[float, Field(ge=0, le=100)] = Field(
        default=100, description="chance in percent that a matching call is looked at, of any kind of schedule"
    )
    keep_days: Annotated[int, Field(ge=0, le=36500)] = Field(default=30, description="days to keep the recording")
    archive_action: Annotated[int, Field(ge=-1)] = Field(default=-1, description="first archive action; -1 is Purge")
    priority: Annotated[int, Field(ge=0, le=100)] = Field(
        default=50, description="higher ones win, and may take the channel of lower ones"
    )
    max_record_time_s: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="longest recording, in seconds", examples=[7200]
    )
    min_record_time_s: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="a recording that ends sooner, in seconds, is not kept", examples=[10]
    )
    max_record_silence_s: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="a silence of more seconds ends the recording", examples=[60]
    )
    valid_from: LocalMoment = Field(
        default="", description="local date and time (YYYY-MM-DD HH:MM) before which it takes no call; empty: at once"
    )
    valid_until: LocalMoment = Field(
        default="", description="local date and time from which on it takes no call; empty: it never expires"
    )
    weekdays: tuple[Weekday, ...] = Field(
        default=(), description="days of the week it holds on, Monday is 1; empty: every day"
    )
    time_from: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        default="00:00", description="time of day (local) it begins"
    )
    time_until: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")] = Field(
        default="24:00", description="time of day it ends; may lie past midnight"
    )
    device_id: str = Field(default="", description="pattern of DEVICEID")
    device_alias: str = Field(default="", description="pattern of DEVICEALIAS")
    match: dict[str, str] = Field(
        default={}, description="patterns of any other call field, e.g. { group = 'Sales*', ani = '0800*' }"
    )


@final
class Settings(Section):
    """The whole file. ``taps`` hold each kind's own options, read into its Options class by the loader."""

    box: Box = Box()
    recording: RecordingSettings = RecordingSettings()
    api: ApiSettings = ApiSettings()
    events: EventSettings = EventSettings()
    web: WebSettings = WebSettings()
    https: HttpsSettings = HttpsSettings()
    tls: TlsSettings = TlsSettings()
    mail: MailSettings = MailSettings()
    taps: tuple[Any, ...] = ()
    schedules: tuple[ScheduleSettings, ...] = ()

    @property
    def tokens_path(self) -> Path:
        """Path of the tokens of the HTTP ports."""
        return self.box.tokens_file or self.box.data_dir / "tokens.json"

    @property
    def recording_path(self) -> Path:
        """Path of the recordings."""
        return self.recording.path or self.box.data_dir / "recordings"
