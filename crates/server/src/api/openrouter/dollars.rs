//! Money as OpenRouter writes it: a JSON number of dollars.

use backstay_core::{Error, Money, Result};
use serde_json::{Number, Value};

/// The number whose shortest decimal form is the amount, as far as a double can hold it.
pub(super) fn number(money: Money) -> Value {
    let number = money.to_string().parse().ok().and_then(Number::from_f64);
    number.map_or(Value::Null, Value::Number)
}

/// Reads a limit that a client sent as a number or as decimal text.
pub(super) fn read(value: &Value, field: &str) -> Result<Money> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => String::new(),
    };
    Money::parse_dollars(&text).ok_or_else(|| {
        Error::invalid(format!("`{field}` must be an amount in dollars, such as 12.5, or null"))
            .with_parameter(field)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_numbers_and_read_exactly() {
        for (text, shown) in [("0.0000025", json!(2.5e-6)), ("12.5", json!(12.5))] {
            let money = Money::parse_dollars(text).unwrap();
            assert_eq!(number(money), shown);
            assert_eq!(read(&shown, "limit").unwrap(), money);
            assert_eq!(read(&json!(text), "limit").unwrap(), money);
        }
        assert_eq!(read(&json!(10), "limit").unwrap().to_string(), "10");
        for wrong in [json!(-1), json!("ten"), json!([])] {
            assert_eq!(read(&wrong, "limit").unwrap_err().parameter(), Some("limit"));
        }
    }
}
