from __future__ import annotations

import logging

from workers.logs import Seldom


def line(template: str, *values: object, logger: str = "aiokafka") -> logging.LogRecord:
    return logging.LogRecord(logger, logging.ERROR, "file.py", 1, template, values, None)


def test_a_librarys_message_passes_once_in_so_many_seconds_whatever_its_values() -> None:
    now = 0.0
    seldom = Seldom(10, lambda: now)
    assert seldom.filter(line("cannot connect to node %s", 1))
    now = 9.0
    assert not seldom.filter(line("cannot connect to node %s", 2))
    now = 10.0
    assert seldom.filter(line("cannot connect to node %s", 1))


def test_other_messages_and_other_loggers_are_not_held_back_by_it() -> None:
    seldom = Seldom(10, lambda: 0.0)
    assert seldom.filter(line("cannot connect"))
    assert seldom.filter(line("cannot fetch"))
    assert seldom.filter(line("cannot connect", logger="faust"))
