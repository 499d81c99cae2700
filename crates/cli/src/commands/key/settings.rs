//! What a key may do, as options of the command line.

use clap::Args;
use serde_json::{Map, Value, json};

/// Limits of a key. Lists that are given take the place of those that there are.
#[derive(Args)]
pub(crate) struct Settings {
    /// When the key stops working, such as 2027-01-31T00:00:00Z, or "never".
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// What the key may do: inference, memory, read, manage, or all.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Dollars per day, week, month or in total, such as month=20; "none" lifts every budget.
    #[arg(long = "budget", value_name = "PERIOD=DOLLARS", value_parser = budget)]
    budgets: Vec<Given>,
    /// Requests, tokens or money per minute, hour or day, such as requests/minute=60; "none" lifts
    /// every limit.
    #[arg(long = "rate", value_name = "WHAT/PERIOD=LIMIT", value_parser = rate)]
    rates: Vec<Given>,
    /// Only these models; * stands for any characters.
    #[arg(long = "allow-model", value_name = "PATTERN")]
    allow_models: Vec<String>,
    /// Never these models.
    #[arg(long = "deny-model", value_name = "PATTERN")]
    deny_models: Vec<String>,
    /// Only these providers.
    #[arg(long = "allow-provider", value_name = "PROVIDER")]
    allow_providers: Vec<String>,
    /// Never these providers.
    #[arg(long = "deny-provider", value_name = "PROVIDER")]
    deny_providers: Vec<String>,
    /// Whether models of unknown price may be called although there is a budget.
    #[arg(long, value_name = "BOOL")]
    allow_unpriced: Option<bool>,
    /// Whether each call goes to the row of its budget, where servers share a database.
    #[arg(long, value_name = "BOOL")]
    strict_budget: Option<bool>,
}

/// A limit, or that there is to be none.
#[derive(Clone, Debug, PartialEq)]
enum Given {
    None,
    One(Value),
}

fn budget(text: &str) -> Result<Given, String> {
    if text == "none" {
        return Ok(Given::None);
    }
    let wrong = || format!("{text:?} is no budget; write one such as month=20, or none");
    let (period, limit) = text.split_once('=').ok_or_else(wrong)?;
    Ok(Given::One(json!({"period": period, "limit": limit})))
}

fn rate(text: &str) -> Result<Given, String> {
    if text == "none" {
        return Ok(Given::None);
    }
    let wrong = || format!("{text:?} is no limit; write one such as requests/minute=60, or none");
    let (what, limit) = text.split_once('=').ok_or_else(wrong)?;
    let (of, per) = what.split_once('/').ok_or_else(wrong)?;
    let limit = match of {
        "money" => Value::from(limit),
        _ => Value::from(limit.parse::<u64>().map_err(|_| wrong())?),
    };
    Ok(Given::One(json!({"of": of, "per": per, "limit": limit})))
}

impl Settings {
    /// The fields of the API that were given.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| {
            body.insert(name.to_owned(), value);
        };
        if let Some(expires) = &self.expires {
            let never = expires == "never";
            set("expires_at", if never { Value::Null } else { json!(expires) });
        }
        if !self.scopes.is_empty() {
            let all = self.scopes.iter().any(|scope| scope == "all");
            set("scopes", if all { Value::Null } else { json!(self.scopes) });
        }
        for (name, given) in [("budgets", &self.budgets), ("rate_limits", &self.rates)] {
            if !given.is_empty() {
                let limits = given.iter().filter_map(|given| match given {
                    Given::None => None,
                    Given::One(limit) => Some(limit.clone()),
                });
                set(name, limits.collect());
            }
        }
        let lists = [
            ("allow_models", &self.allow_models),
            ("deny_models", &self.deny_models),
            ("allow_providers", &self.allow_providers),
            ("deny_providers", &self.deny_providers),
        ];
        let policy: Map<String, Value> = lists
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(name, list)| (name.to_owned(), json!(list)))
            .collect();
        if !policy.is_empty() {
            set("policy", Value::Object(policy));
        }
        if let Some(allow) = self.allow_unpriced {
            set("allow_unpriced", Value::from(allow));
        }
        if let Some(strict) = self.strict_budget {
            set("strict_budget", Value::from(strict));
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn body(arguments: &[&str]) -> Value {
        let all = std::iter::once("key").chain(arguments.iter().copied());
        Line::try_parse_from(all).unwrap().settings.body()
    }

    #[test]
    fn only_what_is_given_is_sent() {
        assert_eq!(body(&[]), json!({}));
        let given = body(&[
            "--scope=inference",
            "--budget=month=20",
            "--rate=requests/minute=60",
            "--rate=money/hour=1.5",
            "--allow-model=anthropic/*",
        ]);
        let limits = json!([
            {"of": "requests", "per": "minute", "limit": 60},
            {"of": "money", "per": "hour", "limit": "1.5"},
        ]);
        let expected = json!({
            "scopes": ["inference"],
            "budgets": [{"period": "month", "limit": "20"}],
            "rate_limits": limits,
            "policy": {"allow_models": ["anthropic/*"]},
        });
        assert_eq!(given, expected);
        let lifted = body(&["--budget=none", "--expires=never", "--scope=all"]);
        assert_eq!(lifted, json!({"budgets": [], "expires_at": null, "scopes": null}));
        assert!(Line::try_parse_from(["key", "--budget=20"]).is_err());
        assert!(Line::try_parse_from(["key", "--rate=requests=5"]).is_err());
    }
}
