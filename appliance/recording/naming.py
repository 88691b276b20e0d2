"""Names of recordings: ``<root>/YYYYMMDD/<name>/<name>-HH-MM-SS.<suffix>``, in local time."""

from __future__ import annotations

import collections
import datetime as dt
import itertools
import os
import re
import threading
from pathlib import Path
from typing import Final

_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u2028\u2029\ud800-\udfff]')
_LONGEST_BYTES: Final = 96
_REMEMBERED: Final = 4096
_GUARD: Final = threading.Lock()
_RESERVED: Final[collections.OrderedDict[Path, None]] = collections.OrderedDict()


def reserve(root: Path, name: str, moment: dt.datetime, suffix: str) -> Path:
    """Give a path for a recording that no file has and that nobody was given before; any thread may call.

    Nothing is written: a full disk must not keep a recording from beginning. The last 4096 names are remembered, and
    since names carry the second, an older one cannot come again. Raises OSError if the disk cannot be asked.

    Parameters
    ----------
    name
        Alias or device, in any letters; made safe for a file system.
    moment
        Aware; the name has its own offset's time of day.
    """
    safe = safe_name(name)
    folder = root / f"{moment:%Y%m%d}" / safe
    stem = f"{safe}-{moment:%H-%M-%S}"
    with _GUARD:
        for n in itertools.count(1):
            path = folder / f"{stem}{f'-{n}' if n > 1 else ''}.{suffix}"
            if path not in _RESERVED and not _is_taken(path):
                break
        _RESERVED[path] = None
        if len(_RESERVED) > _REMEMBERED:
            _RESERVED.popitem(last=False)
    return path


def safe_name(name: str) -> str:
    """Make a name that is one folder's name on any file system: no separators, controls or dots at its ends."""
    safe = _UNSAFE.sub("_", name).strip(". ")
    cut = safe.encode()[:_LONGEST_BYTES].decode(errors="ignore").strip(". ")
    return cut or "unknown"


def _is_taken(path: Path) -> bool:
    return any(os.path.lexists(f"{path}{more}") for more in ("", ".json", ".part", ".part.json"))
