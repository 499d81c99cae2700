//! The endpoints that a request's model names stand for, before anything is removed.

use backstay_core::{Error, Result, RoutingPreferences, SortBy};

use crate::{Catalogue, Endpoint, catalogue::Resolved};

/// One endpoint under one of the names that the request asks for.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) endpoint: Endpoint,
    /// The request's word for the model.
    pub(super) requested: String,
    /// 0 for the request's own model, then its fallbacks in order.
    pub(super) model_number: usize,
    /// The operator has put the endpoints of this name in order.
    pub(super) is_in_route: bool,
    pub(super) variant: Variant,
}

/// What the end of a model's name says beside the model: `openai/gpt-4o:nitro`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) sort: Option<SortBy>,
    /// `:free`: only what costs nothing.
    pub(super) free: bool,
    /// The word is one that only an aggregator can act on, such as `:online`.
    pub(super) only_passed_on: Option<&'static str>,
}

impl Variant {
    /// The model's name without the words that are known; `None` when there are none. What else
    /// follows a colon belongs to the name, as in `llama3:8b`.
    fn split(name: &str) -> Option<(&str, Self, Vec<&'static str>)> {
        let mut base = name;
        let mut variant = Self::default();
        let mut words = Vec::new();
        while let Some((rest, word)) = base.rsplit_once(':') {
            let Some(word) = WORDS.iter().find(|known| **known == word) else { break };
            match *word {
                // The last word of those that sort wins, and it is read first.
                "nitro" => variant.sort = variant.sort.or(Some(SortBy::Throughput)),
                "floor" => variant.sort = variant.sort.or(Some(SortBy::Price)),
                "free" => variant.free = true,
                word => variant.only_passed_on = Some(word),
            }
            words.insert(0, *word);
            base = rest;
        }
        (base != name && !base.is_empty()).then_some((base, variant, words))
    }
}

const WORDS: [&str; 7] = ["nitro", "floor", "free", "online", "exacto", "thinking", "extended"];

/// What a request's names stand for, and the names among its fallbacks that stand for nothing.
pub(super) struct Candidates {
    pub(super) all: Vec<Candidate>,
    pub(super) unknown: Vec<String>,
}

/// # Errors
/// `model_not_found` when none of the names is known, about the first of them.
pub(super) fn find(
    catalogue: &Catalogue,
    model: &str,
    preferences: &RoutingPreferences,
) -> Result<Candidates> {
    let mut found = Candidates { all: Vec::new(), unknown: Vec::new() };
    let mut first_error: Option<Error> = None;
    // Some clients repeat the model as the first of `models`.
    let fallbacks = preferences.models.iter().map(String::as_str).filter(|name| *name != model);
    for (model_number, name) in std::iter::once(model).chain(fallbacks).enumerate() {
        match resolve(catalogue, name) {
            Ok((Resolved { endpoints, is_route }, variant)) => {
                found.all.extend(endpoints.into_iter().map(|endpoint| Candidate {
                    endpoint,
                    requested: name.to_owned(),
                    model_number,
                    is_in_route: is_route,
                    variant,
                }));
            }
            Err(error) => {
                first_error = first_error.or(Some(error));
                found.unknown.push(name.to_owned());
            }
        }
    }
    match first_error {
        Some(error) if found.all.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// A name that somebody lists as it is written is that model, even if it ends like a variant.
fn resolve(catalogue: &Catalogue, name: &str) -> Result<(Resolved, Variant)> {
    if let Some((base, variant, words)) = Variant::split(name)
        && !catalogue.knows(name)
        && let Ok(resolved) = catalogue.resolve(base)
    {
        let suffix: String = words.iter().map(|word| format!(":{word}")).collect();
        let endpoints = resolved.endpoints.into_iter().map(|endpoint| {
            let model = match endpoint.provider.is_aggregator {
                true => format!("{}{suffix}", endpoint.model),
                false => endpoint.model,
            };
            Endpoint { model, ..endpoint }
        });
        return Ok((Resolved { endpoints: endpoints.collect(), ..resolved }, variant));
    }
    Ok((catalogue.resolve(name)?, Variant::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_are_split_off_and_others_belong_to_the_name() {
        let (base, variant, words) = Variant::split("a/b:floor:nitro").unwrap();
        assert_eq!((base, variant.sort), ("a/b", Some(SortBy::Throughput)), "the last one wins");
        assert_eq!(words, ["floor", "nitro"]);
        let (base, variant, _) = Variant::split("ollama/llama3:8b:free").unwrap();
        assert_eq!((base, variant.free), ("ollama/llama3:8b", true));
        assert_eq!(Variant::split("llama3:8b"), None);
        assert_eq!(Variant::split("a/b"), None);
        assert!(Variant::split("a/b:online").unwrap().1.only_passed_on.is_some());
    }
}
