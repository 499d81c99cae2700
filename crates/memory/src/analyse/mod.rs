//! Text analysis: what a question or a turn is about, as terms, names, dates and form.

mod anchors;
mod dates;
mod form;
mod kind;
mod mention;
mod names;
mod query;
mod seasons;
mod stop_words;
mod words;

pub(crate) use anchors::{Anchor, Event};
pub(crate) use dates::days_spoken_of;
pub(crate) use form::Form;
pub(crate) use mention::{DateMention, date_of};
pub(crate) use names::{called, is_short_for, name_like};
pub(crate) use query::{Query, TERMS_MAX};
pub(crate) use stop_words::contains as is_stop_word;
pub use words::terms;
pub(crate) use words::{fingerprint, words};
