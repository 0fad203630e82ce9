"""A cluster as an intent that is proposed: the files of a scenario with it, for a person to approve."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Final

import numpy as np

from pipeline.discovery.clusters import Cluster
from pipeline.errors import ConvmineError
from pipeline.extract.words import words
from pipeline.ports import Embedder
from pipeline.scenarios.model import Edition, IntentDefinition, Scenario, Side
from pipeline.scenarios.starting import copied_files
from schemas.wire import Sentiment

_MANIFEST: Final = "scenario.yaml"
_INTENTS: Final = re.compile(r"^intents:[ \t]*(?:#.*)?\n", re.MULTILINE)
_FIRST_ITEM: Final = re.compile(r"^([ ]*)- ", re.MULTILINE)
_VERSION: Final = re.compile(r"^version:[ \t]*(\d+)", re.MULTILINE)
_NO_LETTER: Final = re.compile(r"[^a-z0-9]+")
_MOST_LETTERS: Final = 64
"""Of an intent's name, as ``pipeline.scenarios.model`` has it."""


class CannotBeProposed(ConvmineError):
    """A cluster does not fit into the scenario; the message says why."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """An intent that is proposed, the cluster that it is of, and the nearest intent that is there, with its cosine."""

    intent: IntentDefinition
    cluster: Cluster
    nearest: str | None
    likeness: float


async def proposed_intent(  # noqa: PLR0913 - one argument a part of it
    cluster: Cluster,
    edition: Edition,
    embedder: Embedder,
    *,
    role: Side,
    name: str | None = None,
    topic: str | None = None,
) -> Proposed:
    """The intent that a cluster could be; where no topic is given, that of the nearest intent of the same side.

    Raises:
        CannotBeProposed: nothing can be made a name of, the name is taken, or there is no such topic.
        Retryable: the embedder's server is away.
    """
    taxonomy = edition.taxonomy
    called = name or _name_of(cluster.name)
    if taxonomy.intent(called) is not None:
        raise CannotBeProposed(f"{called} is an intent already", hint="give another one: --name")
    nearest, likeness = await _nearest(cluster, [one for one in taxonomy.intents if one.role == role], embedder)
    topics = [one.name for one in taxonomy.topics]
    about = topic or (nearest.topic if nearest else topics[0])
    if about not in topics:
        raise CannotBeProposed(f"there is no topic {about!r}", hint=f"there are {', '.join(topics)}")
    examples = tuple(" ".join(one.split()) for one in cluster.examples if words(one))
    if not examples:
        raise CannotBeProposed(f"cluster {cluster.id} has no words that could be examples")
    title = cluster.name[:1].upper() + cluster.name[1:]
    intent = IntentDefinition(
        name=called,
        title=title,
        description=title,
        role=role,
        topic=about,
        sentiment=Sentiment.NEUTRAL,
        examples=examples,
    )
    return Proposed(intent, cluster, nearest.name if nearest else None, likeness)


def proposed_files(
    source: Traversable, scenario: Scenario, language: str, proposed: Sequence[Proposed], *, raise_version: bool
) -> dict[str, str]:
    """The texts of a scenario with the intents added, by their paths in its folder.

    Args:
        source: the folder that the scenario was read from.
        scenario: what was read from it.
        language: whose taxonomy they are added to.
        proposed: the intents.
        raise_version: make it the next version.

    Raises:
        CannotBeProposed: the files are not written as lists of blocks, so that nothing can be added.
    """
    titles = {code: edition.title for code, edition in scenario.editions.items()}
    files = copied_files(scenario.id, source, scenario, titles)
    manifest = source.joinpath(_MANIFEST).read_text(encoding="utf-8")
    files[_MANIFEST] = _VERSION.sub(f"version: {scenario.version + 1}", manifest) if raise_version else manifest
    path = f"{language}/taxonomy.yaml"
    files[path] = _with_intents(files[path], proposed, path)
    return files


def _with_intents(text: str, proposed: Sequence[Proposed], path: str) -> str:
    """The new ones stand first, where whoever reads the file sees them."""
    place = _INTENTS.search(text)
    item = _FIRST_ITEM.search(text, place.end()) if place else None
    if place is None or item is None:
        raise CannotBeProposed(f"{path}: intents: is no list in blocks, so that nothing can be added to it")
    block = "".join(f"{item[1]}{line}".rstrip() + "\n" for one in proposed for line in _lines(one))
    return text[: place.end()] + block + text[place.end() :]


def _lines(proposed: Proposed) -> Iterator[str]:
    import yaml

    cluster = proposed.cluster
    calls = "" if cluster.calls is None else f" of {cluster.calls:,} calls"
    near = "" if proposed.nearest is None else f" The nearest intent is {proposed.nearest} ({proposed.likeness:.2f})."
    name = "".join(mark if mark.isprintable() else " " for mark in cluster.name)
    yield f"# Proposed by convmine discover: {cluster.size:,} utterances{calls}, {name!r}.{near}"
    yield "# A person decides: check title, description, topic, tone and examples; then take these lines out."
    yield "# Approved by: (who approves it)"
    fields = proposed.intent.model_dump(mode="json", exclude={"answers"})
    yield from yaml.safe_dump([fields], allow_unicode=True, sort_keys=False, width=110).splitlines()
    yield ""


def _name_of(words_of_cluster: str) -> str:
    """``cancel_automatic_billing``; of a name without a letter of English there is none."""
    name = _NO_LETTER.sub("_", words_of_cluster.casefold().replace("'", "")).strip("_")[:_MOST_LETTERS].strip("_")
    if not name or not name[0].isalpha():
        raise CannotBeProposed(f"{words_of_cluster!r} gives no name of an intent", hint="give one: --name")
    return name


async def _nearest(
    cluster: Cluster, intents: Sequence[IntentDefinition], embedder: Embedder
) -> tuple[IntentDefinition | None, float]:
    """The intent whose examples are most like the cluster's, and the cosine of the two means."""
    if not intents:
        return None, 0.0
    texts = [list(cluster.examples), *(list(intent.examples) for intent in intents)]
    rows = await embedder.embed([text for group in texts for text in group])
    ends = np.cumsum([len(group) for group in texts])
    means = np.array([part.mean(axis=0) for part in np.split(rows, ends[:-1])])
    lengths = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    likeness = (means / lengths)[1:] @ (means / lengths)[0]
    best = int(likeness.argmax())
    return intents[best], float(likeness[best])
