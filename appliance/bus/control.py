"""Commands that say what is to be recorded, and how: blackouts, recordings by order, chats; and modes of devices."""

from __future__ import annotations

from typing import Any, final

from appliance.bus.commands import Command


@final
class BeginBlackout(Command):
    """BLACKOUTSTART: silence from ``at_mono_s`` on; ``call_instance`` None means the device's last call.

    ``strict``: a second begin is refused instead of doing nothing.
    """

    device_id: str
    call_instance: str | None = None
    at_mono_s: float
    strict: bool = False


@final
class EndBlackout(Command):
    """BLACKOUTSTOP: audio again from ``at_mono_s`` on. ``strict``: refused where there is none to end."""

    device_id: str
    call_instance: str | None = None
    at_mono_s: float
    strict: bool = False


@final
class StartRecording(Command):
    """STARTRECORDING, and with ``automatic`` STARTRECORDINGAUTO: ``fields`` are only those that were passed.

    ``call_instance`` None means the device's last call. Without an open call a recording begins all the same, unless
    it is automatic.
    """

    device_id: str
    call_instance: str | None = None
    fields: dict[str, Any]
    use_cti_call_info: bool = False
    automatic: bool = False


@final
class StopRecording(Command):
    """STOPRECORDING: the call goes on."""

    device_id: str
    call_instance: str | None = None


@final
class ChangeMode(Command):
    """MODECHANGE: what the agent at the device does; ``mode`` is the wire's word."""

    device_id: str
    mode: str


@final
class StartChat(Command):
    """CHATSTART: a session at the screen of an agent, who has these phones; ``name`` stands for one without any."""

    session_id: str
    agent_id: str
    phones: tuple[str, ...]
    name: str
    fields: dict[str, Any]


@final
class UpdateChat(Command):
    """CHATUPDATE of the fields that were passed."""

    session_id: str
    fields: dict[str, Any]


@final
class StopChat(Command):
    """CHATSTOP."""

    session_id: str
