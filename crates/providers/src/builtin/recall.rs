//! `builtin/recall`: answers with the best-supported remembered statements and their sources.

use backstay_core::{
    chat::{ChatRequest, Part},
    memory::Recalled,
};

const STATEMENTS_MAX: usize = 3;

pub(super) fn answer(request: &ChatRequest) -> String {
    let blocks = request.messages.iter().flat_map(|message| &message.parts);
    let mut found: Vec<&Recalled> = blocks
        .filter_map(|part| match part {
            Part::Recalled(block) => Some(&block.items),
            _ => None,
        })
        .flatten()
        .collect();
    if found.is_empty() {
        return "Nothing relevant is remembered.".to_owned();
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut lines = vec!["The best-supported statements that I remember:".to_owned()];
    lines.extend(found.iter().take(STATEMENTS_MAX).enumerate().map(|(index, item)| {
        format!(
            "{}. \u{201C}{}\u{201D} ({}, {}; {})",
            index + 1,
            item.text.trim(),
            item.author,
            item.said_at.date(),
            item.id
        )
    }));
    lines.join("\n")
}
