//! The `usage` member: both detail objects always, the cost as a number.

use backstay_core::{ChargeClass, Money, Price, Usage, chat::Settlement};
use serde_json::{Map, Value, json};

use super::shape::without_nulls;
use crate::dollars;

/// What a provider reported, with what the ledger says of it: our counts, our cost. A cost that is not
/// known is left out: some clients refuse null there, and zero would be a lie.
pub(super) fn write(
    counted: &Usage,
    settlement: Option<&Settlement>,
    reported: Option<Value>,
) -> Value {
    let mut usage = match reported {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    for value in usage.values_mut() {
        if let Value::Object(details) = value {
            without_nulls(details, &["upstream_inference_cost"]);
        }
    }
    without_nulls(&mut usage, &[]);
    for (name, count) in [
        ("prompt_tokens", counted.prompt_tokens),
        ("completion_tokens", counted.completion_tokens),
        ("total_tokens", counted.total_tokens()),
    ] {
        usage.insert(name.to_owned(), Value::from(count));
    }
    for (name, details) in [
        (
            "prompt_tokens_details",
            json!({"cached_tokens": counted.cached_prompt_tokens,
                "cache_write_tokens": counted.cache_write_tokens}),
        ),
        ("completion_tokens_details", json!({"reasoning_tokens": counted.reasoning_tokens})),
    ] {
        let known = usage.entry(name).or_insert_with(|| json!({}));
        if let (Value::Object(known), Value::Object(details)) = (known, details) {
            known.extend(details);
        }
    }
    for (name, member, count) in [
        ("prompt_tokens_details", "audio_tokens", counted.audio_prompt_tokens),
        ("completion_tokens_details", "audio_tokens", counted.audio_completion_tokens),
        ("completion_tokens_details", "image_tokens", counted.image_completion_tokens),
        ("server_tool_use_details", "web_search_requests", counted.web_searches),
    ] {
        if count > 0
            && let Value::Object(details) = usage.entry(name).or_insert_with(|| json!({}))
        {
            details.insert(member.to_owned(), Value::from(count));
        }
    }
    usage.entry("is_byok").or_insert(Value::Bool(false));
    let cost = match settlement {
        Some(settlement) => settlement.cost,
        None => counted.provider_cost,
    };
    write_cost(&mut usage, cost, counted, settlement.and_then(|known| known.price.as_ref()));
    Value::Object(usage)
}

fn write_cost(
    usage: &mut Map<String, Value>,
    cost: Option<Money>,
    counted: &Usage,
    price: Option<&Price>,
) {
    let Some(number) = cost.and_then(dollars::number) else {
        usage.shift_remove("cost");
        usage.shift_remove("cost_details");
        return;
    };
    usage.insert("cost".to_owned(), number);
    if usage.contains_key("cost_details") {
        return;
    }
    if let Some(details) = cost.zip(price).and_then(|(cost, price)| details(cost, counted, price)) {
        usage.insert("cost_details".to_owned(), details);
    }
}

/// The cost of prompt and completion apart; together they are the cost, exactly.
fn details(cost: Money, counted: &Usage, price: &Price) -> Option<Value> {
    use ChargeClass as Class;
    let of_answer =
        [Class::Completion, Class::Reasoning, Class::AudioCompletion, Class::ImageCompletion];
    let lines = price.lines(counted)?.into_iter();
    let of_answer = lines.filter(|line| of_answer.contains(&line.class));
    let completions = Money::sum(of_answer.map(|line| line.amount))?;
    let prompt = cost.picodollars().checked_sub(completions.picodollars())?;
    Some(json!({
        "upstream_inference_cost": dollars::number(cost)?,
        "upstream_inference_prompt_cost": dollars::number(Money::from_picodollars(prompt))?,
        "upstream_inference_completions_cost": dollars::number(completions)?,
    }))
}
