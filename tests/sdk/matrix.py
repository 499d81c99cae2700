"""Prints the results as a table: client and case down, upstream wire format across."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase
from typing import Iterable

FORMATS = ("openai", "anthropic", "gemini", "cohere", "bedrock", "azure", "vertex", "builtin")
CASES = {
    "plain": "plain",
    "stream": "stream",
    "tools": "tools",
    "parallel_tools": "parallel tools",
    "tool_results": "tool result round trip",
    "structured": "structured output",
    "image": "image",
    "reasoning": "reasoning",
    "memory": "memory",
    "usage": "usage",
    "error": "error",
    "models": "model list",
    "embeddings": "embeddings",
    "memory_file": "memory as a file",
    "responses": "responses",
    "responses_tools": "responses: tools",
    "responses_state": "responses: going on",
    "completions": "text completions",
    "generation": "generation",
    "cached": "response cache",
    "key": "key",
    "credits": "credits",
    "clone": "clone",
    "chat": "messages",
    "send": "messages without a thread",
    "board_tools": "runs with tools",
    "board_decisions": "typed questions",
    "board_memory": "memories",
    "board_documents": "documents",
    "board_models": "model library",
    "board_errors": "errors of Backboard",
    "board_media": "what is not supported",
    "told_here_known_there": "recalled by another SDK",
    "assistants": "assistants and threads",
    "documents": "documents",
}
MARKS = {"passed": "✓", "failed": "✗", "skipped": "–"}


@dataclass(frozen=True)
class Cell:
    client: str
    case: str
    upstream: str
    result: str
    """`passed`, `failed` or `skipped`."""
    detail: str
    """Why it failed or was skipped."""
    evidence: str = ""
    """The last request and answer of a failed cell."""


def table(cells: Iterable[Cell], titles: dict[str, str]) -> str:
    """The matrix, the reasons for what does not apply, and every failure with its evidence."""
    cells = list(cells)
    reasons = list(dict.fromkeys(cell.detail for cell in cells if cell.result == "skipped"))
    by_place = {(cell.client, cell.case, cell.upstream): cell for cell in cells}
    formats = [name for name in FORMATS if any(cell.upstream == name for cell in cells)]
    lines = [f"{'':26}" + "".join(f"{name:<11}" for name in formats)]
    for client, title in titles.items():
        rows = [case for case in CASES if any((client, case, name) in by_place for name in formats)]
        lines += [title] if rows else []
        for case in rows:
            marks = (mark(by_place.get((client, case, name)), reasons) for name in formats)
            lines.append(f"  {CASES[case]:<24}" + "".join(f"{text:<11}" for text in marks).rstrip())
    lines += ["", *(f"  – {letter(number)}  {reason}" for number, reason in enumerate(reasons))] if reasons else []
    for cell in cells:
        if cell.result == "failed":
            place = f"{titles.get(cell.client, cell.client)}, {CASES.get(cell.case, cell.case)}, {cell.upstream} upstream"
            lines += ["", f"✗ {place}", f"  {cell.detail}", *(f"  {line}" for line in cell.evidence.splitlines())]
    passed, failed = (sum(cell.result == result for cell in cells) for result in ("passed", "failed"))
    return "\n".join([*lines, "", f"{passed} passed, {failed} failed"])


def mark(cell: Cell | None, reasons: list[str]) -> str:
    if cell is None:
        return ""
    text = MARKS[cell.result]
    return f"{text} {letter(reasons.index(cell.detail))}" if cell.result == "skipped" else text


def letter(number: int) -> str:
    """a to z, then aa, ab and so on."""
    before, last = divmod(number, len(ascii_lowercase))
    return (letter(before - 1) if before else "") + ascii_lowercase[last]
