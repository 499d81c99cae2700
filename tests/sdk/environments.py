"""Installs the SDKs at their pinned versions, once; later runs reuse what is there."""

from __future__ import annotations

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
OLD_BACKBOARDS = ("-1.5.14", "-1.5.9", "-1.4", "-1.3")
"""Endings of published versions of Backboard's SDK that run beside the newest."""
CACHE = HERE.parent.parent / ".cache"


def fingerprint(*files: pathlib.Path) -> str:
    """Changes with the pinned versions and with the Python that runs this."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def python(name: str = "") -> pathlib.Path:
    """The interpreter of a virtual environment with Python SDKs; a name where they do not go with the others."""
    ending = f"-{name}" if name else ""
    requirements = HERE / "python" / f"requirements{ending}.txt"
    folder = CACHE / f"sdk-python{ending}"
    interpreter = folder / "bin" / "python"
    stamp = folder / "installed"
    wanted = fingerprint(requirements)
    if not is_current(stamp, wanted):
        print(f"installing the Python SDKs of {requirements.name} ...", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(requirements)], check=True)
        stamp.write_text(wanted)
    return interpreter


def javascript() -> str:
    """The Node.js that runs the JavaScript tests, with the SDKs installed next to them."""
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("the JavaScript SDK tests need Node.js 20 or later on the PATH")
    folder = HERE / "javascript"
    stamp = folder / "node_modules" / ".installed"
    wanted = fingerprint(folder / "package-lock.json")
    if not is_current(stamp, wanted):
        print("installing the JavaScript SDKs ...", flush=True)
        npm = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(npm, cwd=folder, check=True)
        stamp.write_text(wanted)
    return node


def is_current(stamp: pathlib.Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


def versions() -> dict[str, str]:
    """The pinned version of each SDK, by the name under which the matrix shows its client."""
    pins, openrouter, langchain = (pinned(name) for name in ("", "-openrouter", "-langchain"))
    backboards = {f"python-backboard{version}": f"-backboard{version}" for version in ("", *OLD_BACKBOARDS)}
    packages = json.loads((HERE / "javascript" / "package.json").read_text())["dependencies"]
    return {
        "python-openai": f"Python openai {pins['openai']}",
        "python-anthropic": f"Python anthropic {pins['anthropic']}",
        "python-openrouter": f"Python openrouter {openrouter['openrouter']}",
        "python-langchain": f"LangChain langchain-openrouter {langchain['langchain-openrouter']}",
        "python-pam": f"Python portable-ai-memory {pins['portable-ai-memory']}",
        **{client: f"Python backboard-sdk {pinned(ending)['backboard-sdk']}" for client, ending in backboards.items()},
        "javascript-openai": f"JavaScript openai {packages['openai']}",
        "javascript-openrouter": f"JavaScript @openrouter/sdk {packages['@openrouter/sdk']}",
        "javascript-backboard": f"JavaScript backboard-sdk {packages['backboard-sdk']}",
        "javascript-ai": f"Vercel ai {packages['ai']}",
        "javascript-ai-openrouter": f"Vercel ai with @openrouter/ai-sdk-provider {packages['@openrouter/ai-sdk-provider']}",
    }


def pinned(ending: str) -> dict[str, str]:
    lines = (HERE / "python" / f"requirements{ending}.txt").read_text().split()
    return dict(line.split("==") for line in lines if "==" in line)
