"""The SDK clients as the tests use them: no retries of their own, and each exchange kept as evidence."""

from __future__ import annotations

import anthropic
import openai

from harness import EXCHANGES, Upstream

TIMEOUT_S = 30.0


def openai_client(upstream: Upstream, key: str | None = None) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{upstream.url}/v1",
        api_key=key or upstream.key,
        max_retries=0,
        timeout=TIMEOUT_S,
        http_client=openai.DefaultHttpxClient(event_hooks=EXCHANGES.hooks()),
    )


def openai_async_client(upstream: Upstream) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        base_url=f"{upstream.url}/v1", api_key=upstream.key, max_retries=0, timeout=TIMEOUT_S
    )


def anthropic_client(upstream: Upstream, key: str | None = None) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=upstream.url,
        api_key=key or upstream.key,
        max_retries=0,
        timeout=TIMEOUT_S,
        http_client=anthropic.DefaultHttpxClient(event_hooks=EXCHANGES.hooks()),
    )


def anthropic_async_client(upstream: Upstream) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        base_url=upstream.url, api_key=upstream.key, max_retries=0, timeout=TIMEOUT_S
    )
