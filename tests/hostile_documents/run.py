#!/usr/bin/env python3
"""Puts 500 hostile files through the process that reads documents, each under its real limits.

    python3 tests/hostile_documents/run.py                 all of them
    python3 tests/hostile_documents/run.py --step 10       every tenth
    python3 tests/hostile_documents/run.py --program PATH  another binary that knows `parse-document`

Every file must end within 20 s and 256 MB, with its text or with a reason that a person understands. What the kernel
counted is printed: the slowest file, the largest resident memory, how many ended how. Exit code 0 only if all held.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import processes  # noqa: E402

SECONDS = 20
MEMORY_MB = 256
LIMITS = {"file_bytes": 64 << 20, "unpacked_bytes": 256 << 20, "text_bytes": 16 << 20, "blocks": 200_000, "parts": 5_000,
          "depth": 256, "seconds": SECONDS, "memory_bytes": MEMORY_MB << 20, "processes": 2}
ENVIRONMENT = {"MIMALLOC_ARENA_RESERVE": "4096", "MIMALLOC_PURGE_DELAY": "0"}
SECRETS = re.compile(rb"root:[x*!]:0:0")


def read(program: str, path: pathlib.Path, entry: dict) -> dict:
    """One file in one process; what came of it and what it cost."""
    begun = time.monotonic()
    with path.open("rb") as content:
        child = subprocess.Popen([program, "parse-document", entry["extension"], json.dumps(LIMITS)], stdin=content,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd="/",
                                 start_new_session=True)
    late = threading.Timer(SECONDS, lambda: os.killpg(child.pid, signal.SIGKILL))
    late.start()
    last, size, leaked = b"", 0, False
    for line in child.stdout:
        last, size, leaked = line, size + len(line), leaked or bool(SECRETS.search(line))
    words = child.stderr.read(4096).decode(errors="replace")
    _, status, usage = os.wait4(child.pid, 0)
    late.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begun
    return {"file": path.name, "outcome": outcome(last, child.returncode, words), "seconds": seconds, "told": size,
            "memory_mb": usage.ru_maxrss / 1024, "leaked": leaked, "message": message(last), "expect": entry["expect"]}


def outcome(last: bytes, code: int, words: str) -> str:
    """As the parent would name it."""
    try:
        event = json.loads(last)
    except ValueError:
        event = {}
    if "done" in event:
        return "read"
    if "failed" in event:
        return event["failed"]["kind"]
    if "memory allocation of" in words:
        return "out_of_memory"
    if "overflowed its stack" in words:
        return "too_deep"
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "timed_out"
    if code in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS):
        return "damaged"
    return f"failed ({code}: {words.strip()[-200:]})"


def message(last: bytes) -> str:
    try:
        return json.loads(last)["failed"]["message"]
    except (ValueError, KeyError):
        return ""


def wrong(result: dict) -> list[str]:
    problems = []
    if result["seconds"] > SECONDS + 2:
        problems.append(f"took {result['seconds']:.1f} s")
    if result["memory_mb"] > MEMORY_MB:
        problems.append(f"took {result['memory_mb']:.0f} MB")
    if result["leaked"]:
        problems.append("told a file of the server")
    if result["outcome"].startswith("failed"):
        problems.append(result["outcome"])
    if result["expect"] and result["outcome"] not in result["expect"]:
        problems.append(f"ended as {result['outcome']}, not as {' or '.join(result['expect'])}: {result['message']}")
    return problems


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--step", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--program", default=None)
    arguments.add_argument("--files", type=pathlib.Path, help="where the files are made, and kept")
    arguments.add_argument("--verbose", action="store_true", help="print every file")
    options = arguments.parse_args()
    program = options.program or str(processes.binary("backstay"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.files or pathlib.Path(temporary)
        subprocess.run([sys.executable, str(HERE / "make.py"), "--out", str(folder), "--seed", str(options.seed), "--step",
                        str(options.step)], check=True)
        manifest = json.loads((folder / "manifest.json").read_text())
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as workers:
            results = list(workers.map(lambda entry: read(program, folder / entry["file"], entry), manifest))
        elapsed = time.monotonic() - begun
    for result in results:
        problems = wrong(result)
        if problems or options.verbose:
            print(f"{result['file']}: {result['outcome']}, {result['seconds']:.2f} s, {result['memory_mb']:.0f} MB, "
                  f"{result['told'] >> 10} kB told; {'; '.join(problems) or result['message']}")
    failed = sum(bool(wrong(result)) for result in results)
    slowest = max(results, key=lambda result: result["seconds"])
    largest = max(results, key=lambda result: result["memory_mb"])
    kinds = collections.Counter(result["outcome"] for result in results)
    print(", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    print(f"slowest {slowest['seconds']:.2f} s ({slowest['file']}), largest {largest['memory_mb']:.0f} MB ({largest['file']})")
    print(f"{len(results)} hostile files in {elapsed:.0f} s: {failed or 'none'} out of bounds")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
