from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.store.embedding.openai_compatible import OpenAIEmbedder
from pipeline.store.embedding.options import EmbedderOptions
from pipeline.store.embedding.registry import EMBEDDERS, HashingEncoder, make_embedder

Respond = Callable[[list[str]], tuple[int, object]]


@contextmanager
def serving(respond: Respond) -> Iterator[OpenAIEmbedder]:
    """The embedder on a server of its own, over real HTTP."""

    class Embeddings(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, answer = respond(asked["input"])
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.send_header("retry-after", "3")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has in the base class
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Embeddings) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield OpenAIEmbedder(EmbedderOptions(model="small", base_url=f"http://127.0.0.1:{server.server_port}/v1"))
        finally:
            server.shutdown()


def vectors(texts: list[str]) -> tuple[int, object]:
    rows = [{"object": "embedding", "index": n, "embedding": [3.0, 4.0 * n]} for n, _ in enumerate(texts)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return 200, {"object": "list", "model": "small", "data": rows[::-1], "usage": usage}


async def test_server_vectors_come_in_the_order_of_the_texts_and_with_length_one() -> None:
    with serving(vectors) as embedder:
        rows = await embedder.embed(["a", "", "c"])
        await embedder.close()
    assert rows.dtype == np.float32
    expected = np.array([[1, 0], [0.6, 0.8], [3 / 73**0.5, 8 / 73**0.5]], dtype=np.float64)
    np.testing.assert_allclose(rows.astype(np.float64), expected, rtol=1e-6)
    assert embedder.dimension == 2


async def test_the_headers_and_the_query_of_the_models_server_go_with_each_request() -> None:
    asked: list[tuple[str, str | None]] = []

    class Azure(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.headers["api-key"]))
            self.send_error(500)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has in the base class
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Azure) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        embedder = OpenAIEmbedder(EmbedderOptions(base_url=url, headers={"api-key": "k"}, query={"api-version": "1"}))
        with pytest.raises(Retryable):
            await embedder.embed(["a"])
        await embedder.close()
        server.shutdown()
    assert asked == [("/v1/embeddings?api-version=1", "k")]


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, Config, "CONVMINE_LLM_API_KEY"),
        (404, Config, "CONVMINE_STORE_EMBEDDER_MODEL"),
        (400, Poison, "the embedding server refuses the request"),
        (429, Retryable, "answered 429"),
        (500, Retryable, "answered 500"),
    ],
)
async def test_each_refusal_becomes_our_error(status: int, kind: type[ConvmineError], says: str) -> None:
    with serving(lambda _: (status, {"error": {"message": "no"}})) as embedder:
        with pytest.raises(kind, match=says) as caught:
            await embedder.embed(["a"])
        await embedder.close()
    if status == 429:
        assert isinstance(caught.value, Retryable)
        assert caught.value.retry_after_s == 3


async def test_too_few_vectors_are_not_taken_for_an_answer() -> None:
    with serving(lambda texts: vectors(texts[1:])) as embedder:
        with pytest.raises(Retryable, match="1 vectors for 2 texts"):
            await embedder.embed(["a", "b"])
        await embedder.close()


async def test_a_server_that_is_away_is_retryable() -> None:
    with serving(vectors) as embedder:
        pass
    with pytest.raises(Retryable, match=r"127\.0\.0\.1"):
        await embedder.embed(["a"])
    await embedder.close()


def test_hashing_puts_near_spellings_near() -> None:
    rows = HashingEncoder().encode(
        ["cancel my contract", "cancelling the contract", "roaming in spain", "取消合同", "我要取消合同"]
    )
    near = rows @ rows.T
    assert near[0, 1] > near[0, 2] + 0.2
    assert near[3, 4] > near[3, 0] + 0.2


def test_hashing_gives_unit_rows_and_a_zero_row_for_nothing() -> None:
    rows = HashingEncoder().encode(["some words", "", "!?"])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0, 0], atol=1e-6)
    assert rows.shape == (3, 384)


@pytest.mark.parametrize("name", ["auto", "wordllama", "hashing"])
async def test_each_local_embedder_answers_with_the_dimension_it_names(name: str) -> None:
    embedder = make_embedder(name)
    rows = await embedder.embed(["one", "two"])
    assert rows.shape == (2, embedder.dimension)
    await embedder.close()


async def test_an_unknown_embedder_names_the_known_ones() -> None:
    with pytest.raises(Config, match=r"hashing.*openai.*wordllama"):
        make_embedder("word2vec")
    assert set(EMBEDDERS) == {"auto", "wordllama", "hashing", "openai", "sentence-transformers"}


async def test_auto_is_hashing_where_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.llm.static_embedding.installed", lambda: False)
    assert make_embedder("auto").name == "hashing-v1"
