"""``convmine dlq show``: one dead letter with all its facts, its original headers and its original value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click

from workers.cli.dlq import dead_letters, facts_of
from workers.cli.output import json_option, plain, print_json
from workers.originals import readable

if TYPE_CHECKING:
    from workers.dead_letters import DeadLetter, Replay
    from workers.records import Record

_STEERING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNPRINTABLE: Final = re.compile(rb"[^ -~]")
_LONGEST_TEXT: Final = 20_000
"""Characters of a value that are printed."""
_LONGEST_DUMP: Final = 512
"""Bytes of a value that are printed in hexadecimal, 16 a line."""


@click.command("show")
@click.argument("name")
@click.option(
    "--raw", type=click.File("wb", lazy=True), metavar="FILE", help="Write the original value, and only that."
)
@json_option
def show_letter(name: str, raw: BinaryIO | None, *, as_json: bool) -> None:
    """Show the dead letter NAME: why it died, and the original, headers and value."""
    from workers.dead_letters import place_of

    place, letters = place_of(name), dead_letters()
    ((letter, replay),) = letters.at([place])
    record = letters.record(place)
    if raw is not None:
        raw.write(record.value or b"")
    elif as_json:
        print_json(_document(letter, replay, record))
    else:
        _print(letter, replay, record)


def escaped(text: str) -> str:
    """Text without what could steer a terminal, which is shown as an escape; lines stay lines."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _document(letter: DeadLetter, replay: Replay | None, record: Record) -> dict[str, Any]:
    from workers.dead_letters import original_headers

    headers = [{"name": name, "value": _text(value)} for name, value in original_headers(record)]
    kind, value = readable(record.value)
    return {
        **facts_of(letter, replay),
        "key": _text(record.key or b""),
        "headers": headers,
        "encoding": kind,
        "value": value,
    }


def _print(letter: DeadLetter, replay: Replay | None, record: Record) -> None:
    from workers.dead_letters import original_headers

    original = [letter.topic, *(str(number) for number in (letter.partition, letter.offset) if number is not None)]
    _print_facts(
        {
            "letter": letter.name,
            "died": letter.at.isoformat(),
            "stage": f"{letter.stage}.{letter.lane}",
            "call": letter.call_id,
            "tenant": letter.tenant_id,
            "error": letter.error,
            "reason": letter.message,
            "attempts": letter.attempts,
            "first failed": letter.first_failed_at,
            "original": ":".join(original),
            "replay of": letter.replay_of,
            "replayed": replay
            and f"{replay.at.isoformat()} by {replay.by} to {replay.topic}:{replay.partition}:{replay.offset}",
            "key": _text(record.key or b""),
            "size": f"{letter.size} bytes",
        }
    )
    click.echo("\nheaders")
    _print_rows([(name, _text(value)) for name, value in original_headers(record)])
    click.echo("\nvalue")
    click.echo(_body(record.value))


def _print_facts(facts: Mapping[str, object]) -> None:
    _print_rows([(name, str(value)) for name, value in facts.items() if value not in {None, ""}])


def _print_rows(rows: Sequence[tuple[str, str]]) -> None:
    width = max((len(plain(name)) for name, _ in rows), default=0)
    for name, value in rows:
        click.echo(f"  {plain(name):<{width}}  {plain(value)}".rstrip())


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def _body(value: bytes | None) -> str:
    kind, shown = readable(value)
    if value is None or kind == "none":
        return "  none: the original had no value"
    if kind == "base64":
        lines, left = _dump(value[:_LONGEST_DUMP]), len(value) - _LONGEST_DUMP
        unit = "bytes"
    else:
        text = json.dumps(shown, ensure_ascii=False, indent=2) if kind == "json" else str(shown)
        lines, left = escaped(text[:_LONGEST_TEXT]).split("\n"), len(text) - _LONGEST_TEXT
        unit = "characters"
    more = [f"… {left} {unit} more; --raw FILE writes all"] if left > 0 else []
    return "\n".join(f"  {line}" for line in (*lines, *more))


def _dump(value: bytes) -> list[str]:
    """Offset, bytes in hexadecimal and what of them is printable ASCII, 16 bytes a line."""
    pieces = [(start, value[start : start + 16]) for start in range(0, len(value), 16)]
    return [f"{start:08x}  {piece.hex(' '):<47}  {_UNPRINTABLE.sub(b'.', piece).decode()}" for start, piece in pieces]
