//! Exports of ChatGPT and Claude, as the ZIP files that people download: read conversation by
//! conversation, however large they are.

use std::{
    borrow::Cow,
    fmt,
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use zip::ZipArchive;

use super::{Session, chatgpt, claude, skipped::Skipped};

/// What one entry may unpack to: a bomb ends here.
const ENTRY_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// Whether a file is an archive.
pub(crate) fn is_archive(path: &Path) -> bool {
    let mut first = [0_u8; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && first == *b"PK\x03\x04"
}

/// Gives each conversation of an export to `take`, and returns what was left out. Ends at the first
/// error, its own or that of `take`.
pub(crate) fn each_session(
    path: &Path,
    mut take: impl FnMut(Session) -> Result<()>,
) -> Result<Skipped> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).context("it is not a ZIP archive")?;
    // A name that is no text is not one that an export gives.
    let names = archive.file_names().flatten().map(Cow::into_owned);
    let mut names: Vec<String> = names.filter(|name| holds_conversations(name)).collect();
    names.sort();
    if names.is_empty() {
        bail!(
            "the archive holds no conversations.json; exports of ChatGPT and Claude do, others \
             are not known"
        );
    }
    let mut skipped = Skipped::default();
    let mut count = 0;
    for name in names {
        let entry = archive.by_name(&name).with_context(|| format!("{name} cannot be unpacked"))?;
        let reader = BufReader::new(entry.take(ENTRY_BYTES_MAX));
        each_item(reader, |item| {
            let session = if claude::is_conversation(&item) {
                claude::session(count, &item, &mut skipped)
            } else {
                chatgpt::session(count, &item, &mut skipped)
            };
            count += 1;
            session.map_or(Ok(()), &mut take)
        })
        .with_context(|| format!("{name} cannot be read"))?;
    }
    Ok(skipped)
}

/// `conversations.json`, or a numbered part of it, in whatever folder.
fn holds_conversations(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.starts_with("conversations") && file.ends_with(".json")
}

/// Gives each element of a JSON list to `take`, without holding the list.
fn each_item(reader: impl Read, take: impl FnMut(Value) -> Result<()>) -> Result<()> {
    let mut failed = None;
    let items = Items { take, failed: &mut failed };
    let read = items.deserialize(&mut serde_json::Deserializer::from_reader(reader));
    match failed {
        Some(error) => Err(error),
        None => Ok(read?),
    }
}

struct Items<'a, F> {
    take: F,
    /// Why `take` ended the reading; errors of the reader are of another kind.
    failed: &'a mut Option<anyhow::Error>,
}

impl<'de, F: FnMut(Value) -> Result<()>> DeserializeSeed<'de> for Items<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Value) -> Result<()>> Visitor<'de> for Items<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of conversations")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            if let Err(error) = (self.take)(item) {
                *self.failed = Some(error);
                return Err(serde::de::Error::custom("ended"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(entries: &[(&str, String)]) -> tempfile::NamedTempFile {
        let mut writer = ZipWriter::new(tempfile::NamedTempFile::new().unwrap());
        for (name, text) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap()
    }

    fn titles(file: &tempfile::NamedTempFile) -> Result<Vec<String>> {
        let mut titles = Vec::new();
        each_session(file.path(), |session| {
            titles.push(session.title.unwrap_or_default());
            Ok(())
        })?;
        Ok(titles)
    }

    fn claude(name: &str) -> Value {
        json!({"uuid": name, "name": name, "created_at": "2025-03-01T10:00:00Z",
               "chat_messages": [{"sender": "human", "text": "hello"}]})
    }

    #[test]
    fn conversations_are_found_in_any_folder_and_in_all_their_parts() {
        let gpt = json!([{"title": "gpt", "create_time": 1.0, "mapping": {"a": {"children": [],
            "message": {"author": {"role": "user"}, "create_time": 1.0,
                        "content": {"content_type": "text", "parts": ["hi"]}}}}}]);
        let file = archive(&[
            ("users.json", "[]".to_owned()),
            ("export/conversations-001.json", json!([claude("b")]).to_string()),
            ("export/conversations-000.json", gpt.to_string()),
        ]);
        assert!(is_archive(file.path()));
        assert_eq!(titles(&file).unwrap(), ["gpt", "b"]);
    }

    #[test]
    fn an_archive_without_conversations_or_with_broken_ones_is_refused() {
        let none = archive(&[("chat.html", String::new())]);
        assert!(titles(&none).unwrap_err().to_string().contains("no conversations.json"));
        let broken = archive(&[("conversations.json", format!("[{}, {{\"uuid\":", claude("a")))]);
        assert!(format!("{:#}", titles(&broken).unwrap_err()).contains("conversations.json"));
        let mut stops = 0;
        let two = archive(&[("conversations.json", json!([claude("a"), claude("b")]).to_string())]);
        let ended = each_session(two.path(), |_| {
            stops += 1;
            bail!("the server is gone")
        });
        assert!(ended.is_err_and(|error| format!("{error:#}").contains("server is gone")));
        assert_eq!(stops, 1);
    }
}
