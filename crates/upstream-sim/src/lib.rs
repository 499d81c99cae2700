//! `upstream-sim`: a scripted upstream that speaks the wire formats of OpenAI, Anthropic, Gemini, Cohere
//! and Amazon Bedrock, also as Azure and Vertex AI serve them.
//!
//! It answers tests, benches and demos in place of a model provider, and it breaks on demand: every
//! fault that a client of such an API must survive can be asked for by a model's name or set by a
//! script. It shares no code with the crates it tests, so that it cannot share a mistake with them.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use upstream_sim::{Fault, Options, Script, Sim};
//!
//! let sim = Sim::start(Options::default()).await?;
//! sim.script(Script::first("sim-echo", 2, Fault::ServerError)).ok();
//! // two requests to `sim-echo` at sim.base_url() now fail, the third one works
//! for request in sim.requests() {
//!     let _ = (request.path, request.outcome);
//! }
//! sim.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Endpoints
//! | format | endpoints | key |
//! |---|---|---|
//! | OpenAI | `POST /v1/chat/completions`, `POST /v1/embeddings`, `GET /v1/models` | `Authorization: Bearer` |
//! | Anthropic | `POST /v1/messages`, `POST /v1/messages/count_tokens`, `GET /v1/models` with `anthropic-version` | `x-api-key` or bearer, and `anthropic-version` |
//! | Gemini | `POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` (`?alt=sse` or a JSON array), `:countTokens`, `:embedContent`, `:batchEmbedContents`, `GET /v1beta/models` | `x-goog-api-key` or `?key=` |
//! | OpenRouter | `POST /api/v1/chat/completions` as OpenAI's, `GET /api/v1/models`, `GET /api/v1/models/{author}/{slug}/endpoints` ([`Catalogue`]) | `Authorization: Bearer` |
//! | Cohere | `POST /v2/chat`, `/v2/embed`, `/v2/rerank`, `GET /v1/models?endpoint=chat` | `Authorization: Bearer` |
//! | Bedrock | `POST /model/{model}/converse`, `/model/{model}/converse-stream`, `GET /foundation-models` | a signature of [`ACCESS_KEY_ID`] and [`SECRET_ACCESS_KEY`], or bearer |
//! | Azure OpenAI | `POST /openai/deployments/{deployment}/chat/completions?api-version=`, `/openai/v1/chat/completions` | `api-key` |
//! | Vertex AI | `POST /v1/projects/{p}/locations/{l}/publishers/google/models/{model}:generateContent` (`:streamGenerateContent`), `…/anthropic/models/{model}:rawPredict` (`:streamRawPredict`) | a bearer token that begins with `ya29.`; `POST /token` gives one for the account of `GET /sim/service-account` |
//! | web search | `GET /searxng/search`, `GET /brave/res/v1/web/search`, `POST /tavily/search`, `POST /exa/search`, and the pages found, `GET /pages/{name}` | each service's own |
//! | others | `POST /v1/rerank`, as servers behind an OpenAI-compatible address have it | `Authorization: Bearer` |
//! | control | `POST /sim/catalogue` ([`Catalogue`]), `POST /sim/script` ([`Script`]), `GET /sim/requests` ([`RequestRecord`]), `POST /sim/reset` | none |
//!
//! Any key is taken where nothing else is said; a missing one is refused. Requests are checked as strictly as the provider does
//! where that catches mistakes of a client, and refused in the provider's own error shape.
//!
//! # Models
//! | name | answer |
//! |---|---|
//! | `sim-quote`, and any name without `sim-` in front | up to 3 lines of the prompt that share most words with the last user message (its last paragraph), quoted; or that there are none |
//! | `sim-echo` | the last user message |
//! | `sim-think` | reasoning, then the last user message. Anthropic: with `thinking`; Gemini: thought parts with `includeThoughts`, and a `thoughtSignature` that must come back with a function call |
//! | `sim-learn` | facts and a summary as JSON for a transcript of numbered turns, one fact for each turn of the user; else the last user message |
//! | `sim-raw` | the byte chunks that a script gave |
//! | `sim-embed` | embeddings: equal words give near vectors |
//!
//! All chat models count images (`I see 2 images.`), obey `stop` and the output limit, fill a
//! requested JSON schema, and call a tool if the tool choice demands it or the last user message
//! has a part of its name (`weather`), `tool`, `call` or `function`; `both` or `parallel` makes two
//! calls, `then` calls the tools that it names one after the other. Strings in arguments are capitalised words of the message. After tool results the answer
//! repeats them.
//!
//! # Tokens
//! One word is one token (a tool call: 8 characters of its arguments), an image 85, a tool
//! definition 20. What precedes the newest input counts as read from the cache: always in the
//! formats of OpenAI and Gemini, up to the last `cache_control` in Anthropic's.
//!
//! # Faults
//! A model's name can carry them after `!`, several in a row: `sim-echo!429!first-2`,
//! `sim-quote!first-byte-300!per-token-20!reset-after-5`. [`SHORT_FORMS`] lists them, [`Fault`] says
//! what each one does; with `!first-N` the first N requests with that very name are hit, and the
//! rest work. [`Script`]s do the same for names that cannot be chosen, and take precedence.

mod anthropic;
mod azure;
mod bedrock;
mod cohere;
mod connection;
mod control;
mod delivery;
mod embedding;
mod exchange;
mod facts;
mod failure;
mod fault;
mod gemini;
mod ledger;
mod model;
mod openai;
mod openrouter;
mod prompt;
mod quote;
mod record;
mod respond;
mod router;
mod schema;
mod script;
mod sim;
mod tokens;
mod vertex;
mod web_search;
mod wire;

pub use bedrock::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
pub use fault::{Effect, Fault, Latency, SHORT_FORMS, ScriptError, Times};
pub use ledger::Charge;
pub use model::MODELS;
pub use openrouter::catalogue::Catalogue;
pub use record::{MAX_RECORDS, Outcome, RequestRecord};
pub use script::Script;
pub use sim::{NotSeen, Options, Sim};

/// When every model was made, as the list endpoints and answers say (2023-11-14T22:13:20Z). It never
/// changes, so that equal requests get equal answers.
pub(crate) const CREATED_UNIX_S: u64 = 1_700_000_000;
