//! One JSON record a line, after a line that says what this is.

use backstay_core::{Error, PortableRecord, Result};

/// The first line. A file of a later version is refused, not guessed at.
pub const HEADER: &str = "{\"type\":\"header\",\"format\":\"backstay-memory\",\"version\":1}\n";

/// A record with its line end.
pub fn line(record: &PortableRecord) -> Result<String> {
    let text = serde_json::to_string(record);
    let text = text.map_err(|cause| Error::internal(format!("not writable as JSON: {cause}")))?;
    Ok(text + "\n")
}

/// Reads lines; a header may stand before them, as it does in a whole file.
pub(crate) fn read(text: &str) -> Result<Vec<PortableRecord>> {
    let mut records = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if is_header(line) {
            if line != HEADER.trim_end() {
                let message = "this file was written by a newer Backstay; import it with that one";
                return Err(Error::invalid(message));
            }
            continue;
        }
        records.push(record(line).map_err(|cause| {
            Error::invalid(format!("line {} is not a record: {cause}", index + 1))
        })?);
    }
    Ok(records)
}

pub(crate) fn record(json: &str) -> serde_json::Result<PortableRecord> {
    serde_json::from_str(json)
}

pub(crate) fn is_header(line: &str) -> bool {
    line.starts_with("{\"type\":\"header\"")
}
