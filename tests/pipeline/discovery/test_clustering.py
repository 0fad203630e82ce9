from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.discovery import clustering, micro_clusters
from pipeline.discovery.clusters import Clusters, Said, clusters_of
from pipeline.discovery.ensemble import numbers_of_clusters
from pipeline.errors import Config
from pipeline.ports import Embedder
from pipeline.store.embedding.registry import HashingEncoder, InThread

EMBEDDER: Embedder = InThread(HashingEncoder())
THEMES = {
    "cancel my phone contract": "in {}",
    "reset the password of my account": "since {}",
    "send a copy of the invoice": "of {}",
    "book a technician for the router": "on {}",
}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "january", "february", "march", "april", "may")
GREETINGS = ("", "hello", "hi my name is Ann and", "good morning", "um yeah so")


def said(texts: list[str]) -> list[Said]:
    return [Said(f"u{number}", text) for number, text in enumerate(texts)]


def four_themes() -> tuple[list[str], list[str]]:
    rows = [
        (f"{greeting} i want to {theme} {when.format(day)}", theme)
        for theme, when in THEMES.items()
        for day in DAYS
        for greeting in GREETINGS
    ]
    return [text for text, _ in rows], [theme for _, theme in rows]


_FOUND: list[Clusters] = []


async def of_four_themes() -> Clusters:
    """The answer that most tests look at."""
    if not _FOUND:
        _FOUND.append(await found_in(four_themes()[0]))
    return _FOUND[0]


async def found_in(texts: list[str], number: int | None = None) -> Clusters:
    return await clusters_of(said(texts), EMBEDDER, number)


async def test_what_is_said_of_four_things_is_four_clusters_with_their_names() -> None:
    _, themes = four_themes()
    found = await of_four_themes()
    of_themes = {(theme, found.assignments[f"u{number}"]) for number, theme in enumerate(themes)}
    assert len(of_themes) == len(found.clusters) == 4
    assert [cluster.size for cluster in found.clusters] == [50] * 4
    named = {theme: found.clusters[number - 1].name for theme, number in of_themes}
    for theme, name in named.items():
        assert 2 <= len(name.split()) <= 4
        assert set(name.split()) <= set(theme.split())


async def test_the_same_utterances_have_the_same_clusters_and_the_same_mark() -> None:
    texts, _ = four_themes()
    assert await found_in(texts) == await of_four_themes()
    assert (await found_in(texts[:-60])).seen != (await of_four_themes()).seen


async def test_so_many_clusters_as_are_asked_for() -> None:
    texts, _ = four_themes()
    assert [len((await found_in(texts, number)).clusters) for number in (1, 2, 4)] == [1, 2, 4]
    assert len((await found_in(["one thing", "another matter", "one thing"], 9)).clusters) == 2


async def test_typical_quotes_are_of_the_cluster_and_all_different() -> None:
    texts, themes = four_themes()
    found = await of_four_themes()
    for cluster in found.clusters:
        of_cluster = {theme for text, theme in zip(texts, themes, strict=True) if text in cluster.examples}
        assert len(of_cluster) == 1
        assert len(set(cluster.examples)) == len(cluster.examples) >= 5


async def test_ten_utterances_are_all_given_a_cluster() -> None:
    texts = [f"{verb} my {thing}" for verb in ("cancel", "renew") for thing in ("plan", "card", "bill", "tv", "loan")]
    found = await found_in(texts)
    assert set(found.assignments) == {f"u{number}" for number in range(10)}
    assert sum(cluster.size for cluster in found.clusters) == 10
    assert len({cluster.name for cluster in found.clusters}) == len(found.clusters)


async def test_one_utterance_ten_thousand_times_is_one_cluster() -> None:
    found = await found_in(["I want to cancel my contract"] * 10_000)
    (cluster,) = found.clusters
    assert (cluster.size, cluster.name) == (10_000, "cancel contract")
    assert cluster.examples == ("I want to cancel my contract",)


async def test_what_is_said_in_chinese_is_not_mixed_with_what_is_said_in_english() -> None:
    chinese = [f"我想取消我的宽带套餐{day}" for day in "一二三四五六七八"] * 3
    english = [f"i want to cancel my broadband plan in {day}" for day in DAYS]
    german = [f"ich möchte meine Rechnung vom {day} bezahlen" for day in DAYS]
    texts = [*chinese, *english, *german]
    found = await found_in(texts, 3)
    groups = (range(24), range(24, 34), range(34, 44))
    assert [len({found.assignments[f"u{number}"] for number in group}) for group in groups] == [1, 1, 1]
    name = found.clusters[found.assignments["u0"] - 1].name
    assert all("\u4e00" <= letter <= "\u9fff" for letter in name)


async def test_what_has_no_words_is_a_cluster_of_its_own() -> None:
    texts, _ = four_themes()
    found = await found_in([*texts, "???", "...", "42"])
    last = found.clusters[found.assignments["u200"] - 1]
    assert (last.name, last.size) == ("no words", 3)


async def test_nothing_is_no_clusters() -> None:
    assert (await found_in([])).clusters == ()


async def test_many_utterances_are_compared_by_groups_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_clusters, "MOST", 40)
    texts, themes = four_themes()
    found = await found_in(texts)
    pure = sum(
        max(themes.count(theme) for theme in set(of_cluster))
        for cluster in found.clusters
        if (of_cluster := [theme for n, theme in enumerate(themes) if found.assignments[f"u{n}"] == cluster.id])
        and len(set(of_cluster)) == 1
    )
    assert pure >= 150


def test_groups_are_no_more_than_can_be_compared() -> None:
    rows = np.random.default_rng(0).normal(size=(5_000, 8)).astype(np.float32)
    groups = micro_clusters.micro_clusters(rows, np.ones(5_000, np.float32))
    assert 1_000 < len(np.unique(groups)) <= micro_clusters.MOST
    assert groups.max() + 1 == len(np.unique(groups))


async def test_without_scikit_learn_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "find_spec", lambda _: None)
    with pytest.raises(Config, match="scikit-learn") as refused:
        await found_in(["one", "two"])
    assert refused.value.hint == "pip install 'convmine[local]'"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(max_size=30) | st.sampled_from(["cancel my plan", "取消套餐", "yes", "[CARD]"]), max_size=15))
async def test_whatever_is_said_every_utterance_is_in_one_named_cluster(texts: list[str]) -> None:
    found = await found_in(texts)
    assert set(found.assignments) == {f"u{number}" for number in range(len(texts))}
    assert sum(cluster.size for cluster in found.clusters) == len(texts)
    assert all(cluster.name and cluster.examples for cluster in found.clusters)
    assert len({cluster.name for cluster in found.clusters}) == len(found.clusters)


def test_more_utterances_are_divided_into_more_clusters() -> None:
    assert numbers_of_clusters(8, 8) == [2, 3]
    few, many = numbers_of_clusters(300, 300), numbers_of_clusters(20_000, 2_000)
    assert (few[0], few[-1]) == (5, 43)
    assert (many[0], many[-1]) == (44, 354)
