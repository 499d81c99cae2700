//! How well memory recalls, without any language model.
//!
//! The way of a measurement: [`Dataset::read`] recognises and reads a file, [`run`] tells its
//! conversations to a real store, asks every question of Backstay and of the baselines, and makes a
//! [`Report`], which is JSON by itself, a table ([`Report::to_text`]) and a page
//! ([`Report::to_html`]).

mod answers;
mod ask;
pub(crate) mod baselines;
pub(crate) mod bootstrap;
mod dataset;
mod embedding;
mod features;
mod html;
mod ingest;
mod load;
pub(crate) mod metrics;
mod outcome;
mod plot;
mod report;
mod run;
mod summary;
mod table;

pub use answers::{ANSWER_PROMPT, Answers, Chat, JUDGE_PROMPT, Prompts, Readers};
pub use dataset::{Conversation, Dataset, Evidence, Format, Question, Session, Turn};
pub use features::write_features;
pub use load::DATASET_BYTES_MAX;
pub use report::{
    Absent, Abstention, Bootstrap, Interval, Intervals, Method, Milliseconds, Percent,
    QueryEmbedding, Report, Tokens, VectorsUsed,
};
pub use run::{Options, Phase, Progress, run};
