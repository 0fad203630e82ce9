"""``convmine prompt render``: the messages of a version about a call, as they would be sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json
from workers.cli.prompt_choice import (
    call_named,
    call_option,
    call_or_sample,
    choose,
    language_option,
    library_of,
    published_option,
    scenario_option,
)

if TYPE_CHECKING:
    from pipeline.extract.chunks import Chunk
    from pipeline.extract.findings import Conversation
    from pipeline.extract.questions import Question
    from pipeline.ports import ChatMessage
    from pipeline.scenarios.prompt import Prompt
    from pipeline.settings import Settings


@click.command("render")
@click.argument("prompt")
@call_option
@click.option(
    "--set", "given", multiple=True, metavar="NAME=VALUE", help="A parameter's value; @FILE.json is what is in a file."
)
@scenario_option
@language_option
@published_option
@json_option
def render_prompt(  # noqa: PLR0913 - one argument an option
    *,
    prompt: str,
    call: str | None,
    given: tuple[str, ...],
    scenario: str | None,
    language: str | None,
    published: bool,
    as_json: bool,
) -> None:
    """Print the messages that the version PROMPT sends about a call; of a long one those of each chunk.

    A version of ask is shown with a sample question, or --set question=…, and without the names that are stored.

    Tokens are our own estimate, which may be a tenth too low.
    """
    from pipeline.extract.stage import conversation_of
    from pipeline.extract.tokens import prompt_tokens
    from pipeline.settings import load

    settings = load()
    named = call_named(settings, call) if call else None
    chosen = choose(settings, scenario, language, named, library_of(settings, published=published))
    found = chosen.prompt(prompt)
    transcript = call_or_sample(settings, named, chosen)
    conversation = conversation_of(transcript, lambda *_: chosen.scenario, chosen.scenario.id, settings.tenant)
    asked = _questions(found, conversation, _values(given, found), settings)
    requests = [
        {"tokens": prompt_tokens(one.messages), "messages": [asdict(message) for message in one.messages]}
        for one in asked
    ]
    if as_json:
        model = chosen.scenario.model_for(found) or settings.llm.model
        print_json({"prompt": found.label, "model": model, "call_id": transcript.call_id, "requests": requests})
    else:
        _print(found.label, transcript.call_id, requests)


def _values(given: Sequence[str], prompt: Prompt) -> Mapping[str, object]:
    from pipeline.workbench.parameters import ParameterError, check_declared, typed

    values: dict[str, object] = {}
    try:
        for one in given:
            name, equals, text = one.partition("=")
            if not equals:
                raise click.UsageError(f"--set {one}: expected NAME=VALUE", click.get_current_context())
            if name == "turns":
                raise ConvmineError("the turns are those of a call", hint="name one with --call")
            check_declared([name], prompt.parameters, prompt.label)
            values[name] = _json(Path(text[1:])) if text.startswith("@") else typed(name, text, prompt)
    except ParameterError as error:
        raise ConvmineError(str(error)) from error
    return values


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConvmineError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConvmineError(f"{path} is no JSON: {error}") from error


def _questions(
    prompt: Prompt, conversation: Conversation, own: Mapping[str, Any], settings: Settings
) -> Sequence[Question]:
    from pipeline.extract.chunks import turns_of
    from pipeline.extract.prompting import messages_of
    from pipeline.extract.questions import Question, questions
    from pipeline.scenarios.prompt import PromptError

    if prompt.answer == "question":
        return [Question((), _asking(prompt, own))]
    turns = turns_of(conversation.segments)

    def show(chunk: Chunk) -> tuple[ChatMessage, ...]:
        return messages_of(prompt, conversation, chunk, **own)

    try:
        if "turns" not in prompt.parameters:
            return [Question(turns, show(turns))]
        return questions(turns, show, limit=settings.extract.chunk_tokens, overlap=settings.extract.overlap_turns)
    except PromptError as error:
        raise ConvmineError(str(error), hint="--set NAME=VALUE gives a parameter, NAME=@FILE.json a list") from error


def _asking(prompt: Prompt, own: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
    from datetime import UTC, datetime

    from pipeline.questions.wording.worded import messages_of
    from pipeline.scenarios.prompt import PromptError

    try:
        return messages_of(prompt, "which intents rose last month?", {}, datetime.now(UTC).date(), **own)
    except PromptError as error:
        raise ConvmineError(str(error), hint="--set NAME=VALUE gives a parameter") from error


def _print(label: str, call_id: str, requests: Sequence[Mapping[str, Any]]) -> None:
    for number, request in enumerate(requests, 1):
        part = f", request {number} of {len(requests)}" if len(requests) > 1 else ""
        click.secho(f"{label}, call {plain(call_id)}{part}: about {request['tokens']} tokens", bold=True)
        for message in request["messages"]:
            click.secho(f"\n[{message['role']}]", bold=True)
            text = message["content"]
            click.echo("\n".join(map(plain, text.split("\n"))) if sys.stdout.isatty() else text)
        if number < len(requests):
            click.echo()
