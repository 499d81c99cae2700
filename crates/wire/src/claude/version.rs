//! Which Claude a model name means: the interface differs between generations.

/// Major and minor number, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClaudeVersion(u32, u32);

impl ClaudeVersion {
    /// From here on models think adaptively and take an effort; earlier ones take a budget.
    const ADAPTIVE: Self = Self(4, 6);
    /// From here on sampling parameters are refused, and thinking is hidden unless it is asked for.
    const WITHOUT_SAMPLING: Self = Self(4, 7);

    /// `claude-sonnet-4-5-20250929` is 4.5, `claude-3-7-sonnet-latest` is 3.7; `None` for a name
    /// that is not Claude's or says no version.
    pub(crate) fn of(model: &str) -> Option<Self> {
        let name = &model[model.find("claude")?..];
        let mut pieces = name.split(['-', '.', '@', ':']).skip_while(|piece| !is_number(piece));
        let major = pieces.next()?.parse().ok()?;
        let minor = pieces.next().filter(|piece| is_number(piece));
        Some(Self(major, minor.and_then(|piece| piece.parse().ok()).unwrap_or(0)))
    }

    pub(crate) fn thinks_adaptively(self) -> bool {
        self >= Self::ADAPTIVE
    }

    pub(crate) fn refuses_sampling(self) -> bool {
        self >= Self::WITHOUT_SAMPLING
    }

    pub(crate) fn hides_thinking(self) -> bool {
        self >= Self::WITHOUT_SAMPLING
    }
}

/// Dates have eight digits.
fn is_number(piece: &str) -> bool {
    matches!(piece.len(), 1 | 2) && piece.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_version_is_read() {
        for (model, version) in [
            ("claude-3-7-sonnet-20250219", Some(ClaudeVersion(3, 7))),
            ("claude-sonnet-4-20250514", Some(ClaudeVersion(4, 0))),
            ("claude-opus-4-6", Some(ClaudeVersion(4, 6))),
            ("anthropic/claude-sonnet-4.5", Some(ClaudeVersion(4, 5))),
            ("claude-haiku-4-5@20251001", Some(ClaudeVersion(4, 5))),
            ("claude-next", None),
            ("other-4-6", None),
        ] {
            assert_eq!(ClaudeVersion::of(model), version, "{model}");
        }
    }
}
