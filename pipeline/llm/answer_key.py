"""The key that an answer is kept under: the same for the same question to the same model, and for nothing else."""

from __future__ import annotations

import json
from dataclasses import fields
from hashlib import sha256
from typing import Any

from pipeline.ports import ChatRequest


def answer_key(request: ChatRequest, *, model: str, server: str) -> str:
    """SHA-256, in hex, of all that the answer depends on.

    Args:
        request: all of it counts but who pays; of objects in the JSON Schema the order of names does not.
        model: the model that is asked where the request names none.
        server: where it is served: another server's model of the same name may answer otherwise.
    """
    asked: dict[str, Any] = {
        field.name: getattr(request, field.name) for field in fields(request) if field.name not in {"account", "model"}
    }
    asked["messages"] = [[message.role, message.content] for message in request.messages]
    question = {"server": server, "model": request.model or model, "request": asked}
    canonical = json.dumps(question, sort_keys=True, separators=(",", ":"), default=dict)
    return sha256(canonical.encode()).hexdigest()
