//! Identifiers: a prefix that names the kind, then 26 characters that sort by time of creation.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Clock, Random, Result, Timestamp, uuid};

/// A UUIDv7, 48 bits of milliseconds and 74 random ones, in Crockford's base 32.
fn time_ordered(clock: &Clock, random: &Random) -> Result<String> {
    let mut entropy = [0_u8; 16];
    random.fill(&mut entropy[6..])?;
    let value = at(clock.now()) | u128::from_be_bytes(entropy);
    Ok(uuid::to_base32(uuid::with_version(value, 7)))
}

fn at(moment: Timestamp) -> u128 {
    (u128::from(moment.millis().unsigned_abs()) & 0xFFFF_FFFF_FFFF) << 80
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub fn new(clock: &Clock, random: &Random) -> Result<Self> {
                Ok(Self(format!("{}{}", Self::PREFIX, time_ordered(clock, random)?)))
            }

            /// Sorts before every identifier that was made at that moment or later.
            pub fn first_at(moment: Timestamp) -> Self {
                Self(format!("{}{}", Self::PREFIX, uuid::to_base32(at(moment))))
            }

            /// Takes an identifier that came from outside or from the store; `None` when it has not
            /// the form of this kind.
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix(Self::PREFIX)?;
                let well_formed = (1..=64).contains(&rest.len())
                    && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                well_formed.then(|| Self(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same identifier as a UUID; `None` for one that was chosen by hand.
            pub fn to_uuid(&self) -> Option<String> {
                uuid::of_digits(self.0.strip_prefix(Self::PREFIX)?)
            }

            /// The identifier that a UUID stands for; `None` when the text is no UUID.
            pub fn from_uuid(text: &str) -> Option<Self> {
                uuid::to_digits(text).map(|digits| Self(format!("{}{digits}", Self::PREFIX)))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A tenant.
    WorkspaceId = "ws_";
    /// An API key's public identity; the key itself is never stored.
    KeyId = "key_";
    /// A conversation.
    ThreadId = "thr_";
    /// One message of a thread.
    MessageId = "msg_";
    /// A verbatim turn as it was said, indexed for recall.
    EpisodeId = "ep_";
    /// One remembered statement.
    MemoryId = "mem_";
    /// A piece of work that outlives the process that began it.
    JobId = "job_";
    /// One model call as the ledger knows it.
    GenerationId = "gen_";
    /// What a server has set aside of a key's budgets.
    SliceId = "slc_";
    /// One HTTP request.
    RequestId = "req_";
    /// A file in which a model looks things up.
    DocumentId = "doc_";
    /// A piece of a document that is found and cited by itself.
    ChunkId = "chk_";
    /// What a model is to do, and whose memory it has.
    AssistantId = "asst_";
    /// One answer to a user, with the tool calls on the way to it.
    RunId = "run_";
    /// The learning that a turn has asked for.
    MemoryOperationId = "mop_";
}

impl WorkspaceId {
    /// The workspace of a fresh installation.
    pub fn default_workspace() -> Self {
        Self("ws_default".to_owned())
    }
}

impl KeyId {
    /// Stands in the ledger where Backstay itself calls a model to learn.
    pub fn learning() -> Self {
        Self(format!("{}learning", Self::PREFIX))
    }

    /// Stands in the ledger where Backstay itself has memories and questions embedded.
    pub fn embedding() -> Self {
        Self(format!("{}embedding", Self::PREFIX))
    }
}

impl RequestId {
    /// Stands in where no request id could be made.
    pub fn unknown() -> Self {
        Self(format!("{}unknown", Self::PREFIX))
    }
}

impl ChunkId {
    /// The chunk of a document with this number, from 0.
    pub fn of(document: &DocumentId, number: u32) -> Self {
        let digits = &document.as_str()[DocumentId::PREFIX.len()..];
        Self(format!("{}{digits}-{number}", Self::PREFIX))
    }

    /// Its document and its number there; `None` for one that names no number.
    pub fn place(&self) -> Option<(DocumentId, u32)> {
        let (digits, number) = self.0.strip_prefix(Self::PREFIX)?.rsplit_once('-')?;
        let document = DocumentId::parse(&format!("{}{digits}", DocumentId::PREFIX))?;
        Some((document, number.parse().ok()?))
    }
}

macro_rules! implied {
    ($($name:ident)*) => {$(
        impl $name {
            /// One that is named by what it holds instead of by when it was made, so that making it
            /// again gives the same one; `digits` are hexadecimal.
            pub fn implied(digits: &str) -> Self {
                Self(format!("{}{digits}", Self::PREFIX))
            }
        }
    )*};
}

implied! { ThreadId EpisodeId MemoryId AssistantId }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, Timestamp};

    #[test]
    fn later_identifiers_sort_after_earlier_ones() {
        let hands = ManualClock::at(Timestamp::from_millis(1_700_000_000_000));
        let (clock, random) = (Clock::Manual(hands.clone()), Random::seeded(7));
        let first = ThreadId::new(&clock, &random).unwrap();
        hands.advance_ms(1);
        let second = ThreadId::new(&clock, &random).unwrap();
        assert!(first < second);
        assert_eq!(ThreadId::parse(first.as_str()), Some(first));
        assert_eq!(ThreadId::parse("msg_x"), None);
        assert_eq!(ThreadId::parse("thr_a b"), None);
    }
}
