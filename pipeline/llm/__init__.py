"""Chat models behind an OpenAI-compatible interface, and the small static embedding that ships with ``[local]``."""
