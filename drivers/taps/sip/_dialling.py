"""What can be set for calls that the trunk places itself: accounts, how a number is completed, digits, joining."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, final

import pydantic
from pydantic import Field

from drivers.contract import TapOptions

MOST_ACCOUNTS = 3  # PJSIP's binding holds eight a process: one takes the calls, and each of these needs two

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?(?::\d{1,5})?"
_TEMPLATE = re.compile(rf"sip:[^\s<>\"@]{{1,128}}@{_HOST}(?:;[A-Za-z0-9.=_-]{{1,64}}){{0,4}}")
_PLAIN_URI = re.compile(rf"sip:[^\s<>\"@{{}}]{{1,128}}@{_HOST}(?:;[A-Za-z0-9.=_-]{{1,64}}){{0,4}}")
_PROXY = re.compile(rf"{_HOST}(?:;transport=(?:udp|tcp|tls))?")


@final
class Account(pydantic.BaseModel):
    """One account at a PBX, by digest (RFC 8760 leaves MD5 to old ones; the binding does it and SHA-256)."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9.+*_-]{1,64}$")]
    domain: Annotated[str, Field(pattern=rf"^{_HOST}$")]
    password_file: Path
    login: Annotated[str, Field(pattern=r"^[^\s\"\\]{0,64}$")] = ""
    realm: Annotated[str, Field(pattern=r"^[^\"\\\x00-\x1f]{1,128}$")] = "*"
    registers: bool = True
    registrar: Annotated[str, Field(pattern=rf"^({_HOST}(;transport=(udp|tcp|tls))?)?$")] = ""
    expires_s: Annotated[int, Field(ge=30, le=86400)] = 300

    @property
    def name(self) -> str:
        """How it is called in figures and faults."""
        return f"{self.user}@{self.domain}"


class DiallingOptions(TapOptions):
    """How the trunk calls phones: for playback, and to monitor."""

    accounts: Annotated[
        tuple[Account, ...],
        Field(
            max_length=MOST_ACCOUNTS,
            description="accounts at PBXs: { user, domain, password_file, login = user, realm = any, registers = true, "
            "registrar = domain, expires_s = 300 }; the file holds the password in its first line",
        ),
    ] = ()
    dial_account: Annotated[
        str, Field(description="user of the account that calls are placed by; empty: the first account")
    ] = ""
    dial_uri: Annotated[
        str,
        Field(
            description="where a number is called: a SIP URI with {number} in it; empty: at the account's domain",
        ),
    ] = ""
    dial_from: Annotated[
        str, Field(description="SIP URI that calls come from where there is no account; empty: linetap at our address")
    ] = ""
    outbound_proxy: Annotated[
        str, Field(description="host, with :port and ;transport=tcp as need be, that all we send goes through")
    ] = ""
    contact: Annotated[
        str, Field(description="host:port that is registered as ours; empty: host and port of the trunk")
    ] = ""
    ring_s: Annotated[float, Field(ge=1, le=170, description="a phone that rings this long does not answer")] = 60
    lost_phone_s: Annotated[
        float,
        Field(
            ge=1,
            le=3600,
            description="a phone that we play to is gone, and its line free, when it sent packets and sends neither "
            "RTP nor RTCP for this long",
        ),
    ] = 20
    digits: Annotated[
        Literal["rfc4733", "info"], Field(description="digits after the answer: as RTP events, or as SIP INFO")
    ] = "rfc4733"
    digit_pause_s: Annotated[float, Field(ge=0.1, le=30, description="a comma in a number, in seconds")] = 2
    join_s: Annotated[
        float, Field(ge=0.5, le=30, description="how long the PBX may take to tell of a phone's calls (RFC 4235)")
    ] = 4
    join_uri: Annotated[
        str,
        Field(
            description="SIP URI with {number} in it where a phone's call is joined by calling, if the PBX does not "
            "tell of calls or does not know Join (RFC 3911); empty: that is refused",
        ),
    ] = ""

    @pydantic.field_validator("dial_uri", "join_uri")
    @classmethod
    def _templates(cls, uri: str) -> str:
        if uri and not (_TEMPLATE.fullmatch(uri) and uri.count("{number}") == 1 and uri.count("{") == 1):
            raise ValueError(f"{uri!r} is no SIP URI with {{number}} in it once{_instead_of_sips(uri)}")
        return uri

    @pydantic.field_validator("dial_from")
    @classmethod
    def _own_uri(cls, uri: str) -> str:
        if uri and not _PLAIN_URI.fullmatch(uri):
            raise ValueError(f"{uri!r} is no SIP URI{_instead_of_sips(uri)}")
        return uri

    @pydantic.field_validator("outbound_proxy")
    @classmethod
    def _proxy(cls, proxy: str) -> str:
        if proxy and not _PROXY.fullmatch(proxy):
            raise ValueError(f"{proxy!r} is no host[:port][;transport=…]")
        return proxy

    @pydantic.field_validator("contact")
    @classmethod
    def _contact(cls, contact: str) -> str:
        if contact and not re.fullmatch(_HOST, contact):
            raise ValueError(f"{contact!r} is no host[:port]")
        return contact

    @pydantic.model_validator(mode="after")
    def _accounts_are_told_apart(self) -> DiallingOptions:
        names = [account.name for account in self.accounts]
        if len(set(names)) < len(names):
            raise ValueError("two accounts have the same user and domain")
        if self.dial_account and self.dial_account not in {account.user for account in self.accounts}:
            raise ValueError(f"dial_account {self.dial_account!r} is none of the accounts")
        return self

    @property
    def tls_to(self) -> str:
        """Option by which something is sent by TLS; empty where nothing is."""
        places = {name: getattr(self, name) for name in ("outbound_proxy", "dial_uri", "join_uri")}
        places["accounts.registrar"] = " ".join(account.registrar for account in self.accounts)
        return next((name for name, place in places.items() if ";transport=tls" in place.lower()), "")

    @property
    def dials(self) -> bool:
        """Whether a number can be completed, so that the trunk can call."""
        return bool(self.dial_uri or self.accounts)

    @property
    def dialling_account(self) -> Account | None:
        """The account that calls are placed by; None where there is none."""
        wanted = (account for account in self.accounts if self.dial_account in {"", account.user})
        return next(wanted, None)


def _instead_of_sips(uri: str) -> str:
    return ": for TLS write sip:, and ;transport=tls behind it" if uri.lower().startswith("sips:") else ""
