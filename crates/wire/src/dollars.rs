//! Amounts of money in providers' JSON.

use backstay_core::{Money, chat::Settlement};
use serde_json::{Number, Value};

/// OpenRouter computes its charge in floating point, so that it may carry digits beyond a
/// picodollar, which say nothing.
pub(crate) fn dollars(cost: &Value) -> Option<Money> {
    let text = match cost {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    Money::parse_dollars(&text)
        .or_else(|| Money::parse_dollars(&format!("{:.12}", text.parse::<f64>().ok()?)))
}

/// The nearest number; what is exact is the ledger's decimal text.
pub(crate) fn number(money: Money) -> Option<Value> {
    Number::from_f64(money.to_string().parse().ok()?).map(Value::Number)
}

/// Adds what the ledger says that a call cost to its usage, as OpenRouter's clients expect. A cost that
/// is unknown is left out.
pub(crate) fn add_cost(usage: &mut Value, settlement: Option<&Settlement>) {
    add_amount(usage, settlement.and_then(|settlement| settlement.cost));
}

pub(crate) fn add_amount(usage: &mut Value, cost: Option<Money>) {
    let cost = cost.and_then(number);
    if let (Some(cost), Value::Object(usage)) = (cost, usage) {
        usage.insert("cost".to_owned(), cost);
        usage.insert("is_byok".to_owned(), Value::Bool(false));
    }
}
