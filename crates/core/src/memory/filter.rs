//! Which memories a recall looks at.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{ThreadId, Timestamp};

/// Narrows a recall within its scope; empty lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecallFilter {
    /// Only turns of this thread, and statements that rest on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadId>,
    /// Only what was said at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only what was said before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Only statements whose metadata has all of these, equal in every value; no turns, which have
    /// none.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl RecallFilter {
    pub fn covers(&self, said_at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= said_at) && self.to.is_none_or(|to| said_at < to)
    }
}
