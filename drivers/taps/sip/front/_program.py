"""Where Kamailio is on this machine, and what of it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Final, Self, final

from drivers.contract import TapOptionsError

_MODULES: Final = ("/usr/lib/*/kamailio/modules", "/usr/lib/kamailio/modules", "/usr/lib64/kamailio/modules")
_SEARCHED: Final = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """An installed Kamailio."""

    path: Path
    modules: Path

    @classmethod
    def find(cls) -> Self | None:
        """Give the installed one; None where there is none."""
        path = shutil.which("kamailio") or shutil.which("kamailio", path=_SEARCHED)
        folders = sorted(folder for pattern in _MODULES for folder in Path("/").glob(pattern[1:]))
        if path is None or not folders:
            return None
        return cls(Path(path), folders[0])

    def need_tls(self) -> None:
        """Raise :class:`TapOptionsError` where its module for TLS is not installed."""
        if not (self.modules / "tls.so").is_file():
            raise TapOptionsError(f"tls_port needs the package kamailio-tls-modules: no tls.so in {self.modules}")
