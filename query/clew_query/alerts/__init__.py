"""Alerts: rules over the share of errors, evaluated at the ingest watermark, told once each by webhook."""

from .engine import AlertEngine
from .notification import Notification
from .notifier import Notifier, WebhookNotifier
from .rule import Rule, RuleSet, Webhook, compile_rules, read_rules
from .watermark import IngestWatermark, Watermark, delayed_clock

__all__ = [
    "AlertEngine",
    "IngestWatermark",
    "Notification",
    "Notifier",
    "Rule",
    "RuleSet",
    "Watermark",
    "Webhook",
    "WebhookNotifier",
    "compile_rules",
    "delayed_clock",
    "read_rules",
]
