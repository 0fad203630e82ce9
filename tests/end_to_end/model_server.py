"""A made-up language model for the end-to-end tests: ``convmine fake-llm`` in its rule mode."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from processes import CONVMINE, environment, running, wait_until


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("model")
    log = folder / "model.log"
    with running([*CONVMINE, "fake-llm", "--json"], environment({}), log):
        wait_until(lambda: "base_url" in log.read_text(), seconds=60, logs=folder)
        yield json.loads(log.read_text().splitlines()[0])["base_url"]
