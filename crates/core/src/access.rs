//! What an API key may do: which parts of the API, and how fast.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::Money;

/// A part of the API that a key may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyScope {
    /// Calling models, and seeing what the key's own calls cost.
    Inference,
    /// Reading and changing memories and threads, in calls too.
    Memory,
    /// Reading memories, threads, the ledger and the server's state; changing nothing.
    Read,
    /// Keys, budgets, jobs, the ledger and the server's state.
    Manage,
}

impl KeyScope {
    pub const ALL: [Self; 4] = [Self::Inference, Self::Memory, Self::Read, Self::Manage];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::Memory => "memory",
            Self::Read => "read",
            Self::Manage => "manage",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The scopes of a key. Written as a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = Vec<KeyScope>)]
pub struct KeyScopes(u8);

impl KeyScopes {
    pub const EVERYTHING: Self = Self(u8::MAX);

    pub const fn contains(self, scope: KeyScope) -> bool {
        self.0 & scope.bit() != 0
    }

    pub fn all(self) -> impl Iterator<Item = KeyScope> {
        KeyScope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl Default for KeyScopes {
    fn default() -> Self {
        Self::EVERYTHING
    }
}

impl FromIterator<KeyScope> for KeyScopes {
    fn from_iter<I: IntoIterator<Item = KeyScope>>(scopes: I) -> Self {
        let all = scopes.into_iter().fold(0, |bits, scope| bits | scope.bit());
        let every = KeyScope::ALL.iter().fold(0, |bits, scope| bits | scope.bit());
        if all == every { Self::EVERYTHING } else { Self(all) }
    }
}

impl std::fmt::Display for KeyScopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.all().map(KeyScope::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

impl Serialize for KeyScopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.all())
    }
}

impl<'de> Deserialize<'de> for KeyScopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<KeyScope>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// How much of something a key may use in any stretch of time of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "of", rename_all = "lowercase", deny_unknown_fields)]
pub enum RateLimit {
    Requests {
        per: RatePeriod,
        limit: u64,
    },
    /// Prompts and answers together.
    Tokens {
        per: RatePeriod,
        limit: u64,
    },
    Money {
        per: RatePeriod,
        /// Dollars.
        limit: Money,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RatePeriod {
    Minute,
    Hour,
    Day,
}

impl RatePeriod {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    pub const fn micros(self) -> i64 {
        match self {
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
            Self::Day => 86_400_000_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_list_and_all_of_them_are_everything() {
        let scopes: KeyScopes = serde_json::from_str(r#"["read","inference"]"#).unwrap();
        assert!(scopes.contains(KeyScope::Read) && !scopes.contains(KeyScope::Manage));
        assert_eq!(serde_json::to_string(&scopes).unwrap(), r#"["inference","read"]"#);
        assert_eq!(KeyScope::ALL.into_iter().collect::<KeyScopes>(), KeyScopes::EVERYTHING);
        assert!(serde_json::from_str::<KeyScopes>(r#"["everything"]"#).is_err());
        let none: KeyScopes = serde_json::from_str("[]").unwrap();
        assert_eq!(none.all().count(), 0);
    }

    #[test]
    fn a_rate_limit_says_of_what_per_what() {
        let text = r#"{"of":"money","per":"hour","limit":"1.5"}"#;
        let limit: RateLimit = serde_json::from_str(text).unwrap();
        let expected = Money::parse_dollars("1.5").unwrap();
        assert_eq!(limit, RateLimit::Money { per: RatePeriod::Hour, limit: expected });
        assert_eq!(serde_json::to_string(&limit).unwrap(), text);
    }
}
