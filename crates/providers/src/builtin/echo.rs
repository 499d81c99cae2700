//! `builtin/echo`: repeats what it was told, for trying out clients and streams.

use backstay_core::chat::{ChatRequest, Part, Role};

pub(super) fn answer(request: &ChatRequest) -> String {
    let Some(last) = request.messages.iter().rev().find(|m| m.role != Role::System) else {
        return "There is no message to repeat.".to_owned();
    };
    let mut lines = Vec::new();
    let mut images = 0;
    for part in &last.parts {
        match part {
            Part::Text { text } => lines.push(text.clone()),
            Part::ToolResult { parts, .. } => lines.extend(parts.iter().filter_map(text)),
            Part::Image(_) => images += 1,
            _ => {}
        }
    }
    if images > 0 {
        lines.push(format!("[{images} image(s)]"));
    }
    lines.join("\n")
}

fn text(part: &Part) -> Option<String> {
    match part {
        Part::Text { text } => Some(text.clone()),
        _ => None,
    }
}
