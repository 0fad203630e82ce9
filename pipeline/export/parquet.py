"""Rows as Parquet files: typed columns, compressed, written page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.errors import ConvmineError
from pipeline.export.columns import ColumnType, Row
from pipeline.export.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

INSTALL: Final = "pip install 'convmine[analytics]'"
_GROUP_ROWS: Final = 20_000
"""Rows that are held until they are written: a row group, over which columns compress well."""


class ParquetFile:
    """A file that is being written; it is whole once it was closed without an error."""

    def __init__(self, path: Path, table: Table) -> None:
        self._arrow = arrow()
        self._shape = table
        self._schema = schema_of(table)
        self._writer: pq.ParquetWriter = self._arrow.parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows; some wait in memory for those that come."""
        self._waiting.extend(rows)
        if len(self._waiting) >= _GROUP_ROWS:
            self._flush()

    def write_table(self, rows: pa.Table) -> None:
        """Add rows of another file of this table as they are; they never wait."""
        if rows.num_rows:
            self._writer.write_table(rows)

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        self._flush()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(_table(self._arrow, self._shape, self._schema, self._waiting))
            self._waiting = []


def schema_of(table: Table) -> pa.Schema:
    """The columns as Arrow types them; instants have no time zone, they are in UTC."""
    pyarrow = arrow()
    types: Mapping[ColumnType, pa.DataType] = {
        "text": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "time": pyarrow.timestamp("us"),
        "day": pyarrow.date32(),
        "names": pyarrow.list_(pyarrow.string()),
        "json": pyarrow.string(),
    }
    return pyarrow.schema([pyarrow.field(one.name, types[one.type]) for one in table.columns])


def arrow() -> Any:  # noqa: ANN401 - the module, which ships its types in part only
    """The library ``pyarrow``.

    Raises:
        ConvmineError: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise missing("pyarrow") from error
    assert isinstance(pa, ModuleType)
    return pa


def missing(library: str) -> ConvmineError:
    """What to say where a library of the extra ``analytics`` is not installed."""
    return ConvmineError(f"{library} is not installed", hint=INSTALL)


def _table(pyarrow: Any, shape: Table, schema: pa.Schema, rows: Sequence[Row]) -> pa.Table:  # noqa: ANN401 - see arrow
    """Times and days come as text, and are read by Arrow, many at once."""
    arrays = []
    for column, field, values in zip(shape.columns, schema, zip(*rows, strict=True), strict=True):
        if column.type == "time":
            array = pyarrow.array(values, pyarrow.string()).cast(pyarrow.timestamp("us", "UTC")).cast(field.type)
        elif column.type == "day":
            array = pyarrow.array(values, pyarrow.string()).cast(field.type)
        else:
            array = pyarrow.array(values, field.type)
        arrays.append(array)
    return pyarrow.Table.from_arrays(arrays, schema=schema)
