//! Whether a language model that is given what was recalled answers right, as a judge sees it.
//!
//! This measures three things at once: recall, the model that answers, and the judge. It is reported
//! beside recall and never mixed with it, with both models' names and both prompts.

use std::{future::Future, pin::Pin};

use backstay_core::{Error, Result, WorkspaceId, chat::RecalledBlock};
use backstay_memory::{Memory, RecallOptions};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use super::{
    bootstrap,
    dataset::{Dataset, Question},
    ingest::Told,
    metrics::mean,
    report::{By, Interval, Percent},
    run::{Phase, Progress},
};

/// `{memory}`, `{date}` and `{question}` stand for what is filled in.
pub const ANSWER_PROMPT: &str = "Answer a question from what is remembered of earlier conversations. \
    Use nothing else. If the memories do not hold the answer, say that you do not know. Answer in \
    one or two short sentences.\n\n{memory}\n\nToday is {date}.\nQuestion: {question}\nAnswer:";

/// `{question}`, `{expected}` and `{answer}` stand for what is filled in.
pub const JUDGE_PROMPT: &str = "Judge an answer. It is CORRECT if it states what the expected answer \
    states, in any words, and contradicts none of it. It is WRONG if it leaves the essential part \
    out, is vague about it, or names another fact beside it. If the expected answer says that it was \
    never said, only an answer that says that it is not known is CORRECT.\n\nQuestion: {question}\n\
    Expected answer: {expected}\nAnswer to judge: {answer}\n\nReply with one word, CORRECT or WRONG.";

const NEVER_SAID: &str = "It was never said.";
/// Questions that are under way together.
const AT_ONCE: usize = 4;

type Reply<'a> = Pin<Box<dyn Future<Output = Result<String>> + Send + 'a>>;

/// Calls language models.
pub trait Chat: Send + Sync {
    /// The whole reply to one message, without any history.
    fn reply<'a>(&'a self, model: &'a str, prompt: String) -> Reply<'a>;
}

/// Who answers and who judges.
pub struct Readers<'a> {
    pub chat: &'a dyn Chat,
    pub model: String,
    pub judge: String,
}

/// How many questions were answered right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answers {
    pub model: String,
    pub judge: String,
    /// Those with an expected answer, and the unanswerable ones.
    pub questions: usize,
    pub correct: Percent,
    pub interval: Option<Interval>,
    pub by_kind: By<String, Percent>,
    /// Replies of the judge that were neither word; they count as wrong.
    pub unjudged: usize,
    pub budget_tokens: u64,
    pub prompts: Prompts,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prompts {
    pub answer: &'static str,
    pub judge: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Correct,
    Wrong,
    Neither,
}

/// Asks a model every question that has an expected answer, with what recall brings by default.
pub(crate) async fn measure(
    dataset: &Dataset,
    told: &[Told],
    memory: &Memory,
    workspace: &WorkspaceId,
    readers: &Readers<'_>,
    progress: &dyn Progress,
) -> Result<Answers> {
    let asked: Vec<(&Question, &Told)> = dataset
        .conversations
        .iter()
        .zip(told)
        .flat_map(|(conversation, told)| {
            conversation.questions.iter().map(move |question| (question, told))
        })
        .filter(|(question, _)| expected(question).is_some())
        .collect();
    if asked.is_empty() {
        return Err(Error::invalid("no question of this data set has an expected answer"));
    }
    progress.begin(Phase::Answer, asked.len());
    let verdicts = asked.iter().map(|(question, told)| async move {
        let verdict = judged(question, told, memory, workspace, readers).await?;
        progress.advance(1);
        Ok::<_, Error>(verdict)
    });
    let verdicts: Vec<Verdict> =
        futures::stream::iter(verdicts).buffered(AT_ONCE).try_collect().await?;
    let questions: Vec<&Question> = asked.iter().map(|(question, _)| *question).collect();
    count(&questions, &verdicts, readers)
}

fn expected(question: &Question) -> Option<&str> {
    if question.unanswerable { Some(NEVER_SAID) } else { question.answer.as_deref() }
}

async fn judged(
    question: &Question,
    told: &Told,
    memory: &Memory,
    workspace: &WorkspaceId,
    readers: &Readers<'_>,
) -> Result<Verdict> {
    let options = RecallOptions::at(question.asked_at);
    let recall = memory.recall(workspace, &told.scope, &question.text, options).await?;
    let block = RecalledBlock { items: recall.items, numbered: false };
    let date = question.asked_at.date();
    let prompt = fill(
        ANSWER_PROMPT,
        &[("{memory}", &block.to_prompt_text()), ("{date}", &date), ("{question}", &question.text)],
    );
    let answer = readers.chat.reply(&readers.model, prompt).await?;
    let prompt = fill(
        JUDGE_PROMPT,
        &[
            ("{question}", &question.text),
            ("{expected}", expected(question).unwrap_or_default()),
            ("{answer}", &answer),
        ],
    );
    Ok(verdict(&readers.chat.reply(&readers.judge, prompt).await?))
}

/// Each place is filled once, from left to right: text that was filled in is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    for (place, value) in values {
        if let Some((before, after)) = rest.split_once(place) {
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
    }
    filled + rest
}

/// By the last of the two words, for judges that think aloud.
fn verdict(reply: &str) -> Verdict {
    let words = reply.split(|character: char| !character.is_alphabetic());
    let mut judged = words.rev().filter_map(|word| match word.to_uppercase().as_str() {
        "CORRECT" => Some(Verdict::Correct),
        "WRONG" | "INCORRECT" => Some(Verdict::Wrong),
        _ => None,
    });
    judged.next().unwrap_or(Verdict::Neither)
}

fn count(questions: &[&Question], verdicts: &[Verdict], readers: &Readers<'_>) -> Result<Answers> {
    let points: Vec<f64> =
        verdicts.iter().map(|one| f64::from(u8::from(*one == Verdict::Correct))).collect();
    let mut by_kind = By::<String, Vec<f64>>::new();
    for (question, point) in questions.iter().zip(&points) {
        by_kind.entry(question.kind.clone()).or_default().push(*point);
    }
    let interval = bootstrap::interval(&points)?;
    Ok(Answers {
        model: readers.model.clone(),
        judge: readers.judge.clone(),
        questions: questions.len(),
        correct: Percent(mean(&points)),
        interval: interval.map(|(lower, upper)| Interval(Percent(lower), Percent(upper))),
        by_kind: by_kind.into_iter().map(|(kind, points)| (kind, Percent(mean(&points)))).collect(),
        unjudged: verdicts.iter().filter(|one| **one == Verdict::Neither).count(),
        budget_tokens: RecallOptions::at(backstay_core::Timestamp::default()).budget_tokens,
        prompts: Prompts { answer: ANSWER_PROMPT, judge: JUDGE_PROMPT },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_the_judges_last_word() {
        assert_eq!(verdict("CORRECT"), Verdict::Correct);
        assert_eq!(verdict("**Wrong.**"), Verdict::Wrong);
        assert_eq!(verdict("It might seem correct, but it is wrong"), Verdict::Wrong);
        assert_eq!(verdict("INCORRECT"), Verdict::Wrong);
        assert_eq!(verdict("yes"), Verdict::Neither);
        assert_eq!(verdict(""), Verdict::Neither);
    }

    #[test]
    fn text_that_is_filled_in_is_not_filled_again() {
        let filled = fill("a {one} b {two} c", &[("{one}", "{two}"), ("{two}", "x")]);
        assert_eq!(filled, "a {two} b x c");
        for place in ["{memory}", "{date}", "{question}"] {
            assert_eq!(ANSWER_PROMPT.matches(place).count(), 1, "{place}");
        }
        for place in ["{question}", "{expected}", "{answer}"] {
            assert_eq!(JUDGE_PROMPT.matches(place).count(), 1, "{place}");
        }
    }
}
