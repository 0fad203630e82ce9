"""A stand-in for an identity provider: signs in whoever comes, as it is told, and can behave badly."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY = rsa.generate_private_key(65_537, 2_048)
OTHER = rsa.generate_private_key(65_537, 2_048)
CLIENT = "convmine-desk"
MOST_SENT = 50_000_000


class StandInProvider:
    """What it answers is set by its attributes; ``asked`` are the forms that it was sent for codes."""

    def __init__(self) -> None:
        self.issuer = ""
        self.error: str | None = None
        self.away: set[str] = set()
        self.huge: set[str] = set()
        self.described: dict[str, Any] = {}
        self.access: dict[str, Any] | None = {}
        self.identity: dict[str, Any] = {}
        self.key: Any = KEY
        self.asked: list[dict[str, str]] = []
        self.authorizations: list[tuple[str | None, str | None]] = []
        self.sent = 0
        self._codes: dict[str, dict[str, str]] = {}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        said = {"error": self.error} if self.error else {"code": code, "iss": self.issuer}
        return query["redirect_uri"] + "?" + urlencode({**said, "state": query["state"]})

    def token(self, form: dict[str, str], authorization: str | None) -> tuple[int, dict[str, Any]]:
        """What it gives for a code, once, to who began (RFC 6749, 4.1.3; RFC 7636, 4.6)."""
        self.asked.append(form)
        self.authorizations.append((authorization, form.get("client_secret")))
        begun = self._codes.pop(form.get("code", ""), None)
        if begun is None or form["redirect_uri"] != begun["redirect_uri"] or form["client_id"] != CLIENT:
            return 400, {"error": "invalid_grant"}
        digest = sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != begun["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        given = {
            "token_type": "Bearer",
            "id_token": self.signed({"aud": CLIENT, "nonce": begun["nonce"], **self.identity}),
        }
        if self.access is not None:
            roles = {"aud": "convmine", "tenant": "acme", "roles": ["supervisor"]}
            given["access_token"] = self.signed({**roles, **self.access})
        else:
            given["access_token"] = "opaque"
        return 200, given

    def signed(self, claims: dict[str, Any]) -> str:
        said = {"iss": self.issuer, "sub": "sue-1", "name": "Sue Lee", "exp": int(time.time()) + 300, **claims}
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(kept, self.key, "RS256", headers={"kid": "k1"})

    def says(self, path: str) -> dict[str, Any]:
        if path.endswith("openid-configuration"):
            places = {
                "authorization_endpoint": "/authorize?prompt=login",
                "token_endpoint": "/token",
                "jwks_uri": "/keys",
            }
            urls = {name: self.issuer + place for name, place in places.items()}
            return {"issuer": self.issuer, **urls, **self.described}
        public = jwt.get_algorithm_by_name("RS256").to_jwk(KEY.public_key(), as_dict=True)
        return {"keys": [{**public, "use": "sig", "kid": "k1"}]}


@contextmanager
def stand_in() -> Iterator[StandInProvider]:
    """One on a port of its own, at 127.0.0.1."""
    one = StandInProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", one.authorize({k: v[0] for k, v in parse_qs(url.query).items()}))
                self.end_headers()
                return
            self.answer(200, one.says(url.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer(*one.token(form, self.headers.get("Authorization")))

        def answer(self, status: int, said: dict[str, Any]) -> None:
            name = urlsplit(self.path).path.rpartition("/")[2]
            if name in one.away:
                self.send_error(503)
                return
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(MOST_SENT if name in one.huge else len(body)))
            self.end_headers()
            if name not in one.huge:
                self.wfile.write(body)
                return
            try:
                for _ in range(MOST_SENT // 100_000):
                    self.wfile.write(b" " * 100_000)
                    one.sent += 100_000
            except OSError:  # whoever asked has had enough
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
