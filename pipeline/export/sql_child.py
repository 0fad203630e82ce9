"""One SQL statement over a tenant's files, in a process of its own that has nothing else.

It is started by ``pipeline.export.sql`` as a file, isolated (``python -I``), with an empty environment and limits on
memory, time and files, reads what it is asked (JSON) from its standard input and writes its answer to standard output.
Within it DuckDB may open the named files alone and its configuration is locked; a statement is one that reads, and
names no function that opens anything.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MISSING: Final = "missing"
"""Kind of failure: a file that was named is gone, as it was replaced meanwhile."""
REFUSED: Final = "refused"
"""Kind of failure: the statement is none that may be asked, or DuckDB cannot run it."""
_EXPLAIN: Final = re.compile(r"\s*explain\s+(analyze\s+)?(?=\S)", re.IGNORECASE)
_MAY_STAND_AS_TABLE: Final = frozenset(
    {"generate_series", "generate_subscripts", "json_each", "json_tree", "range", "repeat_row", "unnest"}
)
"""Functions that make tables of their arguments and of nothing else."""
_READS: Final = frozenset({"CTE_NODE", "RECURSIVE_CTE_NODE", "SELECT_NODE", "SET_OPERATION_NODE"})
"""What a query, and each part of one, may be in DuckDB's tree."""
_ONE: Final = "ask one statement that reads: SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW TABLES, SUMMARIZE or EXPLAIN"
_CONFIG: Final[Mapping[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
}
_MOST_CHARACTERS: Final = 32_000_000
"""Of an answer; what does not fit a browser or a terminal is exported instead."""


class Refused(Exception):
    """A statement that is not run, and why."""


def main() -> None:
    """Answer one question."""
    import duckdb

    asked = json.load(sys.stdin)
    _limit(asked["memory_mb"], asked["timeout_s"])
    try:
        answer = answer_of(opened(asked), asked["statement"], asked["limit"])
    except duckdb.IOException as error:
        answer = {"failed": MISSING, "message": _one_line(str(error))}
    except Refused as error:
        answer = {"failed": REFUSED, "message": str(error)}
    json.dump(answer, sys.stdout, allow_nan=False)


def opened(asked: Mapping[str, Any]) -> DuckDBPyConnection:
    """DuckDB with the views of a tenant, and from here on with nothing else.

    Raises:
        duckdb.IOException: a file is gone.
    """
    import duckdb

    connection = duckdb.connect(":memory:", config=dict(_CONFIG))
    _views(connection, asked)
    _lock(connection, asked)
    return connection


def answer_of(connection: DuckDBPyConnection, statement: str, limit: int) -> dict[str, Any]:
    """The rows of a statement, at most so many, and whether there are more.

    Raises:
        Refused: the statement is none that may be asked, or DuckDB cannot run it.
        duckdb.IOException: a file is gone.
    """
    import duckdb

    try:
        return _rows(connection.execute(checked(connection, statement)), limit)
    except duckdb.IOException:
        raise
    except (MemoryError, duckdb.OutOfMemoryException):
        raise Refused("the statement needs more memory than it may have: CONVMINE_ANALYTICS_MEMORY_MB") from None
    except duckdb.Error as error:
        raise Refused(_one_line(str(error))) from None


def _views(connection: DuckDBPyConnection, asked: Mapping[str, Any]) -> None:
    """A view a table, over the newest batch of each call."""
    connection.execute("CREATE SCHEMA batches")
    held = " UNION ALL ".join(
        f"SELECT call_id, {batch['number']} AS batch FROM read_parquet({_quoted(batch['held'])})"  # nosec B608  # noqa: S608 - our own paths, quoted
        for batch in asked["batches"]
    )
    connection.execute(f"CREATE TABLE batches.newest AS SELECT call_id, max(batch) AS batch FROM ({held}) GROUP BY ALL")  # nosec B608  # noqa: S608 - likewise
    only = len(asked["batches"]) == 1
    for table in asked["tables"]:
        rows = " UNION ALL ".join(
            f"SELECT * FROM read_parquet({_quoted(batch[table])})"  # nosec B608  # noqa: S608 - likewise
            + ("" if only else f" SEMI JOIN (FROM batches.newest WHERE batch = {batch['number']}) USING (call_id)")
            for batch in asked["batches"]
        )
        connection.execute(f"CREATE VIEW {table} AS {rows}")
    connection.execute(f"CREATE VIEW costs AS SELECT * FROM read_parquet({_quoted(asked['costs'])})")  # nosec B608  # noqa: S608 - likewise


def _lock(connection: DuckDBPyConnection, asked: Mapping[str, Any]) -> None:
    """Only the named files can be opened any more, nothing can be loaded, and none of that can be changed."""
    memory = asked["memory_mb"]
    for name, value in (
        ("memory_limit", f"{memory}MB"),
        ("threads", asked["threads"]),
        ("temp_directory", asked["temporary"]),
        ("max_temp_directory_size", f"{10 * memory}MB"),
        ("TimeZone", "UTC"),
        ("allowed_paths", asked["files"]),
        ("enable_external_access", False),
        ("lock_configuration", True),
    ):
        connection.execute(f"SET {name} = ?", [value])


def checked(connection: DuckDBPyConnection, text: str) -> str:
    """The statement, where it is one that reads and names nothing but tables.

    Raises:
        Refused: it is none, or more than one.
        duckdb.Error: it cannot be parsed.
    """
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise Refused(_ONE)
    (statement,) = statements
    read = statement.query
    if statement.type == duckdb.StatementType.EXPLAIN:
        read = _EXPLAIN.sub("", read, count=1)
    elif statement.type != duckdb.StatementType.SELECT:
        raise Refused(_ONE)
    (tree,) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [read]).fetchone() or ("",)
    parsed = json.loads(tree)
    if parsed["error"]:
        raise Refused(_ONE)
    for node in _nodes(parsed):
        _check(node)
    return statement.query


def _check(node: Mapping[str, Any]) -> None:
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in _READS:  # as INSERT or COPY within WITH
        raise Refused(_ONE)
    if kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", ""))
        if name.lower() not in _MAY_STAND_AS_TABLE:
            raise Refused(f"{name} cannot be read from: there are calls, utterances, intents, suggestions and costs")
    elif kind == "BASE_TABLE":
        name = str(node.get("table_name", ""))
        if "/" in name or "." in name:
            raise Refused(f"{name!r} is no table: files cannot be read")


def _nodes(tree: object) -> Iterator[Mapping[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _rows(result: DuckDBPyConnection, limit: int) -> dict[str, Any]:
    columns = [(str(name), str(type_)) for name, type_, *_ in result.description or ()]
    rows: list[list[Any]] = []
    characters = 0
    while len(rows) <= limit and (some := result.fetchmany(min(1_000, limit + 1 - len(rows)))):
        rows += ([_cell(value) for value in row] for row in some)
        characters += sum(len(cell) for row in rows[-len(some) :] for cell in row if isinstance(cell, str))
        if characters > _MOST_CHARACTERS:
            raise Refused("the answer is too long: choose fewer columns, a LIMIT, or convmine export")
    return {
        "columns": [name for name, _ in columns],
        "types": [type_ for _, type_ in columns],
        "rows": rows[:limit],
        "more": len(rows) > limit,
    }


def _cell(value: Any) -> Any:  # noqa: ANN401, PLR0911 - what DuckDB has, as JSON has it, a line a type
    """Instants and days as ISO 8601; a number that is none (NaN, infinite) is null."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if isfinite(value) else None
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case list() | tuple():
            return [_cell(one) for one in value]
        case dict():
            return {str(key): _cell(one) for key, one in value.items()}
        case bytes():
            return value.hex()
        case _:
            return str(value)


def _one_line(message: str) -> str:
    """What DuckDB says, with its own proposals and without the picture of the statement."""
    told = message.split("\n\nLINE ", 1)[0].split("\nLINE ", 1)[0]
    return " ".join(told.split())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _limit(memory_mb: int, timeout_s: float) -> None:
    """What the kernel lets this process have, for what DuckDB does not count against its own limit."""
    memory = (2 * memory_mb + 512) * 1024 * 1024
    seconds = int(timeout_s) + 1
    limits: Sequence[tuple[int, int]] = (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, 8 * seconds),
        (resource.RLIMIT_CORE, 0),
    )
    for what, most in limits:
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
