"""From named values to a result: find the type, judge, answer; every error becomes a result here.

Order of judgement (contract B.11): 16 unreadable (told by the edge), 15 no TYPE or not on this port, 10 unknown
TYPE, 14 REQUESTID, a missing key or required value, then values in the order of the parameters.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping

from appliance.bus.commands import Services
from appliance.errors import (
    LinetapError,
    RequestError,
    ResultCode,
    TypeMissingError,
    TypeUnknownError,
    ValueInvalidError,
)
from appliance.messages.catalog import catalog
from appliance.messages.envelope import UNREADABLE, Envelope
from appliance.messages.origin import Origin
from appliance.messages.parameter import Reading
from appliance.messages.request import Request
from appliance.messages.result import Result

logger = logging.getLogger(__name__)

_LONGEST_LOGGED = 64


def begin(values: Mapping[str, str], services: Services, origin: Origin) -> Result | Awaitable[Result]:
    """Judge the request and begin to answer it; never raises.

    ``values`` are by upper-case name, trimmed. Gives the result itself where nothing has to be waited for, so that
    the caller needs no task for it; else something to await, which never raises either.
    """
    envelope = Envelope.read(values)
    try:
        outcome = _judge(values, envelope, services, origin).answer(services, origin)
    except Exception as error:  # noqa: BLE001 - every error becomes a result here
        return refuse(error, services, origin, envelope)
    return outcome if isinstance(outcome, Result) else _finish(outcome, services, origin, envelope)


async def dispatch(values: Mapping[str, str], services: Services, origin: Origin) -> Result:
    """Answer the request; never raises."""
    outcome = begin(values, services, origin)
    return outcome if isinstance(outcome, Result) else await outcome


def refuse(error: Exception, services: Services, origin: Origin, envelope: Envelope = UNREADABLE) -> Result:
    """Give the result that tells of the error. One that is not ours is logged with its traceback."""
    if isinstance(error, LinetapError):
        code, message = error.code, str(error) or error.code.label
        kind = f"refused with {int(code)} on port {origin.port.value}"
        text = f"refused: {_loggable(envelope.request_type)} from {origin.peer}: {int(code)} {message}"
        services.refusals.tell(logging.INFO, kind, origin.peer, text)
    else:
        code = ValueInvalidError.code
        message = code.label
        logger.error("failed: %s from %s", envelope.request_type, origin.peer, exc_info=error)
    result_type = ResultCode(code).label if services.api.error_resulttype == "label" else "ERROR"
    body = error.body if isinstance(error, RequestError) else ()
    return Result(envelope.request_type, envelope.request_id, result_type, int(code), message, body)


def _loggable(request_type: str) -> str:
    """Give what the client sent as TYPE in a form that no log is harmed by."""
    cut = request_type[:_LONGEST_LOGGED]
    return cut if cut.isprintable() else repr(cut)


def _judge(values: Mapping[str, str], envelope: Envelope, services: Services, origin: Origin) -> Request:
    if not envelope.request_type:
        raise TypeMissingError
    kind = catalog().get(envelope.request_type)
    if kind is None:
        raise TypeUnknownError
    if origin.port not in kind.ports:
        raise TypeMissingError
    envelope.judge_id(required=kind.request_id_required)
    return kind.read(values, envelope, Reading(envelope.request_type, origin.peer, services.api.strict_lengths))


async def _finish(outcome: Awaitable[Result], services: Services, origin: Origin, envelope: Envelope) -> Result:
    try:
        return await outcome
    except Exception as error:  # noqa: BLE001 - every error becomes a result here
        return refuse(error, services, origin, envelope)
