"""API tokens: a file of names and hashes, changed by ``linetap token`` and read by the box whenever it has changed.

A token is 256 random bits, so a plain SHA-256 of it gives nothing away. The token itself is shown once, kept nowhere.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, final

import pydantic

from appliance import clock
from appliance.errors import LinetapError

logger = logging.getLogger(__name__)

PREFIX = "linetap_"
"""So that a token that strays into a place where it does not belong can be found there."""

Name = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]


@final
class Token(pydantic.BaseModel):
    """One token. ``sha256`` is that of its text; without ``expires_at`` it never ends."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    name: Name
    sha256: Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]
    created_at: pydantic.AwareDatetime
    expires_at: pydantic.AwareDatetime | None = None


class TokenInvalidError(Exception):
    """The token opens nothing; the text says why, for the log alone."""


_TOKENS: pydantic.TypeAdapter[list[Token]] = pydantic.TypeAdapter(list[Token])


@final
class TokenFile:
    """The tokens of one file. Several processes may change it; each change replaces it as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._by_hash: dict[str, Token] = {}

    def all(self) -> list[Token]:
        """Give every token by name. Raises LinetapError where the file cannot be read."""
        try:
            return sorted(_TOKENS.validate_json(self.path.read_bytes()), key=lambda one: one.name)
        except FileNotFoundError:
            return []
        except (OSError, pydantic.ValidationError) as error:
            raise LinetapError(f"{self.path} cannot be read: {error}") from error

    def add(self, name: str, expires_at: dt.datetime | None = None) -> str:
        """Make a token and give its text. Raises LinetapError for a name that is taken or none."""
        text = PREFIX + secrets.token_urlsafe(32)
        try:
            new = Token(name=name, sha256=_hash(text), created_at=clock.now(), expires_at=expires_at)
        except pydantic.ValidationError as error:
            raise LinetapError(f"{name!r} is no name for a token: letters, digits and . _ @ -, at most 64") from error
        with self._changing():
            known = self.all()
            if any(one.name == name for one in known):
                raise LinetapError(f"there is a token {name}")
            self._write([*known, new])
        return text

    def remove(self, name: str) -> bool:
        """Forget a token; False if there is none of that name. Raises LinetapError."""
        with self._changing():
            known = self.all()
            left = [one for one in known if one.name != name]
            if len(left) < len(known):
                self._write(left)
        return len(left) < len(known)

    def judge(self, text: str) -> str:
        """Give the name of the token. Raises TokenInvalidError."""
        if not text:
            raise TokenInvalidError("none was sent")
        self._look()
        found = self._by_hash.get(_hash(text))
        if found is None:
            raise TokenInvalidError("unknown")
        if found.expires_at and found.expires_at <= clock.now():
            raise TokenInvalidError(
                f"{found.name} expired at {clock.local(found.expires_at).isoformat(' ', 'seconds')}"
            )
        return found.name

    def _look(self) -> None:
        """Read the file if it is another one than before; one that cannot be read opens nothing."""
        try:
            facts = self.path.stat()
            seen = (facts.st_ino, facts.st_mtime_ns)
        except OSError:
            seen = (0, 0)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._by_hash = {one.sha256: one for one in self.all()}
        except LinetapError as error:
            self._by_hash = {}
            logger.error("no token opens anything: %s", error)  # noqa: TRY400 - told there

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Keep other processes from changing it. Raises LinetapError."""
        try:
            with self.path.with_name(self.path.name + ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise LinetapError(f"{error.filename or self.path}: {error.strerror}") from error

    def _write(self, tokens: list[Token]) -> None:
        part = self.path.with_name(self.path.name + ".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_TOKENS.dump_json(tokens, indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if os.geteuid() == 0:  # the box runs as another user, who has to read it
            owner = self.path.parent.stat()
            os.chown(part, owner.st_uid, owner.st_gid)
        part.replace(self.path)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
