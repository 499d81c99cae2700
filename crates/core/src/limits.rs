//! Limits that hold everywhere; servers configure some of them downwards.

/// The largest request body: long contexts with images fit, a memory exhaustion does not.
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The largest single server-sent event that is read from a provider.
pub const SSE_EVENT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The largest whole answer that is read from a provider.
pub const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Messages in one request.
pub const MESSAGES_MAX: usize = 10_000;
/// Tools in one request.
pub const TOOLS_MAX: usize = 1_024;
/// The longest turn that is remembered as an episode; the rest of it is kept in the thread only.
pub const EPISODE_BYTES_MAX: usize = 64 * 1024;

const _: () = assert!(SSE_EVENT_BYTES_MAX <= REPLY_BYTES_MAX);
const _: () = assert!(EPISODE_BYTES_MAX <= BODY_BYTES_MAX);
