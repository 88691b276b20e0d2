"""EMAIL."""

from __future__ import annotations

import dataclasses
from typing import Annotated, ClassVar, final

from appliance.bus.commands import Services
from appliance.errors import ValueInvalidError
from appliance.mail.address import MOST_ADDRESSES, read_addresses
from appliance.messages.origin import Origin
from appliance.messages.parameter import Parameter, Reading
from appliance.messages.record_request import MediaFormat, RecordRequest
from appliance.messages.result import Result

_LONGEST = 1024


@final
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Addresses(Parameter):
    """Mail addresses, with commas, semicolons or blanks between."""

    def read(self, raw: str, reading: Reading, name: str) -> tuple[str, ...]:
        """Give the addresses, each once."""
        wire_name = self.name or name.upper()
        if len(raw) > _LONGEST:
            raise ValueInvalidError(f"{wire_name} is longer than {_LONGEST} characters")
        try:
            return read_addresses(raw)
        except ValueError as error:
            raise ValueInvalidError(f"{wire_name} {error}") from error

    @property
    def limits(self) -> str:
        """How many there may be."""
        return f"1 to {MOST_ADDRESSES} mail addresses, `,` or `;` between; text, {_LONGEST}; longer is refused"


class Email(RecordRequest):
    """Sends the audio of a recording to mail addresses.

    Where several recordings match, the newest one is sent. The answer comes when the mail is queued, which outlives a
    restart: `linetap mail list` shows what became of it. Each address gets a mail of its own.
    """

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: queued",
        "API_BLANK_REQUIRED_VALUE: one of the four parameters is missing",
        "API_ERROR_PROCESSING_MESSAGE: no such field or format, no address that mail may go to, or the queue is full",
        "API_RECORDID_INVALID: a record id that is no positive integer",
        "API_FILE_NOT_FOUND: no recording matches, or its file is gone",
        "API_UNLICENSED: the box has no mail server",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {
            "REQUESTID": "62",
            "TOADDRESS": "supervisor@example.com",
            "MEDIA_FORMAT": "mp3",
            "UNIQUEID": "204",
            "UNIQUEFIELD": "ident",
        },
    )

    to_address: Annotated[tuple[str, ...] | None, Addresses("where to send it", name="TOADDRESS", required=True)] = None
    media_format: MediaFormat = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the newest recording and queue a mail for each address."""
        suffix = str(self.media_format).lower()
        self.judge_field(services)
        services.exporter.media_type(suffix)
        recording = await self.find(services)
        await services.mail.put(recording, self.to_address or (), suffix)
        told = {"record_id": recording.record_id, "format": suffix, "addresses": list(self.to_address or ())}
        self.note(services, origin, after=told)
        return self.result()
