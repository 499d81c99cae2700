//! Learning: statements that a model found in a conversation, believed only as far as the turns
//! bear them out.
//!
//! Nothing here calls a model or the store. The way of a segment of turns: [`prompt`] asks a model,
//! [`contract`] reads its reply and says what is wrong with it, [`verify`] keeps what the turns
//! really say, [`reconcile`] compares that with what is known and says what changes. [`related`]
//! chooses what of the known the model is shown, [`profile`] writes what is known of a user.

pub mod contract;
mod dates;
mod json;
mod normal;
pub mod profile;
pub mod prompt;
pub mod reconcile;
mod rejection;
pub mod related;
#[cfg(test)]
pub(crate) mod samples;
pub mod segment;
pub mod verify;

pub use contract::{LearnedFact, LearningReply, Operation, Parsed};
pub use prompt::PROMPT_VERSION;
pub use reconcile::reconcile;
pub use rejection::Rejection;
pub use related::related;
pub use segment::{Segment, Turn};
pub use verify::{Rejected, Relation, Verified, VerifiedFact, verify};
