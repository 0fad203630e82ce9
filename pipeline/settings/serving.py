"""The gateway and the dashboard, and who may enter them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from pipeline.settings.values import Group, Names, Positive, Seconds


class OidcSettings(Group):
    """Bearer tokens of an identity provider (OpenID Connect), beside API keys."""

    issuer: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """The issuer that tokens must name; without it no token is taken."""
    audience: str | None = None
    """The audience that tokens must name; needed with an issuer."""
    jwks_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """Where its keys are; where it is not set, the issuer's own description says."""
    tenant_claim: str = "tenant"
    """Claim that names the tenant."""
    roles_claim: str = "roles"
    """Claim with the scopes: a list, or a text parted by spaces, of publish, supervisor, analyst, admin, agent:ID. A
    claim inside another is written with a dot: `realm_access.roles`.
    """
    agent_claim: str | None = None
    """Claim with the agent's id, for who has the role `agent` without one."""
    leeway_s: Annotated[int, Field(ge=0, le=300)] = 30
    """Seconds by which clocks may differ."""


class GatewaySettings(Group):
    """The HTTP interface: where it is served, and where the command line finds it."""

    host: str = "127.0.0.1"
    """Address that it listens on; `0.0.0.0` in a container."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """Its port; 0 is a free one, which is printed."""
    keys: Path = Path.home() / ".local" / "share" / "convmine" / "keys.json"
    """File of the API keys, hashed, that `convmine keys new` writes; it is read again when it changes."""
    at_once: Positive = 64
    """Requests that are answered at the same time; further ones get 429 and Retry-After."""
    timeout_s: Seconds = 30.0
    """Seconds without any progress after which a request is given up."""
    key_per_minute: Positive = 30_000
    """Requests a minute that one key, or one person's session, may send to a process; more get 429 and Retry-After."""
    address_per_minute: Positive = 60_000
    """The same of one address, whatever it shows; of IPv6, of one network of 64 bits."""
    failures_per_minute: Positive = 30
    """Requests a minute without a valid key, signing in included, after which nobody new is let in from that address.
    """
    proxies: Names = ()
    """Networks of the proxies before the gateway and the dashboard, such as `10.0.0.0/8`, separated by commas: the
    address that they name in X-Forwarded-For is the one that is counted. Without it, theirs is, for all who come by it.
    """
    max_body_bytes: Positive = 1_000_000
    """The largest body of a request, in bytes; an uploaded recording may have `CONVMINE_AUDIO_MAX_BYTES`."""
    uploads: Path = Path.home() / ".local" / "share" / "convmine" / "uploads"
    """Folder of uploaded recordings, which the `asr` workers need at the same path, in `CONVMINE_AUDIO_ALLOWED_ROOTS`.
    """
    twilio_token: SecretStr | None = None
    """The auth token of the Twilio account whose Media Streams come in without a key: it signs them with it."""
    twilio_tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    """Tenant of the calls that Twilio has signed; where it is not set, `CONVMINE_TENANT`."""
    twilio_url: Annotated[str, Field(pattern=r"^wss://[^\s]+$")] | None = None
    """The address that Twilio was given (`<Stream url>`), which it signs; where it is not set, `wss://`, the name that
    Twilio asked for, and `/v1/adapters/twilio`.
    """
    streams_at_once: Positive = 5_000
    """Streams of suggestions, and calls coming in, that are open at the same time; further ones get 429."""
    ticket_secret: SecretStr | None = None
    """Signs the tickets with which pages open streams; the same for all gateways of an installation. Without it, each
    takes only the tickets that it made.
    """
    origins: Names = ()
    """Origins of pages that may ask the gateway from a browser, such as `https://desk.example`, separated by commas.
    """
    resume_s: Seconds = 900.0
    """Seconds back that a stream of suggestions can go on from where it broke off (Last-Event-ID)."""
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")] | None = None
    """Address of the gateway that the command line asks, such as `https://convmine.example`; without it, the store."""
    key: SecretStr | None = None
    """The API key that the command line shows to the gateway."""


class DashboardSettings(Group):
    """The pages for sellers, supervisors and analysts."""

    host: str = "127.0.0.1"
    """Address that they are served at; `0.0.0.0` in a container."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8090
    """Port; 0 is a free one, which is printed."""
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] | None = None
    """Address by which browsers reach them, such as `https://desk.example`; without it, the one that a request names.
    """
    secret: SecretStr | None = None
    """Signs sessions; the same for all dashboards of an installation. Without it, sessions end with the process."""
    session_hours: Annotated[float, Field(gt=0, le=720)] = 12.0
    """Hours until somebody has to sign in again."""
    quiet_s: Seconds = 15.0
    """Seconds in which nobody speaks after which the floor shows a call as silent."""
    recordings: str | None = None
    """Where the recording of a call lies, such as `file:///srv/recordings/{tenant_id}/{call_id}.wav`; without it calls
    cannot be heard. `CONVMINE_AUDIO_ALLOWED_ROOTS`, `…_HOSTS` and `…_BUCKETS` allow the place, as they do for workers.
    """
    recordings_bytes: Positive = 2_000_000_000
    """Bytes of masked copies of recordings that are kept for ten minutes while people listen, in TMPDIR."""
    oidc_client_id: str | None = None
    """Name of the dashboard at the identity provider of `CONVMINE_OIDC_ISSUER`; with it people sign in there."""
    oidc_client_secret: SecretStr | None = None
    """Its secret there, where it has one."""
