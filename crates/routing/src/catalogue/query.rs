//! Searching, filtering and sorting the models of the catalogue.

use std::{cmp::Ordering, sync::Arc};

use backstay_core::{EndpointFacts, Modality, Money};

use super::{ModelCard, ModelEntry};

/// Which models to list, and how. What is not given does not narrow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelQuery {
    /// Words that the id or the name contains, in any case.
    pub text: Option<String>,
    /// Parameters that some endpoint is known to honour, all of them.
    pub parameters: Vec<String>,
    /// Kinds of input that it takes, all of them.
    pub input_modalities: Vec<Modality>,
    /// Kinds of output of which it gives at least one.
    pub output_modalities: Vec<Modality>,
    pub context_min: Option<u64>,
    pub prompt: PriceRange,
    pub completion: PriceRange,
    /// Tokenizer families, one of which it has, in any case.
    pub tokenizers: Vec<String>,
    pub authors: Vec<String>,
    /// Providers of which at least one serves it.
    pub providers: Vec<String>,
    /// Served by someone who neither stores prompts nor trains on them.
    pub zero_retention: bool,
    /// Served in this region.
    pub region: Option<String>,
    /// Seconds since the Unix epoch, at the earliest and at the latest.
    pub created: (Option<i64>, Option<i64>),
    pub sort: Option<ModelSort>,
}

/// Dollars per token; a model of unknown price is in no range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PriceRange {
    pub min: Option<Money>,
    pub max: Option<Money>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelSort {
    /// The mean of the prompt's and the completion's price, lowest first.
    PriceAscending,
    PriceDescending,
    /// Longest first.
    Context,
    /// Newest first.
    Created,
    Name,
}

impl ModelQuery {
    pub fn admits(&self, card: &ModelCard) -> bool {
        let facts = &card.facts;
        let price = facts.price.as_ref();
        self.has_text(card)
            && self.parameters.iter().all(|parameter| is_known_to_support(facts, parameter))
            && self.input_modalities.iter().all(|kind| card.input_modalities().contains(kind))
            && is_one_of(&self.output_modalities, card.output_modalities())
            && self.context_min.is_none_or(|least| facts.context_length >= Some(least))
            && self.prompt.holds(price.map(|price| price.prompt))
            && self.completion.holds(price.map(|price| price.completion))
            && is_named(&self.tokenizers, facts.tokenizer.iter().map(String::as_str))
            && is_named(&self.authors, [card.author()].into_iter())
            && is_named(&self.providers, card.endpoints.iter().map(|entry| &*entry.provider))
            && self.is_served_as_wanted(&card.endpoints)
            && self.is_of_age(card.created)
    }

    /// The positions of those that are wanted, in the order that is wanted.
    pub fn select(&self, cards: &[ModelCard]) -> Vec<usize> {
        let all = cards.iter().enumerate();
        let mut wanted: Vec<usize> =
            all.filter(|(_, card)| self.admits(card)).map(|(at, _)| at).collect();
        if let Some(sort) = self.sort {
            // Stable: what cannot be told apart stays as it was.
            wanted.sort_by(|a, b| sort.compare(&cards[*a], &cards[*b]));
        }
        wanted
    }

    fn has_text(&self, card: &ModelCard) -> bool {
        self.text.as_deref().is_none_or(|text| {
            let (id, name) = (card.id.to_lowercase(), card.name.to_lowercase());
            let mut words = text.split_whitespace().map(str::to_lowercase);
            words.all(|word| id.contains(&word) || name.contains(&word))
        })
    }

    fn is_served_as_wanted(&self, endpoints: &[Arc<ModelEntry>]) -> bool {
        let is_asked = self.zero_retention || self.region.is_some();
        let fits = |entry: &Arc<ModelEntry>| {
            let data = &entry.facts.data;
            (!self.zero_retention || data.is_zero_retention())
                && (self.region.is_none() || data.region == self.region)
        };
        !is_asked || endpoints.iter().any(fits)
    }

    fn is_of_age(&self, created: Option<i64>) -> bool {
        let (earliest, latest) = self.created;
        let fits = |created: i64| {
            earliest.is_none_or(|bound| created >= bound)
                && latest.is_none_or(|bound| created <= bound)
        };
        (earliest.is_none() && latest.is_none()) || created.is_some_and(fits)
    }
}

/// A filter wants to know; belief is not enough.
fn is_known_to_support(facts: &EndpointFacts, parameter: &str) -> bool {
    facts.parameters.as_ref().is_some_and(|known| known.iter().any(|name| name == parameter))
}

fn is_one_of(wanted: &[Modality], given: &[Modality]) -> bool {
    wanted.is_empty() || wanted.iter().any(|kind| given.contains(kind))
}

fn is_named<'a>(wanted: &[String], mut names: impl Iterator<Item = &'a str>) -> bool {
    wanted.is_empty() || names.any(|name| wanted.iter().any(|w| w.eq_ignore_ascii_case(name)))
}

impl PriceRange {
    fn holds(self, price: Option<Money>) -> bool {
        let fits = |price: Money| {
            self.min.is_none_or(|min| price >= min) && self.max.is_none_or(|max| price <= max)
        };
        self == Self::default() || price.is_some_and(fits)
    }
}

impl ModelSort {
    fn compare(self, a: &ModelCard, b: &ModelCard) -> Ordering {
        match self {
            Self::PriceAscending => unknown_last(price(a), price(b), false),
            Self::PriceDescending => unknown_last(price(a), price(b), true),
            Self::Context => unknown_last(a.facts.context_length, b.facts.context_length, true),
            Self::Created => unknown_last(a.created, b.created, true),
            Self::Name => a.id.cmp(&b.id),
        }
    }
}

/// The sum orders as the mean does.
fn price(card: &ModelCard) -> Option<Money> {
    let price = card.facts.price.as_ref()?;
    price.prompt.checked_add(price.completion)
}

fn unknown_last<T: Ord>(a: Option<T>, b: Option<T>, is_descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if is_descending => b.cmp(&a),
        (Some(a), Some(b)) => a.cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
