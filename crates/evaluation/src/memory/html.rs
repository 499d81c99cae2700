//! A report as one page that needs nothing else: style, plots and tables are in it.

use super::{
    plot::{Plot, Series, escape},
    report::{Interval, Method, Percent, Report},
    table::percent,
};

const STYLE: &str = include_str!("page.css");

impl Report {
    /// A whole HTML document, light or dark as the reader's system is. Every plot has a table with
    /// its figures.
    pub fn to_html(&self) -> String {
        let title = format!("Memory bench: {}", self.dataset.title());
        let parts = [
            self.introduction(&title),
            self.recall_part(),
            self.kind_part(),
            self.budget_part(),
            self.abstention_part(),
            self.cost_part(),
            self.answers_part(),
            self.notes(),
        ];
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}\n</main>\n\
             </body>\n</html>\n",
            escape(&title),
            parts.join("\n")
        )
    }

    fn introduction(&self, title: &str) -> String {
        format!(
            "<h1>{}</h1>\n<p>{} conversations, {} episodes, {} questions of which {} have evidence. \
             Ranking profile: {}. Embedding model: {}. No language model takes part.</p>",
            escape(title),
            self.conversations,
            self.episodes,
            self.questions,
            self.questions_with_evidence,
            self.profile,
            escape(self.embeddings.model.as_deref().unwrap_or("none")),
        )
    }

    fn recall_part(&self) -> String {
        let first = self.methods.first().into_iter();
        let ranks: Vec<usize> = first.flat_map(|method| method.recall.keys().copied()).collect();
        let plot = self.plot("Evidence recall by rank", labels(&ranks, "@"), |method| {
            let at = |rank| (method.recall.get(rank), method.intervals.recall.get(rank));
            ranks.iter().map(|rank| value(at(rank))).collect()
        });
        let mut rows = plot_rows(&plot);
        for (row, method) in rows.iter_mut().zip(&self.methods) {
            row.push(cell(method.ndcg10, method.intervals.ndcg10));
            row.push(cell(method.session_any_hit5, method.intervals.session_any_hit5));
        }
        let mut headings = vec!["method".to_owned()];
        headings.extend(plot.positions.iter().cloned());
        headings.extend(["NDCG@10".to_owned(), "session any-hit@5".to_owned()]);
        let caption = "Mean share of a question's evidence among the first turns, in per cent, with \
                       95 % bootstrap intervals";
        self.part(&plot, &plot.lines(), caption, &headings, &rows)
    }

    fn kind_part(&self) -> String {
        let kinds: Vec<&String> = self.kinds.keys().collect();
        // Names of kinds can be too long to stand beside each other: bars are numbered.
        let positions = (1..=kinds.len()).map(|number| number.to_string()).collect();
        let plot = self.plot("Recall@10 by kind of question", positions, |method| {
            let of = |kind: &String| (method.by_kind.get(kind), method.intervals.by_kind.get(kind));
            kinds.iter().map(|kind| value(of(kind))).collect()
        });
        let rows: Vec<Vec<String>> = kinds
            .iter()
            .enumerate()
            .map(|(place, kind)| {
                let count = self.kinds.get(*kind).copied().unwrap_or_default();
                let mut row = vec![format!("{}. {kind}", place + 1), count.to_string()];
                let values = plot.series.iter().filter_map(|series| series.values.get(place));
                row.extend(values.map(|(share, interval)| cell(*share, *interval)));
                row
            })
            .collect();
        let mut headings = vec!["kind".to_owned(), "questions".to_owned()];
        headings.extend(self.methods.iter().map(|method| method.name.to_owned()));
        let caption = "Recall@10 in per cent, with 95 % bootstrap intervals";
        self.part(&plot, &plot.bars(), caption, &headings, &rows)
    }

    fn budget_part(&self) -> String {
        let first = self.methods.first().into_iter();
        let budgets: Vec<u64> =
            first.flat_map(|method| method.evidence_at_tokens.keys().copied()).collect();
        let plot = self.plot("Evidence by token budget", labels(&budgets, ""), |method| {
            let at = |budget| {
                let interval = method.intervals.evidence_at_tokens.get(budget);
                (method.evidence_at_tokens.get(budget), interval)
            };
            budgets.iter().map(|budget| value(at(budget))).collect()
        });
        let mut headings = vec!["method".to_owned()];
        headings.extend(plot.positions.iter().map(|budget| format!("{budget} tokens")));
        let caption = "Mean share of a question's evidence that is packed into the budget, in per \
                       cent. Backstay leaves a budget empty when it judges that nothing is relevant, \
                       and that counts as nothing found";
        self.part(&plot, &plot.lines(), caption, &headings, &plot_rows(&plot))
    }

    fn abstention_part(&self) -> String {
        let counted = &self.abstention;
        let shown = |share: Option<Percent>| share.map_or("n/a".to_owned(), percent);
        let row = |what: &str, share| vec![what.to_owned(), shown(share)];
        let rows = [
            row("answerable questions (wrong)", counted.answerable_refused),
            row("unanswerable questions (right)", counted.unanswerable_refused),
            row("questions about another conversation (right)", counted.foreign_refused),
            row("precision, own conversation", counted.precision),
            row("precision, with another conversation's questions", counted.precision_with_foreign),
        ];
        let headings = ["asked".to_owned(), "%".to_owned()];
        let table = html_table("How often Backstay says so", &headings, &rows);
        format!("<h2>Nothing relevant</h2>\n{table}")
    }

    fn cost_part(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .methods
            .iter()
            .map(|method| {
                let tokens = method.tokens_injected;
                vec![
                    method.name.to_owned(),
                    format!("{:.2}", method.ms_p50.0),
                    format!("{:.2}", method.ms_p95.0),
                    tokens.mean.to_string(),
                    tokens.p95.to_string(),
                ]
            })
            .collect();
        let headings = ["method", "ms p50", "ms p95", "tokens, mean", "tokens, p95"];
        let headings = headings.map(str::to_owned);
        let caption = "For one question: time without its embedding, and what a budget of 1,000 \
                       tokens is filled with";
        let mut html = format!("<h2>Cost</h2>\n{}", html_table(caption, &headings, &rows));
        if let Some(query) = self.embeddings.query {
            html.push_str(&format!(
                "\n<p>Embedding a question takes {:.1} ms (p95 {:.1} ms).</p>",
                query.ms_p50.0, query.ms_p95.0
            ));
        }
        if let Some(time) = self.embeddings.ingest_ms_per_episode {
            html.push_str(&format!("\n<p>Embedding an episode takes {:.1} ms, once.</p>", time.0));
        }
        html.push_str(&format!(
            "\n<p>The store takes {} bytes per episode.</p>",
            self.bytes_per_episode
        ));
        html
    }

    /// Nothing when no model was asked.
    fn answers_part(&self) -> String {
        let Some(answers) = &self.answers else { return String::new() };
        let all = ["all".to_owned(), cell(answers.correct, answers.interval)].to_vec();
        let kinds = answers.by_kind.iter().map(|(kind, share)| vec![kind.clone(), percent(*share)]);
        let rows: Vec<Vec<String>> = std::iter::once(all).chain(kinds).collect();
        let headings = ["questions".to_owned(), "correct, %".to_owned()];
        format!(
            "<h2>Answers</h2>\n<p>A model\u{2019}s answers from what is recalled, judged by a model: no \
             measure of recall. Answered by {}, judged by {}; {} replies of the judge were no verdict \
             and count as wrong.</p>\n{}\n<h3>Prompt for the answer</h3>\n<pre>{}</pre>\n\
             <h3>Prompt for the judge</h3>\n<pre>{}</pre>",
            escape(&answers.model),
            escape(&answers.judge),
            answers.unjudged,
            html_table("Correct answers", &headings, &rows),
            escape(answers.prompts.answer),
            escape(answers.prompts.judge),
        )
    }

    fn notes(&self) -> String {
        let absent: Vec<String> = self
            .absent
            .iter()
            .map(|one| format!("<li>{} is absent: {}</li>", escape(one.name), escape(&one.reason)))
            .collect();
        format!(
            "<h2>Notes</h2>\n<ul>\n<li>Intervals: percentile bootstrap over questions, {} resamples, \
             seed {}.</li>\n{}\n</ul>",
            self.bootstrap.resamples,
            self.bootstrap.seed,
            absent.join("\n")
        )
    }

    fn plot<'a>(
        &'a self,
        title: &'a str,
        positions: Vec<String>,
        values: impl Fn(&Method) -> Vec<(Percent, Option<Interval>)>,
    ) -> Plot<'a> {
        let series = self.methods.iter();
        let series = series.map(|method| Series { name: method.name, values: values(method) });
        Plot { title, positions, series: series.collect() }
    }

    fn part(
        &self,
        plot: &Plot<'_>,
        svg: &str,
        caption: &str,
        headings: &[String],
        rows: &[Vec<String>],
    ) -> String {
        let legend: Vec<String> = plot
            .series
            .iter()
            .enumerate()
            .map(|(number, series)| format!("<li class=\"s{number}\">{}</li>", escape(series.name)))
            .collect();
        format!(
            "<h2>{}</h2>\n<figure>\n{svg}\n<figcaption><ul class=\"legend\">{}</ul></figcaption>\n\
             </figure>\n{}",
            escape(plot.title),
            legend.join(""),
            html_table(caption, headings, rows)
        )
    }
}

fn labels<T: ToString>(values: &[T], prefix: &str) -> Vec<String> {
    values.iter().map(|value| format!("{prefix}{}", value.to_string())).collect()
}

/// A figure of a method with its interval; nothing found where it has none.
fn value(of: (Option<&Percent>, Option<&Option<Interval>>)) -> (Percent, Option<Interval>) {
    let (share, interval) = of;
    (share.copied().unwrap_or(Percent(0.0)), interval.copied().flatten())
}

fn plot_rows(plot: &Plot<'_>) -> Vec<Vec<String>> {
    let row = |series: &Series<'_>| {
        let cells = series.values.iter().map(|(share, interval)| cell(*share, *interval));
        std::iter::once(series.name.to_owned()).chain(cells).collect()
    };
    plot.series.iter().map(row).collect()
}

fn cell(share: Percent, interval: Option<Interval>) -> String {
    match interval {
        Some(Interval(lower, upper)) => {
            format!("{} ({}\u{2013}{})", percent(share), percent(lower), percent(upper))
        }
        None => percent(share),
    }
}

fn html_table(caption: &str, headings: &[String], rows: &[Vec<String>]) -> String {
    let head: Vec<String> =
        headings.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
    let row = |cells: &Vec<String>| {
        let cells = cells.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("<th scope=\"row\">{}</th>", escape(cell)),
            _ => format!("<td>{}</td>", escape(cell)),
        });
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let body: Vec<String> = rows.iter().map(row).collect();
    format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\">\n<table>\n\
         <caption>{0}</caption>\n<thead><tr>{1}</tr></thead>\n<tbody>\n{2}\n</tbody>\n</table>\n\
         </div>",
        escape(caption),
        head.join(""),
        body.join("\n")
    )
}
