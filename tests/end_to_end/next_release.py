"""``convmine`` as its next release will be: transcripts have the minor version 1.1, and it knows a type more.

``python -m next_release worker extract`` runs beside today's in one group.
"""

from __future__ import annotations

from schemas.transcript import TranscriptCompleted


def begin() -> None:
    """Read and write transcripts of the next minor version."""
    TranscriptCompleted.version = (1, 1)


if __name__ == "__main__":
    begin()
    from workers.cli import main

    main()
