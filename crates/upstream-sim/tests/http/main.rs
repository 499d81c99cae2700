//! The simulator over real HTTP: each wire format, each fault, what is recorded.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod anthropic;
mod clouds;
mod cohere;
mod faults;
mod gemini;
mod hostile;
mod openai;
mod support;
