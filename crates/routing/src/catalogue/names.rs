//! What a provider's own name of a model says of which model it is.

use std::collections::HashMap;

/// Catalogue names by what is left of a slug without habits of writing.
#[derive(Default)]
pub(super) struct Names<'a> {
    by_key: HashMap<String, &'a str>,
}

impl<'a> Names<'a> {
    /// Of several names with one key the first counts.
    pub(super) fn of(names: impl Iterator<Item = &'a str>) -> Self {
        let mut by_key = HashMap::new();
        // A variant (`a/b:free`) is a way of selling the model, not another one.
        for name in names.filter(|name| name.contains('/') && !name.contains(':')) {
            by_key.entry(key(name)).or_insert(name);
        }
        Self { by_key }
    }

    /// The catalogue name of a provider's model; `None` when none is like it.
    pub(super) fn find(&self, model: &str) -> Option<&'a str> {
        self.by_key.get(&key(model)).copied()
    }
}

/// The last part of a path in lower case, with `-` for `.`, `_`, `@` and space, without a date at
/// its end: `anthropic/claude-opus-4.5` and `claude-opus-4-5-20251101` are one.
fn key(name: &str) -> String {
    let slug = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let mut slug: String =
        slug.chars().map(|c| if matches!(c, '.' | '_' | ' ' | '@') { '-' } else { c }).collect();
    if let Some(at) = date_at_end(&slug) {
        slug.truncate(at);
    }
    slug
}

/// Where `-20251101` or `-2025-11-01` begins.
fn date_at_end(slug: &str) -> Option<usize> {
    let is_date = |tail: &str| {
        tail.strip_prefix("-20").is_some_and(|rest| {
            let digits = rest.bytes().filter(u8::is_ascii_digit).count();
            let dashes = rest.bytes().filter(|byte| *byte == b'-').count();
            digits == 6 && digits + dashes == rest.len()
        })
    };
    let starts = [9, 11].into_iter().filter_map(|length| slug.len().checked_sub(length));
    starts.filter(|at| slug.is_char_boundary(*at)).find(|at| is_date(&slug[*at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_ways_of_writing_lead_to_one_name() {
        let known = ["anthropic/claude-opus-4.5", "deepseek/deepseek-v3.2", "a/b:free", "plain"];
        let names = Names::of(known.into_iter());
        for (written, name) in [
            ("claude-opus-4-5-20251101", Some("anthropic/claude-opus-4.5")),
            ("claude-opus-4-5@20251101", Some("anthropic/claude-opus-4.5")),
            ("deepseek-ai/DeepSeek-V3.2", Some("deepseek/deepseek-v3.2")),
            ("deepseek-v3.1", None),
            ("b", None),
            ("plain", None),
        ] {
            assert_eq!(names.find(written), name, "{written}");
        }
    }

    #[test]
    fn a_date_is_cut_off_and_other_numbers_are_not() {
        assert_eq!(key("gpt-4o-2024-08-06"), "gpt-4o");
        assert_eq!(key("deepseek-chat-v3-0324"), "deepseek-chat-v3-0324");
        assert_eq!(key("x-20251"), "x-20251");
        assert_eq!(key("é-20251101"), "é");
    }
}
