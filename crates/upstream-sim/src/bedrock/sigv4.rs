//! Signature Version 4, checked: the signature is computed anew from what arrived, starting with the
//! decoded path and query, and compared.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use crate::wire::{Caller, header};

/// The only access key that the simulator knows.
pub const ACCESS_KEY_ID: &str = "AKIDSIMULATOR";
/// Its secret. Not a secret, since it opens nothing.
pub const SECRET_ACCESS_KEY: &str = "sim/secret+access/key";

const SERVICE: &str = "bedrock";
const BLOCK: usize = 64;
/// Headers that a signature must cover where they are sent.
const COVERED: &[&str] = &["host", "x-amz-date", "x-amz-security-token"];

pub(super) fn check(caller: &Caller<'_>) -> Result<(), Failure> {
    let refused = |message: &str| Failure::MissingKey { message: message.to_owned() };
    let shown = header(caller.headers, "authorization")
        .and_then(|value| value.strip_prefix("AWS4-HMAC-SHA256 "))
        .ok_or_else(|| refused("Missing Authentication Token"))?;
    let parts: BTreeMap<&str, &str> =
        shown.split(',').filter_map(|part| part.trim().split_once('=')).collect();
    let part = |name: &str| {
        parts
            .get(name)
            .copied()
            .ok_or_else(|| refused(&format!("Authorization header requires '{name}' parameter.")))
    };
    let (credential, signed, signature) =
        (part("Credential")?, part("SignedHeaders")?, part("Signature")?);
    let scope: Vec<&str> = credential.split('/').collect();
    let [key_id, date, region, SERVICE, "aws4_request"] = scope.as_slice() else {
        return Err(refused("Credential should be scoped to correct service: 'bedrock'."));
    };
    if *key_id != ACCESS_KEY_ID {
        return Err(Failure::WrongKey);
    }
    let moment = header(caller.headers, "x-amz-date").unwrap_or_default();
    let is_moment = moment.len() == 16 && moment.ends_with('Z') && moment.starts_with(date);
    if !is_moment {
        return Err(refused("Date in Credential scope does not match YYYYMMDD from X-Amz-Date"));
    }
    let names: Vec<&str> = signed.split(';').collect();
    let is_left_out = |name: &&&str| caller.headers.contains_key(**name) && !names.contains(*name);
    if let Some(name) = COVERED.iter().find(is_left_out) {
        return Err(refused(&format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization."
        )));
    }
    let request = canonical_request(caller, &names, signed);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{moment}\n{date}/{region}/{SERVICE}/aws4_request\n{}",
        hex(&Sha256::digest(request.as_bytes()))
    );
    let mut key = format!("AWS4{SECRET_ACCESS_KEY}").into_bytes();
    for step in [*date, *region, SERVICE, "aws4_request"] {
        key = hmac(&key, step.as_bytes());
    }
    if hex(&hmac(&key, to_sign.as_bytes())) == signature {
        return Ok(());
    }
    Err(refused(
        "The request signature we calculated does not match the signature you provided. Check your \
         AWS Secret Access Key and signing method.",
    ))
}

fn canonical_request(caller: &Caller<'_>, names: &[&str], signed: &str) -> String {
    // Every service but S3 wants each segment encoded twice.
    let segments = caller.uri.path().split('/').map(|segment| encode(&encode(&decode(segment))));
    let path = segments.collect::<Vec<_>>().join("/");
    let mut pairs: Vec<(String, String)> = caller
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(&decode(name)), encode(&decode(value))))
        .collect();
    pairs.sort();
    let query: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers: String = names
        .iter()
        .map(|name| format!("{name}:{}\n", header(caller.headers, name).unwrap_or_default()))
        .collect();
    format!(
        "{}\n{path}\n{}\n{headers}\n{signed}\n{}",
        caller.method,
        query.join("&"),
        hex(&Sha256::digest(caller.body))
    )
}

/// RFC 2104.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut padded = [0_u8; BLOCK];
    let short = if key.len() > BLOCK { Sha256::digest(key).to_vec() } else { key.to_vec() };
    padded.iter_mut().zip(short).for_each(|(place, byte)| *place = byte);
    let inner = padded.map(|byte| byte ^ 0x36);
    let outer = padded.map(|byte| byte ^ 0x5c);
    let digest = Sha256::new().chain_update(inner).chain_update(message).finalize();
    Sha256::new().chain_update(outer).chain_update(digest).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code =
            digits.filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1 and 2.
    #[test]
    fn the_message_code_is_the_published_one() {
        assert_eq!(
            hex(&hmac(&[0x0b; 20], b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_path_is_read_as_it_was_meant() {
        assert_eq!(decode("amazon.nova-lite-v1%3A0"), "amazon.nova-lite-v1:0");
        assert_eq!(encode(&encode("v1:0")), "v1%253A0");
    }
}
