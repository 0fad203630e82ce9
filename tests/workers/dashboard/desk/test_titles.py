"""Titles of labels, in the language that somebody reads."""

from __future__ import annotations

import pytest
from gateway_app import KEYS, client_of, made_store

from pipeline.questions.answering import StoredAnswers
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from workers.dashboard.desk.titles import titles_room
from workers.gateway.app import create_app


@pytest.mark.parametrize(
    ("language", "spoken", "title"), [("zh-CN", "zh", "嫌价格高"), ("fr", "en", "Price objection")]
)
async def test_labels_have_titles_in_the_readers_language_or_in_the_default_one(
    language: str, spoken: str, title: str
) -> None:
    store = await made_store()
    room = titles_room(load_library(Settings()))
    app = create_app(lambda asker: StoredAnswers(store, asker), KEYS.get, rooms=[room])
    async with client_of(app, "bob") as client:
        found = (await client.get("/v1/titles/telecom", params={"language": language})).json()
        assert (found["language"], found["titles"]["price_objection"]) == (spoken, title)
        assert found["titles"]["retained"]
        assert (await client.get("/v1/titles/nothing")).status_code == 404
        assert (await client.get("/v1/titles/..%2Ftelecom")).status_code == 404
        assert (await client.get("/v1/titles/telecom", params={"language": "<b>"})).status_code == 422
    async with client_of(app, None) as nobody:
        assert (await nobody.get("/v1/titles/telecom")).status_code == 401
