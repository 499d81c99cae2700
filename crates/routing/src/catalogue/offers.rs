//! What an aggregator says of the endpoints of the providers behind it.

use backstay_core::{EndpointFacts, Quantization, Timestamp};
use serde::{Deserialize as _, de::value::StrDeserializer};

use super::sources::ProviderList;

/// OpenRouter's names of providers that are not ours.
const OTHER_NAMES: [(&str, &str); 4] = [
    ("google-ai-studio", "gemini"),
    ("google-vertex", "vertex"),
    ("amazon-bedrock", "bedrock"),
    ("nebius-ai-studio", "nebius"),
];

/// What was said of one provider's endpoint, and when.
pub(super) struct Offer<'a> {
    pub(super) facts: &'a EndpointFacts,
    pub(super) taken_at: Timestamp,
}

/// What the list says of a provider's endpoint of a model. `None` when it says nothing or speaks of
/// several: regions and faster variants have prices of their own.
pub(super) fn offer_for<'a>(
    list: &'a ProviderList,
    model: &str,
    provider: &str,
) -> Option<Offer<'a>> {
    let offers = list.offers.get(model)?;
    let mut of_it = offers.endpoints.iter().filter(|endpoint| is_plain_of(&endpoint.tag, provider));
    let only = of_it.next().filter(|_| of_it.next().is_none())?;
    Some(Offer { facts: &only.facts, taken_at: offers.taken_at })
}

/// Whether a tag such as `groq` or `deepinfra/fp8` means this provider's ordinary endpoint.
fn is_plain_of(tag: &str, provider: &str) -> bool {
    let (name, variant) = tag.split_once('/').map_or((tag, None), |(n, v)| (n, Some(v)));
    let ours = OTHER_NAMES.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, id)| id);
    let is_number_format = |word: &str| {
        Quantization::deserialize(StrDeserializer::<serde::de::value::Error>::new(word)).is_ok()
    };
    ours == provider && variant.is_none_or(is_number_format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_means_a_providers_ordinary_endpoint_or_a_variant() {
        for (tag, provider, means) in [
            ("groq", "groq", true),
            ("deepinfra/fp8", "deepinfra", true),
            ("deepinfra/turbo", "deepinfra", false),
            ("google-vertex/us-east5", "vertex", false),
            ("google-ai-studio", "gemini", true),
            ("groq", "xai", false),
        ] {
            assert_eq!(is_plain_of(tag, provider), means, "{tag} {provider}");
        }
    }
}
