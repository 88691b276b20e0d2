"""The accounts that a worker calls by, and their registration, kept up with back-off."""

from __future__ import annotations

import logging
import random
from pathlib import Path
from typing import Any, Final, final

import pjsua2 as pj

from drivers.contract import Registered, TapError, TapOptionsError
from drivers.taps.sip import _dialling
from drivers.taps.sip._library import Account, Callbacks, account_settings, guarded
from drivers.taps.sip._place import Place
from drivers.taps.sip._works import Works

logger = logging.getLogger(__name__)

_FIRST_RETRY_S: Final = 2.0
_LONGEST_RETRY_S: Final = 300.0
_OK: Final = range(200, 300)


@final
class Registration(Account):
    """One account's registration. Dropped with the process only. For the PJSIP thread alone."""

    def __init__(self, works: Works, account: _dialling.Account, callbacks: Callbacks) -> None:
        super().__init__(callbacks)
        self._works = works
        self._told: Registered | None = None
        self._name = account.name
        self._retry_s = _FIRST_RETRY_S
        self._closing = False

    def begin(self) -> None:
        """Register; what comes of it is told."""
        if self._closing:
            return
        try:
            self.setRegistration(True)
        except pj.Error as error:
            self._failed(0, error.reason)

    def end(self) -> None:
        """Take the registration back."""
        self._closing = True
        try:
            if self.getInfo().regIsActive:
                self.setRegistration(False)
        except pj.Error as error:
            logger.warning("%s cannot be unregistered: %s", self._name, error.reason)

    def onRegState(self, prm: Any) -> None:  # noqa: N802 - PJSIP's name
        """Take the registrar's answer; PJSIP renews by itself what was accepted."""
        reason = prm.reason
        if prm.status:  # PJSIP could not answer a challenge, or send
            reason = f"{reason} ({pj.Endpoint.instance().utilStrError(prm.status)})"
        guarded(self._take, prm.code, reason, prm.expiration)

    def _take(self, code: int, reason: str, expires_s: int) -> None:
        if code in _OK and expires_s > 0:
            self._retry_s = _FIRST_RETRY_S
            self._tell(registered=True, code=code, reason=reason)
        elif not self._closing:
            self._failed(code, reason or "the registration was taken back")

    def _failed(self, code: int, reason: str) -> None:
        self._tell(registered=False, code=code, reason=reason)
        delay_s = self._retry_s * random.uniform(0.8, 1.2)
        self._retry_s = min(2 * self._retry_s, _LONGEST_RETRY_S)
        self._works.later(delay_s, self.begin)

    def _tell(self, *, registered: bool, code: int, reason: str) -> None:
        fact = Registered(account=self._name, registered=registered, code=code, reason=reason)
        if fact != self._told:
            self._told = fact
            self._works.host.emit(fact)


@final
class Accounts:
    """All accounts of one worker. The first worker of a tap registers them; each can call by them."""

    def __init__(self, works: Works, worker: int, place: Place, callbacks: Callbacks) -> None:
        self._works = works
        self._worker = worker
        self._place = place
        self._callbacks = callbacks
        self._caller: Account | None = None
        self._registrations: list[Registration] = []

    @property
    def caller(self) -> Account:
        """The account that calls are placed by. Raises TapError."""
        if self._caller is None:
            raise TapError(f"tap {self._works.options.name} is not set up to call")
        return self._caller

    def open(self) -> None:
        """Make the accounts and begin to register. Raises TapOptionsError."""
        options = self._works.options
        if not options.dials:
            return
        caller = Account(self._callbacks)
        caller.create(self._calling(options.dialling_account), True)
        self._caller = caller
        if self._worker == 0:
            self._registrations = [self._register(account) for account in options.accounts if account.registers]

    def close(self) -> None:
        """Take the registrations back."""
        for registration in self._registrations:
            registration.end()

    def _calling(self, account: _dialling.Account | None) -> Any:
        """Settings of the account that calls: it never registers, and it comes before those that do.

        PJSIP picks the account of a subscription by itself, the first one whose registrar is where the URI lies; the
        Contact of one that registers may be the front's.
        """
        settings = self._settings(account)
        settings.priority = 1
        settings.natConfig.sipOutboundUse = 0  # else its Contact says that it registered by RFC 5626
        settings.regConfig.registerOnAdd = False
        if account is not None:
            settings.regConfig.registrarUri = f"sip:{account.registrar or account.domain}"
        return settings

    def _register(self, account: _dialling.Account) -> Registration:
        settings = self._settings(account)
        settings.regConfig.registrarUri = f"sip:{account.registrar or account.domain}"
        settings.regConfig.timeoutSec = account.expires_s
        settings.regConfig.registerOnAdd = False
        settings.regConfig.retryIntervalSec = 0  # we try again ourselves, whatever the answer was
        contact = self._contact()
        if contact:
            settings.sipConfig.contactForced = f"<sip:{account.user}@{contact}>"
            settings.natConfig.contactRewriteUse = 0
        registration = Registration(self._works, account, self._callbacks)
        registration.create(settings)
        self._works.later(0, registration.begin)
        return registration

    def _contact(self) -> str:
        """Where the PBX shall call us: behind a front its address. Empty where PJSIP's own guess is right."""
        options = self._works.options
        if options.contact:
            return options.contact
        if not self._place.door:
            return ""
        if self._place.outside is None:
            raise TapOptionsError("accounts behind a front on 0.0.0.0 need the option contact")
        return f"{self._place.outside}:{options.port}"

    def _settings(self, account: _dialling.Account | None) -> Any:
        options = self._works.options
        settings = account_settings(options, self._worker, self._place)
        if account is not None:
            settings.idUri = f"sip:{account.user}@{account.domain}"
            secret = read_password(account.password_file)
            login = pj.AuthCredInfo("digest", account.realm, account.login or account.user, 0, secret)
            settings.sipConfig.authCreds.append(login)
        elif options.dial_from:
            settings.idUri = options.dial_from
        for proxy in self._proxies():
            settings.sipConfig.proxies.append(f"sip:{proxy};lr")
        return settings

    def _proxies(self) -> list[str]:
        options = self._works.options
        own = [f"127.0.0.1:{options.inside_port}"] if self._place.door else []
        return [*own, *([options.outbound_proxy] if options.outbound_proxy else [])]


def read_password(file: Path) -> str:
    """Give the first line of a file. Raises TapOptionsError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TapOptionsError(f"the password cannot be read: {file}: {error}") from error
    line = text.split("\n", 1)[0].rstrip("\r")
    if not line:
        raise TapOptionsError(f"the password cannot be read: {file} has none in its first line")
    return line
