"""The Python SDK of Portable AI Memory reads what Backstay exports, and Backstay reads what the SDK writes."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import portable_ai_memory as pam

from harness import Upstream, main, require, same, unique


def call(upstream: Upstream, path: str, body: bytes | None = None, method: str | None = None) -> str:
    headers = {"Authorization": f"Bearer {upstream.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{upstream.url}/backstay/v1/memories{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read().decode("utf-8")


def state(upstream: Upstream, user: str, text: str, **fields: Any) -> dict[str, Any]:
    body = json.dumps({"text": text, "user": user, **fields}).encode("utf-8")
    return json.loads(call(upstream, "", body))["memory"]


def case_memory_file(upstream: Upstream) -> None:
    upstream.needs_server("memory")
    user = unique("pam")
    stays = state(upstream, user, "Zuzana spielt Fagott \u2013 seit März \U0001f3b6.", kind="event", confidence=85)
    goes = state(upstream, user, "Zuzana is a bassoonist.", metadata={"b": 1.5, "a": ["x", {"\u20ac": None}]})
    state(upstream, user, "The user is an administrator.", kind="relation")
    call(upstream, "/merge", json.dumps({"into": stays["id"], "from": [goes["id"]]}).encode("utf-8"))

    exported = call(upstream, f"/export?user={user}&format=pam")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "memory.json"
        file.write_text(exported, "utf-8")
        store = pam.load_memory_store(file)
        result = pam.validate(store)
        require(result.is_valid, [str(issue) for issue in result.issues])
        same({memory.id: memory.status.value for memory in store.memories}[goes["id"]], "superseded")
        same(len(store.memories), 3)
        pam.save(store, file)
        written = file.read_bytes()
    done = json.loads(call(upstream, f"/import?user={user}", written))
    same((done["format"], done["present"], done["statements_added"]), ("pam", 3, 0))


if __name__ == "__main__":
    main("python-pam", globals())
