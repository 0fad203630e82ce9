"""Who runs this process, by the system's own list of users: no variable of the environment changes it."""

from __future__ import annotations

import os
import pwd
import socket


def os_user() -> str:
    """The name of the user that this process runs as; ``uid:NUMBER`` where the system knows none, as in a container."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid:{uid}"


def operator() -> str:
    """The same with the machine, as ``user@host``."""
    return f"{os_user()}@{socket.gethostname()}"
