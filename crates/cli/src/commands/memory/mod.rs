//! `backstay memory`: what is remembered, why it is recalled, stating, changing and forgetting it.

mod files;
mod filter;
mod policy;
mod show;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::{
    client::{Client, Connection, query},
    output::Output,
};
use filter::{Filter, key_value};
use policy::PolicyAction;
use show::{changed, explanation, forgotten, memories, statements, stats};

/// Kinds of statements.
const KINDS: [&str; 6] = ["fact", "preference", "event", "plan", "relation", "instruction"];

const OWN_WORDS: &str = "direct_user";
/// Whose words a statement repeats, the least trusted first.
const TRUST: [&str; 5] = ["document", "third_party", "tool", "model_inference", OWN_WORDS];

#[derive(Args)]
pub(crate) struct MemoryCommand {
    #[command(subcommand)]
    action: Action,
}

/// Whose memory.
#[derive(Args)]
struct Whose {
    /// The assistant whose memory it is.
    #[arg(long, default_value = "default")]
    assistant: String,
    /// The user within the assistant's memory.
    #[arg(long)]
    user: Option<String>,
}

#[derive(Subcommand)]
enum Action {
    /// Find what is remembered about something, best first, and why it was found.
    Search {
        /// What to look for: a question, or a few words.
        question: String,
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        filter: Filter,
        #[arg(long, default_value_t = 10)]
        limit: usize,
    },
    /// Say why memories are recalled for a question, and why others are not.
    Explain {
        /// The question that memories are recalled for.
        question: String,
        /// Also explain this memory, wherever it ranks; may be repeated.
        #[arg(long = "id", value_name = "ID")]
        ids: Vec<String>,
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        filter: Filter,
        #[arg(long, default_value_t = 5)]
        limit: usize,
    },
    /// List what is remembered, newest first.
    List {
        #[command(flatten)]
        whose: Whose,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Where the page before this one ended (its `next`).
        #[arg(long)]
        cursor: Option<String>,
    },
    /// State something to be remembered.
    Add {
        /// One statement, in a sentence or a few.
        text: String,
        #[command(flatten)]
        whose: Whose,
        #[arg(long, value_parser = KINDS, default_value = "fact")]
        kind: String,
        /// Whom or what it is about.
        #[arg(long)]
        subject: Option<String>,
        /// Recall it before others, and never let it expire.
        #[arg(long)]
        pin: bool,
        /// Whose words these are, if not the user's own; then --source says from where.
        #[arg(long, value_parser = TRUST, requires = "source")]
        trust: Option<String>,
        /// Where it comes from, to be forgotten together, such as `document:handbook.pdf`.
        #[arg(long)]
        source: Option<String>,
        /// After this moment it is deleted, unless it is pinned (RFC 3339).
        #[arg(long, value_name = "MOMENT")]
        expires: Option<String>,
        /// Something of your own to filter by; may be repeated.
        #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = key_value)]
        metadata: Vec<(String, Value)>,
    },
    /// List statements: what was learned from conversations, or stated.
    Statements {
        #[command(flatten)]
        whose: Whose,
        /// Only those of this state.
        #[arg(long, value_parser = ["active", "quarantined", "superseded", "retracted"])]
        state: Option<String>,
        /// Only those that contain this, in any case.
        #[arg(long)]
        contains: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Where the page before this one ended (its `next`).
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one memory with everything that is known about it.
    Show { id: String },
    /// Change a statement; what it said before stays in its history.
    Edit {
        id: String,
        /// What it says from now on.
        #[arg(long)]
        text: Option<String>,
        #[arg(long, value_parser = KINDS)]
        kind: Option<String>,
        /// `true` recalls it before others and never lets it expire.
        #[arg(long)]
        pin: Option<bool>,
        /// `true` lets a quarantined one be recalled, `false` sets one aside.
        #[arg(long)]
        active: Option<bool>,
    },
    /// Merge statements into one, which then rests on the turns of all.
    Merge {
        /// The statement that stays.
        into: String,
        /// Those that it takes the place of.
        #[arg(required = true)]
        from: Vec<String>,
    },
    /// Show how a statement came to say what it says.
    History { id: String },
    /// Show what is known of a user on one page.
    Profile {
        #[command(flatten)]
        whose: Whose,
    },
    /// Count what is remembered, by assistant and user.
    Stats,
    /// Show, set or take back how long memories are kept, how they fade, and whether any are learned.
    Policy {
        #[command(subcommand)]
        action: PolicyAction,
    },
    /// Export memory to a file; the same memory is the same file, byte for byte.
    Export {
        /// The file; standard output without it.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        whose: Whose,
        /// The whole workspace: every assistant and user.
        #[arg(long, conflicts_with = "user")]
        everything: bool,
        /// jsonl and markdown hold everything, pam (Portable AI Memory 1.0) statements only.
        #[arg(long, value_parser = ["jsonl", "markdown", "pam"], default_value = "jsonl")]
        format: String,
    },
    /// Import memories from a file; importing it again adds nothing.
    ///
    /// Reads what `backstay memory export` wrote, Portable AI Memory 1.0, mem0's JSON, the JSON lines
    /// of MCP's memory server, and plain text with a memory a line. Conversations are imported by
    /// `backstay import`. A large file is sent in parts: when one is refused, those before it stay,
    /// and importing the mended file again adds the rest.
    Import {
        /// The file; `-` is standard input.
        file: PathBuf,
        #[command(flatten)]
        whose: Whose,
    },
    /// Forget memories by their ids, or by where they came from. They are deleted, not hidden, with
    /// what was made of them: in their threads `[forgotten]` stands in their place.
    Forget {
        #[arg(required_unless_present = "source", conflicts_with = "source")]
        ids: Vec<String>,
        /// Everything that came from here, such as `import:mem0` or `learned`.
        #[arg(long)]
        source: Option<String>,
        /// With --source: only of this user.
        #[arg(long, requires = "source")]
        user: Option<String>,
        /// With --source: only of this assistant.
        #[arg(long, requires = "source")]
        assistant: Option<String>,
        /// Only say what would go.
        #[arg(long)]
        preview: bool,
    },
}

impl MemoryCommand {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        match self.action {
            Action::Search { question, whose, filter, limit } => {
                let body = json!({
                    "query": question,
                    "assistant": whose.assistant,
                    "user": whose.user,
                    "filter": filter.to_json(),
                    "limit": limit,
                });
                let found: Value = client.post("/backstay/v1/memories/search", &body).await?;
                output.show(&found, |found| memories(found, "Nothing relevant is remembered."));
            }
            Action::Explain { question, ids, whose, filter, limit } => {
                let body = json!({
                    "query": question,
                    "ids": ids,
                    "assistant": whose.assistant,
                    "user": whose.user,
                    "filter": filter.to_json(),
                    "limit": limit,
                });
                let found: Value = client.post("/backstay/v1/memories/explain", &body).await?;
                output.show(&found, explanation);
            }
            Action::List { whose, limit, cursor } => {
                let query = query(&[
                    ("assistant", Some(&whose.assistant)),
                    ("user", whose.user.as_deref()),
                    ("limit", Some(&limit.to_string())),
                    ("cursor", cursor.as_deref()),
                ]);
                let page: Value = client.get(&format!("/backstay/v1/memories{query}")).await?;
                output.show(&page, |page| memories(page, "Nothing is remembered yet."));
            }
            Action::Add { text, whose, kind, subject, pin, trust, source, expires, metadata } => {
                let body = json!({
                    "trust": trust.as_deref().unwrap_or(OWN_WORDS),
                    "source": source,
                    "text": text,
                    "assistant": whose.assistant,
                    "user": whose.user,
                    "kind": kind,
                    "subject": subject,
                    "pinned": pin,
                    "expires_at": expires,
                    "metadata": metadata.into_iter().collect::<Map<_, _>>(),
                });
                let added: Value = client.post("/backstay/v1/memories", &body).await?;
                output.show(&added, changed);
            }
            Action::Statements { whose, state, contains, limit, cursor } => {
                let query = query(&[
                    ("assistant", Some(&whose.assistant)),
                    ("user", whose.user.as_deref()),
                    ("state", state.as_deref()),
                    ("contains", contains.as_deref()),
                    ("limit", Some(&limit.to_string())),
                    ("cursor", cursor.as_deref()),
                ]);
                let path = format!("/backstay/v1/memories/statements{query}");
                let page: Value = client.get(&path).await?;
                output.show(&page, |page| statements(page, "Nothing was learned or stated yet."));
            }
            Action::Show { id } => {
                let found: Value = client.get(&format!("/backstay/v1/memories/{id}")).await?;
                output
                    .show(&found, |found| serde_json::to_string_pretty(found).unwrap_or_default());
            }
            Action::Edit { id, text, kind, pin, active } => {
                let given = [
                    ("text", text.map(Value::from)),
                    ("kind", kind.map(Value::from)),
                    ("pinned", pin.map(Value::from)),
                    ("active", active.map(Value::from)),
                ];
                let body: Value = given
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                    .collect::<Map<_, _>>()
                    .into();
                let path = format!("/backstay/v1/memories/{id}");
                let edited: Value = client.patch(&path, &body).await?;
                output.show(&edited, changed);
            }
            Action::Merge { into, from } => {
                let body = json!({"into": into, "from": from});
                let merged: Value = client.post("/backstay/v1/memories/merge", &body).await?;
                output.show(&merged, changed);
            }
            Action::History { id } => {
                let path = format!("/backstay/v1/memories/{id}/history");
                let found: Value = client.get(&path).await?;
                output.show(&found, |found| statements(found, "There is no history."));
            }
            Action::Profile { whose } => {
                let query = query(&[
                    ("assistant", Some(&whose.assistant)),
                    ("user", whose.user.as_deref()),
                ]);
                let path = format!("/backstay/v1/memories/profile{query}");
                let found: Value = client.get(&path).await?;
                output.show(&found, |found| match found["text"].as_str() {
                    Some(text) if !text.is_empty() => text.trim_end().to_owned(),
                    _ => "Nothing is known yet.".to_owned(),
                });
            }
            Action::Stats => {
                let found: Value = client.get("/backstay/v1/memories/stats").await?;
                output.show(&found, stats);
            }
            Action::Policy { action } => action.run(&client, output).await?,
            Action::Export { output: file, whose, everything, format } => {
                let query = query(&[
                    ("assistant", Some(&whose.assistant)),
                    ("user", whose.user.as_deref()),
                    ("everything", everything.then_some("true")),
                    ("format", Some(&format)),
                ]);
                files::export(&client, &query, file.as_deref(), output).await?;
            }
            Action::Import { file, whose } => {
                let query = query(&[
                    ("assistant", Some(&whose.assistant)),
                    ("user", whose.user.as_deref()),
                ]);
                let done = files::import(&client, &query, &file, output).await?;
                output.show(&done, files::Imported::to_text);
            }
            Action::Forget { ids, source, user, assistant, preview } => {
                let named = ids.len() as u64;
                let body = json!({
                    "ids": ids,
                    "source": source,
                    "user": user,
                    "assistant": assistant,
                    "preview": preview,
                });
                let done: Value = client.post("/backstay/v1/memories/forget", &body).await?;
                output.show(&done, forgotten);
                if done["forgotten"].as_u64().unwrap_or(0) < named {
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
