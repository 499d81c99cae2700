//! Files that any editor opens.

use backstay_documents::{ErrorKind, Format};

use crate::{all_shown, read, refused};

#[test]
fn plain_text_keeps_its_paragraphs_and_lines() {
    let parsed = read("notes.txt", "First line\nsecond line\n\nCaf\u{e9} costs 3 €.\n");
    assert_eq!(
        all_shown(&parsed),
        ["p First line\nsecond line | lines 1–2", "p Café costs 3 €. | line 4"]
    );
}

#[test]
fn old_encodings_are_read_too() {
    assert_eq!(all_shown(&read("a.txt", b"Stra\xDFe".to_vec())), ["p Straße | line 1"]);
    let utf16: Vec<u8> = "\u{feff}Straße".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(all_shown(&read("a.txt", utf16)), ["p Straße | line 1"]);
    let page =
        b"<html><head><meta charset=\"windows-1251\"></head><p>\xCF\xF0\xE8\xE2\xE5\xF2</p></html>"
            .to_vec();
    assert_eq!(all_shown(&read("a.html", page)), ["p Привет | line 1"]);
}

#[test]
fn markdown_keeps_headings_lists_tables_and_code() {
    let text = "---\ntitle: \"Setup guide\"\n---\n# Install\n\nRun *this* `now`,\nthen wait.\n\n- one\n  - inner\n- two\n\n```rust\nfn main() {\n\n}\n```\n\n| Name | Size |\n| --- | --- |\n| a | 1 |\n| b \\| c | 2 |\n\n> quoted\n";
    let parsed = read("setup.md", text);
    assert_eq!(parsed.summary.title.as_deref(), Some("Setup guide"));
    assert_eq!(
        all_shown(&parsed),
        [
            "h1 Install | line 4",
            "p Run this now,\nthen wait. | lines 6–7",
            "li0 one | line 9",
            "li1 inner | line 10",
            "li0 two | line 11",
            "code rust fn main() {\n\n} | lines 14–16",
            "table [Name,Size] a,1@21; b | c,2@22 | lines 21–22",
            "p quoted | line 24",
        ]
    );
}

#[test]
fn html_in_markdown_is_read_too() {
    let text = "<details>\n<summary>More</summary>\nHidden &amp; found\n</details>\n\nA <b>bold</b> word.\n";
    assert_eq!(
        all_shown(&read("a.md", text)),
        ["p More Hidden & found | lines 1–4", "p A bold word. | line 6"]
    );
}

#[test]
fn html_is_read_as_a_browser_shows_it() {
    let text = "<!doctype html>\n<title>Prices &amp; terms</title>\n<style>p { color: red }</style>\n<nav><a>Home</a></nav>\n<h2>Our\n prices</h2>\n<p>Fair <b>and</b>\n  low.<p>Not closed\n<ul><li>one<ul><li>inner</ul><li><p>two</p></ul>\n<pre><code class=\"language-python\">\nif a:\n    b()\n</code></pre>\n<table><tr><th>Item<th>Price</tr>\n<tr><td>Tea<td>3</tr>\n<tr><td>Pot <i>blue</i><td>30 <table><tr><td>new</td></tr></table></tr></table>\n<script>alert('<p>no</p>')</script>";
    let parsed = read("prices.html", text);
    assert_eq!(parsed.summary.title.as_deref(), Some("Prices & terms"));
    assert_eq!(
        all_shown(&parsed),
        [
            "h2 Our prices | lines 5–6",
            "p Fair and low. | lines 7–8",
            "p Not closed | line 8",
            "li0 one | line 9",
            "li1 inner | line 9",
            "li0 two | line 9",
            "code python if a:\n    b() | lines 11–12",
            "table [Item,Price] Tea,3@15; Pot blue,30 new@16 | lines 15–16",
        ]
    );
}

#[test]
fn csv_finds_its_delimiter_and_header() {
    let parsed =
        read("list.csv", "Name;City\nAda;London\n\"Smith; John\";\"New\nYork\"\nEve;Oslo\n");
    assert_eq!(
        all_shown(&parsed),
        ["table [Name,City] Ada,London@2; Smith; John,New York@3; Eve,Oslo@5 | lines 2–5"]
    );
    let numbers = read("numbers.csv", "1,2\n3,4\n");
    assert_eq!(all_shown(&numbers), ["table [-] 1,2@1; 3,4@2 | lines 1–2"]);
}

#[test]
fn a_long_table_goes_out_in_parts_with_the_header() {
    let rows: String = (0..600).map(|row| format!("name{row},{row}\n")).collect();
    let parsed = read("long.csv", format!("Name,Number\n{rows}"));
    let shown = all_shown(&parsed);
    assert_eq!(shown.len(), 3);
    assert!(shown[2].starts_with("table [Name,Number] name512,512@514"));
    assert!(shown[2].ends_with("| lines 514–601"), "{}", shown[2]);
}

#[test]
fn small_json_is_whole_and_large_json_is_cut_along_its_structure() {
    assert_eq!(
        all_shown(&read("a.json", "{\n \"a\": [1, 2]\n}")),
        ["code json {\n \"a\": [1, 2]\n} | lines 1–3"]
    );
    let items: Vec<String> = (0..40)
        .map(|number| format!("{{\"id\": {number}, \"text\": \"{}\"}}", "x".repeat(100)))
        .collect();
    let text = format!("{{\"version\": 2,\n\"items\": [\n{}\n]}}", items.join(",\n"));
    let parsed = read("b.json", text);
    let shown = all_shown(&parsed);
    assert_eq!(shown[0], "code json version: 2 | line 1");
    assert!(shown[1].starts_with("code json items[0]:\n{\"id\": 0"), "{}", shown[1]);
    assert!(shown[1].ends_with("| lines 3–11"), "{}", shown[1]);
    assert!(shown[2].starts_with("code json items[9]:\n"), "{}", shown[2]);
}

#[test]
fn json_lines_are_records_and_a_wrong_one_is_named() {
    let parsed = read("a.jsonl", "{\"a\":1}\n\n{\"a\":2}\n");
    assert_eq!(all_shown(&parsed), ["code json {\"a\":1}\n{\"a\":2} | lines 1–3"]);
    let corrected = read("a.json", "{\"a\":1}\n{\"a\":2}\n");
    assert_eq!(corrected.summary.format, Format::JsonLines);
    assert!(corrected.notes[0].contains("JSON Lines"));
    let (kind, message) = refused("a.jsonl", "{\"a\":1}\n{\"a\":\n");
    assert_eq!(kind, ErrorKind::Damaged);
    assert!(message.contains("in line 2"), "{message}");
}

#[test]
fn xml_records_read_as_names_and_values_and_prose_as_prose() {
    let text = "<?xml version=\"1.0\"?>\n<catalog>\n <book>\n  <name>Dune</name>\n  <price cur=\"EUR\">9 &amp; more</price>\n </book>\n <about><p>A <b>good</b> list.</p><ref to=\"x\"/></about>\n</catalog>";
    assert_eq!(
        all_shown(&read("books.xml", text)),
        [
            "p name: Dune\nprice: 9 & more | lines 4–5",
            "p A good list. | line 7",
            "p ref: to=x | line 7"
        ]
    );
}

#[test]
fn entities_of_an_xml_file_are_not_expanded() {
    let text =
        "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><l>&b; &lt;&#65;</l>";
    assert_eq!(all_shown(&read("bomb.xml", text)), ["p &b; <A | line 1"]);
}

#[test]
fn source_code_is_cut_between_definitions_and_keeps_every_character() {
    let text = "import os\n\ndef a():\n    x = 1\n\n    return x\n\n\nclass B:\n\tpass\n";
    let parsed = read("lib/tool.py", text);
    assert_eq!(parsed.summary.format, Format::Code("python".into()));
    assert_eq!(
        all_shown(&parsed),
        [
            "code python import os | line 1",
            "code python def a():\n    x = 1\n\n    return x | lines 3–6",
            "code python class B:\n\tpass | lines 9–10",
        ]
    );
}
