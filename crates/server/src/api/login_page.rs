//! The page that a device's user is sent to: it says what the operator has to do.

use axum::{
    body::Body,
    extract::Request,
    http::{Response, header},
    response::IntoResponse as _,
};

const CODE_CHARACTERS_MAX: usize = 16;
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

pub(crate) async fn show(request: Request) -> Response<Body> {
    let code = user_code(request.uri().query().unwrap_or_default());
    let code = code.as_deref().unwrap_or("CODE");
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Backstay: log in</title>\
         <body style=\"font: 1.1rem/1.6 system-ui; max-width: 36rem; margin: 4rem auto; padding: 0 1rem\">\
         <h1>Log in a device</h1>\
         <p>Check that the device shows <strong>{code}</strong>. Then the operator of this server runs</p>\
         <pre>backstay login approve {code}</pre>\
         <p>with a key that may manage keys, and the device gets a key of its own. If nobody here has \
         asked for it: <code>backstay login deny {code}</code>.</p>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, page).into_response()
}

/// Only what can be a code is written into the page.
fn user_code(query: &str) -> Option<String> {
    let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "user_code")?.1;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let fits = (1..=CODE_CHARACTERS_MAX).contains(&given.len()) && given.chars().all(is_plain);
    fits.then(|| given.to_ascii_uppercase())
}
