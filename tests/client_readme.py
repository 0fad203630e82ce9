"""The programs in the README of the Python client, by what they import."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

CLIENT: Final = Path(__file__).parents[1] / "clients" / "python"
_PROGRAM: Final = re.compile(r"```python\n(.*?)```", re.DOTALL)


def program(imports: str) -> str:
    """The one program that has this line among its imports."""
    programs = _PROGRAM.findall((CLIENT / "README.md").read_text(encoding="utf-8"))
    (found,) = (one for one in programs if f"\n{imports}\n" in one)
    return str(found)
