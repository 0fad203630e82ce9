"""Whether two versions of a contract can live side by side: old readers with new events, new readers with old ones.

The topics keep events for weeks and a fleet is upgraded while it runs, so both directions count: a rule that is
tightened refuses events already written, and a rule that is loosened lets events through that older readers refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_OLD_EVENTS: Final = "events already written may be refused"
_OLD_READERS: Final = "older readers refuse such events"
_EITHER: Final = "older readers and newer events, or the other way round, may not agree"

# Keyword -> does a greater value refuse more?
_LIMITS: Final[Mapping[str, bool]] = {
    "minimum": True,
    "exclusiveMinimum": True,
    "minLength": True,
    "minItems": True,
    "minProperties": True,
    "maximum": False,
    "exclusiveMaximum": False,
    "maxLength": False,
    "maxItems": False,
    "maxProperties": False,
}
_NESTING: Final = ("properties", "additionalProperties", "required", "items", "prefixItems", "allOf")
_RULES: Final = ("format", "pattern", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType")


def incompatible_changes(old: Schema, new: Schema) -> list[str]:
    """What stands between the two, one readable line each; empty where both directions work.

    A new optional property of an open object is compatible, and so is a change of words (title, description).
    """
    return list(_Comparison(old, new).between(old, new, "$"))


def added_properties(old: Schema, new: Schema) -> list[str]:
    """The paths of the properties that only the new schema has; adding one raises the minor version."""
    known, added = set(_Properties(old).paths(old, "$")), list[str]()
    for path in _Properties(new).paths(new, "$"):
        inside_an_added_one = path.startswith(tuple(f"{parent}{mark}" for parent in added for mark in ".["))
        if path not in known and path not in added and not inside_an_added_one:
            added.append(path)
    return added


class _Document:
    """One schema document with its local references."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def resolve(self, node: Schema) -> Schema:
        """Follow ``$ref``; keywords beside it count too."""
        while "$ref" in node:
            target: Any = self._root
            for part in str(node["$ref"]).removeprefix("#").strip("/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")] if part else target
            node = {**target, **{name: value for name, value in node.items() if name != "$ref"}}
        return node

    def branches(self, node: Schema) -> list[Schema]:
        """What a value may be: the members of ``anyOf``, or one branch for each type."""
        node = self.resolve(node)
        for keyword in ("anyOf", "oneOf"):
            if keyword in node:
                return [branch for member in node[keyword] for branch in self.branches(member)]
        if isinstance(node.get("type"), list):
            return [{**node, "type": name} for name in node["type"]]
        return [node]


class _Comparison:
    """Walks two schemas side by side; what lies inside a pair of nodes is visited once, so recursive models end."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = _Document(old)
        self._new = _Document(new)
        self._visited: set[tuple[int, ...]] = set()

    def between(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        yield from _default_changes(self._old.resolve(old), self._new.resolve(new), path)
        before, after = self._old.branches(old), self._new.branches(new)
        if len(before) == len(after) == 1:
            yield from self._branch(before[0], after[0], path)
        else:
            yield from self._alternatives(before, after, path)

    def _alternatives(self, before: list[Schema], after: list[Schema], path: str) -> Iterator[str]:
        """Pair the branches of the same type in their order; what is left over was removed or added."""
        rest = list(after)
        for branch in before:
            kind = _type_of(branch)
            partner = next((other for other in rest if _type_of(other) == kind), None)
            if partner is None:
                yield f"{path}: {kind} is not accepted any more: {_OLD_EVENTS}"
            else:
                rest.remove(partner)
                yield from self._branch(branch, partner, path)
        for branch in rest:
            yield f"{path}: {_type_of(branch)} is accepted now: {_OLD_READERS}"

    def _branch(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        if _type_of(old) != _type_of(new):
            yield f"{path}: type changed from {_type_of(old)} to {_type_of(new)}"
            return
        yield from _value_changes(old, new, path)
        yield from _limit_changes(old, new, path)
        inside = tuple(id(side.get(keyword)) for side in (old, new) for keyword in _NESTING)
        if inside in self._visited:
            return
        self._visited.add(inside)
        yield from self._object(old, new, path)
        yield from self._array(old, new, path)
        yield from self._all_of(old, new, path)

    def _object(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        closed = old.get("additionalProperties", True) is False
        for name in before:
            here = f"{path}.{name}"
            if name not in after:
                yield f"{here}: property removed"
                continue
            if name in required_after - required_before:
                yield f"{here}: required now: {_OLD_EVENTS}"
            if name in required_before - required_after:
                yield f"{here}: not required any more: {_OLD_READERS}"
            yield from self.between(before[name], after[name], here)
        for name in after:
            if name in before:
                continue
            if name in required_after:
                yield f"{path}.{name}: new and required: {_OLD_EVENTS}"
            elif closed:
                yield f"{path}.{name}: new, but the object was closed to further properties: {_OLD_READERS}"
        yield from self._further_properties(old, new, path)

    def _further_properties(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self.between(before, after, f"{path}.*")
        elif before != after and after is False:
            yield f"{path}: closed to further properties: {_OLD_EVENTS}"
        elif before != after and before is False:
            yield f"{path}: open to further properties: {_OLD_READERS}"
        elif before != after:
            yield f"{path}: the rule for further properties changed: {_EITHER}"

    def _array(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(before) != len(after):
            yield f"{path}: the number of fixed items changed from {len(before)} to {len(after)}"
        for index, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from self.between(one, other, f"{path}[{index}]")
        if "items" not in old and "items" not in new:
            return
        item_before, item_after = old.get("items", {}), new.get("items", {})
        if isinstance(item_before, dict) and isinstance(item_after, dict):
            yield from self.between(item_before, item_after, f"{path}[]")
        elif item_before != item_after:
            yield f"{path}: the rule for items changed: {_EITHER}"

    def _all_of(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("allOf", []), new.get("allOf", [])
        if len(before) != len(after):
            yield f"{path}: the number of rules in allOf changed: {_EITHER}"
        for one, other in zip(before, after, strict=False):
            yield from self.between(one, other, path)


class _Properties:
    """Lists the properties of a schema, each reference once on every way down."""

    def __init__(self, root: Schema) -> None:
        self._document = _Document(root)

    def paths(self, node: Schema, path: str, open_refs: tuple[str, ...] = ()) -> Iterator[str]:
        ref = node.get("$ref")
        if ref in open_refs:
            return
        below = (*open_refs, ref) if ref else open_refs
        node = self._document.resolve(node)
        for name, member in node.get("properties", {}).items():
            yield f"{path}.{name}"
            yield from self.paths(member, f"{path}.{name}", below)
        for keyword in ("anyOf", "oneOf", "allOf"):
            for member in node.get(keyword, ()):
                yield from self.paths(member, path, below)
        if isinstance(node.get("items"), dict):
            yield from self.paths(node["items"], f"{path}[]", below)
        if isinstance(node.get("additionalProperties"), dict):
            yield from self.paths(node["additionalProperties"], f"{path}.*", below)


def _type_of(branch: Schema) -> str:
    return str(branch.get("type", "any value"))


def _default_changes(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = old.get("default"), new.get("default")
    if before != after:
        yield f"{path}: default changed from {before!r} to {after!r}: events without it would change their meaning"


def _value_changes(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = _values(old), _values(new)
    if before is None and after is None:
        return
    if before is None:
        yield f"{path}: limited to a list of values: {_OLD_EVENTS}"
    elif after is None:
        yield f"{path}: not limited to a list of values any more: {_OLD_READERS}"
    else:
        yield from (f"{path}: value {value!r} removed: {_OLD_EVENTS}" for value in before if value not in after)
        yield from (f"{path}: value {value!r} added: {_OLD_READERS}" for value in after if value not in before)


def _values(node: Schema) -> list[Any] | None:
    if "const" in node:
        return [node["const"]]
    values = node.get("enum")
    return None if values is None else list(values)


def _limit_changes(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for keyword, greater_refuses_more in _LIMITS.items():
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        tighter = before is None or (after is not None and (after > before) == greater_refuses_more)
        yield f"{path}: {keyword} {_move(before, after)}: {_OLD_EVENTS if tighter else _OLD_READERS}"
    for keyword in _RULES:
        before, after = old.get(keyword), new.get(keyword)
        if before != after:
            yield f"{path}: {keyword} {_move(before, after)}: {_EITHER}"


def _move(before: object, after: object) -> str:
    if before is None:
        return f"{after!r} set"
    if after is None:
        return f"{before!r} dropped"
    return f"changed from {before!r} to {after!r}"
