//! Which endpoint serves a call, and what happens when it fails.
//!
//! [`Catalogue`] knows providers, models, prices and configured routes and turns a model's name into
//! endpoints in order; [`Router::run`] tries them until one starts to answer. After the first
//! content nothing is retried: an answer is never spliced from two.

mod attempt;
mod catalogue;
mod nearest;
mod retry;

pub use attempt::{Attempt, AttemptLog, Router, Started};
pub use catalogue::{Catalogue, ConfiguredModel, Endpoint, ModelEntry, Route};
