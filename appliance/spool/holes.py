"""Give memory back, and keep some aside: ``fallocate``, which Python does not have."""

from __future__ import annotations

import ctypes
import errno
import os

PAGE_BYTES = 4096

_KEEP_SIZE = 1
_PUNCH_HOLE = 2
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
_LIBC.fallocate.restype = ctypes.c_int


def punch(fd: int, begin_bytes: int, end_bytes: int) -> None:
    """Give back the memory of a stretch; the file keeps its length and reads as zeros there.

    Only whole pages are freed. Works under a file that another process still appends to. Raises OSError.
    """
    if end_bytes > begin_bytes:
        _fallocate(fd, _PUNCH_HOLE | _KEEP_SIZE, begin_bytes, end_bytes - begin_bytes)


def reserve(fd: int, length_bytes: int) -> bool:
    """Keep room for the file's first ``length_bytes`` without making it longer; False if there is no such room.

    A file system that cannot keep room says True: then nothing is kept, and a write may still find it full.
    """
    try:
        _fallocate(fd, _KEEP_SIZE, 0, length_bytes)
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            return False
        if fault.errno not in (errno.EOPNOTSUPP, errno.ENOSYS):
            raise
    return True


def first_data(fd: int, from_bytes: int) -> int:
    """Offset of the first byte at or behind ``from_bytes`` that no hole covers; the file's length if none is left."""
    try:
        return os.lseek(fd, from_bytes, os.SEEK_DATA)
    except OSError as fault:
        if fault.errno != errno.ENXIO:
            raise
        return os.fstat(fd).st_size


def _fallocate(fd: int, mode: int, offset_bytes: int, length_bytes: int) -> None:
    if _LIBC.fallocate(fd, mode, offset_bytes, length_bytes):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
