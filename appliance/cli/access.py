"""How commands come into a box whose ports ask for more than an address, by the environment.

``LINETAP_CA`` is a file of certificates (PEM) to trust the box by: with it commands speak TLS. ``LINETAP_CERTIFICATE``
and ``LINETAP_KEY`` are the command's own certificate, ``LINETAP_TOKEN`` is the token for the HTTP ports; all of them
stand in the environment rather than in options, since a command line can be read by every user of the machine.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


def tls() -> ssl.SSLContext | None:
    """Give the context to speak TLS with, or None for plain text. Raises LinetapError for files that are none."""
    trusted = os.environ.get("LINETAP_CA", "")
    if not trusted:
        return None
    import ssl

    from appliance.errors import LinetapError

    try:
        context = ssl.create_default_context(cafile=trusted)
        if certificate := os.environ.get("LINETAP_CERTIFICATE"):
            context.load_cert_chain(certificate, os.environ.get("LINETAP_KEY"))
    except (OSError, ValueError) as error:
        raise LinetapError(f"LINETAP_CA, LINETAP_CERTIFICATE, LINETAP_KEY: {error}") from error
    return context


def headers() -> dict[str, str]:
    """Give the headers of HTTP requests."""
    token = os.environ.get("LINETAP_TOKEN", "")
    return {"Authorization": f"Bearer {token}"} if token else {}
