//! Why a fact that a model stated is not believed.

/// Why a fact is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    Empty,
    RestatesPrompt,
    /// What sort of secret it holds.
    HoldsSecret(&'static str),
    UnknownTurn(u32),
    QuoteTooShort,
    QuoteNotFound,
    /// No content word of it is in the cited turns.
    Unsupported,
    /// What is wrong with its dates.
    ImpossibleDates(String),
    /// The quote speaks of another time than the fact says.
    DatesDiffer,
    /// The reply states it twice.
    Duplicate,
    /// Only a model said it, and only because it had been remembered before.
    EchoesKnown,
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("it says nothing"),
            Self::RestatesPrompt => f.write_str("it restates the instructions"),
            Self::HoldsSecret(what) => write!(f, "it holds {what}"),
            Self::UnknownTurn(number) => write!(f, "there is no turn {number}"),
            Self::QuoteTooShort => f.write_str("the quote is too short to prove anything"),
            Self::QuoteNotFound => f.write_str("the cited turns do not contain the quote"),
            Self::Unsupported => f.write_str("the cited turns speak of something else"),
            Self::ImpossibleDates(why) => write!(f, "its dates are impossible: {why}"),
            Self::DatesDiffer => f.write_str("the quote speaks of another time"),
            Self::Duplicate => f.write_str("it is stated twice"),
            Self::EchoesKnown => f.write_str("a model repeated what was remembered already"),
        }
    }
}
