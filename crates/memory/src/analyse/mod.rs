//! Text analysis: what a question or a turn is about, as terms, names, dates and form.

mod dates;
mod form;
mod query;
mod stop_words;
mod words;

pub(crate) use form::{is_question, word_count};
pub(crate) use query::{Query, TERMS_MAX};
pub(crate) use words::{fingerprint, terms, words};
