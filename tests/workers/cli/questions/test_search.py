from __future__ import annotations

import json
import shlex
import socket

import pytest
from mined_store import Convmine


def test_a_search_prints_call_time_role_and_words_a_line_each(analyst: Convmine) -> None:
    done = analyst("search", "worried about the price", "--role", "customer", "--limit", "2")
    assert done.code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sorted(line.split()[0] for line in lines) == ["call-one", "call-two"]
    assert lines[0].endswith("00:05  customer  I am worried about the price of my plan")


def test_json_has_items_with_highlights(analyst: Convmine) -> None:
    done = analyst("search", "price", "--call", "call-one", "--limit", "1", "--json")
    document = json.loads(done.stdout)
    (item,) = document["items"]
    assert (item["call_id"], item["start_ms"], document["next"]) == ("call-one", 5_000, None)
    assert [item["text"][start:end] for start, end in item["highlights"]] == ["price"]


def test_text_of_a_call_is_neither_markup_nor_steers_the_terminal(analyst: Convmine) -> None:
    done = analyst("search", "cheaper plans", "--limit", "1")
    assert "I want [bold]cheaper[/bold] plans" in done.stdout
    assert "\x1b" not in done.stdout


def test_an_unknown_intent_is_one_line_with_the_nearest(analyst: Convmine) -> None:
    done = analyst("search", "price", "--intent", "price_worry")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "no intent named 'price_worry'" in done.stderr
    assert "price_concern" in done.stderr


def test_an_unreadable_date_is_a_usage_error(analyst: Convmine) -> None:
    done = analyst("search", "price", "--since", "yesterday")
    assert done.code == 2
    assert "such as 90m, 12h, 7d, 4w nor a date" in done.stderr


def test_nothing_found_names_the_filter_and_leaves_the_pipe_empty(analyst: Convmine) -> None:
    done = analyst("search", "price", "--role", "supervisor")
    assert (done.code, done.stdout) == (0, "")
    assert "role=supervisor left nothing" in done.stderr


def test_a_store_with_nothing_in_it_says_how_to_begin(convmine: Convmine) -> None:
    done = convmine("search", "price")
    assert (done.code, done.stdout) == (0, "")
    assert "convmine demo" in done.stderr


def test_the_command_that_is_printed_shows_the_first_hit_in_its_call(analyst: Convmine) -> None:
    done = analyst("search", "worried about the price", "--role", "customer", "--limit", "1")
    command = done.stderr.removeprefix("the first in its call: ")
    shown = analyst(*shlex.split(command)[1:])
    (marked,) = [line for line in shown.stdout.splitlines() if line.startswith("▶")]
    assert marked == "▶ 00:05  customer  I am worried about the price of my plan"


def test_a_text_past_its_limit_is_one_line(analyst: Convmine) -> None:
    for options in (("x" * 1_001,), ("x", *["--where", "role=agent"] * 21), ("x", "--limit", "1001")):
        done = analyst("search", *options)
        assert (done.code, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_store_that_is_away_is_one_line_that_says_what_to_do(
    convmine: Convmine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("QDRANT_URL", f"http://127.0.0.1:{probe.getsockname()[1]}")
        for command in (("search", "price"), ("query",), ("aggregate", "--by", "intent")):
            done = convmine(*command)
            assert (done.code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
            assert "does not answer" in done.stderr
