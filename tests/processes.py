"""The processes that the whole-product tests run: the scripted upstream and the Backstay server.

Binaries come from `BACKSTAY_BIN` and `UPSTREAM_SIM_BIN`, or else from the release folder of Cargo's target folder.
"""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 30.0

PROVIDERS = {
    "openai": 'format = "openai"\nbase_url = "{url}/v1"\napi_key = "sk-sim-openai"',
    "anthropic": 'format = "anthropic"\nbase_url = "{url}"\napi_key = "sk-sim-anthropic"',
    "gemini": 'format = "gemini"\nbase_url = "{url}/v1beta"\napi_key = "sk-sim-gemini"',
    "cohere": 'format = "cohere"\nbase_url = "{url}"\napi_key = "sk-sim-cohere"',
    "bedrock": 'format = "bedrock"\nbase_url = "{url}"\naws = {{ region = "eu-west-1", '
    'access_key_id = "AKIDSIMULATOR", secret_access_key = "sim/secret+access/key" }}',
    "azure": 'format = "openai"\nbase_url = "{url}"\napi_key = "sk-sim-azure"\n'
    'azure = {{ api_version = "2024-10-21" }}',
    "vertex": 'format = "gemini"\nbase_url = "{url}/v1/projects/p/locations/l/publishers/google"\n'
    'google = {{ project = "p", location = "l", credentials = "{account}" }}',
}
"""What the scripted upstream is configured as: each wire format, and the clouds that serve one in their own way.
`{url}` is its address, `{account}` the file of its service account."""
SECRETS = (*(f"sk-sim-{name}" for name in PROVIDERS), "sim/secret+access/key", "ya29.sim-", "PRIVATE KEY")
"""What no log may hold of their credentials."""
MODELS = ("sim-echo", "sim-quote", "sim-think", "sim-learn", "sim-json")


class DidNotStart(Exception):
    """A process ended or stayed silent; the text has the end of its log."""


def binary(name: str) -> pathlib.Path:
    """Where the binary of this name is; the environment may say so, as in `BACKSTAY_BIN`."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    variable = f"{name.upper().replace('-', '_')}_BIN"
    path = pathlib.Path(os.environ.get(variable, target / "release" / name))
    if not path.is_file():
        raise DidNotStart(f"there is no {name} at {path}: build it with `cargo build --release`, or set {variable}")
    return path


def free_port() -> int:
    """A port of the loopback address that nothing listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def server_config(simulator_port: int, account: pathlib.Path, settings: str = "") -> str:
    """The server's TOML file: the scripted upstream, once as each provider, and further settings."""
    sections = ["[discovery]\nenabled = false\n"]
    url = f"http://127.0.0.1:{simulator_port}"
    for name, section in PROVIDERS.items():
        sections.append(f'[[providers]]\nid = "sim-{name}"\n{section.format(url=url, account=account)}\n')
        for model in MODELS:
            price = '{ prompt = "0.000001", completion = "0.000002" }'
            sections.append(f'[[providers.models]]\nid = "{model}"\nprice = {price}\n')
    return "\n".join([*sections, settings])


class Running:
    """A process with its output in a file."""

    def __init__(self, command: list[str], log: pathlib.Path, environment: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)

    def wait_until(self, url: str) -> None:
        """Returns as soon as the address answers 200."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise DidNotStart(f"{self.process.args[0]} ended with {self.process.returncode}:\n{self.log_end()}")
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.01)
        raise DidNotStart(f"{url} did not answer 200 within {READY_WITHIN_S:.0f} s:\n{self.log_end()}")

    def log_end(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    def kill(self) -> None:
        """Ends the process as a power cut would: it gets to do nothing more."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Asks the process to drain and end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode


def start_simulator(folder: pathlib.Path, port: int) -> Running:
    """Starts the scripted upstream; returns when it answers."""
    command = [str(binary("upstream-sim")), "--listen", f"127.0.0.1:{port}"]
    simulator = Running(command, folder / "upstream-sim.log", dict(os.environ))
    simulator.wait_until(f"http://127.0.0.1:{port}/sim/requests")
    return simulator


def server_command(
    folder: pathlib.Path, port: int, simulator_port: int, log: str = "info", settings: str = "", store: str = ""
) -> list[str]:
    """How to start Backstay on `folder/data`, which is kept from one start to the next, or on a shared store."""
    config = folder / "backstay.toml"
    account = folder / "service-account.json"
    with urllib.request.urlopen(f"http://127.0.0.1:{simulator_port}/sim/service-account", timeout=30) as answer:
        account.write_bytes(answer.read())
    config.write_text(server_config(simulator_port, account, settings), "utf-8")
    command = [str(binary("backstay")), "serve", "--listen", f"127.0.0.1:{port}"]
    place = ["--store", store] if store else ["--data", str(folder / "data")]
    return [*command, *place, "--config", str(config), "--log", log]


def server_environment(key: str) -> dict[str, str]:
    """This process's environment without any provider's key, so that only the scripted upstream is found."""
    own = {name: value for name, value in os.environ.items() if not is_credential(name)}
    return {**own, "BACKSTAY_BOOTSTRAP_KEY": key}


def is_credential(name: str) -> bool:
    return name.endswith(("_API_KEY", "_TOKEN")) or name.startswith(("AWS_", "GOOGLE_"))


def start_server(
    folder: pathlib.Path,
    port: int,
    simulator_port: int,
    key: str,
    log: str = "info",
    settings: str = "",
    store: str = "",
    environment: dict[str, str] | None = None,
) -> Running:
    """Starts Backstay, with more in its environment if need be; returns when it is ready."""
    command = server_command(folder, port, simulator_port, log, settings, store)
    server = Running(command, folder / "backstay.log", server_environment(key) | (environment or {}))
    server.wait_until(f"http://127.0.0.1:{port}/ready")
    return server
