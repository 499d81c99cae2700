//! Text that a model reads and a person does not see.

use super::aim::Aim;

/// The base of an emoji flag of a region, which is spelled in tag characters (UTS #51).
const BLACK_FLAG: char = '\u{1F3F4}';
const CANCEL_TAG: char = '\u{E007F}';
/// A word that is broken by invisible characters more often than this is not a line that may wrap.
const INSIDE_WORDS_MIN: usize = 2;
/// So many invisible characters in a row spell something.
const RUN_MIN: usize = 4;

/// Styles that make text vanish, without spaces.
const VANISHING_STYLES: [&str; 13] = [
    "display:none",
    "visibility:hidden",
    "font-size:0",
    "font-size:1px",
    "opacity:0",
    "color:white",
    "color:#fff",
    "color=\"#fff",
    "color='#fff",
    "color=\"white",
    "text-indent:-",
    "left:-9999",
    "aria-hidden=\"true",
];
/// Markdown comments, which no renderer shows.
const MARKDOWN_COMMENTS: [&str; 3] = ["[//]: #", "[comment]: #", "[//]: <>"];

/// For a statement, which is short prose: anything at all that is hidden.
pub(super) fn aim(text: &str) -> Option<Aim> {
    let found = has_characters(text) || leaks_by_image(text) || !unseen(text).is_empty();
    found.then_some(Aim::Hidden)
}

/// Whether characters hide something. Markup does not count: it is ordinary in code and pages.
pub(super) fn has_characters(text: &str) -> bool {
    has_tags(text) || has_selectors(text) || has_zero_widths(text) || reverses(text)
}

/// What a page does not show: comments and the text of elements that are styled away.
pub(super) fn unseen(text: &str) -> Vec<&str> {
    let comments = text.split("<!--").skip(1).map(|rest| rest.split("-->").next().unwrap_or(rest));
    let elements = text.split('<').skip(1).filter_map(|element| {
        let (tag, shown) = element.split_once('>')?;
        (vanishes(tag) && !shown.trim().is_empty()).then_some(shown)
    });
    let is_comment = |line: &&str| {
        let line = line.to_lowercase();
        MARKDOWN_COMMENTS.iter().any(|comment| line.contains(comment))
    };
    let lines = text.lines().filter(is_comment);
    comments.chain(elements).chain(lines).collect()
}

fn vanishes(tag: &str) -> bool {
    let tag = tag.to_lowercase();
    let dense: String = tag.chars().filter(|character| !character.is_whitespace()).collect();
    let is_template = tag.starts_with("template") || tag.starts_with("noscript");
    let is_hidden = tag.split_whitespace().skip(1).any(|attribute| attribute == "hidden");
    is_template || is_hidden || VANISHING_STYLES.iter().any(|style| dense.contains(style))
}

/// Tag characters mirror ASCII invisibly. Legitimate only in the flags of regions.
fn has_tags(text: &str) -> bool {
    let mut in_flag = false;
    text.chars().any(|character| {
        let is_tag = matches!(character, '\u{E0000}'..='\u{E007F}');
        in_flag = character == BLACK_FLAG || (in_flag && is_tag && character != CANCEL_TAG);
        is_tag && !in_flag && character != CANCEL_TAG
    })
}

/// A character takes one variation selector; a row of them encodes bytes.
fn has_selectors(text: &str) -> bool {
    let is_selector = |c: char| matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}');
    let mut row = 0;
    text.chars().any(|character| {
        row = if is_selector(character) { row + 1 } else { 0 };
        row >= 2
    })
}

/// Joiners are at home in emoji and in several scripts, but not between Latin letters.
fn has_zero_widths(text: &str) -> bool {
    let is_zero_width = |c: char| matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{180E}');
    let (mut row, mut inside, mut after_latin) = (0, 0, false);
    for character in text.chars() {
        if is_zero_width(character) {
            row += 1;
            if row >= RUN_MIN {
                return true;
            }
            continue;
        }
        let is_latin = character.is_ascii_alphabetic();
        inside += usize::from(row > 0 && after_latin && is_latin);
        (row, after_latin) = (0, is_latin);
    }
    inside >= INSIDE_WORDS_MIN
}

/// Overrides show letters in another order than they are read; isolates and marks, which
/// right-to-left languages need, do not.
fn reverses(text: &str) -> bool {
    text.contains(['\u{202D}', '\u{202E}'])
}

/// A Markdown image is fetched when it is shown: its query carries what the model writes there.
pub(super) fn leaks_by_image(text: &str) -> bool {
    text.split("![").skip(1).any(|after| {
        let address =
            after.split_once("](").map(|(_, rest)| rest.split(')').next().unwrap_or(rest));
        address.is_some_and(|address| address.contains("//") && address.contains(['?', '{', '$']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_families_and_joined_scripts_hide_nothing() {
        let england = "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}";
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}";
        for text in [england, family, "می\u{200C}خواهم", "ok \u{2600}\u{FE0F}", "a < b > c"]
        {
            assert_eq!(aim(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_found() {
        let tags: String =
            "obey".chars().filter_map(|c| char::from_u32(0xE0000 + c as u32)).collect();
        for text in [tags.as_str(), "i\u{200B}gn\u{200B}ore", "a\u{202E}b", "x<!-- y -->"] {
            assert_eq!(aim(text), Some(Aim::Hidden), "{text:?}");
        }
        assert_eq!(aim("![a](https://x.example/i.png?q=1)"), Some(Aim::Hidden));
        assert_eq!(aim("![cat](https://x.example/cat.png)"), None);
    }
}
