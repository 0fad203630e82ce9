"""Each limit of files, of what is fetched and of events, by the words of docs/limits.md.

Where something as large as the limit would take seconds to make or to read, the limit is made smaller for the check,
after it was seen to be the one that is written.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import pytest
from http_peer import peer, saying
from pydantic import ValidationError
from written_documents import pdf

from pipeline import conversation
from pipeline.asr.decode import Limits, decode
from pipeline.asr.fetch import build_store
from pipeline.blobs.names import within_bounds
from pipeline.errors import Config, Poison
from pipeline.knowledge import offering, page, reading, reading_csv, reading_docx, reading_pdf
from pipeline.knowledge.adding import Added
from pipeline.ports import ClaimCheck
from pipeline.recap.customers_http import HttpCustomers
from pipeline.settings import AudioSettings, CustomersSettings, secret_files
from pipeline.transcripts import vcon_document
from schemas.call import CallStarted

Check = Callable[[int, Path], Coroutine[Any, Any, tuple[object, object]]]
"""Given a limit and a folder: what is said of something that large, and of one more."""


def _read(make: Callable[[int], object], refused: str, *constants: tuple[Any, str], small: int | None = None) -> Check:
    """What ``make`` takes; ``constants`` are what is made ``small`` for the check."""

    async def check(limit: int, _: Path) -> tuple[object, object]:
        with pytest.MonkeyPatch.context() as patch:
            for module, name in constants:
                assert getattr(module, name) == limit
                patch.setattr(module, name, small)
            return _tried(make, limit if small is None else small, refused)

    return check


def _tried(make: Callable[[int], object], limit: int, refused: str) -> tuple[object, object]:
    said: list[object] = []
    for size in (limit, limit + 1):
        try:
            found = make(size)
        except (Poison, Config, ValidationError):
            said.append(refused)
        else:
            said.append(refused if isinstance(found, Added) else "taken")
    return said[0], said[1]


async def _fetched(limit: int, folder: Path) -> tuple[object, object]:
    assert AudioSettings().max_bytes == limit
    store = build_store(AudioSettings(allowed_roots=(folder,), max_bytes=1_000))
    said = list[object]()
    for size in (1_000, 1_001):
        (folder / "call.wav").write_bytes(bytes(size))
        try:
            async with store.fetch(ClaimCheck((folder / "call.wav").as_uri())):
                said.append("taken")
        except Poison:
            said.append("dead letter")
    return said[0], said[1]


async def _long(limit: int, folder: Path) -> tuple[object, object]:
    import soundfile

    assert AudioSettings().max_duration_s == limit

    def heard(samples: int) -> object:
        soundfile.write(folder / "call.wav", [0.0] * samples, 8_000)
        return decode(folder / "call.wav", sample_rate_hz=16_000, limits=Limits(max_duration_s=1))

    return _tried(heard, 8_000, "dead letter")


async def _about_customers(limit: int, _: Path) -> tuple[object, object]:
    said = list[object]()
    for size in (limit, limit + 1):
        body = json.dumps({"tier": "gold"}).encode().ljust(size)
        async with peer(saying(200, body=body)) as crm:
            customers = HttpCustomers(CustomersSettings(url=f"{crm.origin}/{{tenant}}/{{customer}}"))
            try:
                said.append("taken" if await customers.of("acme", "c-1") else "nothing")
            except Poison:
                said.append("none is shown")
            finally:
                await customers.close()
    return said[0], said[1]


async def _secret(limit: int, folder: Path) -> tuple[object, object]:
    def taken(size: int) -> object:
        (folder / "secret").write_text("x" * size)
        return secret_files.from_files({"A_KEY_FILE": str(folder / "secret")}, frozenset({"A_KEY"}))

    return _tried(taken, limit, "refused at start")


async def _document(limit: int, folder: Path) -> tuple[object, object]:
    """As a file of a folder, and as what was fetched."""

    def offered(size: int) -> object:
        file = folder / "a.txt"
        file.write_bytes(b"x" * size)
        return offering.of_file(file, "a.txt")

    with pytest.MonkeyPatch.context() as patch:
        for module in (page, offering, reading):
            assert limit == module.MOST_BYTES
            patch.setattr(module, "MOST_BYTES", 1_000)
        here = _tried(offered, 1_000, "told, not added")
        assert _tried(lambda size: reading.read(".txt", b"x" * size), 1_000, "told, not added") == here
    return here


def _conversation(messages: int = 1, size: int = 0) -> bytes:
    turns = [{"role": "agent", "text": "x", "at_ms": 0}] * messages
    return json.dumps({"call_id": "c1", "messages": turns}).encode().ljust(size)


def _zip(parts: int, size: int) -> bytes:
    """A file with so many parts, which unpack to so many bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(parts):
            file.writestr(str(number), b"x" * (size if number == 0 else 0))
    return written.getvalue()


def _unpacked(data: bytes) -> None:
    """What is said of a DOCX by its size; that this one has no text is another thing."""
    try:
        reading_docx.read_docx(data)
    except Poison as error:
        if "too much" in error.message:
            raise


FILES: Final[dict[str, Check]] = {
    "Recording that is fetched": _fetched,
    "Length of a recording": _long,
    "Conversation in a file": _read(
        lambda size: conversation.read_conversation(_conversation(size=size)),
        "refused",
        (conversation, "LARGEST_BLOB"),
        small=1_000,
    ),
    "Messages of a conversation": _read(lambda size: conversation.read_conversation(_conversation(size)), "refused"),
    "vCon, unpacked": _read(
        lambda size: vcon_document.read_document(b'{"parties": []}'.ljust(size)),
        "refused",
        (vcon_document, "LARGEST"),
        small=1_000,
    ),
    "Document of the knowledge base": _document,
    "DOCX, unpacked": _read(
        lambda size: _unpacked(_zip(1, size)), "told, not added", (reading_docx, "_MOST_UNPACKED"), small=1_000
    ),
    "Parts of a DOCX": _read(
        lambda parts: _unpacked(_zip(parts, 1)), "told, not added", (reading_docx, "_MOST_PARTS"), small=20
    ),
    "Pages of a PDF": _read(
        lambda pages: reading_pdf.read_pdf(pdf(*["words"] * pages)),
        "told, not added",
        (reading_pdf, "_MOST_PAGES"),
        small=3,
    ),
    "Rows of a CSV document": _read(lambda rows: reading_csv.read_csv(b"question,answer\n" * rows), "told, not added"),
    "Answer about a customer": _about_customers,
    "File of a secret": _secret,
    "Value beside a record (claimed)": _read(lambda size: within_bounds(bytes(size)), "dead letter"),
    "Id in an event": _read(lambda size: CallStarted(call_id="x" * size), "dead letter"),
}
