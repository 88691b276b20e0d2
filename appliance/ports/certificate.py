"""The box's own certificate: made on the first start, kept in ``data_dir``, made anew in good time before it ends.

It vouches for itself, so a client has to be told to trust it: the certificate lies alone, without its key, beside the
file that the box serves from.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance import clock

logger = logging.getLogger(__name__)

CHAIN = "own.pem"
"""Key and certificate, mode 0600."""
PUBLIC = "own-certificate.pem"
"""The certificate alone, for clients to trust."""
_LEFT = 1 / 3
"""It is made anew when less than this share of its time is left."""
_SKEW = dt.timedelta(hours=1)
_LONGEST_NAME = 64
_OTHER_USAGES = (
    *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"),
    *("encipher_only", "decipher_only"),
)


def keep_own(folder: Path, names: Iterable[str], days: int) -> Path:
    """Give the file with key and certificate for the names; made now unless a good one is there. Raises OSError.

    The key stays the same as long as it can be read, so that who trusts the key trusts the next certificate, too.
    """
    chain = folder / CHAIN
    wanted = [_general_name(name) for name in dict.fromkeys(names)]
    key, certificate = _read(chain)
    if key and certificate and _is_good(certificate, key, wanted, days):
        return chain
    key = key or ec.generate_private_key(ec.SECP256R1())
    certificate = _make(key, wanted, days)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    _write(chain, private + public, 0o600)
    _write(folder / PUBLIC, public, 0o644)
    until = clock.local(certificate.not_valid_after_utc)
    logger.info("own certificate made: %s, good until %s", folder / PUBLIC, until.isoformat(" ", "minutes"))
    return chain


def ends_at(file: Path) -> dt.datetime:
    """Give the end of the first certificate in the file. Raises OSError, ValueError."""
    return x509.load_pem_x509_certificates(file.read_bytes())[0].not_valid_after_utc


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _read(chain: Path) -> tuple[ec.EllipticCurvePrivateKey | None, x509.Certificate | None]:
    """Give what can be read of an earlier one."""
    try:
        octets = chain.read_bytes()
        key = serialization.load_pem_private_key(octets, None)
    except (OSError, ValueError, TypeError):
        return None, None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None, None
    try:
        return key, x509.load_pem_x509_certificate(octets)
    except ValueError:
        return key, None


def _is_good(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName], days: int
) -> bool:
    left = certificate.not_valid_after_utc - clock.now()
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.public_key() == key.public_key()
        and list(named) == names
        and certificate.not_valid_before_utc <= clock.now()
        and dt.timedelta(days=days) * _LEFT < left <= dt.timedelta(days=days)
    )


def _make(key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName], days: int) -> x509.Certificate:
    called = next((str(name.value) for name in names if isinstance(name, x509.DNSName)), "linetap")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called[:_LONGEST_NAME])])
    own_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usages = dict.fromkeys(_OTHER_USAGES, False)
    return (
        x509.CertificateBuilder(subject, subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - _SKEW)
        .not_valid_after(clock.now() + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usages), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(own_key, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_key), critical=False)
        .sign(key, hashes.SHA256())
    )


def _write(file: Path, octets: bytes, mode: int) -> None:
    """Write beside its place with that mode from the first byte on, then rename. Raises OSError."""
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as written:
            written.write(octets)
            written.flush()
            os.fsync(written.fileno())
        part.chmod(mode)
        part.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
