//! Names that clients choose for their assistants and users.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

/// An assistant's or user's name: 1 to 128 visible characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    pub const CHARACTERS_MAX: usize = 128;

    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let well_formed = !text.is_empty()
            && text.chars().count() <= Self::CHARACTERS_MAX
            && !text.chars().any(char::is_control);
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The assistant that is meant when a request names none.
    pub fn default_assistant() -> Self {
        Self("default".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "a name has 1 to {} characters and no control characters",
                Self::CHARACTERS_MAX
            ))
        })
    }
}
