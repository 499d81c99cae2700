//! The signed statement with which a service account asks for a token.
//!
//! Reference: <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>.

use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use backstay_core::{Error, Result, Timestamp};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The longest that Google allows.
const LIFE_S: i64 = 3_600;

pub(super) fn assertion(
    email: &str,
    audience: &str,
    key_id: Option<&str>,
    key: &KeyPair,
    now: Timestamp,
) -> Result<String> {
    let mut header = json!({"alg": "RS256", "typ": "JWT"});
    if let Some(key_id) = key_id {
        header["kid"] = key_id.into();
    }
    let claims = json!({
        "iss": email,
        "scope": SCOPE,
        "aud": audience,
        "iat": now.seconds(),
        "exp": now.seconds() + LIFE_S,
    });
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| Error::internal("the service account's key cannot sign"))?;
    Ok(format!("{signed}.{}", encode(signature)))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rsa::KeySize,
        signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
    };
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_statement_says_who_asks_for_what_and_its_signature_holds() {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let now = Timestamp::parse("2026-03-01T12:00:00Z").unwrap();
        let made = assertion("a@b", "https://tokens.test/", Some("k1"), &key, now).unwrap();
        let parts: Vec<&str> = made.split('.').collect();
        let json = |part: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(json(parts[0]), json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
        let claims = json(parts[1]);
        assert_eq!(
            (&claims["iss"], &claims["aud"]),
            (&json!("a@b"), &json!("https://tokens.test/"))
        );
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!((claims["iat"].as_i64(), life), (Some(now.seconds()), LIFE_S));
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        let signed = made.rsplit_once('.').unwrap().0;
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        public.verify(signed.as_bytes(), &signature).unwrap();
    }
}
