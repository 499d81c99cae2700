#!/usr/bin/env python3
"""Runs real client SDKs against a real server process and prints what works as a matrix.

    python3 tests/sdk/run.py                                  everything
    python3 tests/sdk/run.py --client javascript-ai --case memory error
    python3 tests/sdk/run.py --direct                         the SDKs against the scripted upstream itself: shows
                                                              that the tests are right about the wire formats

Exit code 0 only if every cell passed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import environments
import processes
from matrix import CASES, FORMATS, Cell, table

HERE = pathlib.Path(__file__).resolve().parent
CLIENT_WITHIN_S = 600
TESTS = {
    "python-openai": "python/test_openai.py",
    "python-anthropic": "python/test_anthropic.py",
    "python-pam": "python/test_pam.py",
    "javascript-openai": "javascript/test_openai.mjs",
    "javascript-ai": "javascript/test_ai.mjs",
    "python-openrouter": "python/test_openrouter.py",
    "python-langchain": "python/test_langchain.py",
    "python-backboard": "python/test_backboard.py",
    **{f"python-backboard{version}": "python/test_backboard.py" for version in environments.OLD_BACKBOARDS},
    "javascript-openrouter": "javascript/test_openrouter.mjs",
    "javascript-ai-openrouter": "javascript/test_ai_openrouter.mjs",
    "javascript-backboard": "javascript/test_backboard.mjs",
}
OWN_ENVIRONMENT = {
    "python-openrouter": "openrouter",
    "python-langchain": "langchain",
    "python-backboard": "backboard",
    **{f"python-backboard{version}": f"backboard{version}" for version in environments.OLD_BACKBOARDS},
}
"""Python clients that need versions of what the others use too."""
NOT_SIMULATED = tuple(
    client for client in TESTS if "openrouter" in client or "backboard" in client or client == "python-langchain"
)
"""Clients whose dialect the scripted upstream does not speak itself."""


def main() -> int:
    options = arguments()
    started = time.monotonic()
    interpreters = {client: interpreter(client) for client in options.client}
    with tempfile.TemporaryDirectory(prefix="backstay-sdk-") as folder, contextlib.ExitStack() as running:
        target = start(pathlib.Path(folder), options.direct, running)
        environment = dict(os.environ, SDK_TEST_TARGET=json.dumps(target), SDK_TEST_CASES=" ".join(options.case))
        for variable in ("http_proxy", "https_proxy", "all_proxy"):
            environment.pop(variable, None)
            environment.pop(variable.upper(), None)

        def run(client: str) -> list[Cell]:
            named = dict(environment, SDK_TEST_CLIENT=client)
            return run_client(client, [interpreters[client], str(HERE / TESTS[client])], named)

        cells = []
        for clients in in_turn(options.client):
            with ThreadPoolExecutor(len(clients)) as pool:
                cells += [cell for cells_of_one in pool.map(run, clients) for cell in cells_of_one]
        if not options.direct:
            cells.append(log_holds_no_key(pathlib.Path(folder) / "backstay.log", target["key"]))
    print(table(cells, environments.versions()), f"in {time.monotonic() - started:.1f} s")
    return 1 if not cells or any(cell.result == "failed" for cell in cells) else 0


def in_turn(clients: list[str]) -> list[list[str]]:
    """Backboard's come last: what they forget takes along every cached answer of the workspace, which others look for."""
    last = [client for client in clients if "backboard" in client]
    return list(filter(None, ([client for client in clients if client not in last], last)))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--direct", action="store_true", help="leave Backstay out")
    parser.add_argument("--client", nargs="+", choices=TESTS, default=list(TESTS))
    parser.add_argument("--case", nargs="+", choices=CASES, default=[])
    options = parser.parse_args()
    if options.direct:
        options.client = [client for client in options.client if client not in NOT_SIMULATED]
    return options


def interpreter(client: str) -> str:
    """What runs a client's test, with its SDK installed."""
    if TESTS[client].endswith(".mjs"):
        return environments.javascript()
    return str(environments.python(OWN_ENVIRONMENT.get(client, "")))


def start(folder: pathlib.Path, direct: bool, running: contextlib.ExitStack) -> dict:
    """Starts what the clients talk to; how they reach it."""
    simulator_port = processes.free_port()
    running.callback(processes.start_simulator(folder, simulator_port).stop)
    if direct:
        own = {client: ["anthropic" if client == "python-anthropic" else "openai"] for client in TESTS}
        own["python-pam"] = ["builtin"]
        return {"url": f"http://127.0.0.1:{simulator_port}", "key": "sk-sim", "direct": True, "formats": own}
    port, key = processes.free_port(), f"bs-{secrets.token_hex(20)}"
    running.callback(processes.start_server(folder, port, simulator_port, key, log="trace").stop)
    every = {client: list(FORMATS) for client in TESTS} | {"python-pam": ["builtin"]}
    # What is Backboard's own is the same above every provider.
    every |= {client: ["openai", "anthropic", "builtin"] for client in TESTS if client.startswith("python-backboard")}
    return {"url": f"http://127.0.0.1:{port}", "key": key, "direct": False, "formats": every}


def log_holds_no_key(log: pathlib.Path, key: str) -> Cell:
    """All of these calls, logged in full detail, left neither the caller's key nor a provider's behind."""
    text = log.read_text("utf-8", "replace")
    found = [secret for secret in (key, *processes.SECRETS) if secret in text]
    detail = f"the log of {len(text)} characters holds {found}" if found or not text else ""
    return Cell("Backstay's own log", "holds no key", "any", "failed" if detail else "passed", detail, "")


def run_client(client: str, command: list[str], environment: dict[str, str]) -> list[Cell]:
    """The cells of one client. One that ends early fails as a whole."""
    try:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=CLIENT_WITHIN_S)
        output, code, errors = ended.stdout, ended.returncode, ended.stderr
    except subprocess.TimeoutExpired as late:
        output, code, errors = (late.stdout or b"").decode(), "no end", f"stopped after {CLIENT_WITHIN_S} s"
    cells = [Cell(**json.loads(line)) for line in output.splitlines() if line.startswith('{"client"')]
    if code != 0 or not cells:
        detail = f"the test program ended with {code} after {len(cells)} cells"
        cells.append(Cell(client, "the test program itself", "any", "failed", detail, errors[-4000:]))
    return cells


if __name__ == "__main__":
    try:
        sys.exit(main())
    except processes.DidNotStart as reason:
        sys.exit(str(reason))
