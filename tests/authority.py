"""Certificates for tests."""

from __future__ import annotations

import dataclasses
import datetime as dt
import ssl
from pathlib import Path

import trustme


@dataclasses.dataclass(frozen=True)
class Files:
    """A certificate and its key as files."""

    certificate: Path
    key: Path


class Authority:
    """Vouches for servers and clients."""

    def __init__(self, folder: Path, name: str) -> None:
        self._authority = trustme.CA(organization_name=name)
        self._folder = folder
        self._name = name
        self.file = folder / f"{name}.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def issue(self, name: str, *, ends_at: dt.datetime | None = None) -> Files:
        leaf = self._authority.issue_cert(name, common_name=name, not_after=ends_at)
        files = Files(self._folder / f"{self._name}-{name}.pem", self._folder / f"{self._name}-{name}.key")
        files.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(str(files.key))
        return files

    def client(self, shown: Files | None = None) -> ssl.SSLContext:
        """Give the context of a client that trusts this authority, and shows that certificate."""
        context = ssl.create_default_context(cafile=str(self.file))
        if shown:
            context.load_cert_chain(shown.certificate, shown.key)
        return context
