"""One box on its folders: locks that die with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self, final

from appliance.errors import UnreachableError


@final
class BoxLock:
    """Keeps a second box off the same folders; they are made if they are not there.

    Raises UnreachableError when another box holds one of them, or when a folder cannot be made.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._held: list[int] = []

    def __enter__(self) -> Self:
        try:
            for folder in self._folders:
                self._take(folder)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _take(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held = os.open(folder / "box.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UnreachableError(f"{folder} cannot be used: {error.strerror}") from error
        self._held.append(held)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnreachableError(f"another box runs on {folder}") from None

    def _release(self) -> None:
        for held in self._held:
            os.close(held)
        self._held.clear()
