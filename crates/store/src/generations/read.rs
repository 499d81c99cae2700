//! Reading the ledger.

use backstay_core::{Charge, GenerationId, Money, Result, Timestamp, Usage, WorkspaceId};

use super::{GenerationRow, SettledAttempt};
use crate::{
    Page, PageRequest, Workspace,
    db::{Failure, Row, Session, named, statements, values},
    messages::to_json,
};

macro_rules! columns {
    () => {
        "id, request, api_key, status, requested_model, provider, model, stream, started_at,
         finished_at, latency_ms, first_token_ms, cost, price, error_code, thread, assistant,
         user_name, memory_tokens, dropped, finish_reason, native_finish_reason, prompt_tokens, completion_tokens,
         cached_tokens, cache_write_tokens, reasoning_tokens, usage_estimated, provider_cost,
         cache_write_1h_tokens, audio_prompt_tokens, audio_completion_tokens,
         image_completion_tokens, prompt_images, web_searches,
         cached_from, saved, entered_late"
    };
}

statements! {
    ONE = concat!("SELECT ", columns!(), " FROM generations WHERE workspace = $1 AND id = $2");
    NAMED = concat!("SELECT ", columns!(), " FROM generations WHERE workspace = $1 AND id ",
        named!(sqlite "$2")),
        postgres: concat!("SELECT ", columns!(), " FROM generations WHERE workspace = $1 AND id ",
        named!(postgres "$2"));
    NEWEST = concat!("SELECT ", columns!(), " FROM generations WHERE workspace = $1
        ORDER BY id DESC LIMIT $2");
    BEFORE = concat!("SELECT ", columns!(), " FROM generations WHERE workspace = $1 AND id < $2
        ORDER BY id DESC LIMIT $3");
    /// Names the key as text, so that the index of learning's calls is used.
    SPENT_ON_LEARNING = "SELECT
            CAST(coalesce(sum(prompt_tokens), 0) + coalesce(sum(completion_tokens), 0) AS BIGINT),
            CAST(coalesce(sum(cost), 0) AS BIGINT),
            coalesce(sum(CASE WHEN cost IS NULL AND prompt_tokens IS NOT NULL THEN 1 ELSE 0 END), 0)
        FROM generations
        WHERE workspace = $1 AND api_key = 'key_learning' AND started_at >= $2";
    ATTEMPTS = "SELECT provider, model, error_code, http_status, started_at, duration_ms, usage,
            cost, price
        FROM attempts WHERE workspace = $1 AND generation = $2 ORDER BY number";
}

/// What calls have used up together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Prompts and answers.
    pub tokens: u64,
    /// `None` when the cost of one of the calls is not known.
    pub cost: Option<Money>,
}

impl Workspace {
    /// What Backstay's own calls to learn have used up since a moment.
    pub async fn spent_on_learning(&self, since: Timestamp) -> Result<Spent> {
        self.read(move |session, workspace| {
            let spent = session.one(SPENT_ON_LEARNING, values![workspace, since], |row| {
                let is_known = row.get::<u64>(2)? == 0;
                let cost: Money = row.get(1)?;
                Ok(Spent { tokens: row.get(0)?, cost: is_known.then_some(cost) })
            })?;
            Ok(spent.unwrap_or_default())
        })
        .await
    }

    pub async fn generation(&self, id: &GenerationId) -> Result<Option<GenerationRow>> {
        let id = id.clone();
        self.read(move |session, workspace| {
            let found = session.one(ONE, values![workspace, &id], generation)?;
            found.map(|row| with_attempts(session, workspace, row)).transpose()
        })
        .await
    }

    /// Calls by their ids, without their attempts; those that are not there are left out.
    pub async fn generations(&self, ids: Vec<GenerationId>) -> Result<Vec<GenerationRow>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.read(move |session, workspace| {
            session.all(NAMED, values![workspace, &to_json(&ids)?], generation)
        })
        .await
    }

    /// Newest first.
    pub async fn list_generations(&self, page: PageRequest) -> Result<Page<GenerationRow>> {
        self.read(move |session, workspace| {
            let rows = match page.after((0, ""))? {
                (_, before) if !before.is_empty() => {
                    let values = values![workspace, &before, page.rows()];
                    session.all(BEFORE, values, generation)?
                }
                _ => session.all(NEWEST, values![workspace, page.rows()], generation)?,
            };
            let Page { items, next } = Page::of(rows, &page, |last| (0, last.id.as_str()));
            let items: Result<Vec<_>, Failure> =
                items.into_iter().map(|row| with_attempts(session, workspace, row)).collect();
            Ok(Page { items: items?, next })
        })
        .await
    }
}

fn with_attempts(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    mut row: GenerationRow,
) -> Result<GenerationRow, Failure> {
    row.attempts = session.all(ATTEMPTS, values![workspace, &row.id], |row| {
        let attempt = SettledAttempt {
            provider: row.get(0)?,
            model: row.get(1)?,
            error_code: row.get(2)?,
            http_status: row.get(3)?,
            started_at: row.get(4)?,
            duration_ms: row.get(5)?,
            charge: charge(row, 6)?,
        };
        Ok(attempt.into())
    })?;
    Ok(row)
}

/// The three columns of a charge, of which usage tells whether there was one.
fn charge(row: &Row<'_>, first: usize) -> Result<Option<Charge>, Failure> {
    let Some(usage) = row.json(first)? else {
        return Ok(None);
    };
    Ok(Some(Charge { usage, cost: row.get(first + 1)?, price: row.json(first + 2)? }))
}

fn generation(row: &Row<'_>) -> Result<GenerationRow, Failure> {
    let cached_from: Option<GenerationId> = row.get(35)?;
    Ok(GenerationRow {
        id: row.get(0)?,
        request: row.get(1)?,
        key: row.get(2)?,
        status: row.get(3)?,
        requested_model: row.get(4)?,
        provider: row.get(5)?,
        model: row.get(6)?,
        stream: row.get(7)?,
        started_at: row.get(8)?,
        finished_at: row.get(9)?,
        latency_ms: row.get(10)?,
        first_token_ms: row.get(11)?,
        usage: usage(row, 22)?,
        cost: row.get(12)?,
        price: row.json(13)?,
        error_code: row.get(14)?,
        thread: row.get(15)?,
        assistant: row.get(16)?,
        user: row.get(17)?,
        memory_tokens: row.get(18)?,
        dropped: row.json(19)?.unwrap_or_default(),
        finish_reason: row.get(20)?,
        native_finish_reason: row.get(21)?,
        cached: cached_from.is_some(),
        cached_from,
        saved: row.get(36)?,
        entered_late: row.get(37)?,
        attempts: Vec::new(),
    })
}

/// The columns of usage, of which the first tells whether it is known. The last six are null in calls
/// that were settled before these columns were there.
fn usage(row: &Row<'_>, first: usize) -> Result<Option<Usage>, Failure> {
    let Some(prompt_tokens) = row.get(first)? else {
        return Ok(None);
    };
    let count = |place| Ok::<_, Failure>(row.get::<Option<u64>>(first + place)?.unwrap_or(0));
    Ok(Some(Usage {
        prompt_tokens,
        completion_tokens: row.get(first + 1)?,
        cached_prompt_tokens: row.get(first + 2)?,
        cache_write_tokens: row.get(first + 3)?,
        reasoning_tokens: row.get(first + 4)?,
        estimated: row.get(first + 5)?,
        provider_cost: row.get(first + 6)?,
        cache_write_1h_tokens: count(7)?,
        audio_prompt_tokens: count(8)?,
        audio_completion_tokens: count(9)?,
        image_completion_tokens: count(10)?,
        prompt_images: count(11)?,
        web_searches: count(12)?,
    }))
}
