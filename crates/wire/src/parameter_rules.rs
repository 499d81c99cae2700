//! Where a provider refuses or misnames fields of its wire format. What differs is data; this is the
//! one place that applies it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Loss;

/// How one provider's top-level fields differ from those of its wire format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParameterRules {
    /// The provider's names of fields that the format calls otherwise.
    pub rename: BTreeMap<String, String>,
    /// Fields of the format that the provider refuses or ignores; they are left out.
    pub unsupported: Vec<String>,
    /// The same of the fields of each message.
    pub unsupported_in_messages: Vec<String>,
    /// Fields that the provider demands and no client knows of.
    pub add: Map<String, Value>,
}

impl ParameterRules {
    /// Fits a body that was written in the format's words. A field that is left out is noted under
    /// the format's name, unless its value asks for nothing.
    pub(crate) fn apply(&self, body: &mut Value, loss: &mut Loss) {
        let Value::Object(members) = body else { return };
        for name in &self.unsupported {
            if let Some(value) = members.shift_remove(name)
                && asks_for_something(name, &value)
            {
                loss.record(name);
            }
        }
        for (name, theirs) in &self.rename {
            rename(members, name, theirs, loss);
        }
        if !self.unsupported_in_messages.is_empty() {
            self.apply_to_messages(members, loss);
        }
        members.extend(self.add.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    fn apply_to_messages(&self, members: &mut Map<String, Value>, loss: &mut Loss) {
        let messages = members.get_mut("messages").and_then(Value::as_array_mut);
        for message in messages.into_iter().flatten().filter_map(Value::as_object_mut) {
            for name in &self.unsupported_in_messages {
                if message.shift_remove(name).is_some_and(|value| !value.is_null()) {
                    loss.record(format!("messages.{name}"));
                }
            }
        }
    }
}

/// A client may give both names, as OpenAI's `max_tokens` and `max_completion_tokens`: the
/// provider's own wins.
fn rename(members: &mut Map<String, Value>, name: &str, theirs: &str, loss: &mut Loss) {
    let Some(value) = members.shift_remove(name) else { return };
    match members.get(theirs) {
        Some(known) if *known != value => loss.record(name),
        Some(_) => {}
        None => {
            members.insert(theirs.to_owned(), value);
        }
    }
}

/// Numbers of which zero is the default.
const ZERO_IS_NOTHING: [&str; 3] = ["presence_penalty", "frequency_penalty", "top_logprobs"];

/// Backstay itself names the model, asks for the usage of a stream and for vectors as numbers: these
/// are no wishes of the client.
const OUR_OWN: [&str; 3] = ["model", "stream_options", "encoding_format"];

fn asks_for_something(name: &str, value: &Value) -> bool {
    let is_default = match name {
        "n" => value.as_u64() == Some(1),
        "parallel_tool_calls" => value.as_bool() == Some(true),
        "top_p" => value.as_f64() == Some(1.0),
        _ => OUR_OWN.contains(&name),
    };
    let is_nothing = match value {
        Value::Null => true,
        Value::Bool(flag) => !flag && name != "parallel_tool_calls",
        Value::Number(number) => ZERO_IS_NOTHING.contains(&name) && number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    };
    !is_default && !is_nothing
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(rules: &str, mut body: Value) -> (Value, Vec<String>) {
        let rules: ParameterRules = serde_json::from_str(rules).unwrap();
        let mut loss = Loss::default();
        rules.apply(&mut body, &mut loss);
        (body, loss.into_names())
    }

    #[test]
    fn a_refused_field_is_left_out_and_reported_when_it_asks_for_something() {
        let rules = r#"{"unsupported": ["logprobs", "n", "presence_penalty", "stream_options",
            "parallel_tool_calls", "seed", "temperature"]}"#;
        let body = json!({"model": "m", "logprobs": false, "n": 1, "presence_penalty": 0.0,
            "stream_options": {"include_usage": true}, "parallel_tool_calls": true});
        assert_eq!(applied(rules, body), (json!({"model": "m"}), vec![]));
        let body = json!({"logprobs": true, "n": 2, "presence_penalty": 0.5, "seed": 0,
            "parallel_tool_calls": false, "temperature": 0.0});
        let lost =
            ["logprobs", "n", "presence_penalty", "parallel_tool_calls", "seed", "temperature"];
        assert_eq!(applied(rules, body), (json!({}), lost.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_misnamed_field_goes_under_the_providers_name_and_is_no_loss() {
        let rules = r#"{"rename": {"seed": "random_seed", "max_completion_tokens": "max_tokens"}}"#;
        let (body, lost) = applied(rules, json!({"seed": 7, "max_completion_tokens": 9}));
        assert_eq!(body, json!({"max_tokens": 9, "random_seed": 7}));
        assert!(lost.is_empty());
        let both = json!({"max_tokens": 5, "max_completion_tokens": 9});
        let (body, lost) = applied(rules, both);
        assert_eq!(body, json!({"max_tokens": 5}));
        assert_eq!(lost, ["max_completion_tokens"]);
    }

    #[test]
    fn fields_of_messages_are_left_out_and_demanded_fields_added() {
        let rules = r#"{"unsupported": ["model"], "unsupported_in_messages": ["name"],
            "add": {"version": "v1"}}"#;
        let body = json!({"model": "m", "messages": [{"role": "user", "name": "Ann"}, {"role": "user", "name": null}, "odd"]});
        let (body, lost) = applied(rules, body);
        assert_eq!(
            body,
            json!({"messages": [{"role": "user"}, {"role": "user"}, "odd"], "version": "v1"})
        );
        assert_eq!(lost, ["messages.name"]);
    }

    #[test]
    fn an_unknown_rule_is_refused() {
        assert!(serde_json::from_str::<ParameterRules>(r#"{"renames": {}}"#).is_err());
    }
}
