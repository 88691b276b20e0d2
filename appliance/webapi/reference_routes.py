"""Where the reference is served: ``/docs/`` for people, ``/docs/openapi.json`` for programs."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, RedirectResponse

from appliance.webapi import openapi, reference_page

_METHODS = ["GET", "HEAD"]


def reference_routes() -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/docs")

    @routes.api_route("", methods=_METHODS, response_model=None)
    async def without_slash() -> Response:
        return RedirectResponse("docs/")  # so that what the page names lies beside it, behind a proxy too

    @routes.api_route("/", methods=_METHODS, response_model=None)
    async def page() -> Response:
        return Response(reference_page.page(), media_type="text/html", headers=reference_page.HEADERS)

    @routes.api_route("/openapi.json", methods=_METHODS, response_model=None)
    async def document() -> Response:
        return JSONResponse(openapi.document())

    @routes.api_route("/{name}", methods=_METHODS, response_model=None)
    async def file(name: str) -> Response:
        if name not in reference_page.FILES:
            return Response("no such page\n", status_code=404, media_type="text/plain")
        return Response(
            reference_page.file(name), media_type=reference_page.FILES[name], headers=reference_page.HEADERS
        )

    return routes
