"""Serving the page: `/`, a transaction's `/t/{id}`, and its files for ever under a path that names their content."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .assets import read_assets

__all__ = ["mount_web"]

_STATIC = Path(__file__).parent / "static"
_PAGES = ("/", "/t/{id:path}", "/transactions", "/map", "/alerts", "/agents")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def mount_web(app: Starlette) -> None:
    """Add the page's routes to the app, behind those that it has.

    The page is asked for anew each time (and answered with 304 when it is the same); its files never are, since
    their path changes with their content. A path of another version is 404: mixed versions would not fit.
    """
    assets = read_assets(_STATIC)
    etag = f'"{assets.digest}"'

    def page(request: Request) -> Response:
        headers = {**_HEADERS, "Cache-Control": "no-cache", "ETag": etag}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(assets.page, media_type="text/html", headers=headers)

    def static(request: Request) -> Response:
        asset = assets.files.get(request.path_params["path"])
        if asset is None or request.path_params["digest"] != assets.digest:
            return Response("there is no such file\n", 404, {**_HEADERS, "Cache-Control": "no-store"}, "text/plain")
        headers = {**_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
        return Response(asset.body, headers=headers, media_type=asset.media_type)

    app.router.routes.extend(
        [
            *(Route(path, page, methods=["GET"], include_in_schema=False) for path in _PAGES),
            Route("/static/{digest}/{path:path}", static, methods=["GET"], include_in_schema=False),
        ]
    )
