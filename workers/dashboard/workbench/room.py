"""The workbench as a room of the dashboard: on Kafka, or over the stages of this process."""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.ports import VectorStore
from pipeline.scenarios.library import Library
from pipeline.settings import Settings
from workers.changing.in_this_process import InThisProcess
from workers.changing.on_kafka import OnKafka
from workers.dashboard.workbench.bench import Bench
from workers.dashboard.workbench.card_try import add_card_try
from workers.dashboard.workbench.cards import add_cards
from workers.dashboard.workbench.history import add_history
from workers.dashboard.workbench.prompt_backtest import add_backtest
from workers.dashboard.workbench.prompt_render import add_render
from workers.dashboard.workbench.prompt_try import add_prompt_try
from workers.dashboard.workbench.prompts import add_prompts
from workers.dashboard.workbench.scenarios import add_scenarios
from workers.dashboard.workbench.words import add_publishing, add_words
from workers.gateway.app import Room
from workers.gateway.auditing import Auditing
from workers.gateway.pages import AnswersTo
from workers.in_process import InProcessBroker


def workbench_on_kafka(settings: Settings, store: VectorStore, auditing: Auditing) -> Room:
    """The workbench over the topics of the settings' broker.

    Args:
        settings: the broker, where scenarios lie in files, and the model that prompts are tried with.
        store: the stored calls.
        auditing: where every change is recorded.
    """
    return workbench_room(Bench(settings, OnKafka(settings), store, auditing))


def in_process_workbench(
    settings: Settings, library: Library, broker: InProcessBroker, store: VectorStore, auditing: Auditing | None = None
) -> Room:
    """The workbench without Kafka; call it on the event loop of the stages.

    Args:
        settings: where scenarios lie in files, and the model that prompts are tried with.
        library: the one that the running stages use; what is published is taken up by it at once.
        broker: that of the stages, which keeps what is published as long as the process lives.
        store: the stored calls.
        auditing: where every change is recorded.
    """
    return workbench_room(Bench(settings, InThisProcess(settings, library, broker), store, auditing or Auditing()))


def workbench_room(bench: Bench) -> Room:
    """Everything under ``/v1/workbench/``."""

    def add(router: APIRouter, answers_to: AnswersTo) -> None:
        del answers_to  # of stored calls it reads what its own pages show
        for part in (
            add_scenarios,
            add_cards,
            add_card_try,
            add_words,
            add_publishing,
            add_prompts,
            add_render,
            add_backtest,
            add_prompt_try,
            add_history,
        ):
            part(router, bench)

    return add
