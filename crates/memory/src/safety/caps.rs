//! How much one source may say.
//!
//! A page that yields a thousand statements would crowd out what the user said, whatever each of
//! them says. The limits are a choice, not a measurement: far above what an honest source of its
//! kind adds, far below what fills a scope or an answer.

use backstay_core::memory::Trust;

/// How many statements one source (`document:handbook.pdf`, `tool:web_search`) may have in a scope.
/// What comes after them is quarantined.
pub fn source_cap(trust: Trust) -> usize {
    match trust {
        Trust::Document => 100,
        Trust::ThirdParty => 100,
        Trust::Tool => 200,
        Trust::ModelInference => 5_000,
        Trust::DirectUser => usize::MAX,
    }
}

/// How many statements of one source may stand in one recalled list.
pub fn recalled_per_source(trust: Trust) -> usize {
    match trust {
        Trust::Document | Trust::ThirdParty => 3,
        Trust::Tool => 5,
        Trust::ModelInference | Trust::DirectUser => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_more_trusted_source_may_never_say_less() {
        for pair in Trust::ALL.windows(2) {
            assert!(source_cap(pair[0]) <= source_cap(pair[1]));
            assert!(recalled_per_source(pair[0]) <= recalled_per_source(pair[1]));
        }
    }
}
