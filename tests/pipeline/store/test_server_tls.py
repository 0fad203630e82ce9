"""Qdrant behind TLS and a key: a STAND-IN that answers one question."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from certificates import certificate
from pydantic import SecretStr

from pipeline.errors import Config
from pipeline.settings import StoreSettings
from pipeline.store.open import server_at


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        allowed = self.headers.get("api-key") == "the key"
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"result": {"collections": []}, "status": "ok", "time": 0.0}).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    ca_file, context = certificate(tmp_path, "localhost")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}", ca_file
    server.shutdown()
    server.server_close()


async def names(url: str, **settings: object) -> list[str]:
    server = server_at(url, StoreSettings(url=url, **settings))
    try:
        found = await server.run(lambda client: client.get_collections())
    finally:
        await server.close()
    return [one.name for one in found.collections]


async def test_a_server_with_a_key_is_asked_over_tls(served: tuple[str, Path]) -> None:
    url, ca_file = served
    assert await names(url, ca_file=ca_file, api_key=SecretStr("the key")) == []


async def test_a_wrong_key_is_a_wrong_setting(served: tuple[str, Path]) -> None:
    url, ca_file = served
    with pytest.raises(Config) as caught:
        await names(url, ca_file=ca_file, api_key=SecretStr("guessed"))
    assert caught.value.setting == "CONVMINE_STORE_API_KEY"
    assert "guessed" not in caught.value.in_one_line


async def test_a_certificate_of_nobody_we_know_is_a_wrong_setting(served: tuple[str, Path]) -> None:
    url, _ = served
    with pytest.raises(Config) as caught:
        await names(url, api_key=SecretStr("the key"))
    assert caught.value.setting == "CONVMINE_STORE_CA_FILE"


async def test_a_file_of_authorities_that_holds_none_is_a_wrong_setting(
    served: tuple[str, Path], tmp_path: Path
) -> None:
    url, _ = served
    (tmp_path / "text").write_text("hello")
    with pytest.raises(Config) as caught:
        await names(url, ca_file=tmp_path / "text")
    assert caught.value.setting == "CONVMINE_STORE_CA_FILE"
