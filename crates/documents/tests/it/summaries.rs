//! What a file is about, in its own words.

use std::cell::Cell;

use backstay_documents::{
    Block, Content, Format, Parsed, SUMMARY_CHARS_MAX, Source, Summary, summarise,
};

use crate::read;

/// Words of some length, in lower case and without the plural's ending.
fn terms(text: &str) -> Vec<String> {
    let words = text.split(|character: char| !character.is_alphanumeric());
    let long = words.filter(|word| word.chars().count() > 3);
    long.map(|word| word.to_lowercase().trim_end_matches('s').to_owned()).collect()
}

fn summary(name: &str, bytes: impl Into<Vec<u8>>) -> Option<String> {
    summarise(&read(name, bytes), &terms)
}

fn text_of(paragraphs: impl IntoIterator<Item = String>) -> Parsed {
    let blocks = paragraphs
        .into_iter()
        .map(|text| Block { content: Content::Paragraph(text), source: Source::line(1) })
        .collect();
    let summary = Summary { format: Format::Text, title: None, parts: None };
    Parsed { summary, blocks, notes: Vec::new() }
}

#[test]
fn a_text_is_summed_up_by_its_title_and_its_telling_sentences_in_their_order() {
    let aside =
        |number: u32| format!("Somebody remarked at noon upon matter {number}, and left.\n\n");
    let mut text = "# Harbour rules\n\nFerries moor at the northern quay. ".to_owned();
    text.extend((0..30).map(aside));
    text.push_str("A ferry that misses its quay calls the harbour office before it moors.\n\n");
    text.extend((30..60).map(aside));
    text.push_str(
        "The harbour office opens the quay to ferries at six.\n\n```\nfn ferry() {}\n```\n",
    );
    let found = summary("rules.md", text).unwrap();
    assert!(found.starts_with("Harbour rules — Ferries moor at the northern quay. "), "{found}");
    let places: Vec<usize> = ["A ferry that misses its quay", "The harbour office opens"]
        .iter()
        .map(|sentence| found.find(sentence).unwrap_or_else(|| panic!("{sentence}: {found}")))
        .collect();
    assert!(places.is_sorted() && !found.contains("fn ferry"), "{found}");
    assert!(found.chars().count() <= SUMMARY_CHARS_MAX && found.ends_with('.'), "{found}");
}

#[test]
fn a_short_text_is_its_own_summary_on_one_line() {
    assert_eq!(summary("a.txt", "Hello.\n").as_deref(), Some("Hello."));
    let found =
        summary("b.txt", "The ferry\n leaves\tat \u{202E}six\u{7}. It comes back at nine.\n");
    assert_eq!(found.as_deref(), Some("The ferry leaves at six. It comes back at nine."));
}

#[test]
fn a_sentence_that_is_too_long_is_cut_after_a_word() {
    let found = summarise(&text_of(["many harbours ".repeat(100)]), &terms).unwrap();
    assert!(found.ends_with("many…") || found.ends_with("harbours…"), "{found}");
    assert!(found.chars().count() <= SUMMARY_CHARS_MAX, "{found}");
    let found = summarise(&text_of(["ä".repeat(2_000)]), &terms).unwrap();
    assert_eq!(found.chars().count(), SUMMARY_CHARS_MAX);
    assert!(found.ends_with('…'));
}

#[test]
fn a_table_is_summed_up_by_its_first_rows() {
    let found = summary("prices.csv", "name,city,price\nAda,London,3\nBob,Paris,4\nEve,Rome,5\n");
    assert_eq!(found.as_deref(), Some("name, city, price; Ada, London, 3; Bob, Paris, 4"));
}

#[test]
fn code_is_summed_up_by_what_its_comments_say_or_by_its_first_lines() {
    let code =
        "#!/usr/bin/env python\n# Steers ferries into the harbour\n# at night.\nimport sea\n";
    let found = summary("steer.py", code);
    assert_eq!(found.as_deref(), Some("Steers ferries into the harbour at night."));
    let found =
        summary("tide.py", "def tide():\n    \"\"\"Height of the water.\"\"\"\n    return 3\n");
    assert_eq!(found.as_deref(), Some("Height of the water."));
    let found = summary("sea.py", "import waves\n\n\ndef swell(): pass\n");
    assert_eq!(found.as_deref(), Some("import waves; def swell(): pass"));
}

#[test]
fn what_has_no_text_has_no_summary() {
    assert_eq!(summarise(&text_of([]), &terms), None);
    assert_eq!(summarise(&text_of([" \u{7} ".to_owned(), "…".to_owned()]), &terms), None);
    assert_eq!(summary("only.md", "# A heading\n").as_deref(), Some("A heading"));
}

#[test]
fn of_a_thousand_pages_only_the_beginning_is_looked_at() {
    let page = |number: usize| {
        let sentence = |line| format!("Page {number} has in line {line} a word of ferries. ");
        (0..60).map(sentence).collect::<String>()
    };
    let book = text_of((0..1_000).map(page));
    let looked_at = Cell::new(0);
    let counting = |text: &str| {
        looked_at.set(looked_at.get() + text.len());
        terms(text)
    };
    let found = summarise(&book, &counting).unwrap();
    assert!(looked_at.get() <= 256 << 10, "{}", looked_at.get());
    assert!(found.starts_with("Page 0 has in line 0 a word of ferries."), "{found}");
    assert!(found.chars().count() <= SUMMARY_CHARS_MAX);
}
