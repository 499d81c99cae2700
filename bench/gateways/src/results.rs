//! What a run leaves: the figures, and of the peers that could not be measured, why.

use bench_harness::cell::Target;
use bench_harness::record::Record;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// What `backstay --version` says.
    pub(crate) backstay: String,
    pub(crate) peers: Vec<Peer>,
    #[serde(flatten)]
    pub(crate) record: Record,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) target: Target,
    /// Name and version as its project writes them.
    pub(crate) title: String,
    /// Why it was not measured; `None` when it was.
    pub(crate) absent: Option<String>,
}
