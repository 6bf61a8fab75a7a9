"""Outage: the fault of the network that lies below what the libraries made of it, in a few words that do not change."""

import re

HOST = re.compile(r"https?://[^/\s'\"]+")


def outage(error: BaseException) -> str | None:
    """Say what the network did, such as `Connection refused`; None where it did nothing wrong."""
    root = error
    while below := root.__cause__ or root.__context__:
        root = below
    if root is error or not isinstance(root, OSError):
        return None
    return root.strerror or str(root) or type(root).__name__


def silent(host: str, why: str) -> str:
    """Say that a server does not answer; *host* may be a text that names it somewhere."""
    found = HOST.search(host)
    return f"{found[0] if found else 'the server'} does not answer ({why})."
