"""A STAND-IN for the servers of models, for tests only: what it says depends on what it is asked and on nothing else.

It speaks ``/v1/chat/completions`` and ``/v1/audio/transcriptions`` as OpenAI does. Each path before ``/v1`` can be told
to fail (``PUT /faults``), so that one address can be away for some workers and there for others.

``PYTHONPATH=tests python tests/chaos/models_stand_in.py --port N``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from llm_server import completion

Kind = Literal["busy", "broken", "hang", "close", "garbage"]

RETRY_AFTER_S = 3
SLOW_ONE_IN = 50
SLOW_S = (2.0, 5.0)

PHRASES = (
    "good morning how can i help you today",
    "this call is recorded for quality reasons",
    "i want to cancel my contract at the end of the month",
    "that is too expensive for what i get",
    "the other company offers me the same for twenty dollars",
    "my internet is down every evening since last week",
    "there is a charge on my bill that i do not know",
    "i would like to have more data on my plan",
    "what does the family plan cost",
    "i can offer you a discount for twelve months",
    "please call me back tomorrow in the afternoon",
    "let me speak to your supervisor please",
    "all right then i will stay with you",
    "thank you that was everything i needed",
)
"""What is heard in audio: which of them, its hash decides."""

_NAMED = re.compile(r"^- (?P<name>[a-z_]+) \((?P<role>[a-z]+)\):", re.MULTILINE)
_OUTCOMES = re.compile(r"^Outcomes: (?P<list>.+)$", re.MULTILINE)
_TURN = re.compile(r"^\[(?P<id>\w+)\] (?P<role>\w+) [\d.]+s: (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """How requests fail; only those whose body holds these words, if any are given."""

    kind: Kind
    containing: str = ""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, and how long it takes."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] | None = None
    after_s: float = 0.0


def draw(text: str | bytes, choices: int) -> int:
    """A number below ``choices`` that looks like chance and is always the same for the same text."""
    return int.from_bytes(sha256(text if isinstance(text, bytes) else text.encode()).digest()[:8], "big") % choices


def heard(audio: bytes) -> Answer:
    """What is said in these bytes; a few take seconds."""
    text = PHRASES[draw(audio, len(PHRASES))]
    slow = draw(audio + b"slow", SLOW_ONE_IN) == 0
    after_s = SLOW_S[0] + draw(audio + b"how slow", 1_000) / 1_000 * (SLOW_S[1] - SLOW_S[0]) if slow else 0.0
    segment = {"id": 0, "start": 0.0, "end": 1.0, "text": text, "avg_logprob": -0.2, "no_speech_prob": 0.01}
    return Answer({"text": text, "language": "english", "segments": [segment]}, after_s=after_s)


def mined(request: Mapping[str, Any]) -> Answer:
    """Intents of the prompt's own list with quotes out of the prompt's own transcript."""
    system, user = (str(message["content"]) for message in request["messages"][:2])
    names = [(found["name"], found["role"]) for found in _NAMED.finditer(system)]
    outcomes = [one.split(" ")[0] for one in _OUTCOMES.findall(system)[0].split("), ")]
    turns = [found.groupdict() for found in _TURN.finditer(user)]
    said = {
        "intents": [intent for turn in turns for intent in _intents(turn, names)],
        "entities": [],
        "topics": [],
        "outcome": _outcome(turns, outcomes),
        "summary": f"A conversation of {len(turns)} turns.",
    }
    return Answer(completion(request, json.dumps(said)))


def _intents(turn: Mapping[str, str], names: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    fitting = [name for name, role in names if role == turn["role"]]
    text = turn["text"]
    if not fitting or draw(text, 4) == 0:
        return []
    quote = " ".join(text.split()[:6])
    name = fitting[draw(text + "name", len(fitting))]
    return [{"segment": turn["id"], "intent": name, "quote": quote, "confidence": 0.5 + draw(text, 50) / 100}]


def _outcome(turns: Sequence[Mapping[str, str]], outcomes: Sequence[str]) -> dict[str, str] | None:
    if not turns or draw(turns[-1]["text"], 3) == 0:
        return None
    last = turns[-1]
    return {
        "name": outcomes[draw(last["text"] + "outcome", len(outcomes))],
        "segment": last["id"],
        "quote": " ".join(last["text"].split()[:6]),
    }


class ModelsStandIn:
    """The server: a connection at a time is one task; faults by the path before ``/v1``."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._changed = asyncio.Event()
        self._asked: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until either side closes it."""
        try:
            while request := await _read(reader):
                if not await self._answer(*request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, path: str, head: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        if path == "/faults":
            await _write(writer, Answer(self._control(method, body)))
            return True
        before = path.partition("/v1/")[0]
        self._asked[before] += 1
        fault = self._faults.get(before)
        if fault is not None and fault.containing.encode() in body:
            self._asked[f"{before} {fault.kind}"] += 1
            return await self._fail(fault.kind, body, writer)
        answer = heard(_uploaded(head, body)) if path.endswith("/audio/transcriptions") else mined(json.loads(body))
        await asyncio.sleep(answer.after_s)
        await _write(writer, answer)
        return True

    def _control(self, method: str, body: bytes) -> dict[str, int]:
        """Put other faults, by path, in place of those before; how often each path was asked, and each fault met."""
        if method == "PUT":
            self._faults = {path: Fault(**fault) for path, fault in json.loads(body).items()}
            self._changed.set()
            self._changed = asyncio.Event()
        return dict(self._asked)

    async def _fail(self, kind: Kind, body: bytes, writer: asyncio.StreamWriter) -> bool:
        match kind:
            case "busy":
                error = {"error": {"message": "too many requests"}}
                await _write(writer, Answer(error, 429, {"retry-after": str(RETRY_AFTER_S)}))
            case "broken":
                await _write(writer, Answer({"error": {"message": "scripted failure"}}, 500))
            case "garbage":
                await _write(writer, Answer(completion(json.loads(body), "I am not sure what you mean.")))
            case "hang":
                await self._changed.wait()
                return False
            case "close":
                return False
        return True


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, str, bytes] | None:
    """Method, path, head and body of the next request; None where the client has closed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head.split(" ", 2)
    length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
    return method, path, head, await reader.readexactly(int(length[1])) if length else b""


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    body = json.dumps(answer.body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **(answer.headers or {})}
    lines = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "\r\n"]).encode() + body)
    await writer.drain()


def _uploaded(head: str, body: bytes) -> bytes:
    """The file of a multipart request, without the boundary, which is another one each time."""
    boundary = re.search(r'(?i)boundary="?([^";\r\n]+)', head)
    parts = body.split(b"--" + boundary[1].encode()) if boundary else [body]
    return next((part.partition(b"\r\n\r\n")[2] for part in parts if b"filename=" in part[:300]), body)


async def _run(port: int) -> None:
    server = await asyncio.start_server(ModelsStandIn().serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve on loopback until stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_run(parser.parse_args().port))


if __name__ == "__main__":
    main()
