"""The WebAPI's pages: ``/webAPI.aspx`` and ``/webAPI.php`` in any letter case, by GET and POST."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import quote

from fastapi import FastAPI, Request, Response

from appliance.bus.commands import Services
from appliance.errors import FormatInvalidError
from appliance.messages.dispatch import dispatch, refuse
from appliance.messages.origin import Origin, Port
from appliance.messages.printing import print_result
from appliance.messages.result import Attachment, Result
from appliance.metrics import CONTENT_TYPE
from appliance.webapi.download import Download
from appliance.webapi.query import read_values

logger = logging.getLogger(__name__)

PAGES = frozenset({"webapi.aspx", "webapi.php"})
_FORM = "application/x-www-form-urlencoded"


class BodyTooLongError(Exception):
    """The body is longer than the listener takes."""


def web_api(services: Services, max_message_bytes: int, figures: Callable[[], str] | None = None) -> FastAPI:
    """Build the application. Further applications may be mounted beside its pages.

    ``figures`` gives the text of the page ``/metrics``; without it there is none.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    if figures:

        @app.get("/metrics", response_model=None)
        async def metrics() -> Response:
            return Response(figures(), media_type=CONTENT_TYPE)

    @app.api_route("/{page}", methods=["GET", "POST"], response_model=None)
    async def answer(request: Request, page: str) -> Response:
        if page.lower() not in PAGES:
            return Response("no such page\n", status_code=404, media_type="text/plain")
        origin = Origin(Port.WEB, f"{request.client.host}:{request.client.port}" if request.client else "")
        try:
            form = await _form(request, max_message_bytes)
        except BodyTooLongError:
            return _document(refuse(FormatInvalidError(), services, origin), status_code=413)
        result = await dispatch(read_values(request.scope["query_string"], form), services, origin)
        if result.attachment is not None:
            return _download(result.attachment, request)
        return _document(result)

    return app


async def _form(request: Request, max_message_bytes: int) -> bytes:
    """Give the body if it is a form, else nothing. Raises BodyTooLongError."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_message_bytes:
            raise BodyTooLongError
    kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if body and kind != _FORM:
        logger.info("body ignored: %s from %s", kind, request.client)
    return bytes(body).strip() if kind == _FORM else b""


def _document(result: Result, status_code: int = 200) -> Response:
    # The pages answer API errors with 200; the type is exactly this, since clients compare it.
    return Response(print_result(result), status_code, headers={"Content-Type": "text/xml"})


def _download(attachment: Attachment, request: Request) -> Download:
    plain = attachment.filename.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(attachment.filename, safe='')}"
    return Download(attachment, disposition, request.headers.get("range", ""))
