from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from pipeline.blobs.folder import BlobFolder
from pipeline.blobs.opened import SealedBlobs
from pipeline.errors import Config, Poison
from pipeline.privacy.sealing import Seal, new_key


def on_disk(uri: str) -> bytes:
    return Path(unquote(urlsplit(uri).path)).read_bytes()


async def test_a_value_lies_encrypted_on_the_disk_and_comes_back_as_it_was(tmp_path: Path) -> None:
    blobs = SealedBlobs(BlobFolder(tmp_path), Seal([new_key()]))
    uri = await blobs.put("acme/call-1/a.json", b"what was said")
    assert b"said" not in on_disk(uri)
    assert await blobs.get(uri) == b"what was said"


async def test_what_was_put_before_there_was_a_key_is_still_read(tmp_path: Path) -> None:
    uri = await SealedBlobs(BlobFolder(tmp_path), Seal(())).put("acme/call-1/a.json", b"what was said")
    assert on_disk(uri) == b"what was said"
    assert await SealedBlobs(BlobFolder(tmp_path), Seal([new_key()])).get(uri) == b"what was said"


async def test_another_key_does_not_open_it(tmp_path: Path) -> None:
    uri = await SealedBlobs(BlobFolder(tmp_path), Seal([new_key()])).put("acme/call-1/a.json", b"what was said")
    with pytest.raises(Config, match="none of the keys opens what is stored"):
        await SealedBlobs(BlobFolder(tmp_path), Seal([new_key()])).get(uri)


async def test_what_is_removed_or_expires_is_gone(tmp_path: Path) -> None:
    blobs = SealedBlobs(BlobFolder(tmp_path), Seal([new_key()]))
    uris = [await blobs.put(f"acme/{call}/a.json", b"said") for call in ("call-1", "call-2")]
    await blobs.remove("acme/call-1")
    with pytest.raises(Poison):
        await blobs.get(uris[0])
    assert await blobs.expire(-1.0) == 1
    with pytest.raises(Poison):
        await blobs.get(uris[1])
