"""How long it takes to find the clusters of many utterances, and what memory it needs at its highest.

The utterances are made up: of themes (a verb and a thing), each said in many ways with greetings, names and details, so
that hardly two are the same. ``ratio`` is the seconds from texts to named clusters with the packaged embedder, loaded
beforehand; ``nmi`` is the normalised mutual information of themes and clusters.
"""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections.abc import Iterator
from typing import Final

import click

from benchmarks.report import Figure, Figures, Report, machine
from pipeline.discovery.clusters import Said, clusters_of
from pipeline.store.embedding.registry import make_embedder

GOAL_S: Final = 60.0
"""For 20,000 utterances on 2 cores."""
GOAL_MB: Final = 2_000.0

_VERBS: Final = ("cancel", "change", "check", "dispute", "renew", "report", "upgrade")
_THINGS: Final = (
    *("home insurance", "phone contract", "monthly invoice", "delivery address", "loyalty card", "security question"),
    *("internet router", "bank transfer", "hotel booking"),
)
_GREETINGS: Final = ("", "hi", "hello there", "good morning", "hi my name is Anna Berg and", "um yeah so")
_WISHES: Final = ("i want to", "i would like to", "can you help me", "i need to", "is it possible to", "how do i")
_DETAILS: Final = (
    *(
        "today",
        "since monday",
        "for my wife",
        "at the office",
        "before the holidays",
        "on the website",
        "because it broke",
    ),
    *("with the app", "for the second time", "as the colleague said", "from last summer", "near the station"),
    *("without extra fees", "as soon as possible", "for our company", "if that is fine", "in the north"),
)


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--utterances", default=20_000, show_default=True, help="Made-up utterances.")
def main(*, as_json: bool, utterances: int) -> None:
    """Measure once, and print the figures."""
    said, themes = material(utterances)
    embedder = make_embedder("auto")
    asyncio.run(embedder.embed(["loaded"]))
    start, cpu = time.perf_counter(), time.process_time()
    found = asyncio.run(clusters_of(said, embedder))
    seconds, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    figures: dict[str, Figure | Figures] = {
        "utterances": len(said),
        "embedder": embedder.name,
        "seconds": round(seconds, 2),
        "cpu_s": round(cpu_s, 2),
        "peak_mb": round(peak_mb, 1),
        "themes": len(set(themes)),
        "clusters": len(found.clusters),
        "nmi": round(_nmi(themes, [found.assignments[one.id] for one in said]), 3),
        "goals": {"seconds_of_20000": GOAL_S, "peak_mb": GOAL_MB},
    }
    Report("discover", round(seconds, 2), GOAL_S, figures, machine()).show(as_json=as_json)


def material(utterances: int) -> tuple[list[Said], list[str]]:
    """Made-up utterances, always the same, and the theme of each."""
    themes, texts = zip(*_made_up(utterances), strict=True)
    return [Said(str(number), text) for number, text in enumerate(texts)], list(themes)


def _made_up(utterances: int) -> Iterator[tuple[str, str]]:
    lots = random.Random(0)  # noqa: S311 - made-up words, nothing secret
    for _ in range(utterances):
        theme = f"{lots.choice(_VERBS)} my {lots.choice(_THINGS)}"
        details = " ".join(lots.sample(_DETAILS, 3))
        yield theme, f"{lots.choice(_GREETINGS)} {lots.choice(_WISHES)} {theme} {details}".strip()


def _nmi(themes: list[str], clusters: list[int]) -> float:
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(themes, clusters))


if __name__ == "__main__":
    main()
