"""Servers with a mock model, as the benchmarks of this folder have them, and windows of load on them."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "postgres")]

import processes
import run as postgres

KEY = "bs-0123456789abcdefghijklmnopqrstuvwxyz0123"
NODES = 3
CONFIG = """
[[providers]]
id = "bench"
format = "openai"
base_url = "http://127.0.0.1:{upstream}/v1"
api_key = "sk-upstream"

[[providers.models]]
id = "bench-model"
price = {{ prompt = "0.000001", completion = "0.000002" }}

[discovery]
enabled = false

[memory]
embedding = "none"
"""
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on", "max_connections": 100}


def start(folder: pathlib.Path, config: pathlib.Path, place: list[str]) -> tuple[processes.Running, int]:
    port = processes.free_port()
    command = [str(processes.binary("backstay")), "serve", "--listen", f"127.0.0.1:{port}", *place]
    command += ["--config", str(config), "--log", "warn"]
    server = processes.Running(command, folder / f"{port}.log", processes.server_environment(KEY))
    server.wait_until(f"http://127.0.0.1:{port}/ready")
    return server, port


@contextlib.contextmanager
def installation(folder: pathlib.Path) -> Iterator[tuple[int, list[int]]]:
    """The port of a server with a data folder, and those of servers that share a database."""
    folder.chmod(0o755)
    (folder / "database").mkdir()
    database = postgres.Server(postgres.install(), folder / "database", postgres.SETTINGS | DURABLE)
    upstream = processes.free_port()
    mock_command = [str(processes.binary("gateways-bench")), "upstream", "--listen", f"127.0.0.1:{upstream}"]
    mock = processes.Running(mock_command, folder / "upstream.log", dict(os.environ))
    config = folder / "backstay.toml"
    config.write_text(CONFIG.format(upstream=upstream), "utf-8")
    servers = []
    try:
        servers.append(start(folder, config, ["--data", str(folder / "data")]))
        servers += [start(folder, config, ["--store", database.url]) for _ in range(NODES)]
        embedded, *nodes = (port for _, port in servers)
        yield embedded, nodes
    finally:
        for server, _ in servers:
            server.stop()
        mock.kill()
        database.stop()


def window(ports: list[int], options: argparse.Namespace, key: str = KEY) -> tuple[float, float]:
    """Requests per second of all servers together, and the p50 in milliseconds."""
    share = max(1, options.connections // len(ports))
    load = [str(processes.binary("gateways-bench")), "load", "--key", key, "--connections", str(share)]
    load += ["--seconds", str(options.seconds)]
    running = [
        subprocess.Popen([*load, "--target", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True) for port in ports
    ]
    figures = [json.loads(process.communicate()[0]) for process in running]
    rate = sum(figure["completed"] for figure in figures) / max(figure["elapsed_s"] for figure in figures)
    return rate, statistics.median(figure["total_p50_us"] for figure in figures) / 1000


def show(what: str, measured: dict[str, list[tuple[float, float]]], base: str) -> None:
    print(f"| {what} | requests/s | ÷ {base} | p50 ms |\n|---|--:|--:|--:|")
    for name, windows in measured.items():
        rates = [rate for rate, _ in windows]
        ratios = [rate / other for (rate, _), (other, _) in zip(windows, measured[base], strict=True)]
        p50 = statistics.median(p50 for _, p50 in windows)
        print(f"| {name} | {spread(rates, 0)} | {spread(ratios, 2)} | {p50:.1f} |")


def spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}–{max(values):.{digits}f}]"
