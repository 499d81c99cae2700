//! Token counts. The provider gives two: all tokens, and those that it charges, which leave out what
//! it adds to a prompt itself. The ledger wants what is charged.

use backstay_core::Usage;

use super::payload::UsagePayload;

/// `None` when the value reports nothing.
pub(super) fn read(report: &UsagePayload) -> Option<Usage> {
    let counts = [&report.billed_units, &report.tokens];
    let counted = counts.into_iter().flatten().find_map(|counts| {
        let (input, output) = (counts.input_tokens.0, counts.output_tokens.0);
        input.or(output)?;
        Some((input.unwrap_or(0), output.unwrap_or(0)))
    });
    let (prompt_tokens, completion_tokens) = counted?;
    Some(Usage {
        prompt_tokens,
        completion_tokens,
        // Counted of all tokens, it may exceed the charged ones.
        cached_prompt_tokens: report.cached_tokens.0.unwrap_or(0).min(prompt_tokens),
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_charged_wins_over_what_was_read() {
        let usage = |value| read(&serde_json::from_value(value).unwrap());
        let both = usage(json!({"billed_units": {"input_tokens": 17, "output_tokens": 12},
            "tokens": {"input_tokens": 215, "output_tokens": 14}, "cached_tokens": 32}))
        .unwrap();
        assert_eq!((both.prompt_tokens, both.completion_tokens), (17, 12));
        assert_eq!(both.cached_prompt_tokens, 17);
        let tokens = usage(json!({"tokens": {"input_tokens": 215.0}})).unwrap();
        assert_eq!((tokens.prompt_tokens, tokens.completion_tokens), (215, 0));
        assert_eq!(usage(json!({"billed_units": {"search_units": 1}})), None);
    }
}
