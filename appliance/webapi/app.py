"""The WebAPI's pages: ``/webAPI.aspx`` and ``/webAPI.php`` in any letter case, by GET and POST."""

from __future__ import annotations

import logging
from collections.abc import Callable

from fastapi import Depends, FastAPI, Request, Response

from appliance.bus.commands import Services
from appliance.errors import FormatInvalidError
from appliance.messages.dispatch import dispatch, refuse
from appliance.messages.origin import Origin, Port
from appliance.messages.printing import print_result
from appliance.messages.result import Result
from appliance.metrics import CONTENT_TYPE
from appliance.ports.refusals import Reason
from appliance.ports.tokens import TokenFile
from appliance.webapi.download import Download
from appliance.webapi.guard import Guard, RefusedError, visit_of, who_asks
from appliance.webapi.query import read_values
from appliance.webapi.reference_routes import reference_routes

logger = logging.getLogger(__name__)

PAGES = frozenset({"webapi.aspx", "webapi.php"})
MOST_BYTES = 256 << 10
"""Longest body where the application runs without a port."""
_FORM = "application/x-www-form-urlencoded"


def web_api(services: Services, figures: Callable[[], str] | None = None, tokens: TokenFile | None = None) -> FastAPI:
    """Build the application. Further applications may be mounted beside its pages.

    ``figures`` gives the text of the page ``/metrics``; without it there is none. ``tokens`` are those that ports may
    ask for.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(Guard(tokens))])

    @app.exception_handler(RefusedError)
    async def refused(request: Request, fault: RefusedError) -> Response:
        answer = _document(refuse(fault.error, services, _origin(request)), fault.status_code)
        answer.headers.update(fault.headers)
        return answer

    if figures:

        @app.api_route("/metrics", methods=["GET", "HEAD"], response_model=None)
        async def metrics() -> Response:
            return Response(figures(), media_type=CONTENT_TYPE)

    app.include_router(reference_routes())

    @app.api_route("/{page}", methods=["GET", "HEAD", "POST"], response_model=None)
    async def answer(request: Request, page: str) -> Response:
        if page.lower() not in PAGES:
            return Response("no such page\n", status_code=404, media_type="text/plain")
        form = await _form(request)
        result = await dispatch(read_values(request.scope["query_string"], form), services, _origin(request))
        if result.attachment is not None:
            return Download(result.attachment, request)
        return _document(result)

    return app


def _origin(request: Request) -> Origin:
    visit = visit_of(request)
    return Origin(Port.WEB, visit.peer if visit else "", who=who_asks(request))


async def _form(request: Request) -> bytes:
    """Give the body if it is a form, else nothing. Raises RefusedError."""
    visit = visit_of(request)
    max_message_bytes = visit.gate.settings.max_message_bytes if visit else MOST_BYTES
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_message_bytes:
            if visit:
                visit.refuse(Reason.TOO_LONG)
            raise RefusedError(413, FormatInvalidError())
    kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if body and kind != _FORM:
        logger.info("body ignored: %s from %s", kind, request.client)
    return bytes(body).strip() if kind == _FORM else b""


def _document(result: Result, status_code: int = 200) -> Response:
    # The pages answer API errors with 200; the type is exactly this, since clients compare it.
    return Response(print_result(result), status_code, headers={"Content-Type": "text/xml"})
