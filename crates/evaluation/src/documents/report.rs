//! The figures.

use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DocumentsReport {
    pub files: usize,
    pub chunks: usize,
    pub questions: usize,
    pub reading: Reading,
    pub methods: Vec<FoundBy>,
}

/// How fast documents become searchable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Of the PDF that was read and cut.
    pub pages: u32,
    /// With the start of the process that reads it.
    pub pages_per_second: f64,
    /// What a document waits for after it was read.
    pub chunks_embedded_per_second: f64,
}

/// How much a method finds: shares from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundBy {
    pub method: String,
    pub recall_at_1: f64,
    pub recall_at_5: f64,
    pub recall_at_10: f64,
    pub ndcg_at_10: f64,
    /// 95 %, by bootstrap over the questions.
    pub ndcg_at_10_interval: Option<(f64, f64)>,
    /// By how much Backstay's nDCG@10 is higher, 95 %, by bootstrap over the differences at each question;
    /// the order of the two is certain where zero is outside. `None` for Backstay itself.
    pub backstay_ahead: Option<(f64, f64)>,
}

impl DocumentsReport {
    pub fn to_text(&self) -> String {
        let Reading { pages, pages_per_second, chunks_embedded_per_second } = &self.reading;
        let mut text = format!(
            "{} files, {} passages, {} questions\n\
             {pages_per_second:.0} pages a second read and cut (a PDF of {pages} pages), \
             {chunks_embedded_per_second:.1} passages a second embedded\n\n\
             {:<14} {:>8} {:>8} {:>9} {:>8}  {:<14}  Backstay ahead by\n",
            self.files,
            self.chunks,
            self.questions,
            "",
            "recall@1",
            "recall@5",
            "recall@10",
            "nDCG@10",
            "95 %"
        );
        for found in &self.methods {
            let interval = shown(found.ndcg_at_10_interval);
            let ahead = shown(found.backstay_ahead);
            let line = format!(
                "{:<14} {:>8.3} {:>8.3} {:>9.3} {:>8.3}  {interval:<14}  {ahead}",
                found.method,
                found.recall_at_1,
                found.recall_at_5,
                found.recall_at_10,
                found.ndcg_at_10
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn shown(interval: Option<(f64, f64)>) -> String {
    interval.map(|(lower, upper)| format!("{lower:.3} to {upper:.3}")).unwrap_or_default()
}
