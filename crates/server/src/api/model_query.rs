//! The query of a list of models, with OpenRouter's names for what narrows and sorts it.

use std::collections::HashMap;

use backstay_core::{Error, Modality, Money, Result, Timestamp};
use backstay_routing::{ModelQuery, ModelSort, PriceRange};
use serde::{Deserialize as _, de::value::StrDeserializer};

const DAY_S: i64 = 24 * 60 * 60;
const LIMIT_DEFAULT: usize = 500;
const LIMIT_MAX: usize = 1_000;

/// Filters of OpenRouter's for which nothing is known here: to pass over one would answer another
/// question than was asked.
const NOT_KNOWN: [&str; 10] = [
    "category",
    "distillable",
    "min_intelligence_index",
    "max_intelligence_index",
    "min_coding_index",
    "max_coding_index",
    "min_agentic_index",
    "max_agentic_index",
    "min_tool_success_rate",
    "max_tool_success_rate",
];

/// Orders of OpenRouter's by what is not measured here: nothing has a score, so the order stays.
const NOT_SCORED: [&str; 8] = [
    "most-popular",
    "top-weekly",
    "throughput-high-to-low",
    "latency-low-to-high",
    "intelligence-high-to-low",
    "coding-high-to-low",
    "agentic-high-to-low",
    "design-arena-elo-high-to-low",
];

/// What is listed of all models.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ListQuery {
    pub(crate) models: ModelQuery,
    pub(crate) offset: usize,
    /// `None`: all.
    pub(crate) limit: Option<usize>,
}

/// A parameter as it was sent, by name.
pub(crate) type Parameters = HashMap<String, String>;

/// # Errors
/// `InvalidRequest`, naming the parameter that cannot be read.
pub(crate) fn read(parameters: &Parameters, now: Timestamp) -> Result<ListQuery> {
    let text = |name: &str| parameters.get(name).filter(|text| !text.is_empty());
    if let Some(name) = NOT_KNOWN.iter().find(|name| text(name).is_some()) {
        return Err(refused(
            name,
            "narrows by something that Backstay does not know; narrow by q, supported_parameters, \
             input_modalities, output_modalities, context, min_price, max_price, \
             min_output_price, max_output_price, arch, model_authors, providers, zdr, region, \
             min_age_days or max_age_days",
        ));
    }
    let list = |name: &str| {
        let items = text(name).into_iter().flat_map(|text| text.split(','));
        items.map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    };
    let days_ago = |name: &str| {
        let days = number::<i64>(parameters, name)?;
        Ok::<_, Error>(days.map(|days| now.seconds().saturating_sub(days.saturating_mul(DAY_S))))
    };
    let models = ModelQuery {
        text: text("q").cloned(),
        parameters: list("supported_parameters"),
        input_modalities: modalities(parameters, "input_modalities")?,
        output_modalities: modalities(parameters, "output_modalities")?,
        context_min: number(parameters, "context")?,
        prompt: range(parameters, "min_price", "max_price")?,
        completion: range(parameters, "min_output_price", "max_output_price")?,
        tokenizers: list("arch"),
        authors: list("model_authors"),
        providers: list("providers"),
        zero_retention: text("zdr").is_some_and(|text| text == "true"),
        region: text("region").cloned(),
        created: (days_ago("max_age_days")?, days_ago("min_age_days")?),
        sort: text("sort").map(|word| sort(word)).transpose()?.flatten(),
    };
    let offset = number(parameters, "offset")?;
    let limit = number::<usize>(parameters, "limit")?;
    if limit.is_some_and(|limit| !(1..=LIMIT_MAX).contains(&limit)) {
        return Err(refused("limit", &format!("must be 1 to {LIMIT_MAX}")));
    }
    let limit = limit.or(offset.map(|_: usize| LIMIT_DEFAULT));
    Ok(ListQuery { models, offset: offset.unwrap_or(0), limit })
}

fn refused(name: &str, what: &str) -> Error {
    Error::invalid(format!("{name} {what}")).with_parameter(name)
}

fn number<T: std::str::FromStr>(parameters: &Parameters, name: &str) -> Result<Option<T>> {
    let text = parameters.get(name).filter(|text| !text.is_empty());
    let read = text.map(|text| text.parse().map_err(|_| refused(name, "must be a whole number")));
    read.transpose()
}

/// Bounds in dollars per million tokens.
fn range(parameters: &Parameters, min: &str, max: &str) -> Result<PriceRange> {
    let bound = |name: &str| {
        let text = parameters.get(name).filter(|text| !text.is_empty());
        let read = text.map(|text| {
            let per_token = Some(text).filter(|text| !text.contains(['e', 'E']));
            let per_token = per_token.and_then(|text| Money::parse_dollars(&format!("{text}e-6")));
            per_token
                .ok_or_else(|| refused(name, "must be dollars per million tokens, such as 2.5"))
        });
        read.transpose()
    };
    Ok(PriceRange { min: bound(min)?, max: bound(max)? })
}

/// `all` is no filter.
fn modalities(parameters: &Parameters, name: &str) -> Result<Vec<Modality>> {
    let words = parameters.get(name).map(String::as_str).filter(|text| *text != "all");
    let words = words.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    let read = words.filter(|word| !word.is_empty()).map(|word| {
        Modality::deserialize(StrDeserializer::<serde::de::value::Error>::new(word)).map_err(|_| {
            refused(name, "must be of text, image, file, audio, video, embeddings, rerank, or all")
        })
    });
    read.collect()
}

fn sort(word: &str) -> Result<Option<ModelSort>> {
    match word {
        "pricing-low-to-high" | "price" => Ok(Some(ModelSort::PriceAscending)),
        "pricing-high-to-low" => Ok(Some(ModelSort::PriceDescending)),
        "context-high-to-low" | "context" => Ok(Some(ModelSort::Context)),
        "newest" => Ok(Some(ModelSort::Created)),
        "name" => Ok(Some(ModelSort::Name)),
        word if NOT_SCORED.contains(&word) => Ok(None),
        _ => Err(refused(
            "sort",
            "must be pricing-low-to-high, pricing-high-to-low, context-high-to-low, newest or name",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(pairs: &[(&str, &str)]) -> Result<ListQuery> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        read(&pairs.collect(), Timestamp::from_millis(100 * DAY_S * 1_000))
    }

    #[test]
    fn openrouters_parameters_are_understood() {
        let query = read_of(&[
            ("q", "large"),
            ("supported_parameters", "tools, seed"),
            ("output_modalities", "text,image"),
            ("max_price", "2.5"),
            ("max_age_days", "30"),
            ("sort", "context-high-to-low"),
            ("zdr", "true"),
            ("offset", "10"),
        ])
        .unwrap();
        assert_eq!(query.models.parameters, ["tools", "seed"]);
        assert_eq!(query.models.output_modalities, [Modality::Text, Modality::Image]);
        assert_eq!(query.models.prompt.max, Money::parse_dollars("0.0000025"));
        assert_eq!(query.models.created, (Some(70 * DAY_S), None));
        assert_eq!(query.models.sort, Some(ModelSort::Context));
        assert_eq!((query.offset, query.limit), (10, Some(500)));
        assert!(query.models.zero_retention);
        assert_eq!(read_of(&[("q", ""), ("unknown", "1")]).unwrap(), ListQuery::default());
    }

    #[test]
    fn what_cannot_be_read_or_is_not_known_is_refused_by_name() {
        for (name, value) in [
            ("limit", "0"),
            ("limit", "1001"),
            ("max_price", "-1"),
            ("context", "long"),
            ("sort", "colour"),
            ("input_modalities", "smell"),
            ("category", "programming"),
        ] {
            let error = read_of(&[(name, value)]).unwrap_err();
            assert_eq!(error.parameter(), Some(name), "{error}");
        }
    }
}
