//! Which endpoint serves a call, and what happens when it fails.
//!
//! [`Catalogue`] knows providers, models, prices and configured routes and turns a model's name into
//! endpoints. [`Router::plan`] removes those that may not serve a request, puts the others in order
//! and can say why; [`Router::run`] tries them until one starts to answer. After the first content
//! nothing is retried: an answer is never spliced from two, unless the client asked for that.

mod affinity;
mod attempt;
mod catalogue;
mod continuation;
mod health;
mod nearest;
mod plan;
mod retry;
mod router;

pub use affinity::ConversationKey;
pub use attempt::{Attempt, AttemptLog};
pub use catalogue::{
    Catalogue, ConfiguredModel, CurrentPrice, Endpoint, ModelCard, ModelEntry, ModelQuery,
    ModelSort, Models, PriceRange, PriceSource, Refreshed, RefreshedList, Resolved, Route,
};
pub use health::{Health, HealthReport, Record, Standing};
pub use plan::{AffinityTrace, CandidateTrace, Plan, Planner, Removal, RouterTrace, Strategy};
pub use router::{Ended, Router, RouterOptions, Started};
