//! The scripts that are set, by model, and which of them applies to the next request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use crate::fault::{Effect, Fault, Latency, ScriptError, Times};

/// How many scripts may wait, and how many model names with a `first-N` are counted.
const MAX_SCRIPTS: usize = 1_000;

/// What happens to the next requests of a model.
///
/// As JSON, for `POST /sim/script`:
/// `{"model": "sim-echo", "first": 2, "fault": {"kind": "rate_limit", "retry_after_s": 3}}` or
/// `{"model": "*", "always": true, "latency": {"first_byte_ms": 200, "per_token_ms": 20}}` or
/// `{"model": "sim-raw", "always": true, "raw": ["data: {", {"base64": "fQoK"}]}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ScriptBody")]
pub struct Script {
    /// The model exactly as requests name it, or `*` for every model without a script of its own.
    pub model: String,
    /// How often it applies.
    pub times: Times,
    /// What it does. It takes the place of a script in the model's name.
    pub effect: Effect,
}

impl Script {
    /// A script that makes every request of a model fail in this way.
    #[must_use]
    pub fn always(model: &str, fault: Fault) -> Self {
        let effect = Effect { fault: Some(fault), ..Effect::default() };
        Self { model: model.to_owned(), times: Times::Always, effect }
    }

    /// A script that makes the next `count` requests of a model fail in this way.
    #[must_use]
    pub fn first(model: &str, count: u32, fault: Fault) -> Self {
        Self { times: Times::First(count), ..Self::always(model, fault) }
    }

    /// A script that sends these chunks as the body of every answer, each written by itself.
    #[must_use]
    pub fn raw(model: &str, chunks: Vec<Bytes>) -> Self {
        let effect = Effect { raw: Some(chunks), ..Effect::default() };
        Self { model: model.to_owned(), times: Times::Always, effect }
    }

    /// The same script at this speed.
    #[must_use]
    pub fn with_latency(mut self, latency: Latency) -> Self {
        self.effect.latency = latency;
        self
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptBody {
    model: String,
    first: Option<u32>,
    #[serde(default)]
    always: bool,
    fault: Option<Fault>,
    #[serde(default)]
    latency: Latency,
    raw: Option<Vec<RawChunk>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawChunk {
    Text(String),
    Binary { base64: String },
}

impl TryFrom<ScriptBody> for Script {
    type Error = ScriptError;

    fn try_from(body: ScriptBody) -> Result<Self, ScriptError> {
        let times = match (body.first, body.always) {
            (Some(count), false) => Times::First(count),
            (None, true) => Times::Always,
            _ => return Err(ScriptError::HowOften),
        };
        let chunk = |chunk| match chunk {
            RawChunk::Text(text) => Ok(Bytes::from(text)),
            RawChunk::Binary { base64 } => STANDARD
                .decode(base64)
                .map(Bytes::from)
                .map_err(|error| ScriptError::Base64 { reason: error.to_string() }),
        };
        let raw = body.raw.map(|chunks| chunks.into_iter().map(chunk).collect()).transpose()?;
        let effect = Effect { fault: body.fault, latency: body.latency, raw };
        Ok(Self { model: body.model, times, effect })
    }
}

/// All scripts of one simulator.
#[derive(Debug, Default)]
pub(crate) struct ScriptBook {
    pages: Mutex<Pages>,
    /// How many scripts wait, so that a request without one takes no lock.
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct Pages {
    /// In the order in which they were set; the first of a model applies.
    scripts: Vec<Script>,
    /// How often a model name with `first-N` was used.
    uses: HashMap<String, u32>,
}

impl ScriptBook {
    /// Adds a script behind those that the model has already.
    pub(crate) fn add(&self, script: Script) -> Result<(), ScriptError> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.scripts.len() >= MAX_SCRIPTS {
            return Err(ScriptError::TooMany { limit: MAX_SCRIPTS });
        }
        pages.scripts.push(script);
        self.waiting.store(pages.scripts.len(), Ordering::Release);
        Ok(())
    }

    pub(crate) fn clear(&self) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        *pages = Pages::default();
        self.waiting.store(0, Ordering::Release);
    }

    /// What applies to this request of a model. Counts it.
    pub(crate) fn next(&self, model: &str, in_name: Option<(Effect, Times)>) -> Effect {
        if self.waiting.load(Ordering::Acquire) > 0
            && let Some(effect) = self.take_script(model)
        {
            return effect;
        }
        match in_name {
            None => Effect::default(),
            Some((effect, Times::Always)) => effect,
            Some((effect, Times::First(count))) => {
                if self.count_use(model) <= count {
                    effect
                } else {
                    Effect::default()
                }
            }
        }
    }

    fn take_script(&self, model: &str) -> Option<Effect> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let scripts = &mut pages.scripts;
        scripts.retain(|script| script.times != Times::First(0));
        let own = scripts.iter().position(|script| script.model == model);
        let at = own.or_else(|| scripts.iter().position(|script| script.model == "*"));
        let script = at.and_then(|at| scripts.get_mut(at));
        let effect = script.map(|script| {
            if let Times::First(left) = &mut script.times {
                *left -= 1;
            }
            script.effect.clone()
        });
        self.waiting.store(scripts.len(), Ordering::Release);
        effect
    }

    fn count_use(&self, model: &str) -> u32 {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.uses.len() >= MAX_SCRIPTS && !pages.uses.contains_key(model) {
            return u32::MAX;
        }
        let uses = pages.uses.entry(model.to_owned()).or_default();
        *uses = uses.saturating_add(1);
        *uses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_a_model_follow_each_other_and_then_it_works() {
        let book = ScriptBook::default();
        book.add(Script::first("sim-echo", 1, Fault::ServerError)).unwrap();
        book.add(Script::first("sim-echo", 1, Fault::Refuse)).unwrap();
        let faults: Vec<_> = (0..3).map(|_| book.next("sim-echo", None).fault).collect();
        assert_eq!(faults, [Some(Fault::ServerError), Some(Fault::Refuse), None]);
    }

    #[test]
    fn a_script_without_a_count_is_refused() {
        let error = serde_json::from_str::<Script>(r#"{"model": "sim-echo"}"#).unwrap_err();
        assert!(error.to_string().contains("`first`: N or `always`"), "{error}");
    }
}
