"""The certificate by which the engine, its workers and its user's programs know each other, and keep all others out.

Who reaches a Dask scheduler can run code as whoever runs it, so that an open port on 127.0.0.1 is open to every user of the
machine. Here both sides of every connection show the one certificate, which is its own authority; its key is in a file
that only its owner can read.
"""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pseudofam_core.errors import JobError
from pseudofam_core.jobs.engine_file import private

if TYPE_CHECKING:
    from distributed.security import Security

_NAME = "pseudofam-engine"
# Clocks are set back and forth, and an engine lives as long as it is used: the key is thrown away, it does not expire.
_FROM, _UNTIL = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def certificate_file(folder: Path) -> Path:
    """Where the key and the certificate of the engine of `folder` are."""
    return folder / "engine.pem"


def make() -> str:
    """A new key (P-256) and its certificate, PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def write(path: Path, pem: str) -> None:
    """Write a key for its owner's eyes, in the place of an older one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    with open(beside, "x", encoding="ascii", opener=private) as file:
        file.write(pem)
    beside.replace(path)


def read(path: Path) -> str:
    """The PEM text of a key that nobody but this user can have read or written.

    Raises:
        JobError: It is not there, is somebody else's, or is open to others.
    """
    try:
        with open(path, encoding="ascii", opener=private) as file:
            about = os.fstat(file.fileno())
            if about.st_uid != os.geteuid() or about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise JobError(f"The engine's key {path} must be yours and closed to others (chmod 600). Remove it.")
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise JobError(f"The engine's key {path} can't be read ({error}). Stop the engine, then try again.") from error


def security(pem: str) -> Security:
    """What Dask needs to use it on both sides of every connection, and to take nothing else."""
    from distributed.security import Security

    certificate = pem[pem.index("-----BEGIN CERTIFICATE") :]
    roles = {f"tls_{role}_cert": certificate for role in ("client", "scheduler", "worker")}
    keys = {f"tls_{role}_key": pem for role in ("client", "scheduler", "worker")}
    return Security(require_encryption=True, tls_ca_file=certificate, **roles, **keys)
