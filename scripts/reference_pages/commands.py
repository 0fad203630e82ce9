"""The page of commands: each with its help, as it prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from reference_pages.markdown import MADE, page

WIDTH: Final = 100
"""Columns of the help texts."""


def commands_page(root: click.Group) -> str:
    """Every command with its help, as ``--help`` prints it."""
    parts = [
        "# Commands",
        MADE.format(source="the commands themselves"),
        (
            "Exit status 0: done. 1: it failed, and one line says why and what to do. 2: it was used wrongly. "
            "[A worker has more](../architecture.md#health). Settings come from the [environment](../configuration.md)."
        ),
    ]
    for path, command in _commands(root, ()):
        context = click.Context(command, info_name=" ".join(("convmine", *path)), max_content_width=WIDTH)
        context.terminal_width = WIDTH
        depth = "##" if len(path) == 1 else "###"
        parts += [f"{depth} convmine {' '.join(path)}", f"```text\n{command.get_help(context).rstrip()}\n```"]
    return page(parts)


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group, info_name=" ".join(("convmine", *path)))
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
