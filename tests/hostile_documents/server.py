#!/usr/bin/env python3
"""Uploads 500 hostile files to a running server, which must go on answering while it reads them.

    python3 tests/hostile_documents/server.py                 all of them
    python3 tests/hostile_documents/server.py --step 10       every tenth

Every file ends as `indexed` or as `error` with a reason, reading it within the 20 s of its process; a model call is
answered all along; the server's process is the same at the end, and stops when it is asked to. Printed are how many
ended how, the slowest file, the longest model call and the server's largest resident memory. Exit code 0 only if all held.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import contextlib
import json
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import datetime

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import processes

READ_S = 20
"""Of one file, as `run.py` has it for its process."""
OVERHEAD_S = 40
"""To take the job and to store what was read: up to tens of thousands of passages, beside other files, on a busy machine."""
ALL_WITHIN_S = 1_800
ANSWER_WITHIN_S = 10
UPLOADS_AT_ONCE = 4
SETTINGS = """
[memory]
embedding = "none"
"""
ASSISTANT = "hostile"


class Client:
    def __init__(self, port: int, key: str) -> None:
        self.base, self.key = f"http://127.0.0.1:{port}", key

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
        request = urllib.request.Request(self.base + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)

    def upload(self, name: str, content: bytes) -> tuple[int, dict]:
        boundary = secrets.token_hex(16)
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="assistant"\r\n\r\n{ASSISTANT}\r\n'
        head += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.call("POST", "/backstay/v1/documents", body, f"multipart/form-data; boundary={boundary}")

    def ask(self) -> float:
        """How long a model call takes."""
        begun = time.monotonic()
        body = {"model": "sim-openai/sim-echo", "messages": [{"role": "user", "content": "still there?"}]}
        status, answer = self.call("POST", "/v1/chat/completions", json.dumps(body).encode())
        if status != 200 or answer["choices"][0]["message"]["content"] != "still there?":
            raise SystemExit(f"a model call was answered {status}: {answer}")
        return time.monotonic() - begun

    def documents(self) -> list[dict]:
        found, after = [], ""
        while True:
            _, page = self.call("GET", f"/backstay/v1/documents?assistant={ASSISTANT}&limit=200{after}")
            found += page["data"]
            if not page.get("next"):
                return found
            after = f"&cursor={page['next']}"


def seconds(document: dict) -> float:
    """From the beginning of reading to its end; 0 for what never began."""
    times = [document[name] for name in ("started_at", "finished_at")]
    if not all(times):
        return 0.0
    began, ended = (datetime.fromisoformat(moment.replace("Z", "+00:00")) for moment in times)
    return (ended - began).total_seconds()


def wrong(document: dict) -> str:
    if document["status"] not in ("indexed", "error"):
        return f"is {document['status']} after {ALL_WITHIN_S} s"
    if document["status"] == "error" and len(document["error"]["message"].split()) < 3:
        return f"gives no reason: {document['error']}"
    if seconds(document) > READ_S + OVERHEAD_S:
        return f"took {seconds(document):.1f} s"
    return ""


def peak_memory_mb(pid: int) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--step", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=7)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="backstay-hostile-") as name, contextlib.ExitStack() as running:
        folder = pathlib.Path(name)
        files = folder / "files"
        make = [sys.executable, str(HERE / "make.py"), "--out", str(files), "--seed", str(options.seed)]
        subprocess.run([*make, "--step", str(options.step)], check=True)
        manifest = json.loads((files / "manifest.json").read_text())
        simulator_port, port, key = processes.free_port(), processes.free_port(), f"bs-{secrets.token_hex(20)}"
        running.callback(processes.start_simulator(folder, simulator_port).stop)
        server = processes.start_server(folder, port, simulator_port, key, log="error", settings=SETTINGS)
        running.callback(server.stop)
        client = Client(port, key)
        begun = time.monotonic()
        longest_call = 0.0

        def upload(entry: dict) -> tuple[int, dict]:
            path = files / entry["file"]
            return client.upload(f"{path.stem}.{entry['extension']}", path.read_bytes())

        with concurrent.futures.ThreadPoolExecutor(UPLOADS_AT_ONCE) as workers:
            uploads = [workers.submit(upload, entry) for entry in manifest]
            while not all(one.done() for one in uploads):
                longest_call = max(longest_call, client.ask())
        statuses = collections.Counter(one.result()[0] for one in uploads)
        while any(one["status"] in ("pending", "processing") for one in client.documents()):
            longest_call = max(longest_call, client.ask())
            if time.monotonic() - begun > ALL_WITHIN_S or server.process.poll() is not None:
                break
        documents = client.documents() if server.process.poll() is None else []
        elapsed = time.monotonic() - begun
        memory = peak_memory_mb(server.process.pid) if documents else 0
        code = server.stop()
    problems = [f"{one['filename']}: {wrong(one)}" for one in documents if wrong(one)]
    if refused := {status for status in statuses if status not in (200, 201)}:
        problems.append(f"uploads were refused with {refused}")
    if code != 0:
        problems.append(f"the server ended with {code}")
    if longest_call > ANSWER_WITHIN_S:
        problems.append(f"a model call took {longest_call:.1f} s")
    for problem in problems:
        print(problem)
    ends = collections.Counter((one["error"] or {}).get("code", one["status"]) for one in documents)
    print(", ".join(f"{count} {end}" for end, count in ends.most_common()))
    slowest = max(documents, key=seconds, default=None)
    if slowest:
        print(f"slowest {seconds(slowest):.1f} s ({slowest['filename']}), longest model call {longest_call:.2f} s, "
              f"server {memory} MB at most")
    print(f"{len(manifest)} hostile files uploaded in {elapsed:.0f} s, {statuses[200]} of them the same bytes again: "
          f"{len(problems) or 'nothing'} wrong")
    return 1 if problems or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
