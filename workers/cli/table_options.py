"""Options that say what a table leaves open: names for names, its zone, its encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class Named(click.ParamType):
    """``LEFT=RIGHT``; the last sign of equality parts them, as a value of a CRM may hold one."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:  # noqa: ANN401 - click's own
        if isinstance(value, tuple):
            return value
        left, _, right = str(value).rpartition("=")
        if not left.strip() or not right.strip():
            self.fail(f"{value!r} is not of the form NAME=VALUE", param, ctx)
        return left.strip(), right.strip()


class Zone(click.ParamType):
    """A time zone of the IANA database."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:  # noqa: ANN401 - likewise
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return value if isinstance(value, ZoneInfo) else ZoneInfo(str(value))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fail(f"{value!r} is no time zone such as Europe/Berlin", param, ctx)


class Encoding(click.ParamType):
    """A text encoding that Python knows."""

    name = "encoding"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - likewise
        import codecs

        try:
            return codecs.lookup(str(value)).name
        except LookupError:
            self.fail(f"{value!r} is no encoding such as cp1252", param, ctx)
