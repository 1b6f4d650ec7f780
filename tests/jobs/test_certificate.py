"""Who has no certificate of the engine, be it this user or another one of the machine, runs nothing in it."""

from __future__ import annotations

import os
import shutil
import ssl
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from pseudofam_core.errors import JobError
from pseudofam_core.jobs import certificate, engine, engine_file
from tests.jobs.clusters import ROOT

NOBODY = 65534
# Tries what a neighbour would, prints a line for each that worked, and says when it has tried all.
INTRUDE = """
import os, sys, urllib.request
from pathlib import Path
from distributed import Client
from pseudofam_core.jobs import certificate

another = certificate.security(certificate.make())
folder, uid, ports = Path(sys.argv[1]), int(sys.argv[2]), [int(one) for one in sys.argv[3:]]
if uid != os.getuid():
    os.setgroups([]), os.setgid(uid), os.setuid(uid)
for name in ("engine.json", "engine.pem", "engine.log"):
    try:
        print("read", name, (folder / name).read_text())
    except PermissionError:
        pass
for port in ports:
    for scheme, security in (("tcp", None), ("tls", another)):
        try:
            with Client(f"{scheme}://127.0.0.1:{port}", timeout=1, security=security) as client:
                print("ran by", scheme, port, client.submit(os.getuid).result(timeout=5), client.run_on_scheduler(os.getuid))
        except OSError:
            pass
    for path in ("health", "json/identity.json"):
        try:
            print("answered", port, urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=2).read())
        except (OSError, ValueError):
            pass
print("tried all as", os.getuid())
"""


@pytest.fixture(scope="module")
def root():
    """A cache that every user can reach, whose engine lives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(engine.VARIABLE, raising=False)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        folder = Path(tempfile.mkdtemp(prefix="certificate-"))
        folder.chmod(0o755)
        try:
            engine.connect(folder).close()
            yield folder
        finally:
            engine.stop(folder)
            shutil.rmtree(folder)


def listening(root):
    process = psutil.Process(engine_file.read(engine_file.engine_folder(root))["pid"])
    parts = (process, *process.children(recursive=True))
    connections = [one for part in parts for one in part.net_connections("inet")]
    return sorted(one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN)


def intrude(root, uid):
    """What an intruder prints who runs as `uid`."""
    ports = list(map(str, listening(root)))
    assert len(ports) == 3  # the scheduler, its worker and its nanny
    command = [sys.executable, "-c", INTRUDE, str(engine_file.engine_folder(root)), str(uid), *ports]
    ran = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd="/", capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_another_user_can_neither_read_the_key_nor_run_anything(root):
    if os.geteuid() != 0:
        pytest.skip("Only root can become another user.")
    with closing(engine.connect(root)) as client:
        client.wait_for_workers(1, timeout=60)
    assert intrude(root, NOBODY) == [f"tried all as {NOBODY}"]


def test_the_same_user_without_the_certificate_is_kept_out(root):
    with closing(engine.connect(root)) as client:
        client.wait_for_workers(1, timeout=60)
        assert client.submit(os.getuid, pure=False, resources=engine.HEAVY).result(timeout=60) == os.getuid()
    lines = intrude(root, os.getuid())
    assert lines[-1] == f"tried all as {os.getuid()}"
    assert not [line for line in lines if line.startswith(("ran by", "answered"))]


def test_all_that_the_engine_writes_is_closed_to_others(root):
    folder = engine_file.engine_folder(root)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("engine.json", "engine.pem"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert "PRIVATE" not in (folder / "engine.json").read_text()


def test_a_key_that_others_could_have_written_is_refused(tmp_path):
    path = tmp_path / "engine.pem"
    certificate.write(path, certificate.make())
    assert "PRIVATE KEY" in certificate.read(path)
    path.chmod(0o640)
    with pytest.raises(JobError, match="must be yours and closed to others"):
        certificate.read(path)
    path.chmod(0o600)
    (tmp_path / "link.pem").symlink_to(path)
    with pytest.raises(JobError, match="can't be read"):
        certificate.read(tmp_path / "link.pem")
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
        with pytest.raises(JobError, match="must be yours"):
            certificate.read(path)


def test_a_folder_of_somebody_else_is_refused(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("Only root can give a folder away.")
    folder = engine_file.engine_folder(tmp_path)
    folder.mkdir(parents=True)
    os.chown(folder, NOBODY, NOBODY)
    with pytest.raises(JobError, match="made by somebody else"):
        engine.connect(tmp_path)


def test_the_certificate_outlives_every_clock_and_is_its_own_authority(tmp_path):
    from cryptography import x509

    pem = certificate.make()
    made = x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERT") :].encode())
    assert (made.not_valid_before_utc.year, made.not_valid_after_utc.year) == (1970, 9999)
    context = certificate.security(pem).get_connection_args("client")["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("damage", [b"[]", b"\xff\xfe", b'{"pid": -1, "address": 3}', b'{"pid": "1"}', b"[" * 100_000])
def test_a_damaged_engine_file_says_nothing(tmp_path, damage):
    (tmp_path / "engine.json").write_bytes(damage)
    assert engine_file.read(tmp_path) == {}
