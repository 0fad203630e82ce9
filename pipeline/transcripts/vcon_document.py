"""The document of a vCon, and what is refused of one: only an unsigned one of a known version can be read."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

from pipeline.errors import Poison

Json = Mapping[str, Any]

LARGEST: Final = 512 * 1024 * 1024
"""Bytes of a document: an hour of uncompressed stereo telephony within it has 154 MB."""
_GZIP: Final = b"\x1f\x8b"
_VERSION: Final = re.compile(r"0\.[0-4]\.\d{1,3}")
_COMPACT: Final[Mapping[int, bool]] = {2: True, 4: False}
"""Points in a compact JWS, which is signed, and in a compact JWE, which is not; both begin with ``eyJ``."""
_EXTENSIONS: Final = frozenset({"cc"})
"""The extensions whose parameters are read here, in lower case."""
_PARTS: Final = ("parties", "dialog", "analysis", "attachments", "group")
HASHES: Final[Mapping[str, str]] = {"sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
"""The hash functions of ``content_hash``, by their names in Python."""


def read_document(data: bytes) -> Json:
    """The document in a file, gzipped or not.

    Raises:
        Poison: it is no JSON or no vCon, is signed or encrypted, or needs what is not known here; in one line.
    """
    document = _parsed(_unpacked(data))
    _refuse_closed(document)
    if not isinstance(document, dict) or not any(part in document for part in _PARTS):
        raise Poison("this is no vCon: it has neither parties nor a dialog")
    version = document.get("vcon")
    if version is not None and not (isinstance(version, str) and _VERSION.fullmatch(version)):
        raise Poison(f"its version {version!r} is not known here: vCon 0.0.1 to 0.4.0 can be read")
    needed = [*objects_or_names(document, "critical"), *objects_or_names(document, "must_support")]
    if unknown := sorted({str(name) for name in needed} - {n for n in map(str, needed) if n.lower() in _EXTENSIONS}):
        raise Poison(f"it may only be read by who supports the extension {unknown[0]!r}, which is not known here")
    return document


def objects_or_names(document: Json, name: str) -> Sequence[Any]:
    """A list of the document; empty where there is none.

    Raises:
        Poison: it is no list.
    """
    found = document.get(name)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise Poison(f"{name} is no list")
    return found


def objects(document: Json, name: str) -> list[Json]:
    """A list of objects; what was redacted to nothing stays an empty object, as others count on its place.

    Raises:
        Poison: it is no list, or something in it is no object.
    """
    found = [{} if one is None else one for one in objects_or_names(document, name)]
    for number, one in enumerate(found):
        if not isinstance(one, dict):
            raise Poison(f"{name} {number} is no object")
    return found


def instant(value: object, where: str) -> datetime:
    """A date of RFC 3339; without a zone it counts as UTC.

    Raises:
        Poison: it is none.
    """
    try:
        at = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise Poison(f"{where}: {value!r} is no date and time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def content(part: Json, where: str) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """What is inline in a part: text, JSON, or bytes of ``base64url``; None where nothing is.

    Under ``json`` the body may be the value itself (draft -04) or its text (before). One without ``encoding`` is taken
    as it is.

    Raises:
        Poison: the encoding is unknown, the body is not what it says, or its hash is another.
    """
    body, encoding = part.get("body"), part.get("encoding")
    if body is None:
        return None
    found: Any
    match encoding:
        case "none" | None:
            found = body
        case "json":
            found = _json(body, where) if isinstance(body, str) else body
        case "base64url":
            found = _base64url(body, where)
        case _:
            raise Poison(f"{where}: the encoding {encoding!r} is not known: it may be none, json or base64url")
    if part.get("content_hash") is not None:
        check_hash(part, found if isinstance(found, bytes) else str(body).encode(), where)
    return found


def hashes(part: Json, where: str) -> dict[str, bytes]:
    """The digests that the content must have, by the name of the function; those of unknown functions are left out.

    Raises:
        Poison: ``content_hash`` is not of the form ``sha512-`` and base64url.
    """
    tokens = part.get("content_hash") or []
    found: dict[str, bytes] = {}
    for token in tokens if isinstance(tokens, list) else [tokens]:
        name, dash, digest = token.partition("-") if isinstance(token, str) else ("", "", "")
        if not dash:
            raise Poison(f"{where}: content_hash {token!r} is not of the form sha512-…")
        if name in HASHES:
            found[HASHES[name]] = _base64url(digest, f"{where}: content_hash")
    return found


def check_hash(part: Json, data: bytes, where: str) -> None:
    """Compare content with what the document says of it.

    Raises:
        Poison: it is another.
    """
    for name, digest in hashes(part, where).items():
        if hashlib.new(name, data).digest() != digest:
            raise Poison(f"{where}: its {name} is not the one in content_hash: it was changed, or is another file")


def _unpacked(data: bytes) -> bytes:
    if data.startswith(_GZIP):
        try:
            data = gzip.GzipFile(fileobj=BytesIO(data)).read(LARGEST + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise Poison(f"it is gzipped, and broken: {error}") from error
    if len(data) > LARGEST:
        raise Poison(f"it has more than {LARGEST} bytes")
    return data


def _parsed(data: bytes) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if data.lstrip().startswith(b"eyJ") and (signed := _COMPACT.get(data.count(b"."))) is not None:
        raise _closed(signed=signed)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Poison(f"it is no JSON: {error}") from error


def _refuse_closed(document: Any) -> None:  # noqa: ANN401 - likewise
    if isinstance(document, dict):
        if "ciphertext" in document:
            raise _closed(signed=False)
        if "payload" in document and ("signatures" in document or "signature" in document):
            raise _closed(signed=True)


def _closed(*, signed: bool) -> Poison:
    if signed:
        return Poison("it is signed (JWS): verify it with the key of who signed it, and import what is in its payload")
    return Poison("it is encrypted (JWE): decrypt it with your key, and import what comes out")


def _json(text: str, where: str) -> Any:  # noqa: ANN401 - likewise
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Poison(f"{where}: its encoding is json, and the body is none: {error}") from error


def _base64url(text: object, where: str) -> bytes:
    """RFC 4648, section 5, with or without padding."""
    if not isinstance(text, str):
        raise Poison(f"{where}: its encoding is base64url, and the body is no string")
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Poison(f"{where}: this is no base64url: {error}") from error
