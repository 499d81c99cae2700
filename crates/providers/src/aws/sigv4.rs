//! Signature Version 4.
//!
//! Reference: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::{borrow::Cow, fmt::Write as _};

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use backstay_core::{Secret, Timestamp};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signature is valid for.
pub(super) struct Scope<'a> {
    /// As `20150830T123600Z`.
    pub(super) moment: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// The parts of a request that are signed.
pub(super) struct Signable<'a> {
    pub(super) method: &'a str,
    /// As the service wants it: as it is sent, or encoded once more.
    pub(super) path: String,
    /// As it is sent.
    pub(super) query: &'a str,
    /// Names in lower case.
    pub(super) headers: Vec<(&'a str, Cow<'a, str>)>,
    /// SHA-256 of the body, in hexadecimal.
    pub(super) body_sha256: Cow<'a, str>,
}

/// The value of the header `Authorization`.
pub(super) fn authorization(
    access_key_id: &str,
    secret_access_key: &Secret,
    scope: &Scope<'_>,
    signable: Signable<'_>,
) -> String {
    let (request, signed_headers) = canonical_request(signable);
    let credential_scope =
        format!("{}/{}/{}/aws4_request", scope.date(), scope.region, scope.service);
    let to_sign = format!(
        "{ALGORITHM}\n{}\n{credential_scope}\n{}",
        scope.moment,
        sha256(request.as_bytes())
    );
    let signature = hex(hmac(&signing_key(secret_access_key, scope), &to_sign).as_ref());
    format!(
        "{ALGORITHM} Credential={access_key_id}/{credential_scope}, \
         SignedHeaders={signed_headers}, Signature={signature}"
    )
}

impl Scope<'_> {
    fn date(&self) -> &str {
        self.moment.split('T').next().unwrap_or_default()
    }
}

/// A moment to the second, as the signature writes it: `20150830T123600Z`.
pub(super) fn compact(moment: Timestamp) -> String {
    let to_the_second = Timestamp::from_millis(moment.seconds() * 1_000).to_string();
    to_the_second.chars().filter(|character| !matches!(character, '-' | ':')).collect()
}

/// The request in the one form that both sides compute, and the names of its signed headers.
fn canonical_request(mut signable: Signable<'_>) -> (String, String) {
    signable.headers.sort_by(|a, b| a.0.cmp(b.0));
    let mut headers = String::new();
    for (name, value) in &signable.headers {
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        headers.push_str(&format!("{name}:{value}\n"));
    }
    let names: Vec<&str> = signable.headers.iter().map(|(name, _)| *name).collect();
    let signed_headers = names.join(";");
    let request = format!(
        "{}\n{}\n{}\n{headers}\n{signed_headers}\n{}",
        signable.method,
        signable.path,
        canonical_query(signable.query),
        signable.body_sha256
    );
    (request, signed_headers)
}

/// Pairs in order of their names and values. They are encoded already.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    let pairs = pairs.into_iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

fn signing_key(secret: &Secret, scope: &Scope<'_>) -> hmac::Tag {
    let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{}", secret.expose()).as_bytes());
    let date = hmac::sign(&first, scope.date().as_bytes());
    let region = hmac(&date, scope.region);
    let service = hmac(&region, scope.service);
    hmac(&service, "aws4_request")
}

fn hmac(key: &hmac::Tag, text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), text.as_bytes())
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Requests and signatures of AWS's published test suite (`aws-sig-v4-test-suite`) and of the
/// documentation's examples, all with the same example credentials.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::percent::encode;

    fn encoded_again(path: &str) -> String {
        encode(path, "/")
    }

    const MOMENT: &str = "20150830T123600Z";

    fn signature(scope: &Scope<'_>, signable: Signable<'_>) -> String {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap();
        let header = authorization("AKIDEXAMPLE", &secret, scope, signable);
        header.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    fn suite<'a>(
        method: &'a str,
        path: &'a str,
        query: &'a str,
        more: &[(&'a str, &'a str)],
        body: &'a str,
    ) -> String {
        let mut headers = vec![
            ("host", Cow::Borrowed("example.amazonaws.com")),
            ("x-amz-date", Cow::Borrowed(MOMENT)),
        ];
        headers.extend(more.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))));
        let scope = Scope { moment: MOMENT, region: "us-east-1", service: "service" };
        let (path, body_sha256) = (encoded_again(path), sha256(body.as_bytes()).into());
        signature(&scope, Signable { method, path, query, headers, body_sha256 })
    }

    #[test]
    fn the_published_test_suite_is_signed_as_published() {
        let form = ("content-type", "application/x-www-form-urlencoded");
        for (name, signed, published) in [
            (
                "get-vanilla",
                suite("GET", "/", "", &[], ""),
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "get-vanilla-query-order-key-case",
                suite("GET", "/", "Param2=value2&Param1=value1", &[], ""),
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-unreserved",
                suite(
                    "GET",
                    "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                    "",
                    &[],
                    "",
                ),
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            (
                "get-utf8",
                suite("GET", "/\u{1234}", "", &[], ""),
                "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
            ),
            (
                "get-header-value-trim",
                suite(
                    "GET",
                    "/",
                    "",
                    &[("my-header1", " value1"), ("my-header2", "  \"a   b   c\"  ")],
                    "",
                ),
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            (
                "post-vanilla",
                suite("POST", "/", "", &[], ""),
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "post-x-www-form-urlencoded",
                suite("POST", "/", "", &[form], "Param1=value1"),
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ] {
            assert_eq!(signed, published, "{name}");
        }
    }

    #[test]
    fn the_documented_example_is_signed_as_documented() {
        let scope = Scope { moment: MOMENT, region: "us-east-1", service: "iam" };
        let headers = vec![
            ("content-type", Cow::Borrowed("application/x-www-form-urlencoded; charset=utf-8")),
            ("host", Cow::Borrowed("iam.amazonaws.com")),
            ("x-amz-date", Cow::Borrowed(MOMENT)),
        ];
        let (path, query) = ("/".to_owned(), "Action=ListUsers&Version=2010-05-08");
        let body_sha256 = sha256(b"").into();
        let signable = Signable { method: "GET", path, query, headers, body_sha256 };
        let signed = signature(&scope, signable);
        assert_eq!(signed, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn an_object_is_asked_for_as_documented() {
        // "GET Object" of S3's documentation of signatures in headers.
        let moment = "20130524T000000Z";
        let scope = Scope { moment, region: "us-east-1", service: "s3" };
        let empty = sha256(b"");
        let headers = vec![
            ("host", Cow::Borrowed("examplebucket.s3.amazonaws.com")),
            ("range", Cow::Borrowed("bytes=0-9")),
            ("x-amz-content-sha256", Cow::Borrowed(empty.as_str())),
            ("x-amz-date", Cow::Borrowed(moment)),
        ];
        let (path, body_sha256) = ("/test.txt".to_owned(), Cow::Borrowed(empty.as_str()));
        let signable = Signable { method: "GET", path, query: "", headers, body_sha256 };
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").unwrap();
        let header = authorization("AKIAIOSFODNN7EXAMPLE", &secret, &scope, signable);
        let signed = header.rsplit_once("Signature=").unwrap().1;
        assert_eq!(signed, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    }

    #[test]
    fn moments_are_written_without_separators_and_fractions() {
        let moment = Timestamp::parse("2015-08-30T12:36:00.250Z").unwrap();
        assert_eq!(compact(moment), MOMENT);
    }
}
