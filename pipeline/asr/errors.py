"""What is special about failing to hear: a recording that is announced before it is there."""

from __future__ import annotations

from pipeline.errors import Retryable


class NotThereYet(Retryable):
    """The recording does not exist where the event says; it may still be on its way, until its deadline.

    Unlike an outage of the store it must end: the stage makes it poison when the deadline has passed.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, dependency="audio store", alone=True)
