//! Percent-encoding (RFC 3986) of what becomes a part of a URL's path.

use std::fmt::Write as _;

/// Everything but unreserved characters, and those of `kept`, as `%XX`.
pub(crate) fn encode(text: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        if character.is_ascii_alphanumeric()
            || "-_.~".contains(character)
            || kept.contains(character)
        {
            encoded.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn a_name_stays_one_segment_of_the_path() {
        assert_eq!(encode("../v2/x?y#z", ""), "..%2Fv2%2Fx%3Fy%23z");
        assert_eq!(encode("amazon.nova-lite-v1:0", ""), "amazon.nova-lite-v1%3A0");
        assert_eq!(encode("a/b c", "/"), "a/b%20c");
    }
}
