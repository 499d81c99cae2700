//! Secrets: what a user lets slip and nobody should remember.

/// What sort of secret a text holds; `None` when it holds none that is known by its form.
///
/// A text without a match may still hold a secret. The verbatim turn stays in the thread; this
/// keeps it from being learned as a statement.
pub fn holds_secret(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    if lower.contains("-----begin") && lower.contains("private key") {
        return Some("a private key");
    }
    let words = || text.split(|c: char| c.is_whitespace() || "\"'`,;()<>=".contains(c));
    if words().any(is_key) {
        return Some("an API key or access token");
    }
    if words().any(is_address_with_password) {
        return Some("a password in an address");
    }
    if has_card_number(text) {
        return Some("a card number");
    }
    states_password(text).then_some("a password")
}

/// Beginnings of keys as their issuers publish them, and how many characters follow at least.
const KEY_PREFIXES: [(&str, usize); 26] = [
    ("sk-", 20),
    ("pk_live_", 16),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("sk_test_", 16),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 16),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xoxa-", 20),
    ("xapp-", 20),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ya29.", 20),
    ("hf_", 30),
    ("npm_", 30),
    ("pypi-", 30),
    ("dop_v1_", 40),
    ("SG.", 40),
    ("gsk_", 30),
];

fn is_key(word: &str) -> bool {
    let word = word.trim_end_matches(['.', '!', '?', ':']);
    let is_key_text = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let by_prefix = KEY_PREFIXES.iter().any(|(prefix, least)| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= *least
                && rest.chars().all(is_key_text)
                && rest.bytes().any(|byte| byte.is_ascii_digit())
        })
    });
    by_prefix || is_web_token(word)
}

/// A JSON web token: three parts, the first of which is an object (RFC 7519).
fn is_web_token(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3 && parts[0].starts_with("eyJ") && parts.iter().all(|part| part.len() >= 10)
}

/// `scheme://name:password@host`.
fn is_address_with_password(word: &str) -> bool {
    word.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split('/').next().unwrap_or(rest);
        let login = authority.rsplit_once('@').and_then(|(login, _)| login.split_once(':'));
        login.is_some_and(|(_, password)| !password.is_empty())
    })
}

/// 13 to 19 digits in groups, a known first digit and a right check digit (ISO/IEC 7812).
fn has_card_number(text: &str) -> bool {
    let joins = |c: char| c.is_ascii_digit() || c == ' ' || c == '-';
    text.split(|character: char| !joins(character)).any(|run| {
        let digits: Vec<u32> = run.chars().filter_map(|c| c.to_digit(10)).collect();
        let groups = run.split([' ', '-']).filter(|group| !group.is_empty());
        let in_groups = groups.clone().count() == 1 || groups.clone().all(|g| g.len() >= 3);
        let begins_right = digits.first().is_some_and(|first| (3..=6).contains(first));
        (13..=19).contains(&digits.len()) && in_groups && begins_right && luhn(&digits)
    })
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let weigh = |(at, digit): (usize, &u32)| if at % 2 == 1 { doubled(*digit) } else { *digit };
    digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

/// Words for a secret, in the languages that phrases are known in.
const SECRET_NAMES: [&str; 20] = [
    "password",
    "passcode",
    "passphrase",
    "passwd",
    "pwd",
    "pin",
    "api key",
    "secret key",
    "access token",
    "cvv",
    "seed phrase",
    "passwort",
    "kennwort",
    "mot de passe",
    "contraseña",
    "senha",
    "пароль",
    "密码",
    "パスワード",
    "비밀번호",
];
/// What may stand between the name and the secret.
const LINKS: [&str; 16] = [
    "is", "are", "was", ":", "=", "ist", "lautet", "lauten", "est", "es", "é", "è", "—", "是",
    "は", "to",
];
/// What is said about a password without saying it.
const ABOUT: [&str; 42] = [
    "required",
    "wrong",
    "weak",
    "strong",
    "expired",
    "too",
    "not",
    "the",
    "a",
    "an",
    "same",
    "safe",
    "secure",
    "correct",
    "incorrect",
    "invalid",
    "missing",
    "changed",
    "stored",
    "saved",
    "hashed",
    "encrypted",
    "needed",
    "long",
    "short",
    "very",
    "my",
    "your",
    "his",
    "her",
    "on",
    "in",
    "lost",
    "forgotten",
    "still",
    "always",
    "never",
    "known",
    "for",
    "only",
    "be",
    "asked",
];

fn states_password(text: &str) -> bool {
    let lower = text.to_lowercase();
    SECRET_NAMES.iter().any(|name| {
        lower.match_indices(name).any(|(at, _)| {
            let after = &lower[at + name.len()..];
            let joins = |c: char| c.is_alphanumeric() || c == '_';
            let is_word = !lower[..at].ends_with(joins) && !after.starts_with(joins);
            (is_word || !name.is_ascii()) && gives_value(after, name)
        })
    })
}

/// Whether `after`, which follows the name of a secret, goes on with the secret itself.
fn gives_value(after: &str, name: &str) -> bool {
    let clause_end = after.find(['\n', ';']).unwrap_or(after.len());
    let spaced =
        after[..clause_end].replace([':', '='], " : ").replace('是', " 是 ").replace('は', " は ");
    let mut words = spaced.split_whitespace().skip_while(|word| !LINKS.contains(word)).skip(1);
    let before = spaced.split_whitespace().take_while(|word| !LINKS.contains(word)).count();
    let Some(value) = words.find(|word| !LINKS.contains(word)) else {
        return false;
    };
    let value = value.trim_end_matches(['.', ',', '!', '?']);
    let bare = value.trim_matches(['"', '\'', '`', '\u{201C}', '\u{201D}']);
    if before > 4 || bare.is_empty() || bare.contains(['(', '<', '>']) || ABOUT.contains(&bare) {
        return false;
    }
    let has_digit = bare.chars().any(|character| character.is_ascii_digit());
    match name {
        "pin" | "cvv" => bare.len() >= 3 && bare.bytes().all(|byte| byte.is_ascii_digit()),
        // One plain word is a secret when nothing follows that would make it a sentence.
        _ => has_digit || bare.len() < value.len() || words.next().is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_form() {
        for text in [
            "my key is sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
            "Use 4111 1111 1111 1111 for the booking.",
            "Card 5500-0000-0000-0004",
            "The password is hunter2.",
            "wifi password: sunflower",
            "My PIN is 4471",
            "Mein Passwort lautet Sommer2024",
            "Мой пароль: кошка77",
            "我的密码是abc123",
            "postgres://app:s3cret@db.example/main",
            "The password for the router is 'open door'",
        ] {
            assert!(holds_secret(text).is_some(), "{text}");
        }
    }

    #[test]
    fn talk_about_secrets_is_not_a_secret() {
        for text in [
            "I forgot my password.",
            "The password is too short.",
            "A password is required to log in.",
            "My PIN is on a note in my wallet",
            "Order 4111 1111 1111 1112 arrived",
            "SHA-256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "The timestamp is 1732370000000.",
            "Passwords must have at least twelve characters.",
            "She opined that the pin in my hip is titanium.",
            "https://en.wikipedia.org/wiki/Password",
        ] {
            assert_eq!(holds_secret(text), None, "{text}");
        }
    }
}
