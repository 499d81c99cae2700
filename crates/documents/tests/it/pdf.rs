//! PDF.

use backstay_documents::ErrorKind;

use crate::{
    all_shown,
    files::{drawn, pdf},
    read, refused,
};

#[test]
fn a_pdf_keeps_headings_paragraphs_lists_and_pages() {
    let first = drawn(&[
        (24.0, 760.0, "The Handbook"),
        (11.0, 720.0, "Every word of this para-"),
        (11.0, 706.0, "graph belongs together \\(really\\)."),
        (11.0, 670.0, "Another one."),
        (11.0, 656.0, "\\225 a point"),
    ]);
    let second = drawn(&[(16.0, 760.0, "Second part"), (11.0, 730.0, "Its text.")]);
    let parsed = read("handbook.pdf", pdf(&[&first, &second], ""));
    assert_eq!(parsed.summary.title.as_deref(), Some("The handbook"));
    assert_eq!(parsed.summary.parts, Some(2));
    assert_eq!(
        all_shown(&parsed),
        [
            "h1 The Handbook | page 1",
            "p Every word of this paragraph belongs together (really). | page 1",
            "p Another one. | page 1",
            "li0 a point | page 1",
            "h2 Second part | page 2",
            "p Its text. | page 2",
        ]
    );
}

#[test]
fn a_sentence_that_crosses_pages_stays_whole() {
    let first = drawn(&[(11.0, 100.0, "It goes on and")]);
    let second = drawn(&[(11.0, 760.0, "on, over the page.")]);
    assert_eq!(
        all_shown(&read("a.pdf", pdf(&[&first, &second], ""))),
        ["p It goes on and on, over the page. | pages 1–2"]
    );
}

#[test]
fn what_every_page_repeats_is_told_once() {
    let page = |number: u32, text: &str| {
        let (head, foot) = (format!("Handbook, page {number}"), number.to_string());
        drawn(&[(9.0, 800.0, &head), (11.0, 700.0, text), (9.0, 40.0, &foot)])
    };
    let parsed = read(
        "a.pdf",
        pdf(&[&page(1, "The first page has words."), &page(2, "The second has more words.")], ""),
    );
    assert_eq!(
        all_shown(&parsed),
        [
            "p Handbook, page 1 | page 1",
            "p The first page has words. | page 1",
            "p The second has more words. | page 2"
        ]
    );
}

#[test]
fn words_that_are_placed_one_by_one_have_spaces() {
    let content = "BT /F1 11 Tf 72 700 Td [(Place) -300 (d wor) 20 (ds)] TJ 120 0 Td (here) Tj 5 TL T* (below) ' ET";
    let parsed = read("a.pdf", pdf(&[content], ""));
    assert!(all_shown(&parsed)[0].starts_with("p Place d words here"), "{:?}", all_shown(&parsed));
}

#[test]
fn a_pdf_without_its_table_of_contents_is_still_read() {
    let whole = pdf(&[&drawn(&[(11.0, 700.0, "Found again")])], "");
    let cut = whole.windows(4).position(|window| window == b"xref").unwrap();
    assert_eq!(all_shown(&read("a.pdf", whole[..cut].to_vec())), ["p Found again | page 1"]);
    assert_eq!(refused("b.pdf", whole[..60].to_vec()).0, ErrorKind::Damaged);
}

#[test]
fn a_form_that_shows_itself_ends() {
    let form = "/X Do";
    let whole = String::from_utf8(pdf(&[form], "")).unwrap();
    // The page's own content under the name of a form that it shows.
    let looped = whole.replace("/Font <<", "/XObject << /X 6 0 R >> /Font <<").replace(
        "<< /Length 5 >>",
        "<< /Length 5 /Type /XObject /Subtype /Form /BBox [0 0 9 9] >>",
    );
    let cut = looped.find("xref\n").unwrap();
    assert_eq!(refused("a.pdf", looped.as_bytes()[..cut].to_vec()).0, ErrorKind::NoText);
}
