//! `backstay memory policy`: how long memories are kept, how they fade, whether any are learned.

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

use super::Whose;
use crate::{
    client::{Client, query},
    output::Output,
};

const PATH: &str = "/backstay/v1/memories/policy";
/// Units of a duration, the longest first, in seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

#[derive(Subcommand)]
pub(super) enum PolicyAction {
    /// Show the policy that holds: the user's own, else the assistant's, else one that keeps all.
    Show {
        #[command(flatten)]
        whose: Whose,
    },
    /// Set a policy in the place of the one before: what is left out is kept for ever.
    ///
    /// Without --user it holds for every user of the assistant who has none of their own. Pinned
    /// statements are kept whatever it says.
    Set {
        #[command(flatten)]
        whose: Whose,
        /// Delete turns this long after they were recorded, with what was learned from them: 90d,
        /// 12h, 30m, 45s.
        #[arg(long, value_name = "DURATION", value_parser = seconds)]
        keep_turns: Option<u64>,
        /// Delete statements this long after they were last changed.
        #[arg(long, value_name = "DURATION", value_parser = seconds)]
        keep_statements: Option<u64>,
        /// After so many days a memory counts half as much in recall.
        #[arg(long, value_name = "DAYS")]
        half_life_days: Option<u32>,
        /// Whether statements are learned from turns.
        #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
        learn: bool,
    },
    /// Take a policy back.
    Clear {
        #[command(flatten)]
        whose: Whose,
    },
}

impl PolicyAction {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<()> {
        match self {
            Self::Show { whose } => {
                let found: Value = client.get(&path(&whose)).await?;
                output.show(&found, policy);
            }
            Self::Set { whose, keep_turns, keep_statements, half_life_days, learn } => {
                let body = json!({
                    "episode_ttl_seconds": keep_turns,
                    "statement_ttl_seconds": keep_statements,
                    "half_life_days": half_life_days,
                    "learn": learn,
                });
                let set: Value = client.put(&path(&whose), &body).await?;
                output.show(&set, policy);
            }
            Self::Clear { whose } => {
                let done: Value = client.delete(&path(&whose)).await?;
                output.show(&done, |done| match done["cleared"] == json!(true) {
                    true => "The policy was taken back.".to_owned(),
                    false => "There was no policy.".to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn path(whose: &Whose) -> String {
    let parts = [("assistant", Some(whose.assistant.as_str())), ("user", whose.user.as_deref())];
    format!("{PATH}{}", query(&parts))
}

fn policy(found: &Value) -> String {
    let kept = |name: &str| found[name].as_u64().map_or("for ever".to_owned(), duration);
    let fading = match found["half_life_days"].as_u64() {
        Some(days) => format!("counts half after {days} days"),
        None => "does not fade".to_owned(),
    };
    let learned = if found["learn"] == json!(false) { "nothing is" } else { "statements are" };
    format!(
        "turns are kept {}, statements {}; a memory {fading}; {learned} learned",
        kept("episode_ttl_seconds"),
        kept("statement_ttl_seconds"),
    )
}

/// In the largest unit that says it exactly.
fn duration(seconds: u64) -> String {
    let exact = UNITS.iter().find(|(_, length)| seconds.is_multiple_of(*length));
    let (unit, length) = exact.copied().unwrap_or(('s', 1));
    format!("{}{unit}", seconds / length)
}

fn seconds(text: &str) -> Result<u64, String> {
    let parsed = UNITS.iter().find_map(|(unit, length)| {
        text.strip_suffix(*unit)?.parse::<u64>().ok()?.checked_mul(*length)
    });
    parsed.ok_or_else(|| "write a whole number and a unit, as in 90d, 12h, 30m or 45s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown_in_one_unit() {
        for (text, of_it) in [("90d", 7_776_000), ("36h", 129_600), ("0s", 0), ("61s", 61)] {
            assert_eq!(seconds(text), Ok(of_it));
        }
        for text in ["90", "d", "1w", "-1d", "1.5h", "99999999999999999d", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
        let shown = [7_776_000, 129_600, 61].map(duration);
        assert_eq!(shown, ["90d", "36h", "61s"]);
    }
}
