//! Amounts of money in providers' JSON.

use backstay_core::Money;
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
