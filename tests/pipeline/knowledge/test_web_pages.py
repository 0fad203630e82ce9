from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.knowledge import web_pages
from pipeline.knowledge.adding import Added, Offered
from pipeline.knowledge.web_pages import WebPages


class Site(BaseHTTPRequestHandler):
    """Pages, one that leads elsewhere, one that is away and one that is too large."""

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/secret")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        found = self.path.startswith("/page")
        body = b"<p>words</p>" * (1_000 if self.path == "/page/large" else 1)
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
        """Nothing is logged."""


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def reason(pages: WebPages, url: str) -> str:
    found = await pages.fetch(url)
    assert isinstance(found, Added), found
    assert found.what == "failed"
    return found.reason


async def test_a_page_of_a_named_host_is_offered_by_its_address(site: str) -> None:
    found = await WebPages([site]).fetch(f"http://{site}/page?of=1#part")
    assert found == Offered(f"http://{site}/page?of=1", b"<p>words</p>")


async def test_a_page_that_leads_elsewhere_is_not_followed(site: str) -> None:
    assert "not followed" in await reason(WebPages([site]), f"http://{site}/moved")


async def test_what_is_not_there_and_what_is_too_large_are_told(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "404" in await reason(WebPages([site]), f"http://{site}/nothing")
    monkeypatch.setattr(web_pages, "MOST_BYTES", 1_000)
    assert "1000 bytes" in await reason(WebPages([site]), f"http://{site}/page/large")


@pytest.mark.parametrize(
    ("hosts", "url", "why"),
    [
        ([], "https://example.com/", "--allow-host"),
        (["example.com"], "http://example.com/", "not https"),
        (["127.0.0.1"], "https://127.0.0.1/", "private"),
        (["localhost"], "https://localhost/", "private"),
        (["169.254.169.254"], "https://169.254.169.254/latest/meta-data", "private"),
        (["example.com"], "https://kim:secret@example.com/", "user name"),
        (["example.com"], "https://example.com:99999/", "no "),
        (["example.com"], "https://[::1", "no address"),
        (["example.com"], "https://other.example/", "--allow-host"),
    ],
)
async def test_nothing_else_is_asked(hosts: list[str], url: str, why: str) -> None:
    assert why in await reason(WebPages(hosts), url)
