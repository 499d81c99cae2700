//! The whole bench on the data set that ships with it, with floors below what was measured.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use backstay_evaluation::memory::{
    self, Dataset, Evidence, Method, Options, Phase, Progress, Report,
};
use backstay_memory::Embedder;

struct Silent;

impl Progress for Silent {
    fn begin(&self, _phase: Phase, _total: usize) {}
    fn advance(&self, _count: usize) {}
}

fn household() -> Dataset {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/memory/data/household.json");
    Dataset::read(&path).unwrap()
}

async fn measure(embedder: Result<Embedder, String>) -> Report {
    memory::run(
        &household(),
        Options { embedder, database: None, profile: None, readers: None },
        &Silent,
    )
    .await
    .unwrap()
}

fn recall10(report: &Report, name: &str) -> f64 {
    let method: &Method = report.methods.iter().find(|method| method.name == name).unwrap();
    method.recall[&10].rounded()
}

#[test]
fn it_is_large_enough_and_asks_every_kind_of_question() {
    let dataset = household();
    assert!(dataset.episodes() >= 120 && dataset.questions() >= 60);
    let questions = || dataset.conversations.iter().flat_map(|one| &one.questions);
    for kind in
        ["single-hop", "multi-hop", "temporal", "preference", "update", "list", "unanswerable"]
    {
        assert!(questions().filter(|question| question.kind == kind).count() >= 6, "{kind}");
    }
    for question in questions() {
        let is_unanswerable = question.kind == "unanswerable";
        assert_eq!(question.unanswerable, is_unanswerable, "{}", question.text);
        assert!(matches!(question.evidence, Evidence::Turns(_)));
    }
}

#[tokio::test]
async fn by_words_and_structure_backstay_beats_bm25() {
    let report = measure(Err("this test goes by words".to_owned())).await;
    assert_eq!(report.methods.iter().map(|one| one.name).collect::<Vec<_>>(), ["backstay", "bm25"]);
    assert_eq!(report.absent.len(), 2);
    assert!(report.bytes_per_episode > 0);
    let (own, words) = (recall10(&report, "backstay"), recall10(&report, "bm25"));
    assert!(own > words, "backstay {own}, bm25 {words}");
    assert!(own >= 80.0, "{own}");
    for figures in &report.methods {
        let recalls: Vec<f64> = figures.recall.values().map(|share| share.rounded()).collect();
        assert!(recalls.is_sorted(), "{}: {recalls:?}", figures.name);
    }
    let foreign = report.abstention.foreign_refused.unwrap().rounded();
    let wrong = report.abstention.answerable_refused.unwrap().rounded();
    assert!(foreign > wrong, "{foreign} of foreign questions refused, {wrong} of answerable ones");
}

#[tokio::test]
async fn with_vectors_backstay_beats_every_baseline() {
    let Some(models) = std::env::var_os("BACKSTAY_TEST_MODELS") else { return };
    let report = measure(Ok(Embedder::load(Path::new(&models)).unwrap())).await;
    let names: Vec<_> = report.methods.iter().map(|method| method.name).collect();
    assert_eq!(names, ["backstay", "bm25", "vectors", "rrf"]);
    let own = recall10(&report, "backstay");
    for baseline in ["bm25", "vectors", "rrf"] {
        assert!(own > recall10(&report, baseline), "{baseline}: {}", recall10(&report, baseline));
    }
    assert!(own >= 85.0, "{own}");
    assert!(report.embeddings.query.is_some());
}

#[tokio::test]
async fn the_page_has_every_method_and_asks_nothing_of_the_network() {
    let report = measure(Err("this test goes by <words>".to_owned())).await;
    let page = report.to_html();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("prefers-color-scheme: dark"));
    assert_eq!(page.matches("<svg").count(), 3);
    assert_eq!(page.matches("<table>").count(), 5);
    assert!(page.contains("this test goes by &lt;words&gt;"));
    for outside in ["http://", "https://", "<script", "src=", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let text = report.to_text();
    assert!(text.contains("bm25") && text.contains("vectors is absent"), "{text}");
}
