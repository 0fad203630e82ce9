"""What the pages are made of: it is checked like other code, small, and says everything in both languages."""

from __future__ import annotations

import gzip
import re
import subprocess
from pathlib import Path

import pytest
from browsers import browser_page
from dashboard_site import dashboard_site

from workers.dashboard.files import load_pages

PAGES = Path(__file__).parents[3] / "workers" / "dashboard" / "pages"
OPTIONS = ("--checkJs", "--allowJs", "--strict", "--noEmit", "--target", "es2023", "--module", "esnext")
LIBRARIES = ("--lib", "es2023,dom,dom.iterable", "--moduleResolution", "bundler")
MOST_BYTES = 1_500_000
HTML = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment"
)


@pytest.mark.timeout(180)
def test_the_types_of_all_modules_hold(tsc: Path) -> None:
    modules = [str(path) for path in sorted(PAGES.rglob("*.js"))]
    assert len(modules) > 10
    done = subprocess.run([str(tsc), *OPTIONS, *LIBRARIES, *modules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4_000:]


def test_nothing_is_ever_read_as_html() -> None:
    for path in PAGES.rglob("*.js"):
        assert not HTML.search(path.read_text(encoding="utf-8")), path


def test_all_that_is_sent_is_small_even_if_every_page_is_opened() -> None:
    pages = load_pages()
    whole = sum(map(len, pages.parts.values())) + len(pages.index)
    assert whole < MOST_BYTES
    assert len(gzip.compress(b"".join(pages.parts.values()))) < MOST_BYTES / 4


def test_every_style_sheet_is_linked_and_every_link_is_there() -> None:
    pages = load_pages()
    linked = set(re.findall(rb"/assets/[0-9a-f]+/([\w/.]+\.css)", pages.index))
    assert {name.decode() for name in linked} == {name for name in pages.parts if name.endswith(".css")}


@pytest.mark.timeout(120)
async def test_every_room_says_the_same_in_english_and_chinese() -> None:
    async with dashboard_site() as site, browser_page() as page:
        await page.goto(f"{site.url}/sign-in")
        version = load_pages().version
        found = [name for name in load_pages().parts if name.endswith("words.js") and name != "words.js"]
        assert len(found) > 3
        for name in found:
            both = await page.evaluate(f"import('/assets/{version}/{name}').then(({{en, zh}}) => [en, zh])")
            english, chinese = both
            assert english.keys() == chinese.keys(), name
            for key, said in english.items():
                assert set(re.findall(r"\{(\w+)\}", said)) == set(re.findall(r"\{(\w+)\}", chinese[key])), (name, key)
