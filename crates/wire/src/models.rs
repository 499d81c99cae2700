//! A provider's list of its models.

/// One model as a provider lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// The name under which the provider takes calls.
    pub id: String,
    pub display_name: Option<String>,
    /// Tokens that prompt and answer may have together, where the provider says so.
    pub context_length: Option<u64>,
}
