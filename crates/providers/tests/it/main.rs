//! Calls of each kind of provider over real HTTP, to a scripted upstream that checks what it gets.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

mod azure;
mod bedrock;
mod cohere;
mod support;
mod vertex;
mod web;
