//! A value that must not be seen: credentials of providers and API keys of callers.

/// Text without `Debug`, `Display` or `Serialize`, so that a log line or an error that tried to
/// print it would not compile.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// `None` when the text is blank: an empty environment variable is not a credential.
    pub fn new(text: impl AsRef<str>) -> Option<Self> {
        let text = text.as_ref().trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text itself, for the one line that puts it on the wire or hashes it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
