//! What is known of an endpoint: one model at one provider.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Price;

/// Facts of an endpoint, from whichever source knew them. `None` is unknown: it never passes a
/// filter that asks for a promise, and never fails one that asks for an ability.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EndpointFacts {
    pub price: Option<Price>,
    /// Tokens of prompt and completion together.
    pub context_length: Option<u64>,
    pub output_tokens_max: Option<u64>,
    pub input_modalities: Option<Vec<Modality>>,
    pub output_modalities: Option<Vec<Modality>>,
    /// Request parameters that the endpoint honours, under their OpenRouter names.
    pub parameters: Option<Vec<String>>,
    /// Where only some parameters are known about, those that it does not honour: one that is in
    /// neither list is then unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<Vec<String>>,
    #[serde(default)]
    pub data: DataPolicy,
    pub quantization: Option<Quantization>,
    /// The family of its tokenizer, as OpenRouter names it: `GPT`, `Claude`, `Llama3`.
    pub tokenizer: Option<String>,
}

impl EndpointFacts {
    /// What the other knows where this does not.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        let knows_parameters = self.parameters.is_some();
        Self {
            lacks: if knows_parameters { self.lacks } else { other.lacks.clone() },
            price: self.price.or_else(|| other.price.clone()),
            context_length: self.context_length.or(other.context_length),
            output_tokens_max: self.output_tokens_max.or(other.output_tokens_max),
            input_modalities: self.input_modalities.or_else(|| other.input_modalities.clone()),
            output_modalities: self.output_modalities.or_else(|| other.output_modalities.clone()),
            parameters: self.parameters.or_else(|| other.parameters.clone()),
            data: self.data.or(&other.data),
            quantization: self.quantization.or(other.quantization),
            tokenizer: self.tokenizer.or_else(|| other.tokenizer.clone()),
        }
    }

    /// Whether the endpoint honours a parameter; one of which nothing is known is believed to be.
    pub fn supports(&self, parameter: &str) -> bool {
        let named = |list: &Vec<String>| list.iter().any(|known| known == parameter);
        match &self.lacks {
            Some(lacks) => !named(lacks),
            None => self.parameters.as_ref().is_none_or(named),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    Text,
    Image,
    File,
    Audio,
    Video,
    Embeddings,
    Rerank,
}

impl Modality {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::File => "file",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
        }
    }
}

/// What happens to prompts at the provider. Unknown means the worst.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataPolicy {
    /// Whether prompts may be trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trains: Option<bool>,
    /// Whether prompts are stored, for however short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retains: Option<bool>,
    /// Where prompts are processed: `eu`, `us`, or what the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl DataPolicy {
    /// Nothing leaves the process or the operator's own machines.
    pub const NOTHING_KEPT: Self = Self { trains: Some(false), retains: Some(false), region: None };

    /// Neither stored nor trained on.
    pub fn is_zero_retention(&self) -> bool {
        self.retains == Some(false) && self.trains == Some(false)
    }

    /// Not trained on. Storing for abuse checks is not collecting.
    pub fn collects(&self) -> bool {
        self.trains != Some(false)
    }

    fn or(self, other: &Self) -> Self {
        Self {
            trains: self.trains.or(other.trains),
            retains: self.retains.or(other.retains),
            region: self.region.or_else(|| other.region.clone()),
        }
    }
}

/// The number format of a model's weights, in OpenRouter's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Quantization {
    Int4,
    Int8,
    Fp4,
    Mxfp4,
    Nvfp4,
    Fp6,
    Fp8,
    Mxfp8,
    Fp16,
    Bf16,
    Fp32,
    Unknown,
}

impl Quantization {
    /// Whether asking for `self` is content with `other`: the block formats count as their width.
    pub fn admits(self, other: Self) -> bool {
        self == other
            || matches!(
                (self, other),
                (Self::Fp4, Self::Mxfp4 | Self::Nvfp4) | (Self::Fp8, Self::Mxfp8)
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_the_worst_for_promises_and_no_bar_for_abilities() {
        let unknown = EndpointFacts::default();
        assert!(unknown.supports("tools"));
        let list = |names: [&str; 1]| Some(names.map(str::to_owned).to_vec());
        let whole = EndpointFacts { parameters: list(["tools"]), ..EndpointFacts::default() };
        assert!(whole.supports("tools") && !whole.supports("seed"));
        let partly = EndpointFacts { lacks: list(["temperature"]), ..whole.clone() };
        assert!(partly.supports("seed") && !partly.supports("temperature"));
        assert_eq!(EndpointFacts::default().or(&partly), partly);
        assert_eq!(whole.clone().or(&partly), whole);
        assert!(unknown.data.collects());
        assert!(!unknown.data.is_zero_retention());
        assert!(DataPolicy::NOTHING_KEPT.is_zero_retention());
        let stored = DataPolicy { retains: Some(true), ..DataPolicy::NOTHING_KEPT };
        assert!(!stored.is_zero_retention() && !stored.collects());
    }

    #[test]
    fn a_width_admits_its_block_formats_and_not_the_reverse() {
        assert!(Quantization::Fp4.admits(Quantization::Nvfp4));
        assert!(!Quantization::Nvfp4.admits(Quantization::Fp4));
        assert!(!Quantization::Fp8.admits(Quantization::Fp16));
    }
}
