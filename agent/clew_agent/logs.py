"""Clew's own log: for people on a terminal, JSON lines elsewhere, always on stderr.

Messages are sentences; values go into fields. Clew never ships its own log.
"""

from __future__ import annotations

import logging
import sys

# structlog imports rich where it can, to draw tracebacks, and rich imports attrs: 5 MiB and a tenth of a second that an
# agent can spare. `clew_agent.cli` imports this module before any that has a logger.
_rich = sys.modules.pop("rich", None)
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

del sys.modules["rich"]
if _rich is not None:
    sys.modules["rich"] = _rich

__all__ = ["configure_logs"]


def configure_logs(*, level: str = "info", json: bool | None = None) -> None:
    """Configure structlog for this process; `json` defaults to whether stderr is no terminal."""
    as_json = not sys.stderr.isatty() if json is None else json
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if as_json else _keep,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _keep(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return event
