"""Dead letters: what could not be read or stored, kept whole with the reason, until somebody puts it back."""

from .desk import Desk
from .letter import Content, DeadLetter
from .memory import MemoryDeadLetters
from .protocol import DeadLetters
from .share import ShareLimit
from .sqlite import SqliteDeadLetters

__all__ = [
    "Content",
    "DeadLetter",
    "DeadLetters",
    "Desk",
    "MemoryDeadLetters",
    "ShareLimit",
    "SqliteDeadLetters",
]
