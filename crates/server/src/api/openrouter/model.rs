//! A model in OpenRouter's shape.

use backstay_core::Modality;
use backstay_routing::ModelCard;
use serde::Serialize;
use serde_json::Value;

use super::price::Pricing;

/// Every member that OpenRouter's SDKs require, and null only where they take it.
#[derive(Serialize)]
pub(super) struct ModelBody<'a> {
    id: &'a str,
    canonical_slug: &'a str,
    name: &'a str,
    created: i64,
    context_length: Option<u64>,
    architecture: Architecture<'a>,
    pricing: Pricing,
    top_provider: TopProvider,
    per_request_limits: Value,
    supported_parameters: &'a [String],
    default_parameters: Value,
    supported_voices: Value,
    links: Links,
}

#[derive(Serialize)]
pub(super) struct Architecture<'a> {
    input_modalities: &'a [Modality],
    output_modalities: &'a [Modality],
    modality: String,
    instruct_type: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokenizer: Option<Option<&'a str>>,
}

#[derive(Serialize)]
struct TopProvider {
    context_length: Option<u64>,
    max_completion_tokens: Option<u64>,
    is_moderated: bool,
}

#[derive(Serialize)]
struct Links {
    details: String,
}

impl<'a> ModelBody<'a> {
    pub(super) fn of(card: &'a ModelCard) -> Self {
        let facts = &card.facts;
        Self {
            id: &card.id,
            canonical_slug: &card.id,
            name: &card.name,
            created: card.created.unwrap_or(0),
            context_length: facts.context_length,
            architecture: Architecture::of(card),
            pricing: Pricing::of(facts.price.as_ref()),
            top_provider: TopProvider {
                context_length: facts.context_length,
                max_completion_tokens: facts.output_tokens_max,
                is_moderated: false,
            },
            per_request_limits: Value::Null,
            supported_parameters: facts.parameters.as_deref().unwrap_or_default(),
            default_parameters: Value::Null,
            supported_voices: Value::Null,
            links: Links { details: format!("/api/v1/models/{}/endpoints", card.id) },
        }
    }
}

impl<'a> Architecture<'a> {
    fn of(card: &'a ModelCard) -> Self {
        let (inputs, outputs) = (card.input_modalities(), card.output_modalities());
        Self {
            input_modalities: inputs,
            output_modalities: outputs,
            modality: format!("{}->{}", words(inputs), words(outputs)),
            instruct_type: Value::Null,
            tokenizer: card.facts.tokenizer.as_deref().map(Some),
        }
    }

    /// Where a list of models may leave a member out, a list of endpoints has null.
    pub(super) fn with_every_member(card: &'a ModelCard) -> Self {
        Self { tokenizer: Some(card.facts.tokenizer.as_deref()), ..Self::of(card) }
    }
}

fn words(modalities: &[Modality]) -> String {
    let words: Vec<&str> = modalities.iter().map(|kind| kind.as_str()).collect();
    words.join("+")
}
