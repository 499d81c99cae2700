//! English phrases by what they are after.
//!
//! Tables and not code, so that a phrase that gets through is answered by one line here and one line
//! in the suite of attacks. Patterns name their object ("rules", "the user", "prompt") because the
//! verb alone ("ignore", "send", "tell") is in everyday use.

mod deeds;
mod orders;
mod standing;

use super::Phrases;

/// In the order in which a reason is given: the gravest first.
pub(super) const PHRASES: [&[Phrases]; 3] = [standing::PHRASES, deeds::PHRASES, orders::PHRASES];

/// Sentences in which a user tells of others: their commands are not meant for the assistant. Not
/// applied to lower tiers, which would hide behind it.
pub(super) const REPORTS: &[&str] = &[
    "doctor|teacher|boss|manager|judge|coach|trainer|nurse|vet|lawyer|landlord|mother|father|mum|mom|dad|sister|brother|husband|wife|friend|dentist|police|leader|grandma|grandpa|colleague|scammer|hacker ..4 told|tells|said|says|ordered|instructed|advised|asked|asks|wants|makes|insists|taught|pretended",
    "film|movie|novel|book|story|article|paper|poster|sign|song|game|play|mail|email|post|talk|course|lecture|spam|phishing ..12 @cancel|ignored|ignores|told|tells|says|said|injection|root|obey|asked",
    "i ..3 wrote|write|read|watched|heard|saw|gave|research|study ..3 about|on",
    "^ ..1 user ..2 asked|wonders|wrote|writes|gave|studies|researches|reads",
];

/// Whose preference it is.
pub(super) const USER_WISHES: &[&str] = &[
    "user|users|customer|reader|client",
    "^ you ..1 prefer|like|want|love",
    "assistant|ai|model|llm",
];
