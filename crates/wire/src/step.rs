//! What one server-sent event of a provider means.

use backstay_core::chat::ChatEvent;

/// What a format's stream decoder makes of one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The event's content; empty for events that only keep the stream alive.
    Events(Vec<ChatEvent>),
    /// The format's terminator. It is never forwarded: the client's encoder writes its own, after
    /// whatever Backstay adds.
    End,
}
