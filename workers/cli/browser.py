"""The browser of this machine, where it has one."""

from __future__ import annotations

import webbrowser
from threading import Thread
from typing import Final

_OF_TERMINALS: Final = (webbrowser.GenericBrowser, webbrowser.Elinks)
"""Browsers without windows, which would take the terminal; of the first, ``BackgroundBrowser`` is a kind with one."""


def open_browser(address: str) -> None:
    """Open an address, if there is a browser with windows; does not wait for it."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) not in _OF_TERMINALS:
        Thread(target=browser.open, args=(address,), daemon=True).start()
