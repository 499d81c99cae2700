//! Names that do not say what the content is, and files that are not read.

use backstay_documents::{ErrorKind, Format, Limits, parse};

use crate::{
    files::{docx, paragraph, pdf},
    read, refused,
};

#[test]
fn a_wrong_extension_is_corrected_where_the_content_is_certain() {
    let parsed = read("report.pdf", docx(&paragraph("", "Words")));
    assert_eq!(parsed.summary.format, Format::Docx);
    assert_eq!(
        parsed.notes,
        ["Its name ends in .pdf, but its content is a Word document; it was read as that."]
    );
    let page = read("data.csv", "<!DOCTYPE html><html><body><p>Please log in</p></body></html>");
    assert_eq!(page.summary.format, Format::Html);
    assert_eq!(read("README", "Just words").summary.format, Format::Text);
    assert_eq!(read("feed", "<?xml version='1.0'?><a>b</a>").summary.format, Format::Xml);
}

#[test]
fn a_wrong_extension_is_refused_where_the_content_is_something_else() {
    let (kind, message) = refused("scan.pdf", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec());
    assert_eq!(kind, ErrorKind::Mismatched);
    assert!(message.contains(".pdf") && message.contains("PNG image"), "{message}");
    let (kind, message) = refused("report.pdf", "<html><body>404 not found</body></html>");
    assert_eq!(kind, ErrorKind::Mismatched);
    assert!(message.contains("HTML page"), "{message}");
    assert_eq!(refused("notes.txt", b"\x7FELF\x02\x01\x01\0\0".to_vec()).0, ErrorKind::Mismatched);
    assert_eq!(refused("table.csv", b"ab\0\x01\x02\xff\0\0\xfe".to_vec()).0, ErrorKind::Mismatched);
}

#[test]
fn what_is_not_read_says_what_would_be() {
    let (kind, message) = refused("photo.jpg", b"\xFF\xD8\xFF\xE0\0\x10JFIF".to_vec());
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("JPEG image") && message.contains("PDF, DOCX"), "{message}");
    let mut old = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    old.extend([0; 600]);
    let (kind, message) = refused("letter.doc", old);
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("Save it as .docx"), "{message}");
}

#[test]
fn encrypted_files_ask_for_one_without_a_password() {
    let mut office = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    office.extend([0; 600]);
    office.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    let (kind, message) = refused("salary.xlsx", office);
    assert_eq!(kind, ErrorKind::Encrypted);
    assert!(message.contains("password"), "{message}");
    // Standard security handler, revision 3, with a password that nobody has.
    let hex = "00".repeat(32);
    let encrypt = format!(
        "/ID [<{0}><{0}>] /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{hex}> /U <{hex}> >>",
        "ab".repeat(16)
    );
    assert_eq!(refused("locked.pdf", pdf(&["BT ET"], &encrypt)).0, ErrorKind::Encrypted);
}

#[test]
fn empty_and_textless_files_say_so() {
    assert_eq!(refused("empty.txt", "").0, ErrorKind::NoText);
    assert_eq!(refused("blank.md", " \n\n ").0, ErrorKind::NoText);
    let (kind, message) = refused("scan.pdf", pdf(&["0 0 100 100 re f"], ""));
    assert_eq!(kind, ErrorKind::NoText);
    assert!(message.contains("OCR"), "{message}");
}

#[test]
fn limits_are_told_in_the_terms_of_the_file() {
    let small = Limits { file_bytes: 10, ..Limits::default() };
    assert_eq!(parse(&small, "a.txt", vec![b'a'; 11]).unwrap_err().kind, ErrorKind::TooLarge);
    let pages = Limits { parts: 1, ..Limits::default() };
    let error = parse(&pages, "a.pdf", pdf(&["BT ET", "BT ET"], "")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooManyParts);
    assert!(error.message.contains("2 pages"), "{}", error.message);
    let text = Limits { text_bytes: 100, ..Limits::default() };
    assert_eq!(
        parse(&text, "a.txt", "word ".repeat(50).into_bytes()).unwrap_err().kind,
        ErrorKind::TooLarge
    );
    let unpacked = Limits { unpacked_bytes: 2_000, ..Limits::default() };
    let error = parse(&unpacked, "a.docx", docx(&paragraph("", &"a".repeat(5_000)))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge, "{}", error.message);
    let deep = format!("{}x{}", "<a>".repeat(300), "</a>".repeat(300));
    assert_eq!(refused("deep.xml", deep).0, ErrorKind::TooDeep);
    assert_eq!(
        refused("deep.json", format!("{}{}", "[".repeat(300), "]".repeat(300))).0,
        ErrorKind::TooDeep
    );
}
