#!/usr/bin/env python3
"""Documents in a bucket: a real Backstay process over a server of S3's protocol.

    python3 tests/s3/run.py

Uploads files, kills and starts the server, downloads, deletes, and looks into the bucket each time; then tries a key that
the store does not know. The server (s3rver, from npm, at a pinned version) keeps its objects in a temporary folder. It
knows callers by their key, and does not check the newer signatures: those are held against Amazon's documented examples
in `crates/providers/src/aws/sigv4.rs`. Exit code 0 only if everything was as it should be.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import processes

HERE = pathlib.Path(__file__).resolve().parent
BUCKET = "documents"
PREFIX = "backstay/test"
KEY_ID = SECRET = "S3RVER"
"""What s3rver lets in."""
READ_WITHIN_S = 60
LARGE_BYTES = 24 * 1024 * 1024
MEMORY_KB_MAX = 16 * 1024
"""How much more memory the server may take for a file of that size: it goes through in pieces."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="backstay-s3-") as name, contextlib.ExitStack() as running:
        folder = pathlib.Path(name)
        port = start_store(folder, running)
        simulator_port = processes.free_port()
        running.callback(processes.start_simulator(folder, simulator_port).stop)
        check_documents(folder, port, simulator_port)
        check_refusal(folder, port, simulator_port)
    print("documents in a bucket: everything is as it should be")
    return 0


def start_store(folder: pathlib.Path, running: contextlib.ExitStack) -> int:
    """Starts the store with an empty bucket; its port."""
    node = shutil.which("node")
    if node is None:
        raise processes.DidNotStart("this test needs Node.js 20 or later on the PATH")
    if not (HERE / "node_modules" / "s3rver").is_dir():
        npm = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(npm, cwd=HERE, check=True)
    port = processes.free_port()
    program = str(HERE / "node_modules" / "s3rver" / "bin" / "s3rver.js")
    options = ["-d", str(folder / "objects"), "-a", "127.0.0.1", "-p", str(port), "--no-vhost-buckets"]
    store = processes.Running(
        [node, program, *options, "--configure-bucket", BUCKET], folder / "s3rver.log", dict(os.environ)
    )
    running.callback(store.stop)
    deadline = time.monotonic() + processes.READY_WITHIN_S
    while f":{port}" not in store.log.read_text("utf-8", "replace"):
        if store.process.poll() is not None or time.monotonic() > deadline:
            raise processes.DidNotStart(f"s3rver did not start:\n{store.log_end()}")
        time.sleep(0.02)
    return port


def settings(port: int, key_id: str) -> str:
    return (
        # Nobody waits for vectors here.
        '[memory]\nembedding = "none"\n'
        f'[documents.s3]\nbucket = "{BUCKET}"\nprefix = "{PREFIX}"\nendpoint = "http://127.0.0.1:{port}"\n'
        f'aws = {{ region = "us-east-1", access_key_id = "{key_id}", secret_access_key = "{SECRET}" }}\n'
    )


class Server:
    """Backstay on a data folder of its own."""

    def __init__(self, folder: pathlib.Path, simulator_port: int, settings: str) -> None:
        self.folder, self.simulator_port, self.settings = folder, simulator_port, settings
        self.port, self.key = processes.free_port(), f"bs-{secrets.token_hex(20)}"
        folder.mkdir()
        self.start()

    def start(self) -> None:
        self.running = processes.start_server(
            self.folder, self.port, self.simulator_port, self.key, settings=self.settings
        )

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, bytes]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/backstay/v1/documents{path}", body, method=method)
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def upload(self, name: str, content: bytes) -> tuple[int, dict]:
        head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + b"\r\n--x--\r\n"
        status, answer = self.call("POST", "", body, "multipart/form-data; boundary=x")
        return status, json.loads(answer)

    def settled(self, document: str) -> dict:
        deadline = time.monotonic() + READ_WITHIN_S
        while time.monotonic() < deadline:
            found = json.loads(self.call("GET", f"/{document}")[1])
            if found["status"] in ("indexed", "error"):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{document} is not read:\n{self.running.log_end()}")

    def memory_kb(self) -> int:
        """The most that it ever took."""
        status = pathlib.Path(f"/proc/{self.running.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def long_text() -> bytes:
    """Enough that a kill right after the upload comes while it is read."""
    words = [f"word{number % 977}" for number in range(90)]
    sections = [f"## Section {number}\n\n{' '.join(words)} {number}.\n" for number in range(6_000)]
    return "\n".join([*sections, "## End\n\nOld Marek keeps the zither.\n"]).encode()


def objects(folder: pathlib.Path) -> list[str]:
    """The keys in the bucket."""
    bucket = folder / "objects" / BUCKET
    files = (file for file in bucket.rglob("*._S3rver_object") if file.is_file())
    return sorted(str(file.relative_to(bucket)).removesuffix("._S3rver_object") for file in files)


def check_documents(folder: pathlib.Path, port: int, simulator_port: int) -> None:
    server = Server(folder / "server", simulator_port, settings(port, KEY_ID))
    try:
        text = "# Handbook\n\nEvery employee has thirty days of leave.\n".encode()
        status, added = server.upload("handbook.md", text)
        assert status == 201, (status, added)
        document = added["id"]
        assert server.settled(document)["status"] == "indexed", server.settled(document)
        assert objects(folder) == [f"{PREFIX}/ws_default/{document}"], objects(folder)
        incoming = folder / "server" / "data" / "documents" / "incoming"
        assert list(incoming.iterdir()) == [], "nothing stays on the server"

        server.running.kill()
        server.start()
        assert server.call("GET", f"/{document}/content") == (200, text)
        question = json.dumps({"question": "days of leave"}).encode()
        found = json.loads(server.call("POST", "/search", question)[1])["data"]
        assert [passage["document"] for passage in found] == [document], found

        status, added = server.upload("long.md", long_text())
        assert status == 201, (status, added)
        server.running.kill()
        server.start()
        long = server.settled(added["id"])
        assert (long["status"], long["chunks"] > 1_000) == ("indexed", True), long
        question = json.dumps({"question": "Who keeps the zither?", "limit": 1}).encode()
        found = json.loads(server.call("POST", "/search", question)[1])["data"]
        assert found[0]["document"] == added["id"] and "zither" in found[0]["text"], found
        assert server.call("DELETE", f"/{added['id']}")[0] == 200

        before = server.memory_kb()
        large = secrets.token_hex(LARGE_BYTES // 2).encode()
        status, added = server.upload("large.txt", large)
        assert status == 201, (status, added)
        grown = server.memory_kb() - before
        assert grown < MEMORY_KB_MAX, f"an upload of {LARGE_BYTES} bytes took {grown} kB of memory"
        status, content = server.call("GET", f"/{added['id']}/content")
        assert hashlib.sha256(content).digest() == hashlib.sha256(large).digest()

        for gone in (document, added["id"]):
            assert server.call("DELETE", f"/{gone}")[0] == 200
            assert server.call("GET", f"/{gone}/content")[0] == 404
        assert objects(folder) == [], objects(folder)
    finally:
        server.running.stop()


def check_refusal(folder: pathlib.Path, port: int, simulator_port: int) -> None:
    """A key that the store does not know: the caller is told, the operator where to look, and nothing stays."""
    server = Server(folder / "stranger", simulator_port, settings(port, "STRANGER"))
    try:
        status, answer = server.upload("a.txt", b"some words")
        assert (status, answer["error"]["code"]) == (503, "store_unavailable"), (status, answer)
        assert "InvalidAccessKeyId" in answer["error"]["message"], answer
        assert "documents.s3" in answer["error"]["message"], answer
        assert json.loads(server.call("GET", "")[1])["data"] == []
        assert objects(folder) == []
    finally:
        server.running.stop()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except processes.DidNotStart as reason:
        sys.exit(str(reason))
