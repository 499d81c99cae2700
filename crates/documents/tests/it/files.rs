//! Small files made for these tests, as the programs that people use would write them.

use std::io::{Cursor, Write};

use zip::{ZipWriter, write::SimpleFileOptions};

pub(crate) fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const WORD: &str = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006""#;

/// A Word document with this body, and headings named as Word in German names their styles.
pub(crate) fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document {WORD}><w:body>{body}</w:body></w:document>"#
    );
    let styles = format!(
        r#"<w:styles {WORD}><w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
        <w:style w:type="paragraph" w:styleId="Kapitel"><w:name w:val="Kapitel"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style></w:styles>"#
    );
    let core = r#"<cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:title>Annual &amp; monthly report</dc:title></cp:coreProperties>"#;
    archive(&[
        ("word/document.xml", &document),
        ("word/styles.xml", &styles),
        ("docProps/core.xml", core),
    ])
}

pub(crate) fn paragraph(style: &str, text: &str) -> String {
    let style = if style.is_empty() {
        String::new()
    } else {
        format!(r#"<w:pPr><w:pStyle w:val="{style}"/></w:pPr>"#)
    };
    format!(r#"<w:p>{style}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>"#)
}

/// A presentation of slides, each the content of its shape tree and, if not empty, speaker's notes.
pub(crate) fn pptx(slides: &[(&str, &str)]) -> Vec<u8> {
    let xmlns = r#"xmlns:a="a" xmlns:p="p" xmlns:r="r""#;
    let mut parts = Vec::new();
    let mut list = String::new();
    let mut relations = String::new();
    for (index, (shapes, notes)) in slides.iter().enumerate() {
        // The order of the files is not the order of the slides.
        let file = 90 - index;
        list.push_str(&format!(r#"<p:sldId id="{}" r:id="rId{index}"/>"#, 256 + index));
        relations.push_str(&format!(r#"<Relationship Id="rId{index}" Type="http://x/slide" Target="slides/slide{file}.xml"/>"#));
        parts.push((
            format!("ppt/slides/slide{file}.xml"),
            format!(r#"<p:sld {xmlns}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"#),
        ));
        if !notes.is_empty() {
            parts.push((
                format!("ppt/slides/_rels/slide{file}.xml.rels"),
                format!(r#"<Relationships><Relationship Id="rId1" Type="http://x/notesSlide" Target="../notesSlides/notes{file}.xml"/></Relationships>"#),
            ));
            let notes = shape("body", &[("", notes)]) + &shape("sldNum", &[("", "1")]);
            parts.push((
                format!("ppt/notesSlides/notes{file}.xml"),
                format!(r#"<p:notes {xmlns}><p:spTree>{notes}</p:spTree></p:notes>"#),
            ));
        }
    }
    parts.push((
        "ppt/presentation.xml".into(),
        format!(r#"<p:presentation {xmlns}><p:sldIdLst>{list}</p:sldIdLst></p:presentation>"#),
    ));
    parts.push((
        "ppt/_rels/presentation.xml.rels".into(),
        format!("<Relationships>{relations}</Relationships>"),
    ));
    let parts: Vec<(&str, &str)> =
        parts.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    archive(&parts)
}

/// A shape with a placeholder's role and paragraphs, each with the attributes of its properties.
pub(crate) fn shape(role: &str, paragraphs: &[(&str, &str)]) -> String {
    let placeholder = if role.is_empty() {
        String::new()
    } else {
        format!(r#"<p:nvSpPr><p:nvPr><p:ph type="{role}"/></p:nvPr></p:nvSpPr>"#)
    };
    let paragraphs: String = paragraphs
        .iter()
        .map(|(properties, text)| {
            format!("<a:p><a:pPr {properties}/><a:r><a:t>{text}</a:t></a:r></a:p>")
        })
        .collect();
    format!("<p:sp>{placeholder}<p:txBody>{paragraphs}</p:txBody></p:sp>")
}

/// A workbook of sheets: name and the rows of `sheetData`. Style 1 is a date; shared strings 0 and 1
/// are `Item` and `Price`.
pub(crate) fn xlsx(sheets: &[(&str, &str)]) -> Vec<u8> {
    let mut list = String::new();
    let mut relations = String::new();
    let mut parts = Vec::new();
    for (index, (name, rows)) in sheets.iter().enumerate() {
        list.push_str(&format!(r#"<sheet name="{name}" sheetId="{0}" r:id="rId{0}"/>"#, index + 1));
        relations.push_str(&format!(
            r#"<Relationship Id="rId{0}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet{0}.xml"/>"#,
            index + 1
        ));
        parts.push((
            format!("xl/worksheets/sheet{}.xml", index + 1),
            format!(r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#),
        ));
    }
    let xmlns = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships""#;
    parts.push((
        "xl/workbook.xml".into(),
        format!("<workbook {xmlns}><sheets>{list}</sheets></workbook>"),
    ));
    parts.push((
        "xl/_rels/workbook.xml.rels".into(),
        format!(r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{relations}</Relationships>"#),
    ));
    parts.push((
        "_rels/.rels".into(),
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#.into(),
    ));
    parts.push((
        "xl/styles.xml".into(),
        format!(r#"<styleSheet {xmlns}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#),
    ));
    parts.push((
        "xl/sharedStrings.xml".into(),
        format!(
            "<sst {xmlns}><si><t>Item</t></si><si><r><t>Pri</t></r><r><t>ce</t></r></si></sst>"
        ),
    ));
    let parts: Vec<(&str, &str)> =
        parts.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    archive(&parts)
}

/// A PDF whose pages draw these content streams; `/F1` is Helvetica. `extra` are entries of the
/// trailer.
pub(crate) fn pdf(pages: &[&str], extra: &str) -> Vec<u8> {
    let kids: Vec<String> =
        (0..pages.len()).map(|index| format!("{} 0 R", 5 + 2 * index)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
        "<< /Title (The handbook) >>".to_owned(),
    ];
    for (index, content) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            6 + 2 * index
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let table = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    file.extend(
        format!(
            "trailer\n<< /Size {} /Root 1 0 R /Info 4 0 R {extra} >>\nstartxref\n{table}\n%%EOF\n",
            objects.len() + 1
        )
        .bytes(),
    );
    file
}

/// Lines of text from the top of a page, each with its size.
pub(crate) fn drawn(lines: &[(f64, f64, &str)]) -> String {
    lines
        .iter()
        .map(|(size, y, text)| format!("BT /F1 {size} Tf 72 {y} Td ({text}) Tj ET\n"))
        .collect()
}
