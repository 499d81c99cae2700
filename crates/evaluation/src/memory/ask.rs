//! Asks every question of Backstay and of the baselines.

use std::time::Instant;

use backstay_core::{Error, Result, WorkspaceId};
use backstay_memory::{Memory, Profile, RecallOptions};

use super::{
    baselines::{Bm25, Costs, nearest, reciprocal_rank_fusion},
    dataset::{Conversation, Question},
    embedding::TimedEmbedder,
    ingest::Told,
    outcome::{BUDGETS_TOKENS, DEFAULT_BUDGET, DEPTH, Found, Gold, Outcome, Refusal},
};

pub(crate) const BACKSTAY: &str = "backstay";
pub(crate) const BM25: &str = "bm25";
pub(crate) const VECTORS: &str = "vectors";
pub(crate) const RRF: &str = "rrf";

/// What every method made of one question.
pub(crate) struct Answered {
    pub(crate) refusal: Refusal,
    /// In the order of [`Asker::methods`].
    pub(crate) outcomes: Vec<Outcome>,
}

/// Whom to ask.
pub(crate) struct Asker<'a> {
    pub(crate) memory: &'a Memory,
    pub(crate) workspace: &'a WorkspaceId,
    /// Without it there are no baselines with vectors.
    pub(crate) embedder: Option<&'a TimedEmbedder>,
    pub(crate) profile: Option<Profile>,
}

/// A conversation as the baselines see it.
pub(crate) struct Room<'a> {
    told: &'a Told,
    session_of_turns: Vec<usize>,
    costs: Costs,
    bm25: Bm25,
    vectors: Option<Vec<Vec<f32>>>,
}

impl Asker<'_> {
    /// Backstay's own first.
    pub(crate) fn methods(&self) -> &'static [&'static str] {
        if self.embedder.is_some() { &[BACKSTAY, BM25, VECTORS, RRF] } else { &[BACKSTAY, BM25] }
    }

    pub(crate) async fn room<'a>(
        &self,
        conversation: &Conversation,
        told: &'a Told,
    ) -> Result<Room<'a>> {
        // Who speaks counts for every method, unless it is a role that half of all turns have.
        let spoken: Vec<String> = conversation
            .turns()
            .map(|turn| match turn.author.as_str() {
                "user" | "assistant" => turn.text.clone(),
                name => format!("{name}: {}", turn.text),
            })
            .collect();
        let vectors = match self.embedder {
            Some(embedder) => {
                let embedded = embedder.embed(spoken.clone()).await?.into_iter();
                Some(embedded.map(|embedding| embedding.vector).collect())
            }
            None => None,
        };
        Ok(Room {
            told,
            session_of_turns: conversation.session_of_turns(),
            costs: Costs::of(conversation.turns()),
            bm25: Bm25::new(spoken.iter().map(String::as_str)),
            vectors,
        })
    }

    /// Asks one question of every method, and Backstay also about a conversation that it is not
    /// about.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        room: &Room<'_>,
        elsewhere: Option<&Told>,
    ) -> Result<Answered> {
        let (outcome, own) = self.backstay(question, room).await?;
        let mut outcomes = vec![outcome];
        outcomes.extend(self.baselines(question, room).await?);
        let foreign = match elsewhere {
            Some(other) => {
                let options = self.options(question, BUDGETS_TOKENS[DEFAULT_BUDGET]);
                let asked =
                    self.memory.recall(self.workspace, &other.scope, &question.text, options);
                Some(!asked.await?.relevant)
            }
            None => None,
        };
        Ok(Answered { refusal: Refusal { own, foreign }, outcomes })
    }

    fn options(&self, question: &Question, budget_tokens: u64) -> RecallOptions {
        let profile = self.profile;
        RecallOptions { budget_tokens, profile, ..RecallOptions::at(question.asked_at) }
    }

    /// The outcome, and whether Backstay said that nothing bears on the question.
    async fn backstay(&self, question: &Question, room: &Room<'_>) -> Result<(Outcome, bool)> {
        let (scope, text) = (&room.told.scope, &question.text);
        // Before the stop-watch: this embeds the question, which is timed by itself, and has the
        // scope's index read from the store, as it is in a server that runs.
        let options = RecallOptions { limit: DEPTH, ..self.options(question, 0) };
        let ranked = self.memory.search(self.workspace, scope, text, options).await?;
        let ranking = room.told.turns(ranked.iter().map(|item| &item.id));
        let gold = Gold::of(&question.evidence, &room.session_of_turns);
        let mut outcome = outcome(&gold, room, &ranking);
        let mut refused = false;
        for (place, budget_tokens) in BUDGETS_TOKENS.into_iter().enumerate() {
            let options = self.options(question, budget_tokens);
            let started = Instant::now();
            let recall = self.memory.recall(self.workspace, scope, text, options).await?;
            if place == DEFAULT_BUDGET {
                outcome.time = started.elapsed();
                outcome.tokens = recall.tokens;
                refused = !recall.relevant;
            }
            if let Some(found) = &mut outcome.found {
                let packed = room.told.turns(recall.items.iter().map(|item| &item.id));
                found.packed[place] = gold.share_of(&packed);
            }
        }
        Ok((outcome, refused))
    }

    async fn baselines(&self, question: &Question, room: &Room<'_>) -> Result<Vec<Outcome>> {
        let gold = Gold::of(&question.evidence, &room.session_of_turns);
        let started = Instant::now();
        let by_words = room.bm25.rank(&question.text);
        let words_time = started.elapsed();
        let mut outcomes = vec![Outcome { time: words_time, ..packed(&gold, room, &by_words) }];
        if let (Some(embedder), Some(vectors)) = (self.embedder, &room.vectors) {
            let embedded = embedder.embed(vec![question.text.clone()]).await?;
            let own = embedded.first().ok_or_else(|| Error::internal("no vector came back"))?;
            let started = Instant::now();
            let by_meaning = nearest(vectors, &own.vector);
            let meaning_time = started.elapsed();
            outcomes.push(Outcome { time: meaning_time, ..packed(&gold, room, &by_meaning) });
            let started = Instant::now();
            let fused = reciprocal_rank_fusion(&[&by_words, &by_meaning]);
            let time = words_time + meaning_time + started.elapsed();
            outcomes.push(Outcome { time, ..packed(&gold, room, &fused) });
        }
        Ok(outcomes)
    }
}

/// What a ranking found; packing, cost and time are still to come.
fn outcome(gold: &Gold, room: &Room<'_>, ranking: &[usize]) -> Outcome {
    let first = &ranking[..ranking.len().min(DEPTH)];
    let found = (!gold.is_empty()).then(|| Found {
        places: gold.places(first),
        session_place: gold.session_place(first, &room.session_of_turns),
        packed: [0.0; BUDGETS_TOKENS.len()],
    });
    Outcome { found, tokens: 0, time: std::time::Duration::ZERO }
}

/// As [`outcome`], with the budgets filled in the order of the ranking.
fn packed(gold: &Gold, room: &Room<'_>, ranking: &[usize]) -> Outcome {
    let mut outcome = outcome(gold, room, ranking);
    for (place, budget_tokens) in BUDGETS_TOKENS.into_iter().enumerate() {
        let (turns, tokens) = room.costs.pack(ranking, budget_tokens);
        if place == DEFAULT_BUDGET {
            outcome.tokens = tokens;
        }
        if let Some(found) = &mut outcome.found {
            found.packed[place] = gold.share_of(&turns);
        }
    }
    outcome
}
