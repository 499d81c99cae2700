//! Word, PowerPoint and Excel.

use backstay_documents::ErrorKind;

use crate::{
    all_shown,
    files::{archive, docx, paragraph, pptx, shape, xlsx},
    read, refused,
};

#[test]
fn word_keeps_headings_lists_tables_and_pages() {
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph("", text));
    let row = |left: &str, right: &str| format!("<w:tr>{}{}</w:tr>", cell(left), cell(right));
    let body = [
        paragraph("berschrift1", "Results"),
        paragraph("", "Sales &lt;grew&gt;."),
        paragraph("Kapitel", "By region"),
        r#"<w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr></w:pPr><w:r><w:t>North</w:t></w:r></w:p>"#.to_owned(),
        format!("<w:tbl>{}{}{}</w:tbl>", row("Region", "Sum"), row("North", "3"), row("South", "4")),
        r#"<w:p><w:r><w:lastRenderedPageBreak/><w:t>On page</w:t><w:tab/><w:t>two.</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"#.to_owned(),
        r#"<w:p><mc:AlternateContent><mc:Choice><w:r><w:t>Boxed</w:t></w:r></mc:Choice><mc:Fallback><w:r><w:t>Boxed</w:t></w:r></mc:Fallback></mc:AlternateContent></w:p>"#.to_owned(),
    ];
    let parsed = read("report.docx", docx(&body.concat()));
    assert_eq!(parsed.summary.title.as_deref(), Some("Annual & monthly report"));
    assert_eq!(
        all_shown(&parsed),
        [
            "h1 Results | paragraph 1",
            "p Sales <grew>. | paragraph 2",
            "h2 By region | paragraph 3",
            "li1 North | paragraph 4",
            "table [Region,Sum] North,3@8; South,4@10 | paragraphs 8–10",
            "p On page\ttwo. | page 2, paragraph 11",
            "p Boxed | page 2, paragraph 12",
        ]
    );
}

#[test]
fn slides_come_in_order_with_title_first_and_notes_last() {
    let table = "<p:graphicFrame><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>Quarter</a:t></a:r></a:p></a:txBody></a:tc><a:tc><a:p><a:r><a:t>Sum</a:t></a:r></a:p></a:tc></a:tr><a:tr><a:tc><a:p><a:r><a:t>Q1</a:t></a:r></a:p></a:tc><a:tc><a:p><a:r><a:t>7</a:t></a:r></a:p></a:tc></a:tr></a:tbl></p:graphicFrame>";
    let first = shape("body", &[("", "Growth"), (r#"lvl="1""#, "in Europe")])
        + &shape("title", &[("", "Plan 2027")])
        + &shape("sldNum", &[("", "1")]);
    let second = shape("", &[("", "Thank you")]) + table;
    let parsed = read("plan.pptx", pptx(&[(&first, "Mention the weather"), (&second, "")]));
    assert_eq!(parsed.summary.parts, Some(2));
    assert_eq!(
        all_shown(&parsed),
        [
            "h1 Plan 2027 | slide 1",
            "li0 Growth | slide 1",
            "li1 in Europe | slide 1",
            "p Speaker notes: Mention the weather | slide 1",
            "p Thank you | slide 2",
            "table [Quarter,Sum] Q1,7@1 | slide 2",
        ]
    );
}

#[test]
fn sheets_are_tables_with_their_rows() {
    let costs = r#"<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c><c r="C2" t="inlineStr"><is><t>Since</t></is></c></row>
        <row r="3"><c r="A3" t="inlineStr"><is><t>Tea</t></is></c><c r="B3"><v>3.5</v></c><c r="C3" s="1"><v>45000</v></c></row>
        <row r="5"><c r="A5" t="inlineStr"><is><t>Pot</t></is></c><c r="C5" t="b"><v>1</v></c></row>"#;
    let parsed = read(
        "book.xlsx",
        xlsx(&[
            ("Costs", costs),
            ("Empty", ""),
            ("More", r#"<row r="1"><c r="B1"><v>7</v></c></row>"#),
        ]),
    );
    assert_eq!(parsed.summary.parts, Some(3));
    assert_eq!(
        all_shown(&parsed),
        [
            "h1 Costs | sheet Costs, row 2",
            "table [Item,Price,Since] Tea,3.5,2023-03-15@3; Pot,,TRUE@5 | sheet Costs, rows 3–5",
            "h1 More | sheet More, row 1",
            "table [-] ,7@1 | sheet More, row 1",
        ]
    );
}

#[test]
fn a_sheet_of_two_cells_a_million_rows_apart_is_two_rows() {
    let rows = r#"<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c><c r="B1048576"><v>3</v></c></row>"#;
    let parsed = read("wide.xlsx", xlsx(&[("S", rows)]));
    let shown = all_shown(&parsed);
    assert!(shown[1].starts_with("table [-] 1@1; ,3,,"), "{}", shown[1]);
    assert!(shown[1].ends_with("@1048576 | sheet S, rows 1–1048576"), "{}", shown[1]);
    assert_eq!(parsed.notes, ["Some cells or rows of tables were too long and were cut."]);
}

#[test]
fn broken_office_files_are_damaged() {
    let whole = docx(&paragraph("", "Words"));
    assert_eq!(refused("half.docx", whole[..whole.len() / 2].to_vec()).0, ErrorKind::Mismatched);
    assert_eq!(
        refused("open.docx", archive(&[("word/document.xml", "<w:document><w:body>")])).0,
        ErrorKind::Damaged
    );
    assert_eq!(
        refused("wild.docx", archive(&[("word/document.xml", "<w:document></w:body>")])).0,
        ErrorKind::Damaged
    );
    assert_eq!(refused("none.pptx", archive(&[("ppt/presentation.xml", "")])).0, ErrorKind::NoText);
    assert_eq!(
        refused("sheet.xlsx", archive(&[("xl/workbook.xml", "<workbook/>")])).0,
        ErrorKind::Damaged
    );
}
