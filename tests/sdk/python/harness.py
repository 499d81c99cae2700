"""Runs the cells of one client: every case against every upstream wire format.

A case is a function `case_<name>(upstream)`. It returns when the client saw what it should have seen, raises
`NotApplicable` where the combination has no meaning, and raises anything else when it failed. Each result is
printed as one JSON line, which `run.py` gathers into the matrix.
"""

from __future__ import annotations

import json
import os
import pathlib
import traceback
import uuid
from dataclasses import dataclass
from typing import Any, Callable

CASES: dict[str, Any] = json.loads((pathlib.Path(__file__).parent.parent / "cases.json").read_text("utf-8"))


class NotApplicable(Exception):
    """The case has no meaning for this upstream; the text says why."""


@dataclass(frozen=True)
class Upstream:
    """One column of the matrix, and how a client reaches it."""

    format: str
    """One of the columns of `matrix.FORMATS`."""
    url: str
    """Scheme, host and port, without a path."""
    key: str
    direct: bool
    """Whether the client talks to the simulator itself, without Backstay."""

    def model(self, name: str) -> str:
        """The name of a simulated model as the client has to write it; `builtin` answers as what it has."""
        if self.direct:
            return name
        if self.format == "builtin":
            return "builtin/recall" if name == "sim-quote" else "builtin/echo"
        return f"sim-{self.format}/{name}"

    def needs_model(self, ability: str) -> None:
        """Skips the cell for the built-in models, which generate nothing."""
        if self.format == "builtin":
            raise NotApplicable(f"the built-in models have no {ability}")

    def needs_server(self, feature: str) -> None:
        """Skips the cell when there is no Backstay between the client and the simulator."""
        if self.direct:
            raise NotApplicable(f"{feature} is Backstay's own")


class Exchanges:
    """The last request and answer of a client, kept as evidence for a cell that fails."""

    def __init__(self) -> None:
        self.last = ""
        self.headers: Any = {}
        """Of the last answer."""

    def on_request(self, request: Any) -> None:
        self.last = f"{request.method} {request.url.path} {request.content.decode('utf-8', 'replace')}"

    def on_response(self, response: Any) -> None:
        body = "(a stream)"
        if "event-stream" not in response.headers.get("content-type", ""):
            response.read()
            body = response.text
        self.last += f"\n  -> {response.status_code} {body}"
        self.headers = response.headers

    def hooks(self) -> dict[str, list[Callable[[Any], None]]]:
        """For the `event_hooks` of the HTTP client that the SDKs use."""
        return {"request": [self.on_request], "response": [self.on_response]}


EXCHANGES = Exchanges()


def require(condition: object, *seen: object) -> None:
    """Fails the cell with what was seen, unless the condition holds."""
    if not condition:
        raise AssertionError(", ".join(repr(value)[:600] for value in seen))


def same(seen: object, expected: object) -> None:
    require(seen == expected, f"saw {seen!r}", f"expected {expected!r}")


def raises(error: type[BaseException], call: Callable[[], object]) -> Any:
    """What the call raised; fails the cell if it returned or raised something else."""
    try:
        returned = call()
    except error as raised:
        return raised
    raise AssertionError(f"expected {error.__name__}, but the call returned {returned!r}"[:600])


def unique(name: str) -> str:
    """A name that no other cell and no other run uses."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def main(client: str, module: dict[str, Any]) -> None:
    """Runs every `case_` function of a module against every upstream that `run.py` names."""
    target = json.loads(os.environ["SDK_TEST_TARGET"])
    cases = [(name.removeprefix("case_"), case) for name, case in module.items() if name.startswith("case_")]
    wanted = os.environ.get("SDK_TEST_CASES", "").split()
    for format_name in target["formats"].get(client, []):
        upstream = Upstream(format_name, target["url"], target["key"], target["direct"])
        for name, case in cases:
            if not wanted or name in wanted:
                print(json.dumps({"client": client, "case": name, "upstream": format_name, **run_cell(case, upstream)}))


def run_cell(case: Callable[[Upstream], None], upstream: Upstream) -> dict[str, str]:
    EXCHANGES.last = ""
    try:
        case(upstream)
    except NotApplicable as reason:
        return {"result": "skipped", "detail": str(reason)}
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        here = [frame for frame in frames if pathlib.Path(frame.filename).stem.startswith(("test_", "memory"))]
        where = f"{pathlib.Path(here[-1].filename).name}:{here[-1].lineno}" if here else "harness"
        detail = f"{where}: {type(error).__name__}: {error}"
        return {"result": "failed", "detail": detail, "evidence": EXCHANGES.last}
    return {"result": "passed", "detail": ""}
