//! The formats that are read, and what a name says about them.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Pdf,
    Docx,
    Pptx,
    Xlsx,
    Csv,
    Html,
    Markdown,
    Json,
    JsonLines,
    Xml,
    Text,
    /// Source code, with the name of its language.
    Code(String),
}

impl Format {
    /// As a person calls it.
    pub fn name(&self) -> &str {
        match self {
            Self::Pdf => "PDF",
            Self::Docx => "Word document",
            Self::Pptx => "PowerPoint presentation",
            Self::Xlsx => "Excel workbook",
            Self::Csv => "CSV file",
            Self::Html => "HTML page",
            Self::Markdown => "Markdown file",
            Self::Json => "JSON file",
            Self::JsonLines => "JSON Lines file",
            Self::Xml => "XML file",
            Self::Text => "text file",
            Self::Code(_) => "source file",
        }
    }

    /// Whether a file of this format is text, so that any editor opens it.
    pub fn is_text(&self) -> bool {
        !matches!(self, Self::Pdf | Self::Docx | Self::Pptx | Self::Xlsx)
    }

    /// What an extension (lower case, without its dot) promises; `None` if it promises nothing known.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Some(match extension {
            "pdf" => Self::Pdf,
            "docx" | "docm" | "dotx" => Self::Docx,
            "pptx" | "pptm" | "ppsx" => Self::Pptx,
            "xlsx" | "xlsm" | "xltx" => Self::Xlsx,
            "csv" | "tsv" | "tab" => Self::Csv,
            "html" | "htm" | "xhtml" => Self::Html,
            "md" | "markdown" | "mdown" | "mkd" => Self::Markdown,
            "json" | "geojson" | "ipynb" => Self::Json,
            "jsonl" | "ndjson" => Self::JsonLines,
            "xml" | "rss" | "atom" | "xsd" | "xsl" | "svg" => Self::Xml,
            "txt" | "text" | "log" => Self::Text,
            other => Self::Code(language(other)?.to_owned()),
        })
    }
}

/// The language of a source file, by its extension or, for files that have none, by its whole name.
fn language(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "py" | "pyi" => "python",
        "js" | "mjs" | "cjs" | "jsx" => "javascript",
        "ts" | "mts" | "tsx" => "typescript",
        "java" => "java",
        "kt" | "kts" => "kotlin",
        "scala" => "scala",
        "c" | "h" => "c",
        "cpp" | "cc" | "cxx" | "hpp" | "hh" => "cpp",
        "cs" => "csharp",
        "go" => "go",
        "rs" => "rust",
        "rb" => "ruby",
        "php" => "php",
        "swift" => "swift",
        "m" => "objective-c",
        "lua" => "lua",
        "pl" | "pm" => "perl",
        "r" => "r",
        "jl" => "julia",
        "hs" => "haskell",
        "ex" | "exs" => "elixir",
        "erl" => "erlang",
        "clj" => "clojure",
        "dart" => "dart",
        "sh" | "bash" | "zsh" => "shell",
        "ps1" => "powershell",
        "sql" => "sql",
        "css" | "scss" | "less" => "css",
        "vue" | "svelte" => "html",
        "yaml" | "yml" => "yaml",
        "toml" => "toml",
        "ini" | "cfg" | "conf" | "env" | "properties" => "ini",
        "proto" => "protobuf",
        "graphql" => "graphql",
        "tex" => "latex",
        "dockerfile" => "dockerfile",
        "makefile" | "mk" => "makefile",
        _ => return None,
    })
}

/// What counts of a name: its extension in lower case, or all of a short name that has none, such as
/// `Dockerfile`; empty if it is nothing that an extension can be.
pub(crate) fn extension(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let extension = base.rsplit('.').next().unwrap_or(base);
    if extension.len() > 16 || !extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return String::new();
    }
    extension.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_format_whatever_its_case_and_folder() {
        assert_eq!(
            Format::from_extension(&extension("C:\\my docs\\Report.v2.PDF")),
            Some(Format::Pdf)
        );
        assert_eq!(
            Format::from_extension(&extension("a/b/Dockerfile")),
            Some(Format::Code("dockerfile".into()))
        );
        assert_eq!(Format::from_extension(&extension("notes.tar.gz")), None);
        assert_eq!(extension("weird.ex;t"), "");
        assert_eq!(extension(""), "");
    }
}
