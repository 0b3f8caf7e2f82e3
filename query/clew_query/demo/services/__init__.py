"""Five services as anybody might write them, each with another way of logging. None of them knows Clew."""

__all__ = ["HANDED_OVER", "UNREACHABLE_CARD_ENDING"]

UNREACHABLE_CARD_ENDING = "0341"
"""The issuer of cards that end so gives no answer."""
HANDED_OVER = "parcel handed over"
"""The last that is logged of an order that went well."""
