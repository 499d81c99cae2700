//! Memory as a page for people. Each record stands beside its text in a comment, from which it is
//! read back: what is edited on the page itself is not.

use backstay_core::{Error, PortableRecord, PortableThread, Result, memory::Statement};

use crate::jsonl;

pub const HEADER: &str = "# Backstay memory\n\n<!-- backstay-memory 1: what is in comments is \
                          imported again, the text around it is for people -->\n";
const OPENS: &str = "<!-- record ";
const CLOSES: &str = " -->";

/// A conversation as a section.
pub fn thread(thread: &PortableThread) -> Result<String> {
    let title = one_line(thread.title.as_deref().unwrap_or("Conversation"));
    let user = thread.user.as_ref().map(|user| format!(", {user}")).unwrap_or_default();
    let mut page = format!(
        "\n## {title} ({}{user}, {})\n\n{}\n",
        thread.assistant,
        thread.created_at.date(),
        comment(&PortableRecord::Thread(thread.clone()))?
    );
    for message in &thread.messages {
        let text = message.message.text().replace('\n', "\n> ");
        page.push_str(&format!(
            "\n**{}**, {}\n\n> {text}\n",
            one_line(&message.author),
            message.said_at
        ));
    }
    Ok(page)
}

/// All versions of one statement, oldest first, as an item.
pub fn statement(versions: &[Statement]) -> Result<String> {
    let Some(newest) = versions.last() else { return Ok(String::new()) };
    let said = &newest.said;
    let state = match (&newest.superseded_by, &newest.retracted_at) {
        (Some(_), _) => ", superseded",
        (None, Some(_)) => ", retracted",
        (None, None) => "",
    };
    let mut item = format!(
        "\n- {} *({}, {}{state})*\n",
        one_line(&said.text),
        said.kind.as_str(),
        said.said_at.date()
    );
    for version in versions {
        item.push_str("  ");
        item.push_str(&comment(&PortableRecord::Statement(Box::new(version.clone())))?);
        item.push('\n');
    }
    Ok(item)
}

pub(crate) fn read(text: &str) -> Result<Vec<PortableRecord>> {
    let mut records = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let inner = line.trim().strip_prefix(OPENS).and_then(|rest| rest.strip_suffix(CLOSES));
        let Some(inner) = inner else { continue };
        records.push(jsonl::record(inner).map_err(|cause| {
            Error::invalid(format!("line {} holds a comment that is no record: {cause}", index + 1))
        })?);
    }
    Ok(records)
}

/// A record that cannot end its comment: `>` stands in JSON only within texts, where it may be
/// written as an escape.
fn comment(record: &PortableRecord) -> Result<String> {
    let json = jsonl::line(record)?;
    Ok(format!("{OPENS}{}{CLOSES}", json.trim_end().replace('>', "\\u003e")))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
