"""What every page asks before it does anything: does the client keep to the rate, and does it have a token."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import final

from fastapi import Request

from appliance.errors import RequestError, ValueInvalidError
from appliance.ports.gate import Visit
from appliance.ports.refusals import Reason
from appliance.ports.tokens import TokenFile, TokenInvalidError
from appliance.settings.models import WebListener
from appliance.webapi.query import read_values

_CHALLENGES = 'Bearer realm="linetap", Basic realm="linetap"'


class RefusedError(Exception):
    """The request is not answered by a message, but by an HTTP status and a document that says why."""

    def __init__(self, status_code: int, error: RequestError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status_code)
        self.status_code = status_code
        self.error = error
        self.headers = headers or {}


@final
class Guard:
    """Judges requests by the terms of the port that they came on. ``tokens`` are needed where a port asks for one."""

    def __init__(self, tokens: TokenFile | None) -> None:
        self._tokens = tokens

    async def __call__(self, request: Request) -> None:
        """Let the request in. Raises RefusedError."""
        visit = visit_of(request)
        if visit is None:  # no port, no terms
            return
        if not visit.may_ask():
            raise RefusedError(429, ValueInvalidError("too many requests"), {"Retry-After": "1"})
        listener = visit.gate.settings
        if isinstance(listener, WebListener) and listener.tokens:
            request.state.token = self._name(request, visit, in_query=listener.query_tokens)

    def _name(self, request: Request, visit: Visit, *, in_query: bool) -> str:
        sent = _of_header(request.headers.get("authorization", ""))
        if not sent and in_query:
            sent = read_values(request.scope["query_string"]).get("TOKEN", "")
        try:
            return self._judge(sent)
        except TokenInvalidError as error:
            visit.refuse(Reason.TOKEN, str(error))
            raise RefusedError(
                401, ValueInvalidError("a valid token is needed"), {"WWW-Authenticate": _CHALLENGES}
            ) from error

    def _judge(self, sent: str) -> str:
        if self._tokens is None:
            raise TokenInvalidError("the application has none")
        return self._tokens.judge(sent)


def visit_of(request: Request) -> Visit | None:
    """Give the connection that the request came on; None where the application runs without a port."""
    visit: Visit | None = request.scope.get("state", {}).get("visit")
    return visit


def who_asks(request: Request) -> str:
    """Give what the client proved to be, by certificate, token or both."""
    visit, token = visit_of(request), getattr(request.state, "token", "")
    return ", ".join(filter(None, (visit.who if visit else "", f"token {token}" if token else "")))


def _of_header(value: str) -> str:
    """Give the token of ``Bearer TOKEN``, or the password of ``Basic``, which is all that some clients can send."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
