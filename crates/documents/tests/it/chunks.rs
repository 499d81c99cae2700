//! From a file to what is indexed and cited.

use backstay_documents::{Chunk, ChunkOptions, chunk};

use crate::{
    files::{pptx, shape, xlsx},
    read,
};

fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn options() -> ChunkOptions {
    ChunkOptions { target_tokens: 12, whole_tokens: 16, overlap_tokens: 4 }
}

fn chunks(name: &str, bytes: impl Into<Vec<u8>>) -> Vec<Chunk> {
    chunk(&read(name, bytes), &options(), &words)
}

fn shown(chunks: &[Chunk]) -> Vec<String> {
    chunks
        .iter()
        .map(|chunk| format!("{} > {} | {}", chunk.headings.join("/"), chunk.text, chunk.source))
        .collect()
}

#[test]
fn chunks_carry_their_headings_and_never_cross_one() {
    let text = "# Guide\n\nIntro.\n\n## Setup\n\nOne two three four five six.\n\nSeven eight nine ten eleven twelve.\n\nThirteen.\n\n## Empty\n\n## Use\n\n- a\n- b\n\n# End\n";
    let found = chunks("guide.md", text);
    assert_eq!(
        shown(&found),
        [
            "Guide > Intro. | line 3",
            "Guide/Setup > One two three four five six.\n\nSeven eight nine ten eleven twelve. | lines 7–9",
            "Guide/Setup > Thirteen. | line 11",
            "Guide > Empty | line 13",
            "Guide/Use > - a\n- b | lines 17–18",
            " > End | line 20",
        ]
    );
    assert_eq!(found.iter().map(|chunk| chunk.ordinal).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(found[1].to_index_text().lines().next(), Some("Guide › Setup"));
}

#[test]
fn a_long_paragraph_is_cut_at_sentences_that_overlap_and_know_their_lines() {
    let text = "A b c d e f g hh.\nI j k ll.\nM n o p q r s tt.\nU v w x y zz.\n";
    let found = chunks("long.txt", text);
    assert_eq!(
        shown(&found),
        [
            " > A b c d e f g hh.\nI j k ll. | lines 1–2",
            " > I j k ll.\nM n o p q r s tt. | lines 2–3",
            " > U v w x y zz. | line 4",
        ]
    );
}

#[test]
fn a_table_is_cut_between_rows_and_repeats_its_header() {
    let found = chunks("t.csv", "Name,Town\nAda,London\nBob,Paris\nEve,Oslo\nJim,Rome\n");
    assert_eq!(
        shown(&found),
        [
            " > | Name | Town |\n| --- | --- |\n| Ada | London | | line 2",
            " > | Name | Town |\n| --- | --- |\n| Bob | Paris | | line 3",
            " > | Name | Town |\n| --- | --- |\n| Eve | Oslo | | line 4",
            " > | Name | Town |\n| --- | --- |\n| Jim | Rome | | line 5",
        ]
        .map(|text| text.to_owned())
    );
    let long = format!("Name,About\nAda,{}\n", "She wrote programs. ".repeat(6));
    let found = chunks("t.csv", long);
    assert!(
        found.len() > 1 && found[0].text.starts_with("Name: Ada\nAbout: She wrote"),
        "{:?}",
        shown(&found)
    );
}

#[test]
fn code_is_whole_where_it_fits() {
    let text = "```py\nalpha beta gamma\n\ndelta epsilon\n```\n\nWords.\n\n```\n1 2 3 4 5 6 7 8\n\n9 10 11 12 13 14 15\n16 17 18 19 20\n```\n";
    assert_eq!(
        shown(&chunks("code.md", text)),
        [
            " > ```py\nalpha beta gamma\n\ndelta epsilon\n```\n\nWords. | lines 2–7",
            " > ```\n1 2 3 4 5 6 7 8\n``` | line 10",
            " > ```\n9 10 11 12 13 14 15\n16 17 18 19 20\n``` | lines 12–13",
        ]
    );
}

#[test]
fn slides_and_sheets_stay_separate() {
    let slides = [
        (shape("title", &[("", "One")]) + &shape("", &[("", "first")])),
        shape("", &[("", "second")]),
    ];
    let found = chunks("a.pptx", pptx(&[(&slides[0], ""), (&slides[1], "")]));
    assert_eq!(shown(&found), ["One > first | slide 1", " > second | slide 2"]);
    let row = r#"<row r="1"><c r="A1"><v>7</v></c></row>"#;
    let found = chunks("a.xlsx", xlsx(&[("A", row), ("B", row)]));
    assert_eq!(found.iter().map(|chunk| chunk.headings.join("/")).collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn equal_chunks_have_equal_hashes_wherever_they_stand() {
    let one = chunks("a.md", "# T\n\nSame words.\n");
    let two = chunks("b.md", "\n\n# T\n\nSame words.\n\n# U\n\nSame words.");
    assert_eq!(one[0].content_hash, two[0].content_hash);
    assert_ne!(two[0].content_hash, two[1].content_hash);
    assert_eq!(one[0].content_hash.len(), 64);
}
