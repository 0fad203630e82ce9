"""Options that say what is known of a call, checked as they are typed."""

from __future__ import annotations

from typing import Final

import click


class _ChannelRole(click.ParamType):
    name = "INDEX=ROLE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        from schemas.wire import Channel

        index, _, role = str(value).partition("=")
        try:
            return Channel.model_validate({"index": index, "role": role})
        except ValueError:
            self.fail(f"{value!r}: expected a channel and its role, such as 0=agent or 1=customer", param, ctx)


class _Language(click.ParamType):
    name = "LANGUAGE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        from pydantic import TypeAdapter

        from schemas.wire import Language

        try:
            return TypeAdapter(Language).validate_python(value)
        except ValueError:
            self.fail(f"{value!r}: expected a code such as en, zh or zh-CN", param, ctx)


class _Raw(click.ParamType):
    name = "ENCODING:HZ:CHANNELS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        from schemas.audio import RawFormat

        try:
            encoding, rate, channels = str(value).split(":")
            return RawFormat.model_validate({"encoding": encoding, "sample_rate_hz": rate, "channels": channels})
        except ValueError:
            self.fail(f"{value!r}: expected L16, PCMU or PCMA, a rate and channels, such as PCMU:8000:2", param, ctx)


CHANNEL_ROLE: Final = _ChannelRole()
LANGUAGE: Final = _Language()
RAW: Final = _Raw()
