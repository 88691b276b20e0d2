"""Say of a port, in one line of the log, who can reach it, and by what."""

from __future__ import annotations

import logging

from appliance.ports.addresses import is_loopback
from appliance.settings.models import Listener, WebListener

_SPEECH = {"off": "plain text", "both": "plain text or TLS", "on": "TLS"}


def tell(logger: logging.Logger, name: str, listener: Listener, port: int) -> None:
    """Log it; as a warning where another machine may do everything without a log-in."""
    alone = is_loopback(listener.host) or all(network.is_loopback for network in listener.allow)
    log_in = _log_in(listener)
    open_to_others = not alone and not log_in
    logger.log(
        logging.WARNING if open_to_others else logging.INFO,
        "listening: %s on %s:%d; reached from %s, by %s, with %s",
        *(name, listener.host or "*", port),
        "this machine alone" if alone else ", ".join(map(str, listener.allow)) or "nowhere",
        _SPEECH[listener.speaks],
        log_in or f"no log-in{': whoever connects may do everything' if open_to_others else ''}",
    )
    if "token" in log_in and listener.speaks != "on" and not alone:
        logger.warning("%s: tokens that come in plain text can be read on their way", name)


def _log_in(listener: Listener) -> str:
    found = ["a certificate of the client"] if listener.client_ca else []
    if isinstance(listener, WebListener) and listener.tokens:
        found.append("a token")
    return " and ".join(found)
