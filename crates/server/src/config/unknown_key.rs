//! "Did you mean": turns serde's list of known keys into the one that is nearest.

/// Advice for a message of the form "unknown field `lissten`, expected one of `listen`, `data`".
pub(super) fn advice(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let nearest = quoted.min_by_key(|known| differing_letters(unknown, known))?;
    Some(format!("did you mean `{nearest}`?"))
}

/// How many letters the two do not share, counted as multisets: enough to rank a short list of keys.
fn differing_letters(a: &str, b: &str) -> usize {
    let mut rest: Vec<char> = b.chars().collect();
    let mut missing = 0;
    for letter in a.chars() {
        match rest.iter().position(|other| *other == letter) {
            Some(position) => {
                rest.remove(position);
            }
            None => missing += 1,
        }
    }
    missing + rest.len()
}
