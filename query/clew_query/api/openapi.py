"""The API's description: what FastAPI makes of the routes, without what it says of answers that we do not give."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

__all__ = ["describe"]

_NOT_OURS = frozenset({"HTTPValidationError", "ValidationError"})


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the app's routes; made once, then remembered as FastAPI does."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        for path in document["paths"].values():
            for operation in path.values():
                # A parameter that does not hold is answered with 400, like everything that the asker must change.
                operation["responses"].pop("422", None)
        schemas = document.get("components", {}).get("schemas", {})
        for name in _NOT_OURS & schemas.keys():
            del schemas[name]
        if not schemas:
            document.pop("components", None)
        app.openapi_schema = document
    return app.openapi_schema
