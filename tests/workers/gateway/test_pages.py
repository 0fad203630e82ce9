"""What is asked and answered: the same by GET and POST, page by page, with ETags and problems."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from gateway_app import KEYS, client_of, made_gateway, made_store
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import TypeAdapter
from structlog.testing import capture_logs

from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.narrowing import TooWide
from pipeline.questions.question import Question
from pipeline.testing import InMemoryStore
from workers.gateway.app import create_app
from workers.gateway.pages import PAGES

CUSTOMER = {"field": "role", "values": "customer"}


@pytest.mark.parametrize(
    ("page", "question"),
    [
        ("/v1/search?text=price&where=role=customer&limit=2",
         {"kind": "search", "text": "price", "where": [CUSTOMER], "limit": 2}),
        ("/v1/intents?where=role=customer&where=intent!=greeting&sort=-started",
         {"kind": "query", "of": "intents", "sort": "-started",
          "where": [CUSTOMER, {"field": "intent", "op": "is_not", "values": ["greeting"]}]}),
        ("/v1/utterances?limit=3", {"kind": "query", "of": "utterances", "limit": 3}),
        ("/v1/suggestions", {"kind": "query", "of": "suggestions"}),
        ("/v1/calls?outcomes=observed&where=outcome=won",
         {"kind": "query", "of": "calls", "outcomes": "observed", "where": [{"field": "outcome", "values": ["won"]}]}),
        ("/v1/aggregate?by=intent&by=week", {"kind": "aggregate", "by": ["intent", "week"]}),
        ("/v1/calls/call-one", {"kind": "call", "call": "call-one"}),
        ("/v1/calls/call-one/transcript", {"kind": "transcript", "call": "call-one"}),
    ],
)  # fmt: skip
async def test_a_page_answers_as_its_question_does(client: httpx.AsyncClient, page: str, question: Any) -> None:
    by_get = await client.get(page)
    by_post = await client.post("/v1/questions", json=question)
    assert (by_get.status_code, by_post.status_code) == (200, 200), by_get.text + by_post.text
    assert by_get.content == by_post.content
    assert by_get.json()


async def test_pages_are_followed_by_mark_and_by_link_to_the_end(client: httpx.AsyncClient) -> None:
    seen, page = [], "/v1/calls?limit=1&where=scenario=telecom"
    for _ in range(5):
        answer = await client.get(page)
        seen += [row["call_id"] for row in answer.json()["items"]]
        if "next" not in answer.links:
            break
        page = str(answer.url.join(answer.links["next"]["url"]))
        asked = parse_qs(urlsplit(page).query)
        assert asked == {"limit": ["1"], "where": ["scenario=telecom"], "after": [answer.json()["next"]]}
    assert sorted(seen) == ["call-bob", "call-one", "call-two"]
    assert answer.json()["next"] is None


async def test_who_has_an_answer_is_told_that_it_is_the_same_until_it_is_not() -> None:
    store = await made_store()
    async with client_of(made_gateway(store)) as client:
        await _ask_again_and_again(client, store)


async def _ask_again_and_again(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    first = await client.get("/v1/intents")
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    assert first.headers["cache-control"] == "private, no-cache"
    for sent in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        again = await client.get("/v1/intents", headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    store.points["intents"].clear()
    changed = await client.get("/v1/intents", headers={"If-None-Match": etag})
    assert (changed.status_code, changed.json()["items"]) == (200, [])
    assert changed.headers["etag"] != etag


async def test_an_etag_of_one_tenant_tells_another_nothing(gateway: FastAPI, client: httpx.AsyncClient) -> None:
    etag = (await client.get("/v1/calls")).headers["etag"]
    async with client_of(gateway, "stranger") as stranger:
        assert (await stranger.get("/v1/calls", headers={"If-None-Match": etag})).status_code == 200


SEARCH = {"kind": "search", "text": "x"}


@pytest.mark.parametrize(
    ("asked", "sent", "status", "type_", "said"),
    [
        ("GET /v1/calls?where=colour=red", None, 422, "no-field", "colour"),
        ("GET /v1/calls?where=red", None, 422, "no-field", "no condition"),
        ("GET /v1/intents?where=role=robot", None, 422, "no-field", "robot"),
        ("GET /v1/intents?where=intent=price_worry", None, 404, "unknown", "price_worry"),
        ("GET /v1/intents?limit=0", None, 422, "not-valid", "limit"),
        ("GET /v1/intents?colour=red", None, 422, "not-valid", "colour"),
        ("GET /v1/search", None, 422, "not-valid", "text"),
        ("GET /v1/calls/", None, 422, "not-valid", "at least 1 character"),
        ("GET /v1/nothing", None, 404, "no-page", "/v1/nothing"),
        ("DELETE /v1/calls", None, 405, "no-method", ""),
        ("POST /v1/questions", b"{", 400, "unreadable", ""),
        ("POST /v1/questions", b"[" * 100_000, 400, "unreadable", ""),
        ("POST /v1/questions", b"\xff\xfe", 400, "unreadable", ""),
        ("POST /v1/questions", {"kind": "guess"}, 422, "not-valid", "guess"),
        ("POST /v1/questions", {**SEARCH, "limit": 10**30}, 422, "not-valid", "limit"),
        ("POST /v1/questions", {**SEARCH, "tenant": "umbrella"}, 422, "not-valid", "tenant"),
        ("POST /v1/questions", rb'{"kind":"search","text":"\ud800"}', 422, "not-valid", "text"),
    ],
)
async def test_what_cannot_be_answered_is_a_problem_that_says_why(  # noqa: PLR0913, PLR0917 - a row of the table
    client: httpx.AsyncClient, asked: str, sent: Any, status: int, type_: str, said: str
) -> None:
    content = sent if isinstance(sent, bytes | None) else json.dumps(sent).encode()
    answer = await client.request(*asked.split(" ", 1), content=content, headers={"content-type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:convmine:problem:{type_}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert said in problem["detail"]


async def test_everything_that_is_wrong_with_a_body_is_listed_with_its_place(client: httpx.AsyncClient) -> None:
    body = {"kind": "search", "text": "", "where": [{"field": "role", "values": ["agent"], "a/b": 1}]}
    problem = (await client.post("/v1/questions", json=body)).json()
    assert {one["pointer"] for one in problem["errors"]} == {"/text", "/where/0/a~1b"}


class Failing:
    """Answers nothing, for one reason."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def answer(self, _: Question) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (Retryable("Qdrant at http://secret:6333 is away", dependency="qdrant"), 503, {"retry-after": "2"}),
        (Retryable("secret", dependency="qdrant", retry_after_s=7.2), 503, {"retry-after": "8"}),
        (Config("CONVMINE_STORE_API_KEY", "secret is refused"), 500, {}),
        (Poison("Qdrant at http://secret:6333 refuses this"), 422, {}),
        (TooWide("too many", hint="narrow it"), 422, {}),
        (ConvmineError("cannot", hint="do"), 422, {}),
        (RuntimeError("secret"), 500, {}),
    ],
)
async def test_errors_of_the_store_become_problems_without_secrets(
    error: Exception, status: int, headers: dict[str, str]
) -> None:
    app = create_app(lambda _: Failing(error), KEYS.get)
    with capture_logs() as logs:
        async with client_of(app) as client:
            answer = await client.get("/v1/calls")
    assert answer.status_code == status
    assert headers.items() <= dict(answer.headers).items()
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    needs_somebody = not isinstance(error, ConvmineError) or isinstance(error, Retryable | Config | Poison)
    assert (len(logs) == 2) == needs_somebody


async def test_the_vocabulary_lists_what_can_be_asked(client: httpx.AsyncClient) -> None:
    items = {one["name"]: one for one in (await client.get("/v1/fields")).json()["items"]}
    assert items["role"]["of"] == ["utterances", "intents"]
    assert "customer" in items["role"]["values"]
    assert items["started"]["type"] == "time"


async def test_the_document_describes_every_page_with_its_answer(gateway: FastAPI) -> None:
    async with client_of(gateway, None) as client:
        text = (await client.get("/openapi.json")).text
    document = json.loads(text)
    named = set(re.findall(r"#/components/schemas/([^\"]+)", text))
    assert named - set(document["components"]["schemas"]) == set()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["tags"], path
            assert operation["summary"], path
            if path.startswith("/v1/"):
                assert operation["security"] == [{"key": []}]
                assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
    search = document["paths"]["/v1/search"]["get"]
    assert {one["name"] for one in search["parameters"]} == {"text", "where", "limit", "outcomes"}
    assert all(one["description"] for one in search["parameters"])
    answer = search["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert "Utterance" in answer
    body = document["paths"]["/v1/questions"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["discriminator"]["propertyName"] == "kind"
    for example in body["examples"].values():
        assert TypeAdapter[Question](Question).validate_python(example["value"]) in [page.example for page in PAGES]


async def test_neither_log_nor_metrics_tell_what_was_asked() -> None:
    registry, store = CollectorRegistry(), await made_store()
    app = create_app(lambda asker: StoredAnswers(store, asker), KEYS.get, registry=registry)
    with capture_logs() as logs:
        async with client_of(app) as client:
            await client.get("/v1/search?text=my-illness")
            await client.get("/v1/calls/call-one")
            await client.get("/v1/calls/call-secret")
            await client.get("/v1/secret")
    shown = generate_latest(registry).decode()
    assert [(entry["page"], entry["status"], entry["key"]) for entry in logs] == [
        ("/v1/search", 200, "k-analyst"),
        ("/v1/calls/{call}", 200, "k-analyst"),
        ("/v1/calls/{call}", 404, "k-analyst"),
        ("none", 404, "k-analyst"),
    ]
    for told in (str(logs), shown):
        assert not any(word in told for word in ("my-illness", "call-one", "secret"))
    assert 'convmine_gateway_requests_total{method="GET",page="/v1/calls/{call}",status="404"} 1.0' in shown
