"""The option ``--channel 0=agent``: who is heard on a channel."""

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


CHANNEL_ROLE: Final = _ChannelRole()
