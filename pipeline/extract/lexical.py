"""The extractor without a language model: the taxonomy's examples against every piece of an utterance."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from threading import Lock
from typing import Final

import numpy as np

from pipeline.extract.classifier import TextClassifier
from pipeline.extract.features import Encode, terms_of
from pipeline.extract.findings import SIDES, Conversation, Findings, FoundIntent, evidence_of
from pipeline.extract.follow_ups import follow_ups_among
from pipeline.extract.objections import objections_among
from pipeline.extract.outcome import inferred_outcome
from pipeline.extract.summary import plain_summary
from pipeline.extract.windows import NONE, Piece, best_cut, lattice
from pipeline.scenarios.model import Taxonomy
from schemas.insight import Extractor, Provenance
from schemas.transcript import Segment
from schemas.wire import Role

# Chosen where precision and recall meet on the taxonomy's own examples (cross-validated) and the sample calls that are
# not held out.
DEFAULT_THRESHOLD: Final = 0.4
_VERSION: Final = "lexical.v2"
# Segments that are cut in one go: enough to share the cost of array calls, few enough for the processor's cache.
_AT_A_TIME: Final = 50
_MOST_FITTED: Final = 32
"""Taxonomies that are fitted at a time, some 7 MB each (of 30 intents): those of versions that run no more go."""


class LexicalClassifier:
    """Intents of one edition; each side of the conversation is fitted when it first speaks, about a second of CPU.

    Args:
        taxonomy: whose examples are learnt from.
        threshold: the least probability of an intent that is reported.
        encode: an embedding of words, where one is installed.

    Raises:
        Config: scikit-learn is not installed.
    """

    def __init__(
        self, taxonomy: Taxonomy, *, threshold: float = DEFAULT_THRESHOLD, encode: Encode | None = None
    ) -> None:
        self._threshold = threshold
        self._fitted = cache(lambda sides: _fit(taxonomy, sides, encode))
        self._fitting = Lock()

    def find(self, segments: Sequence[Segment]) -> list[FoundIntent]:
        """The intents in order of time; of one intent in one segment the surest."""
        pieces: dict[str, list[Piece]] = {}
        for sides in dict.fromkeys(SIDES[segment.role] for segment in segments):
            if (classifier := self._of(sides)) is not None:
                said = [segment for segment in segments if SIDES[segment.role] == sides]
                for start in range(0, len(said), _AT_A_TIME):
                    pieces |= _cut(said[start : start + _AT_A_TIME], classifier)
        return [found for segment in segments for found in self._sure(segment, pieces.get(segment.segment_id, []))]

    def _of(self, sides: frozenset[Role]) -> TextClassifier | None:
        """Fitted once: of the threads that need it first, one does it and the others wait."""
        with self._fitting:
            return self._fitted(sides)

    def _sure(self, segment: Segment, pieces: Iterable[Piece]) -> list[FoundIntent]:
        surest: dict[str, Piece] = {}
        for piece in pieces:
            if piece.label == NONE or piece.probability < self._threshold:
                continue
            if piece.label not in surest or piece.probability > surest[piece.label].probability:
                surest[piece.label] = piece
        return [
            FoundIntent(name, piece.probability, evidence_of(segment, segment.text[piece.start : piece.end]))
            for name, piece in sorted(surest.items(), key=lambda item: item[1].start)
        ]


class LexicalExtractor:
    """``LexicalClassifier`` for every taxonomy that comes along; each is fitted once, outside the event loop.

    A taxonomy is known by what it is, not by its scenario's version: two tenants may have another one each under the
    same number.
    """

    def __init__(self, *, threshold: float | None = None, encode: Encode | None = None) -> None:
        self._threshold = DEFAULT_THRESHOLD if threshold is None else threshold
        self._encode = encode
        self._classifiers: OrderedDict[int, tuple[Taxonomy, LexicalClassifier]] = OrderedDict()

    async def extract(self, conversation: Conversation) -> Findings:
        """Never asks anybody."""
        scenario, edition = conversation.scenario, conversation.edition
        classifier = self._classifier(edition.taxonomy)
        intents = await asyncio.to_thread(classifier.find, conversation.segments)
        outcome = inferred_outcome(intents, edition)
        return Findings(
            intents=tuple(intents),
            outcome=outcome,
            summary=plain_summary(intents, outcome, conversation),
            objections=objections_among(intents, conversation.segments, edition.taxonomy),
            follow_ups=follow_ups_among(conversation.segments, edition.language),
            provenance=Provenance(
                extractor=Extractor.LEXICAL,
                model=_VERSION,
                scenario=scenario.id,
                scenario_version=scenario.version,
            ),
        )

    async def close(self) -> None:
        """Nothing is held open."""

    def _classifier(self, taxonomy: Taxonomy) -> LexicalClassifier:
        """That of this taxonomy, not fitted yet where it is new; the one that was least recently used goes."""
        known = self._classifiers.get(id(taxonomy))
        if known is None:
            classifier = LexicalClassifier(taxonomy, threshold=self._threshold, encode=self._encode)
            known = self._classifiers[id(taxonomy)] = (taxonomy, classifier)  # while it is held, its id is its own
        self._classifiers.move_to_end(id(taxonomy))
        if len(self._classifiers) > _MOST_FITTED:
            self._classifiers.popitem(last=False)
        return known[1]


def _cut(segments: Sequence[Segment], classifier: TextClassifier) -> dict[str, list[Piece]]:
    """The pieces of each segment; all their runs are classified in one go."""
    terms: list[str] = []
    lattices, spans = [lattice(segment.text) for segment in segments], []
    for runs in lattices:
        by_word = terms_of(runs.found)
        places = np.cumsum([len(terms), *map(len, by_word)])
        spans.append(places[np.array(runs.spans, dtype=np.intp).reshape(-1, 2)])
        terms += chain.from_iterable(by_word)
    first, after = np.concatenate(spans).T
    probabilities = classifier.of_runs(terms, first, after)
    pieces, row = {}, 0
    for segment, runs in zip(segments, lattices, strict=True):
        end = row + len(runs.spans)
        pieces[segment.segment_id] = best_cut(runs, classifier.labels, probabilities[row:end])
        row = end
    return pieces


def _fit(taxonomy: Taxonomy, sides: frozenset[Role], encode: Encode | None) -> TextClassifier | None:
    pairs = [
        (text, intent.name)
        for intent in taxonomy.intents
        if intent.role in sides
        for text in (*intent.examples, intent.description)
    ]
    if not pairs:
        return None
    return TextClassifier.fit(*_columns([*pairs, *((text, NONE) for text in taxonomy.none_examples)]), encode=encode)


def _columns(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [text for text, _ in pairs], [label for _, label in pairs]
