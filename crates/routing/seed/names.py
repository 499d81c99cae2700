"""One name for a model that every provider calls differently: `author/slug`, as OpenRouter has it."""

import re

# OpenRouter's author for the organisation or vendor that leads a provider's own model id.
AUTHORS = {
    "ai21labs": "ai21",
    "coherelabs": "cohere",
    "deepseek-ai": "deepseek",
    "google-deepmind": "google",
    "ibm": "ibm-granite",
    "meta": "meta-llama",
    "minimaxai": "minimax",
    "mistral": "mistralai",
    "moonshot": "moonshotai",
    "primeintellect": "prime-intellect",
    "stepfun-ai": "stepfun",
    "writer": "writer",
    "xai": "x-ai",
    "xiaomimimo": "xiaomi",
    "zai": "z-ai",
    "zai-org": "z-ai",
    "zhipuai": "z-ai",
}

# Whose a model is, and which tokenizer it has, by how its slug begins. The first that fits counts.
FAMILIES = [
    (r"gpt-oss", "openai", "GPT"),
    (r"gpt|chatgpt|o[134](-|$)|codex|text-embedding|whisper|dall-e|sora|tts-1|davinci|babbage",
     "openai", "GPT"),
    (r"claude", "anthropic", "Claude"),
    (r"gemini|gemma|veo|imagen|lyria|nano-banana", "google", "Gemini"),
    (r"(meta-)?llama-?2|codellama", "meta-llama", "Llama2"),
    (r"(meta-)?llama-?v?3", "meta-llama", "Llama3"),
    (r"(meta-)?llama-?4|muse", "meta-llama", "Llama4"),
    (r"(meta-)?llama", "meta-llama", "Llama3"),
    (r"mi(ni)?stral|mixtral|codestral|devstral|magistral|pixtral|voxtral|open-mi|labs-dev",
     "mistralai", "Mistral"),
    (r"deepseek", "deepseek", "DeepSeek"),
    (r"qwen-?3|qwq-?3", "qwen", "Qwen3"),
    (r"qwen|qwq|qvq|tongyi", "qwen", "Qwen"),
    (r"kimi|moonshot", "moonshotai", "Other"),
    (r"glm", "z-ai", "Other"),
    (r"grok", "x-ai", "Grok"),
    (r"command|c4ai|aya|embed-(v|english|multi)|rerank-(v|english|multi)|north-", "cohere", "Cohere"),
    (r"cohere", "cohere", "Cohere"),
    (r"nova|titan", "amazon", "Nova"),
    (r"phi|wizardlm|mai-", "microsoft", "Other"),
    (r"minimax", "minimax", "Other"),
    (r"hermes|nous", "nousresearch", "Other"),
    (r"nemotron|nvidia", "nvidia", "Other"),
    (r"granite", "ibm-granite", "Other"),
    (r"mimo", "xiaomi", "Other"),
    (r"step", "stepfun", "Other"),
    (r"sonar|pplx|r1-1776", "perplexity", "Other"),
    (r"jamba", "ai21", "Other"),
    (r"ernie", "baidu", "Other"),
    (r"palmyra", "writer", "Other"),
    (r"voyage", "voyageai", "Other"),
    (r"model-router", "microsoft", "Router"),
]

QUANTIZATION = re.compile(r"-(int4|int8|fp4|nvfp4|mxfp4|fp6|fp8|fp16|bf16|awq)(?=-|$)")

# A faster or cheaper way of serving the same model, in the ids of hosts of open models.
SERVING = re.compile(r"-(turbo|fast|tput|highspeed|lite|versatile|instant|p|us|maas|ultrafast|reference)$")
OPEN_HOSTS = {"cloudflare", "deepinfra", "fireworks", "groq", "nebius", "novita", "sambanova",
              "together", "vertex", "huggingface", "cerebras", "nvidia"}

# Names of OpenRouter's that no rule finds.
BY_HAND = {
    "deepseek-v3": "deepseek/deepseek-chat",
    "deepseek-v3-0324": "deepseek/deepseek-chat-v3-0324",
    "deepseek-v3-1": "deepseek/deepseek-chat-v3.1",
    "llama-4-maverick-17b-128e-instruct": "meta-llama/llama-4-maverick",
    "llama-4-maverick-17b-instruct": "meta-llama/llama-4-maverick",
    "llama4-maverick-instruct-basic": "meta-llama/llama-4-maverick",
    "llama-4-scout-17b-16e-instruct": "meta-llama/llama-4-scout",
    "llama-4-scout-17b-instruct": "meta-llama/llama-4-scout",
    "llama-3-1-8b": "meta-llama/llama-3.1-8b-instruct",
    "llama-3-3-70b": "meta-llama/llama-3.3-70b-instruct",
    "kimi-k2-instruct": "moonshotai/kimi-k2",
    "kimi-k2-instruct-0905": "moonshotai/kimi-k2-0905",
    "qwen3-235b-a22b-instruct-2507": "qwen/qwen3-235b-a22b-2507",
    "qwen3-coder-480b-a35b-instruct": "qwen/qwen3-coder",
    "mistral-small-2506": "mistralai/mistral-small-3.2-24b-instruct",
    "mistral-small-2503": "mistralai/mistral-small-3.1-24b-instruct",
    "mistral-medium-2505": "mistralai/mistral-medium-3",
    "mistral-medium-2508": "mistralai/mistral-medium-3.1",
    "command-a-03-2025": "cohere/command-a",
}


def key(slug: str) -> str:
    """What is left of an id when providers' habits of writing are taken out."""
    slug = slug.lower().rsplit("/", 1)[-1]
    slug = re.sub(r"@default$|-maas$|(-v\d+|-\d+)?:\d+$|(?<=anthropic)-v1$", "", slug)
    slug = re.sub(r"(?<=\d)p(?=\d)", "-", slug)
    slug = re.sub(r"[._ ]", "-", slug)
    slug = re.sub(r"[-@](20\d{6}|20\d\d-\d\d-\d\d)$", "", slug)
    slug = re.sub(r"^(meta-llama|meta)-(?=llama)", "", slug)
    slug = re.sub(r"^llama-?v?(?=\d)", "llama-", slug)
    slug = re.sub(r"^qwen-(?=\d)", "qwen", slug)
    return slug.removeprefix("nvidia-")


def quantization(model: str) -> str | None:
    found = QUANTIZATION.search(model.lower().replace("_", "-"))
    return {"awq": "int4"}.get(found[1], found[1]) if found else None


def family(slug: str) -> tuple[str | None, str]:
    """The author and the tokenizer family that a slug tells."""
    slug = slug.lower().rsplit("/", 1)[-1]
    for pattern, author, tokenizer in FAMILIES:
        if re.match(pattern, slug):
            return author, tokenizer
    return None, "Other"


class Canonical:
    """Names of models, from the ids that OpenRouter uses."""

    def __init__(self, openrouter_ids: list[str]):
        self._by_key: dict[str, str] = {}
        openrouter_ids = [name for name in openrouter_ids if "/" in name and name[0] != "~"]
        for name in sorted(openrouter_ids, key=lambda name: (":" in name, name)):
            self._by_key.setdefault(key(name.split(":")[0]), name.split(":")[0])

    def name(self, provider: str, model: str) -> str:
        """OpenRouter's id of a provider's model, or one coined in the same manner."""
        if provider == "openrouter":
            return model
        slug, author = _without_vendor(provider, model)
        candidates = [key(slug), QUANTIZATION.sub("", key(slug))]
        if provider in OPEN_HOSTS:
            candidates += [SERVING.sub("", candidate) for candidate in list(candidates)]
        for candidate in candidates:
            for attempt in (candidate, f"{candidate}-instruct", f"{candidate}-it",
                            candidate.removesuffix("-instruct"), candidate.removesuffix("-it")):
                found = BY_HAND.get(attempt) or self._by_key.get(attempt)
                if found:
                    return found
        coined = QUANTIZATION.sub("", re.sub(r"[@:].*$", "", slug.lower().replace(" ", "-")))
        coined = re.sub(r"(?<=\d)p(?=\d)", ".", coined)
        if coined.startswith("claude"):
            coined = re.sub(r"(?<=-\d)-(?=\d$)", ".", coined)
        known, _ = family(slug)
        return f"{author or known or provider}/{coined}"


def _without_vendor(provider: str, model: str) -> tuple[str, str | None]:
    """The slug and, where the id says it, the author in OpenRouter's spelling."""
    if provider == "bedrock":
        model = re.sub(r"^(us|eu|jp|au|apac|global|regional)\.", "", model)
        vendor, _, slug = model.partition(".")
        slug = re.sub(r"(-v\d+|-\d+(?=:))?(:\d+)?$", "", slug)
        return f"deepseek-{slug}" if vendor == "deepseek" else slug, AUTHORS.get(vendor, vendor)
    if provider == "huggingface":
        model = model.rsplit(":", 1)[0]
    model = model.removeprefix("@cf/").removeprefix("accounts/fireworks/models/")
    model = model.removeprefix("accounts/fireworks/routers/")
    if "/" not in model:
        return model, None
    organisation, slug = model.lower().split("/", 1)
    return model.split("/")[-1], AUTHORS.get(organisation, organisation)
