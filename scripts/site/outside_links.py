"""A hook of mkdocs: links of pages to files outside of docs/ become the name of the file, as the site has no such page.

On a site that knows its repository (``repo_url`` of mkdocs.yml) they lead there instead.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Final

FENCE: Final = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>\.\.?/[^)\s]+)\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:  # noqa: ANN401 - mkdocs' own types
    """The page with what leads out of the site said in words.

    Args:
        markdown: the page as it is written.
        page: where it stands; its ``file.src_uri`` is the path below docs/.
        config: mkdocs' settings.
        files: of the site, unused.
    """
    del files
    return led_home(markdown, page.file.src_uri, config["repo_url"])


def led_home(markdown: str, page: str, repository: str | None) -> str:
    """A page's text in which each link that leaves docs/ leads to the repository, or names the file."""

    def replaced(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), match["target"]))
        if path.startswith("docs/"):
            return match[0]
        if repository:
            return f"[{match['text']}]({repository.rstrip('/')}/blob/HEAD/{path})"
        name = path.partition("#")[0]
        plain = " ".join(match["text"].replace("`", "").split())
        return f"`{name}`" if plain in (name, posixpath.basename(name)) else f"{match['text']} (`{name}`)"

    parts, last = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [LINK.sub(replaced, markdown[last : fence.start()]), fence[0]]
        last = fence.end()
    return "".join([*parts, LINK.sub(replaced, markdown[last:])])
