"""Recordings and live audio, and the engine that hears them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from pipeline.settings.values import Group, Names, Paths, Positive, Seconds


class AudioSettings(Group):
    """What recordings a worker accepts and from where."""

    allowed_roots: Paths = ()
    """Folders that `file://` recordings may lie in; with none, no local file is read."""
    allowed_hosts: Names = ()
    """Hosts that recordings may be downloaded from: `name` is a public host on its scheme's default port, `name:port`
    that port on any address, private ones too.
    """
    allowed_buckets: Names = ()
    """Buckets that `s3://bucket/key` recordings may lie in (extra `s3`); with none, no S3 server is asked."""
    s3_endpoint: str | None = None
    """Address of the S3 server, such as `http://localhost:9000`; where it is not set AWS_ENDPOINT_URL, else AWS."""
    s3_region: str | None = None
    """Region of the buckets; where it is not set AWS_DEFAULT_REGION, else that of the profile, else `us-east-1`."""
    s3_access_key: SecretStr | None = None
    """Key id for the S3 server; where it is not set boto3 looks: AWS_ACCESS_KEY_ID, profile, role of the machine."""
    s3_secret_key: SecretStr | None = None
    """The secret of that key."""
    s3_addressing: Literal["auto", "path", "host"] = "auto"
    """Where the bucket stands in an address: in its path or in its host; `auto` is the path with
    `CONVMINE_AUDIO_S3_ENDPOINT`, else the host.
    """
    max_bytes: Positive = 2_000_000_000
    """The largest recording, in bytes; ten hours of two channels of telephone speech have 576,000,000."""
    max_duration_s: Seconds = 4 * 3_600.0
    """The longest recording, in seconds."""
    arrival_deadline_s: Seconds = 600.0
    """Seconds after its event in which a recording may still arrive; then it is a dead letter."""
    fetch_timeout_s: Seconds = 600.0
    """Seconds that one download may take."""
    vad_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability of speech from which a frame of 32 ms counts as speech."""
    vad_hangover_ms: Positive = 400
    """A pause shorter than this, in milliseconds, does not end a span of speech."""
    max_span_s: Annotated[float, Field(gt=0, le=30)] = 20.0
    """A longer span of speech, in seconds, is cut where it is quietest. Whisper hears 30 s at once."""
    split_silence_s: Seconds = 60.0
    """Where nobody speaks for so many seconds, a recording of many conversations (`split` of its event) is cut."""
    partial_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    """While somebody speaks in a live call, every so many milliseconds the words so far are published; 0 is never."""
    idle_s: Seconds = 900.0
    """Seconds without audio after which a live call that nobody ended is taken for ended."""


class AsrSettings(Group):
    """Which engine turns speech into text."""

    engine: Literal["pocketsphinx", "whisper", "faster-whisper", "openai"] = "whisper"
    """The engine; `openai` is any server with `/v1/audio/transcriptions`. `convmine demo` takes pocketsphinx where
    this is not set.
    """
    model: str = "small"
    """Name of the model, or where a checkpoint (whisper) or folder (faster-whisper) lies; pocketsphinx has its own."""
    device: str = "auto"
    """Where whisper and faster-whisper compute: `auto`, `cpu` or `cuda`."""
    workers: Positive = 2
    """Processes of pocketsphinx."""
    batch: Positive = 8
    """Spans that whisper and faster-whisper decode in one pass, of whichever calls; or requests that are under way at
    the `openai` server.
    """
    batch_wait_ms: Annotated[int, Field(ge=0, le=1_000)] = 30
    """How long, in milliseconds, a span of a recording waits for others to be decoded with; one of a live call goes at
    once, unless the engine is busy.
    """
    diariser: Annotated[str, Field(min_length=1, max_length=100)] = "none"
    """What tells several speakers on one channel apart: the name that an installed package gives its own in the entry
    point group `convmine.diarisers`; with `none` their role is unknown.
    """
    keep_from_s: Seconds = 600.0
    """Recordings of so many seconds and more keep what was decoded already, where the answers of language models are
    kept (`CONVMINE_LLM_CACHE`), so that a kill repeats a few spans and not all.
    """
    base_url: str | None = None
    """Address of the `openai` server up to `/v1`; where it is not set OPENAI_BASE_URL, else OpenAI's own."""
    api_key: SecretStr | None = None
    """Key of the `openai` server; one of your own may need none. OPENAI_API_KEY does not serve here."""
    timeout_s: Seconds = 60.0
    """Seconds that the `openai` server may take for one span."""
