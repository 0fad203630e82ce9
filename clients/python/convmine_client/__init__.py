"""A client of convmine: ``Client`` and ``AsyncClient`` ask its gateway, ``events`` go into Kafka and come out of it."""

from convmine_client.client import AsyncClient, Client, Retries
from convmine_client.conditions import Condition, at_least, below, equal, unequal
from convmine_client.errors import Busy, ConvmineError, Invalid, NotFound, Refused, Unavailable
from convmine_client.questions import Page
from convmine_client.streams import StreamEvent

__all__ = [
    "AsyncClient",
    "Busy",
    "Client",
    "Condition",
    "ConvmineError",
    "Invalid",
    "NotFound",
    "Page",
    "Refused",
    "Retries",
    "StreamEvent",
    "Unavailable",
    "at_least",
    "below",
    "equal",
    "unequal",
]
