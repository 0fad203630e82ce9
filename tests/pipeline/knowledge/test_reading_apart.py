from __future__ import annotations

import multiprocessing

import pytest
from written_documents import HTML, WORDS, docx, pdf

from pipeline.errors import Poison
from pipeline.knowledge.reading_apart import ReadApart


def test_documents_are_read_by_one_process_after_the_other() -> None:
    before = set(multiprocessing.active_children())
    with ReadApart() as apart:
        for ending, data in ((".html", HTML.encode()), (".docx", docx()), (".pdf", pdf(WORDS))):
            assert WORDS in apart.read(ending, data).blocks
        assert apart.read(".md", WORDS.encode()).blocks == (WORDS,)
        assert len(set(multiprocessing.active_children()) - before) == 1
    assert set(multiprocessing.active_children()) <= before


def test_what_is_refused_there_is_refused_here() -> None:
    with ReadApart() as apart:
        with pytest.raises(Poison, match="no PDF"):
            apart.read(".pdf", b"hello")
        assert apart.read(".pdf", pdf(WORDS)).blocks


def test_a_document_that_takes_too_long_is_given_up_and_the_next_is_read() -> None:
    with ReadApart(longest_s=0.001) as apart, pytest.raises(Poison, match="within 0 s"):
        apart.read(".pdf", pdf(WORDS))
    with ReadApart() as apart:
        assert apart.read(".pdf", pdf(WORDS)).blocks
