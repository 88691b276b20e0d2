"""The base of all message types: reads named values by the declaration, and answers.

A message type is a subclass in a module of :mod:`appliance.messages.types` whose name is the TYPE in lower case. Its
fields are its parameters (:mod:`appliance.messages.parameter`), its docstring stands in the reference.
"""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar, Self

import pydantic

from appliance.bus.commands import Services
from appliance.errors import DeviceInvalidError, RequestError, RequiredBlankError
from appliance.messages.envelope import Envelope
from appliance.messages.origin import Origin, Port
from appliance.messages.parameter import Parameter, Reading
from appliance.messages.result import Attachment, Body, Result


class Request(pydantic.BaseModel, abc.ABC):
    """One request, read and judged."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    ports: ClassVar[frozenset[Port]] = frozenset({Port.COMMANDS, Port.WEB})
    """Ways in on which the type can be had; elsewhere it is answered with 15."""
    synonyms: ClassVar[tuple[str, ...]] = ()
    """Further spellings of TYPE."""
    request_id_required: ClassVar[bool] = False
    keys: ClassVar[tuple[str, ...]] = ()
    """Fields of which at least one must be given."""
    keys_fault: ClassVar[type[RequestError]] = DeviceInvalidError
    returns: ClassVar[tuple[str, ...]] = ()
    """What the type answers, for the reference: lines of "code: when"."""
    reconstructed: ClassVar[str] = ""
    """What of the message no source shows, so that it is our own; blank where all of it is known."""
    samples: ClassVar[tuple[dict[str, str], ...]] = ()
    """Requests of the reference, without TYPE."""
    parameters: ClassVar[dict[str, Parameter]] = {}
    """By field, in the order of judgement. Collected from the annotations."""
    fields_by_name: ClassVar[dict[str, str]] = {}
    """Wire names and their synonyms, each with its field."""

    envelope: pydantic.SkipValidation[Envelope]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the declaration once a subclass is complete."""
        super().__pydantic_init_subclass__(**kwargs)
        found = {
            field: parameter
            for field, info in cls.model_fields.items()
            for parameter in info.metadata
            if isinstance(parameter, Parameter)
        }
        cls.parameters = found
        cls.fields_by_name = {
            name: field for field, p in found.items() for name in (p.name or field.upper(), *p.synonyms)
        }

    @classmethod
    def wire_name(cls) -> str:
        """TYPE of the message: the name of its module."""
        return cls.__module__.rpartition(".")[2].upper()

    @classmethod
    def read(cls, values: Mapping[str, str], envelope: Envelope, reading: Reading) -> Self:
        """Judge the values in the contract's order. Raises the RequestError of the first fault."""
        passed = cls._passed(values)
        cls.judge_presence(passed)
        return cls.model_validate({**passed, "envelope": envelope}, context=reading)

    @classmethod
    def judge_presence(cls, passed: Mapping[str, str]) -> None:
        """Raise for a missing key or required value. ``passed`` is by field; a blank value counts as missing."""
        if cls.keys and not any(passed.get(field) for field in cls.keys):
            raise cls.keys_fault
        for field, parameter in cls.parameters.items():
            if parameter.required and not passed.get(field):
                raise RequiredBlankError(f"{parameter.name or field.upper()} is required")

    @abc.abstractmethod
    def answer(self, services: Services, origin: Origin) -> Result | Awaitable[Result]:
        """Do it. What needs no waiting is a plain method, and is answered without a task of its own."""

    def result(
        self, *, body: Body = (), message: str = "API_OK", result_type: str = "API_OK", code: int = 20
    ) -> Result:
        """Give a result of success unless told otherwise."""
        return Result(self.envelope.request_type, self.envelope.request_id, result_type, code, message, body)

    def attach(self, attachment: Attachment) -> Result:
        """Give a result that is a file."""
        return Result(self.envelope.request_type, self.envelope.request_id, attachment=attachment)

    def deed(self) -> str:
        """What the audit calls it."""
        return self.wire_name()

    def note(
        self,
        services: Services,
        origin: Origin,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Leave a row in the audit: for a change with what was before and after, else with the facts as ``after``."""
        services.audit.note(
            self.deed(), port=origin.port.value, peer=origin.peer, who=origin.who, before=before, after=after
        )

    def passed(self, fields: tuple[str, ...]) -> dict[str, Any]:
        """Those of the fields that the client passed, with their values."""
        return {f: getattr(self, f) for f in fields if f in self.model_fields_set and getattr(self, f) is not None}

    @classmethod
    def _passed(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Values by field. The parameter's own name counts before a synonym, and a given value before a blank one."""
        passed: dict[str, str] = {}
        for name, field in cls.fields_by_name.items():
            raw = values.get(name)
            if raw is not None and not passed.get(field):
                passed[field] = raw
        return passed
