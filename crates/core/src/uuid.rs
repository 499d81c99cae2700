//! Identifiers as UUIDs, for interfaces whose clients take nothing else.
//!
//! An identifier that is named by when it was made is a UUIDv7 in another script. One that is named by
//! what it holds is 104 bits of a digest, and becomes a UUIDv8. Both ways back are exact, so that nothing
//! has to be looked up.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 26;
/// Of a digest, in hexadecimal.
const DIGEST_DIGITS: usize = 26;
/// What of a UUIDv8's last 62 bits a digest leaves free.
const FREE_BITS: u32 = 18;

/// 128 bits in Crockford's base 32: the layout of a ULID.
pub(crate) fn to_base32(value: u128) -> String {
    let digit = |index: u32| ALPHABET[((value >> (index * 5)) & 31) as usize] as char;
    (0..26).rev().map(digit).collect()
}

fn from_base32(digits: &str) -> Option<u128> {
    if digits.len() != DIGITS || digits.as_bytes().first().is_none_or(|first| *first > b'7') {
        return None;
    }
    digits.bytes().try_fold(0_u128, |value, byte| {
        let digit = ALPHABET.iter().position(|known| *known == byte)?;
        Some((value << 5) | digit as u128)
    })
}

/// Puts a version and the variant of RFC 9562 where they belong.
pub(crate) fn with_version(value: u128, version: u8) -> u128 {
    let mask = (0xF_u128 << 76) | (0b11_u128 << 62);
    (value & !mask) | (u128::from(version) << 76) | (0b10_u128 << 62)
}

fn version(value: u128) -> Option<u8> {
    let is_standard = (value >> 62) & 0b11 == 0b10;
    is_standard.then_some(((value >> 76) & 0xF) as u8)
}

/// The UUID of an identifier's digits; `None` for one that was chosen by hand.
pub(crate) fn of_digits(digits: &str) -> Option<String> {
    let by_time = from_base32(digits).filter(|value| version(*value) == Some(7));
    let value = by_time.or_else(|| of_digest(digits)).or_else(|| from_base32(digits))?;
    let hex = format!("{value:032x}");
    let groups = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Some(groups.join("-"))
}

fn of_digest(digits: &str) -> Option<u128> {
    let is_digest = digits.len() == DIGEST_DIGITS
        && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let digest = u128::from_str_radix(digits, 16).ok().filter(|_| is_digest)?;
    let (first, second, third) = (digest >> 56, (digest >> 44) & 0xFFF, digest & ((1 << 44) - 1));
    Some(with_version((first << 80) | (second << 64) | third, 8))
}

/// The digits of the identifier that a UUID stands for; `None` for a text that is no UUID.
pub(crate) fn to_digits(text: &str) -> Option<String> {
    let value = parse(text)?;
    let last = value & ((1 << 62) - 1);
    if version(value) == Some(8) && last >> (62 - FREE_BITS) == 0 {
        let (first, second) = (value >> 80, (value >> 64) & 0xFFF);
        return Some(format!("{:026x}", (first << 56) | (second << 44) | last));
    }
    Some(to_base32(value))
}

/// With or without hyphens, in either case.
fn parse(text: &str) -> Option<u128> {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let hex = match text.len() {
        32 => text.to_owned(),
        36 if HYPHENS.iter().all(|at| text.as_bytes()[*at] == b'-') => text.replace('-', ""),
        _ => return None,
    };
    let is_hex = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(&hex, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_both_kinds_come_back_as_they_were() {
        let by_time = to_base32(with_version(0x0193_7b5e_5a2c_0000_1234_5678_9abc_def0, 7));
        for digits in [by_time.as_str(), "ffffffffffffffffffffffffff", "0123456789abcdef0123456789"]
        {
            let uuid = of_digits(digits).unwrap();
            assert_eq!(to_digits(&uuid).as_deref(), Some(digits), "{uuid}");
            assert!(matches!(uuid.as_bytes()[14], b'7' | b'8'), "{uuid}");
            assert!(matches!(uuid.as_bytes()[19], b'8'..=b'b'), "{uuid}");
        }
    }

    #[test]
    fn what_others_call_a_uuid_is_one_whatever_its_version() {
        let foreign = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8";
        let digits = to_digits(foreign).unwrap();
        assert_eq!(of_digits(&digits), Some(foreign.to_lowercase()));
        for text in [
            "",
            "not-a-uuid",
            "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
            "6ba7b8109dad-11d1-80b4-00c04fd430c8xx",
        ] {
            assert_eq!(to_digits(text), None, "{text}");
        }
        assert_eq!(of_digits("chosen-by-hand"), None);
    }
}
