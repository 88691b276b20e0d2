"""TLS of all ports: one certificate, own or given, and for each port who else has to show one."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import socket
import ssl
from pathlib import Path
from typing import final

from appliance import clock
from appliance.errors import SettingsError
from appliance.ports.addresses import is_everywhere
from appliance.ports.certificate import ends_at, keep_own
from appliance.settings.models import Listener, Settings

logger = logging.getLogger(__name__)

LOOK_S = 3600.0
"""How often it is looked whether the certificate ends soon, or its file has changed."""
_SECTIONS = ("api", "events", "web", "https")
_SOON = dt.timedelta(days=14)


@final
class Certificates:
    """The certificate that the box serves with, and the contexts made from it.

    Raises SettingsError where a file that the settings name cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._contexts: list[ssl.SSLContext] = []
        self._seen: tuple[float, ...] = ()
        self.ends_at: dt.datetime | None = None
        """End of the certificate; None while there is none."""

    def check(self) -> None:
        """Look at the files that the settings name, and make nothing. Raises SettingsError."""
        if self._settings.tls.certificate:
            try:
                self._load(_new_context())
            except (OSError, ValueError) as error:
                raise SettingsError([f"tls.certificate: {self._settings.tls.certificate}: {_text(error)}"]) from error
        for name in _SECTIONS:
            _trust(_new_context(), name, getattr(self._settings, name))

    def context(self, name: str, listener: Listener) -> ssl.SSLContext | None:
        """Give the context of section ``name``; None where it needs none, or where it can go on in plain."""
        if listener.speaks == "off":
            return None
        context = _new_context()
        try:
            self._load(context)
        except (OSError, ValueError) as error:
            if listener.speaks == "on" or self._settings.tls.certificate:
                raise SettingsError([f"tls: certificate and key of [{name}] cannot be used: {_text(error)}"]) from error
            logger.error("[%s] goes without TLS: no own certificate: %s", name, _text(error))  # noqa: TRY400 - told there
            return None
        _trust(context, name, listener)
        self._contexts.append(context)
        return context

    async def run(self) -> None:
        """Look after the certificate for ever; a vital task."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.refresh()

    def refresh(self) -> None:
        """Take a certificate that was renewed, and renew the own one where it ends soon; new connections get it."""
        if not self._contexts:
            return
        before = self._seen
        try:
            chain, _ = self._files()
            if self._looked_at() != before:
                for context in self._contexts:
                    self._load(context)
                logger.info("certificate taken up anew: %s", chain)
        except (OSError, ValueError) as error:
            logger.error("the certificate of before stays: %s", _text(error))  # noqa: TRY400 - told there
        if self.ends_at and self.ends_at - clock.now() < _SOON:
            logger.warning("the certificate ends at %s", clock.local(self.ends_at).isoformat(" ", "minutes"))

    def _load(self, context: ssl.SSLContext) -> None:
        chain, key = self._files()
        context.load_cert_chain(chain, key, password=_no_password)
        self.ends_at = ends_at(chain)
        self._seen = self._looked_at()

    def _files(self) -> tuple[Path, Path | None]:
        """Give certificate and key; the own ones are made or renewed. Raises OSError."""
        given = self._settings.tls
        if given.certificate:
            return given.certificate, given.key
        return keep_own(self._settings.box.data_dir / "tls", self._names(), given.own_days), None

    def _looked_at(self) -> tuple[float, ...]:
        return tuple(file.stat().st_mtime_ns for file in self._files() if file)

    def _names(self) -> list[str]:
        settings = self._settings
        hosts = [getattr(settings, name).host for name in _SECTIONS]
        names = [*settings.tls.names, socket.gethostname(), "localhost", "127.0.0.1", "::1"]
        return [*names, *(host for host in hosts if not is_everywhere(host))]


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _trust(context: ssl.SSLContext, name: str, listener: Listener) -> None:
    """Ask clients for a certificate where that is set. Raises SettingsError."""
    if listener.client_ca:
        try:
            context.load_verify_locations(listener.client_ca)
        except (OSError, ValueError) as error:
            raise SettingsError([f"{name}.client_ca: {listener.client_ca}: {_text(error)}"]) from error
        context.verify_mode = ssl.CERT_REQUIRED


def _no_password() -> str:
    raise ValueError("the key is locked by a password")


def _text(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
