//! Which Gemini a model name means: the interface differs between generations.

/// The major version, where the name says one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModelGeneration {
    major: Option<u32>,
    is_pro: bool,
}

impl ModelGeneration {
    /// `gemini-2.5-flash` is 2, `models/gemini-3-pro-preview` is 3; `gemini-flash-latest` says none.
    pub(super) fn of(model: &str) -> Self {
        let pieces = model.split_once("gemini-").map(|(_, version)| version.split(['-', '.']));
        let major = pieces.and_then(|mut pieces| pieces.next()?.parse().ok());
        Self { major, is_pro: model.contains("-pro") }
    }

    /// From the third generation on, the depth of thinking is a word; before, a number of tokens,
    /// which later ones still take.
    pub(super) fn takes_thinking_level(self) -> bool {
        self.major.is_some_and(|major| major >= 3)
    }

    /// From the third generation on, function calls without their signature are refused. A name
    /// without a version stands for the newest model.
    pub(super) fn wants_signatures(self) -> bool {
        self.major.is_none_or(|major| major >= 3)
    }

    /// Pro models always think.
    pub(super) fn is_pro(self) -> bool {
        self.is_pro
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generation_is_read_from_the_name() {
        let level = |model| ModelGeneration::of(model).takes_thinking_level();
        assert!(level("gemini-3-pro-preview") && level("models/gemini-3.5-flash"));
        assert!(!level("gemini-2.5-flash") && !level("gemini-flash-latest"));
        let signed = |model| ModelGeneration::of(model).wants_signatures();
        assert!(signed("gemini-3-flash") && signed("gemini-pro-latest"));
        assert!(!signed("gemini-2.5-pro") && !signed("gemini-1.5-flash"));
    }
}
