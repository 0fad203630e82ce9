"""Clusters as people see them: numbered by size, each with a name, typical quotes and, of dated calls, a trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Final

import numpy as np

from pipeline.discovery.clustering import Clustering, clustered
from pipeline.discovery.content_words import content_words
from pipeline.discovery.naming import names_of
from pipeline.discovery.text import Text
from pipeline.discovery.trends import ClusterTrend
from pipeline.ports import Embedder

_EXAMPLES: Final = 12
"""Typical quotes of a cluster: as many as an intent of the shipped scenarios has."""


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance; ``call_id`` and ``week`` (ISO, such as ``2026-W14``) are there where it is stored."""

    id: str
    text: str
    call_id: str | None = None
    week: str | None = None
    scenario: str | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Utterances that say the same: ``size`` of them, in ``calls`` calls where that is known, most typical first."""

    id: int
    name: str
    size: int
    examples: tuple[str, ...]
    calls: int | None = None
    scenarios: tuple[str, ...] = ()
    trend: ClusterTrend | None = None


@dataclass(frozen=True, slots=True)
class Clusters:
    """The cluster of each utterance by its id, and the clusters, largest first.

    ``seen`` is the same for the same assignments, and another for others.
    """

    assignments: Mapping[str, int]
    clusters: tuple[Cluster, ...]
    seen: str


async def clusters_of(said: Sequence[Said], embedder: Embedder, number: int | None = None) -> Clusters:
    """The clusters of these utterances, whose ids are unique; none of none.

    Raises:
        Retryable: the embedder's server is away.
        Config: scikit-learn is not installed, or the embedder's model cannot be loaded.
    """
    if not said:
        return Clusters({}, (), _seen({}))
    texts = [Text.of(one.text) for one in said]
    found = await clustered(texts, embedder, number)
    members = _members(found)
    names = names_of([[texts[place] for place in places] for places in members])
    clusters = tuple(
        _cluster(number, name, [said[place] for place in places], _examples([texts[place] for place in places]))
        for number, (name, places) in enumerate(zip(names, members, strict=True), start=1)
    )
    of_places = {place: number for number, places in enumerate(members, start=1) for place in places}
    assignments = {one.id: of_places[place] for place, one in enumerate(said)}
    return Clusters(assignments, clusters, _seen(assignments))


def _members(found: Clustering) -> list[list[int]]:
    """The places of each cluster's texts, the most typical first; larger clusters before smaller ones."""
    groups = [np.flatnonzero(found.labels == label) for label in range(int(found.labels.max()) + 1)]
    ranked = [group[np.argsort(-found.typical[group], kind="stable")].tolist() for group in groups if len(group)]
    return sorted(ranked, key=lambda places: (-len(places), min(places)))


def _cluster(number: int, name: str, members: Sequence[Said], examples: tuple[str, ...]) -> Cluster:
    calls = {one.call_id for one in members if one.call_id is not None}
    scenarios = {one.scenario for one in members if one.scenario is not None}
    return Cluster(number, name, len(members), examples, len(calls) or None, tuple(sorted(scenarios)))


def _examples(texts: Sequence[Text]) -> tuple[str, ...]:
    """The first of them, of those with the same content words one."""
    first: dict[frozenset[str], str] = {}
    for text in texts:
        first.setdefault(frozenset(content_words(text.terms)), text.said)
    return tuple(islice(first.values(), _EXAMPLES))


def _seen(assignments: Mapping[str, int]) -> str:
    rows = "\n".join(f"{id_}\t{number}" for id_, number in sorted(assignments.items()))
    return blake2b(rows.encode(), digest_size=4).hexdigest()
