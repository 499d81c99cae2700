//! A report as text for a terminal.

use super::{
    answers::Answers,
    report::{Interval, Method, Percent, Report},
};

impl Report {
    /// Tables, a few lines each.
    pub fn to_text(&self) -> String {
        let mut parts = vec![self.heading(), self.recall_table(), self.kind_table()];
        parts.push(self.budget_table());
        parts.push(self.abstention_lines());
        parts.push(self.cost_lines());
        parts.extend(
            self.absent.iter().map(|one| format!("{} is absent: {}", one.name, one.reason)),
        );
        parts.extend(self.answers.as_ref().map(answer_lines));
        parts.join("\n\n")
    }

    fn heading(&self) -> String {
        format!(
            "{}: {} conversations, {} episodes, {} questions ({} with evidence)\n\
             ranking profile: {}; embedding model: {}",
            self.dataset.title(),
            self.conversations,
            self.episodes,
            self.questions,
            self.questions_with_evidence,
            self.profile,
            self.embeddings.model.as_deref().unwrap_or("none"),
        )
    }

    fn recall_table(&self) -> String {
        let rows = self.methods.iter().map(|method| {
            let mut row = vec![method.name.to_owned()];
            row.extend(method.recall.iter().map(|(rank, share)| {
                with_interval(*share, method.intervals.recall.get(rank).copied().flatten())
            }));
            row.push(with_interval(method.ndcg10, method.intervals.ndcg10));
            row.push(percent(method.session_any_hit5));
            row
        });
        let ranks = self.methods.first().into_iter().flat_map(|method| method.recall.keys());
        let mut headings = vec!["evidence recall, %".to_owned()];
        headings.extend(ranks.map(|rank| format!("@{rank}")));
        headings.extend(["NDCG@10".to_owned(), "session any-hit@5".to_owned()]);
        table(headings, rows)
    }

    fn kind_table(&self) -> String {
        let rows = self.kinds.iter().map(|(kind, count)| {
            let mut row = vec![kind.clone(), count.to_string()];
            row.extend(self.methods.iter().map(|method| {
                let interval = method.intervals.by_kind.get(kind).copied().flatten();
                let share = method.by_kind.get(kind).copied();
                share.map_or_else(String::new, |share| with_interval(share, interval))
            }));
            row
        });
        let mut headings = vec!["recall@10 by kind, %".to_owned(), "n".to_owned()];
        headings.extend(self.names());
        table(headings, rows)
    }

    fn budget_table(&self) -> String {
        let budgets = self.methods.first().into_iter();
        let budgets = budgets.flat_map(|method| method.evidence_at_tokens.keys());
        let rows = budgets.map(|budget| {
            let mut row = vec![format!("{budget} tokens")];
            row.extend(self.methods.iter().map(|method| {
                let share = method.evidence_at_tokens.get(budget).copied();
                share.map_or_else(String::new, percent)
            }));
            row
        });
        let mut headings = vec!["evidence within, %".to_owned()];
        headings.extend(self.names());
        table(headings, rows)
    }

    fn abstention_lines(&self) -> String {
        let shown = |share: Option<Percent>| {
            share.map_or("n/a".to_owned(), |share| format!("{} %", percent(share)))
        };
        let counted = &self.abstention;
        format!(
            "nothing relevant, said of: answerable questions {}, unanswerable ones {}, \
             questions about another conversation {}\n\
             right when it is said: {} ({} with another conversation's questions)",
            shown(counted.answerable_refused),
            shown(counted.unanswerable_refused),
            shown(counted.foreign_refused),
            shown(counted.precision),
            shown(counted.precision_with_foreign),
        )
    }

    fn cost_lines(&self) -> String {
        let rows = self.methods.iter().map(|method: &Method| {
            let tokens = method.tokens_injected;
            vec![
                method.name.to_owned(),
                format!("{:.2}", method.ms_p50.0),
                format!("{:.2}", method.ms_p95.0),
                format!("{} / {}", tokens.mean, tokens.p95),
            ]
        });
        let headings = ["per question", "ms p50", "ms p95", "tokens mean / p95"];
        let mut text = table(headings.map(str::to_owned).to_vec(), rows);
        if let Some(query) = self.embeddings.query {
            text.push_str(&format!(
                "\nembedding a question takes {:.1} ms more (p95 {:.1} ms)",
                query.ms_p50.0, query.ms_p95.0
            ));
        }
        if let Some(time) = self.embeddings.ingest_ms_per_episode {
            text.push_str(&format!(", an episode {:.1} ms, once", time.0));
        }
        text.push_str(&format!("\nthe store takes {} bytes per episode", self.bytes_per_episode));
        text
    }

    fn names(&self) -> impl Iterator<Item = String> {
        self.methods.iter().map(|method| method.name.to_owned())
    }
}

fn answer_lines(answers: &Answers) -> String {
    let kinds = answers.by_kind.iter().map(|(kind, share)| format!("{kind} {}", percent(*share)));
    format!(
        "answers, judged by a model and no measure of recall: {} % of {} questions correct\n\
         answered by {}, judged by {} ({} replies of the judge were no verdict)\n\
         by kind, %: {}\n\nprompt for the answer:\n{}\n\nprompt for the judge:\n{}",
        with_interval(answers.correct, answers.interval),
        answers.questions,
        answers.model,
        answers.judge,
        answers.unjudged,
        kinds.collect::<Vec<_>>().join(", "),
        answers.prompts.answer,
        answers.prompts.judge,
    )
}

pub(super) fn percent(share: Percent) -> String {
    format!("{:.1}", share.rounded())
}

fn with_interval(share: Percent, interval: Option<Interval>) -> String {
    match interval {
        Some(Interval(lower, upper)) => {
            format!("{} [{:.0}-{:.0}]", percent(share), lower.rounded(), upper.rounded())
        }
        None => percent(share),
    }
}

/// Columns padded to their widest cell, the first to the left and figures to the right.
fn table(headings: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut lines = vec![headings];
    lines.extend(rows);
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let cells = |row: [&str; 3]| row.map(str::to_owned).to_vec();
        let text = table(cells(["name", "a", "bb"]), [cells(["x", "10.0", "1"])]);
        assert_eq!(text, "name     a  bb\nx     10.0   1");
    }

    #[test]
    fn an_interval_stands_beside_its_figure() {
        let interval = Interval(Percent(0.1), Percent(0.3));
        assert_eq!(with_interval(Percent(0.2), Some(interval)), "20.0 [10-30]");
        assert_eq!(with_interval(Percent(0.2), None), "20.0");
    }
}
