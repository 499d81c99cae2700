//! `[retention]`: for how long is kept what grows with every call.

use backstay_core::{Error, Result};
use backstay_store::Retention;
use serde::Deserialize;

/// A hundred years: more is a mistake.
const DAYS_MAX: u32 = 36_500;

/// Everything is kept where nothing is set.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSection {
    /// Calls and their attempts, for at least this many days.
    pub ledger_days: Option<u32>,
    /// Turns that are recalled, with what was learned from them, for at least this many days.
    pub episodes_days: Option<u32>,
}

impl RetentionSection {
    pub(super) fn check(&self) -> Result<()> {
        for (name, days) in
            [("ledger_days", self.ledger_days), ("episodes_days", self.episodes_days)]
        {
            if days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
                return Err(Error::invalid(format!(
                    "retention.{name} must be between 1 and {DAYS_MAX}; leave it out to keep all"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn retention(self) -> Retention {
        Retention { ledger_days: self.ledger_days, episodes_days: self.episodes_days }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn everything_is_kept_unless_days_are_given() {
        let kept = Config::default().engine_options().retention;
        assert_eq!((kept.ledger_days, kept.episodes_days), (None, None));
        let config = Config::parse("[retention]\nledger_days = 90").unwrap();
        let kept = config.engine_options().retention;
        assert_eq!((kept.ledger_days, kept.episodes_days), (Some(90), None));
    }

    #[test]
    fn no_days_at_all_are_refused_by_name() {
        for (line, named) in [
            ("ledger_days = 0", "retention.ledger_days"),
            ("episodes_days = 99999", "retention.episodes_days"),
            ("episode_days = 30", "did you mean `episodes_days`"),
        ] {
            let error = Config::parse(&format!("[retention]\n{line}")).unwrap_err();
            assert!(error.message().contains(named), "{error}");
        }
    }
}
