//! Data to standard output, everything else to standard error; text for people or JSON for programs.

use std::io::Write as _;

use serde::Serialize;

/// Writes to standard output at once. A reader that has seen enough and gone (`| head`) is no error.
pub(crate) fn print_text(text: &str) {
    let mut out = std::io::stdout().lock();
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[derive(Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// One result: as JSON, or as the text that `text` makes of it.
    pub(crate) fn show<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) {
        if self.json {
            match serde_json::to_string_pretty(value) {
                Ok(json) => print_text(&format!("{json}\n")),
                Err(error) => eprintln!("error: this result cannot be shown as JSON: {error}"),
            }
        } else {
            print_text(&format!("{}\n", text(value).trim_end()));
        }
    }

    /// A remark beside the data.
    pub(crate) fn note(self, text: &str) {
        eprintln!("{text}");
    }

    pub(crate) fn error(self, error: &anyhow::Error) {
        if self.json {
            let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
            eprintln!("{}", serde_json::json!({"error": error.to_string(), "causes": causes}));
        } else {
            eprintln!("error: {error:#}");
        }
    }
}
