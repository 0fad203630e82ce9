"""``convmine ask``: a question in plain words, shown as the command that asks it, then answered and quoted."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from pipeline.errors import Config
from pipeline.moments import clock
from workers.cli.output import json_option, plain, print_json
from workers.cli.prompt_choice import choose, library_of, published_option

if TYPE_CHECKING:
    from pipeline.questions.answering import Answers
    from pipeline.questions.differences.contrasts import Quote
    from pipeline.questions.wording.model_answer import Meant
    from pipeline.scenarios.model import Scenario
    from pipeline.settings import Settings

    Put = Callable[[str, str | None], Awaitable[Meant]]


@click.command()
@click.argument("text")
@click.option("--show", is_flag=True, help="Only show the question that is meant.")
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the prompt; that of TEXT if not given.")
@published_option
@json_option
def ask(text: str, *, show: bool, lang: str | None, published: bool, as_json: bool) -> None:
    """Answer a question in plain words, such as "which intents rose last month?", in English or Chinese.

    A language model (the settings of group LLM) only says which question is meant: it is shown as the command that asks
    it before that runs. Figures come from the store, with words of some of the calls behind them.
    """
    from pipeline.settings import load

    asyncio.run(_ask(load(), text, lang, show=show, published=published, as_json=as_json))


async def _ask(  # noqa: PLR0913 - one argument an option
    settings: Settings, text: str, language: str | None, *, show: bool, published: bool, as_json: bool
) -> None:
    from pipeline.questions.wording.quoting import quotes
    from workers.cli.questions.printing import print_answer

    async with _opened(settings, published=published) as (answers, put):
        question = await put(text, language)
        command = _typed(question)
        if not as_json:
            click.echo(plain(command), err=not show)
        answer = None if show else await answers.answer(question)
        said = () if show else await quotes(answers, question, answer)
    if as_json:
        print_json(
            {
                "question": question.model_dump(mode="json"),
                "command": command,
                "answer": None if answer is None else dataclasses.asdict(answer),
                "quotes": [dataclasses.asdict(one) for one in said],
            }
        )
    elif not show:
        print_answer(question, answer)
        _print_quotes(said)


@asynccontextmanager
async def _opened(settings: Settings, *, published: bool) -> AsyncIterator[tuple[Answers, Put]]:
    """Who answers questions, and who puts words as one: the gateway where one is set, else a model that is asked here.

    Raises:
        Config: no model is set, or a setting is wrong.
        Retryable: the store, the gateway or Kafka is away.
    """
    from workers.cli.questions.asking import answers_of

    if settings.gateway.url is not None:
        from workers.remote import RemoteAnswers

        async with answers_of(settings) as answers:
            assert isinstance(answers, RemoteAnswers)
            yield answers, answers.worded
        return
    _check_model(settings)
    scenario = choose(settings, None, None, library=library_of(settings, published=published)).scenario
    async with answers_of(settings) as answers, _asked_here(settings, scenario, answers) as put:
        yield answers, put


@asynccontextmanager
async def _asked_here(settings: Settings, scenario: Scenario, answers: Answers) -> AsyncIterator[Put]:
    from pipeline.audit.audited import Audited
    from pipeline.extract.registry import open_chat
    from pipeline.figures import NoMeter
    from pipeline.questions.answering import StoredAnswers
    from pipeline.questions.wording.worded import worded

    assert isinstance(answers, Audited)
    stored = answers.inner
    assert isinstance(stored, StoredAnswers)
    chat = open_chat(settings, NoMeter())

    async def put(text: str, language: str | None) -> Meant:
        return (await worded(chat, scenario, stored.asking(), text, language=language)).question

    try:
        yield put
    finally:
        await chat.close()


def _check_model(settings: Settings) -> None:
    llm = settings.llm
    if llm.base_url is None and llm.api_key is None and not llm.headers:
        raise Config(
            "CONVMINE_LLM_API_KEY",
            "to ask in plain words a language model is needed: its key, or a server in CONVMINE_LLM_BASE_URL; its name "
            "in CONVMINE_LLM_MODEL",
            hint="convmine fake-llm serves a made-up one, to try it",
        )


def _typed(question: Meant) -> str:
    from pipeline.questions.command_line import command_line

    return shlex.join(["convmine", *command_line(question)])


def _print_quotes(said: tuple[Quote, ...]) -> None:
    if not said:
        return
    click.echo("\nsaid in these calls, for example:")
    width = max(len(plain(one.call_id)) for one in said)
    for one in said:
        click.echo(f"  {plain(one.call_id):<{width}}  {clock(one.start_ms)}  {one.role:<8}  “{plain(one.text)}”")
