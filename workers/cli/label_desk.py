"""Where a person sits and judges: a call, then its items one by one, and the keys; it works over a pipe as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from signal import SIGINT, default_int_handler, signal
from typing import TYPE_CHECKING, Final, TypeVar, cast

import click

from pipeline.labels.additions import (
    SUMMARY,
    WITHOUT_WORDS,
    CannotBeAdded,
    addition,
    check_name,
    names_in,
    turn_named,
    whole_call_addition,
)
from pipeline.labels.judging import Judging, Person, Session, Step, word_on
from pipeline.labels.label import LabelledField, Verdict
from pipeline.labels.mined_call import Extracted
from pipeline.moments import clock
from workers.cli.output import plain

if TYPE_CHECKING:
    from pipeline.workbench.place import Workbench

T = TypeVar("T")

_ITEM_KEYS: Final = ("y", "n", "a", "s", "u", "q")
_END_KEYS: Final = ("", "a", "u", "q")
_VERDICTS: Final = {"y": Verdict.RIGHT, "n": Verdict.WRONG}


class Desk:
    """Shows, asks, and keeps each word at once.

    Args:
        workbench: where words are kept.
        person: whose words they are.
        fields: those that may be added to.
        to_stderr: whether all that is shown goes to standard error.
    """

    def __init__(self, workbench: Workbench, person: Person, fields: Sequence[str], *, to_stderr: bool) -> None:
        self._workbench = workbench
        self._person = person
        self._fields = fields
        self._to_stderr = to_stderr

    async def run(self, session: Session) -> Session:
        """The session as it stands when the person leaves, or when there is nothing more to read from a pipe.

        Raises:
            Retryable: a word could not be kept.
        """
        shown: int | None = None
        while (judging := session.current) is not None:
            if shown != session.at:
                self._show_call(session, judging)
                shown = session.at
            try:
                key = self._key(judging)
                if key == "q":
                    break
                session = await self._after(session, judging, key)
            except (EOFError, KeyboardInterrupt):  # what was said is kept
                self._say("")
                break
        return session

    async def _after(self, session: Session, judging: Judging, key: str) -> Session:
        item = judging.item
        if key == "u":
            return await self._undo(session)
        if key == "a":
            added = self._ask_for_addition(judging)
            return session if added is None else await self._keep(session, added, Verdict.MISSING, goes_on=False)
        if item is None:
            return session.next_call()
        if key == "s":
            return session.after(Step(None))
        return await self._keep(session, item, _VERDICTS[key], goes_on=True)

    async def _keep(self, session: Session, item: Extracted, verdict: Verdict, *, goes_on: bool) -> Session:
        judging = session.calls[session.at]
        said = word_on(judging, item, verdict, self._person, datetime.now(UTC))
        await self._workbench.add_labels([said])
        return session.after(Step(said, goes_on))

    async def _undo(self, session: Session) -> Session:
        undone = session.undone()
        if undone is None:
            self._say("there is nothing to take back")
            return session
        before, step = undone
        if step.said is not None:
            await self._workbench.take_back([step.said])
            self._say(f"taken back: {step.said.field} {step.said.name}: {step.said.verdict.value}")
        return before

    def _key(self, judging: Judging) -> str:
        if judging.item is None:
            return self._ask("That was the last item. Enter: next call, a: add, u: undo, q: quit", _one_of(_END_KEYS))
        self._show_item(judging, judging.item)
        return self._ask("y: right, n: wrong, a: add, s: skip, u: undo, q: quit", _one_of(_ITEM_KEYS))

    def _show_call(self, session: Session, judging: Judging) -> None:
        call = judging.call
        made = f", {call.prompt_version}" if call.prompt_version else ""
        self._say("")
        place = f"call {session.at + 1} of {len(session.calls)}"
        self._say(click.style(plain(f"{place}: {call.call_id} ({call.scenario}{made})"), bold=True))
        for number, segment in enumerate(call.segments, 1):
            self._say(plain(f"  {f's{number}':>5}  {clock(segment.start_ms)}  {segment.role:<10}  {segment.text}"))

    def _show_item(self, judging: Judging, item: Extracted) -> None:
        self._say("")
        name = "" if item.name == item.field else f" {item.name}"
        value = "" if item.value is None else f": {item.value}"
        by = "" if item in judging.call.items else " (added by a person)"
        place = f"{judging.place + 1}/{len(judging.waiting)}"
        self._say(click.style(plain(f"{place}  {item.field}{name}{value}{by}"), bold=True))
        if item.reason:
            self._say(plain(f"  because: {item.reason}"))
        if item.stands_in and item.quote:
            self._show_words(judging, item.stands_in, item.quote)
        if item.reply:
            self._show_words(judging, *item.reply)

    def _show_words(self, judging: Judging, segment_id: str, quote: str) -> None:
        """The turn, with the words marked for eyes and for pipes."""
        for number, segment in enumerate(judging.call.segments, 1):
            if segment.segment_id == segment_id:
                before, found, after = plain(segment.text).partition(plain(quote))
                marked = click.style(f"»{found}«", reverse=True) if found else ""
                self._say(
                    f"  {f's{number}':>5}  {clock(segment.start_ms)}  {segment.role:<10}  {before}{marked}{after}"
                )

    def _ask_for_addition(self, judging: Judging) -> Extracted | None:
        """What the person adds; None where one of the questions is left empty."""
        taxonomy = judging.edition.taxonomy
        field = cast(
            "LabelledField | None", self._ask(f"field ({', '.join(self._fields)})", _filled(_one_of(self._fields)))
        )
        if field is None:
            return None
        name: str | None = SUMMARY
        if field != SUMMARY:
            self._say(f"  names: {', '.join(names_in(taxonomy, field))}")
            name = self._ask("name", _filled(lambda text: check_name(taxonomy, field, text)))
        if name is None:
            return None
        if field in WITHOUT_WORDS:
            text = self._ask("summary", _filled(str)) if field == SUMMARY else None
            return None if field == SUMMARY and text is None else whole_call_addition(field, name, text)
        turn = self._ask("turn, such as s3", _filled(lambda text: turn_named(judging.call, text)))
        if turn is None:
            return None
        whole = "its words (Enter: the whole turn)"
        return self._ask(whole, lambda words: addition(judging.edition, field, name, turn, words or turn.text))

    def _ask(self, question: str, read: Callable[[str], T]) -> T:
        """Until it is answered with something that can be read.

        Raises:
            EOFError: there is nothing more to read.
        """
        while True:
            try:
                return read(self._line(f"{question} > ").strip())
            except CannotBeAdded as error:
                self._say(plain(str(error)))

    def _line(self, question: str) -> str:
        if self._to_stderr:
            click.echo(question, nl=False, err=True)
            question = ""
        # asyncio would only cancel the task, which waits for the line: Ctrl-C has to end the waiting.
        before = signal(SIGINT, default_int_handler)
        try:
            return input(question)
        finally:
            signal(SIGINT, before)

    def _say(self, line: str) -> None:
        click.echo(line, err=self._to_stderr)


def _filled(read: Callable[[str], T]) -> Callable[[str], T | None]:
    """Nothing typed is None: the person gives up."""
    return lambda text: read(text) if text else None


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise CannotBeAdded(f"{text!r} is none of {', '.join(filter(None, choices))}")
        return text.lower()

    return read
