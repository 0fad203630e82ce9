"""Generations of a collection: ``{name}-1``, ``{name}-2``, …, of which the alias ``{name}`` stands for the current one.

Another embedder makes another generation; the alias is turned to it in one step, so that there is no gap. A collection
that has the alias' name itself was made by a program before generations; it counts as the current one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.store.connections import Connection


@dataclass(frozen=True, slots=True)
class Generations:
    """What there is of one collection; ``current`` is None where nothing says which is current."""

    alias: str
    current: str | None
    numbered: Mapping[int, str] = field(default_factory=dict)

    @property
    def sure(self) -> str:
        """The current one, where there must be one."""
        assert self.current is not None
        return self.current

    @property
    def is_bare(self) -> bool:
        """Whether the current one was made before generations."""
        return self.current == self.alias

    @property
    def others(self) -> tuple[str, ...]:
        """All but the current one, oldest first."""
        return tuple(name for _, name in sorted(self.numbered.items()) if name != self.current)

    @property
    def every(self) -> frozenset[str]:
        """All that there are, the current one and those that are kept for a roll-back."""
        return frozenset(self.numbered.values()) | ({self.current} if self.current is not None else frozenset())

    @property
    def first(self) -> str:
        """The one to begin with where none is current."""
        return self.numbered[min(self.numbered)] if self.numbered else generation_name(self.alias, 1)

    @property
    def following(self) -> str:
        """The name of the next to be made."""
        return generation_name(self.alias, max(self.numbered, default=0) + 1)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The collections that a Qdrant has, and which alias stands for which."""

    names: frozenset[str]
    aliases: Mapping[str, str]

    def of(self, alias: str) -> Generations:
        """What there is of the collection with this alias."""
        numbers = {int(found[1]): name for name in self.names if (found := _numbered(alias, name))}
        current = self.aliases.get(alias) or (alias if alias in self.names else None)
        return Generations(alias, current, numbers)


def generation_name(alias: str, number: int) -> str:
    """The name in Qdrant of a generation, counted from 1."""
    return f"{alias}-{number}"


async def catalogue(connection: Connection) -> Catalogue:
    """What there is now."""
    aliases = await connection.run(lambda client: client.get_aliases())
    collections = await connection.run(lambda client: client.get_collections())
    return Catalogue(
        frozenset(one.name for one in collections.collections),
        {one.alias_name: one.collection_name for one in aliases.aliases},
    )


async def make_current(connection: Connection, alias: str, name: str) -> None:
    """Let the alias stand for this generation from now on, in one step.

    Raises:
        Conflict: there is a collection with the alias' name.
    """
    await make_all_current(connection, {alias: name})


async def make_all_current(connection: Connection, generations: Mapping[str, str]) -> None:
    """The same of several aliases, all in one step: nobody sees one turned and another not.

    Raises:
        Conflict: there is a collection with the name of an alias.
    """
    from qdrant_client import models

    turn: list[models.AliasOperations] = []
    for alias, name in generations.items():
        turn.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
        created = models.CreateAlias(alias_name=alias, collection_name=name)
        turn.append(models.CreateAliasOperation(create_alias=created))
    await connection.run(lambda client: client.update_collection_aliases(turn))


def _numbered(alias: str, name: str) -> re.Match[str] | None:
    return re.fullmatch(re.escape(alias) + r"-([1-9][0-9]*)", name)
