"""The front's own folder: configuration, sockets, a certificate of its own, and the workers' ledgers."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from drivers.contract import TapFailedError, TapOptionsError
from drivers.taps.sip._ledger import PATTERN
from drivers.taps.sip._options import Options
from drivers.taps.sip.front._engine import PID_FILE

_DAYS: Final = 3650
_OPENSSL_S: Final = 20.0


def make_folder(options: Options) -> Path:
    """Make the folder, or take the one of an earlier run: in the service's run-time directory, else in /tmp.

    Raises TapFailedError where it is somebody else's.
    """
    base = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or tempfile.gettempdir()
    folder = Path(base) / f"linetap-front-{options.name}-{options.port}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise TapFailedError(f"the front's folder cannot be made: {error}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise TapFailedError(f"{folder} is no folder of ours")
    return folder


def clear_folder(folder: Path) -> None:
    """Remove the front's files, and the folder if no worker has a ledger in it, and no rtpengine its own."""
    kept = {*folder.glob(PATTERN), folder / PID_FILE}
    for path in folder.iterdir():
        if path not in kept:
            with contextlib.suppress(OSError):
                path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def place_certificate(options: Options, folder: Path) -> None:
    """See that there is a certificate. Raises TapOptionsError where the given one cannot be read."""
    for given in (options.tls_certificate, options.tls_key):
        if given is not None and not os.access(given, os.R_OK):
            raise TapOptionsError(f"{given} cannot be read")
    if options.tls_certificate is None and not (folder / "own.crt").is_file():
        _make_certificate(options, folder)


def _make_certificate(options: Options, folder: Path) -> None:
    if shutil.which("openssl") is None:
        raise TapOptionsError("tls_port without tls_certificate needs the program openssl")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", str(_DAYS), "-subj", f"/CN={options.name}", "-addext", f"subjectAltName=IP:{options.host}"]
    command += ["-keyout", str(folder / "own.key"), "-out", str(folder / "own.crt.new")]
    done = subprocess.run(command, capture_output=True, timeout=_OPENSSL_S, check=False)
    if done.returncode:
        raise TapFailedError(f"openssl: {done.stderr.decode(errors='backslashreplace').strip()[-200:]}")
    (folder / "own.crt.new").rename(folder / "own.crt")  # whole or not there
