"""The embedder ``sentence-transformers``, with a tiny model of random weights that is made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import Config
from pipeline.store.embedding.options import EmbedderOptions, settings_of, stamp_of
from pipeline.store.embedding.registry import make_embedder

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "price", "is", "too", "high", "we", "are", "moving"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as sentence-transformers reads it: BERT with one layer of 16 numbers, and the mean of its tokens."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("model")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    torch.manual_seed(7)
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    bert_model: Any = BertModel  # typed in some releases, not in others
    bert_model(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(folder / "bert")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    bert = Transformer(str(folder / "bert"))
    SentenceTransformer(modules=[bert, Pooling(16)], device="cpu").save(str(folder / "whole"))
    return folder / "whole"


async def test_a_model_on_disk_gives_unit_vectors_and_stamps_collections_with_its_name(model: Path) -> None:
    embedder = make_embedder("sentence-transformers", EmbedderOptions(model=str(model)))
    stamp = await stamp_of(embedder)
    assert (stamp.name, stamp.dimension) == (f"sentence-transformers:{model}", 16)
    texts = ["the price is too high", "we are moving", "", *["the price"] * 40]
    rows = await embedder.embed(texts)
    assert rows.shape == (43, 16)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(rows[0], (await embedder.embed(texts[:1]))[0], atol=1e-5)
    assert float(rows[0] @ rows[1]) < 0.999
    assert (await embedder.embed([])).shape == (0, 16)
    await embedder.close()
    chosen = f"CONVMINE_STORE_EMBEDDER=sentence-transformers CONVMINE_STORE_EMBEDDER_MODEL={model}"
    assert settings_of(stamp.name) == chosen


async def test_a_model_that_is_not_here_is_a_setting_and_is_not_downloaded(tmp_path: Path) -> None:
    embedder = make_embedder("sentence-transformers", EmbedderOptions(model="nobody/has-this"))
    with pytest.raises(Config, match=r"CONVMINE_STORE_EMBEDDER_MODEL: the model 'nobody/has-this'") as caught:
        await embedder.embed(["text"])
    assert "hf download nobody/has-this" in (caught.value.hint or "")


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.store.embedding.transformers.find_spec", lambda _: None)
    with pytest.raises(Config, match="not installed") as caught:
        make_embedder("sentence-transformers")
    assert "convmine[sentence-transformers]" in (caught.value.hint or "")
