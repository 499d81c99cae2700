//! Where a conversation's prompt cache is warm.
//!
//! Providers keep the processed beginning of a prompt for some minutes and charge a fraction for what
//! they find there. A conversation therefore stays where it was, unless leaving is cheaper in spite of
//! what is lost.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Mutex, PoisonError},
};

use backstay_core::{
    Clock, Usage, WorkspaceId,
    chat::{ChatRequest, Role},
};

/// The usual life of a prompt cache after its last use.
const WARM_MS: i64 = 300_000;
const CONVERSATIONS_MAX: usize = 100_000;

/// A conversation, as far as prompt caches are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConversationKey {
    hash: u64,
    /// The client named the session; else it was recognised by how it began.
    is_named: bool,
}

impl ConversationKey {
    /// By the session that the request names, else by its first instructions and first message, which
    /// are the stable beginning that a cache would hold. `None` for a request with neither.
    pub fn of(workspace: &WorkspaceId, request: &ChatRequest) -> Option<Self> {
        let mut hasher = DefaultHasher::new();
        workspace.as_str().hash(&mut hasher);
        request.model.hash(&mut hasher);
        if let Some(session) = &request.routing.session {
            session.hash(&mut hasher);
            return Some(Self { hash: hasher.finish(), is_named: true });
        }
        let first = |is_wanted: fn(Role) -> bool| {
            request.messages.iter().find(|message| is_wanted(message.role))
        };
        let said = first(|role| role != Role::System)?;
        first(|role| role == Role::System).map(|message| message.text()).hash(&mut hasher);
        said.text().hash(&mut hasher);
        Some(Self { hash: hasher.finish(), is_named: false })
    }
}

/// An endpoint that has a conversation's prompt in its cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warm {
    pub(crate) endpoint: String,
    /// Of the last prompt: what the cache holds at most.
    pub(crate) prompt_tokens: u64,
    used_at: i64,
}

pub(crate) struct Affinity {
    conversations: Mutex<HashMap<u64, Warm>>,
    clock: Clock,
}

impl Affinity {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { conversations: Mutex::default(), clock }
    }

    pub(crate) fn warm(&self, key: ConversationKey) -> Option<Warm> {
        let now = self.clock.now().millis();
        let conversations = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        conversations.get(&key.hash).filter(|warm| now - warm.used_at < WARM_MS).cloned()
    }

    /// A call was answered. A conversation that the client did not name is kept where it is only once
    /// a cache was seen to work, so that one-off calls spread as they should.
    pub(crate) fn answered(&self, key: ConversationKey, endpoint: &str, usage: &Usage) {
        let is_cached = usage.cached_prompt_tokens + usage.cache_write_tokens > 0;
        if !key.is_named && !is_cached {
            return;
        }
        let used_at = self.clock.now().millis();
        let warm =
            Warm { endpoint: endpoint.to_owned(), prompt_tokens: usage.prompt_tokens, used_at };
        let mut conversations = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        if conversations.len() >= CONVERSATIONS_MAX {
            conversations.retain(|_, warm| used_at - warm.used_at < WARM_MS);
            if conversations.len() >= CONVERSATIONS_MAX {
                conversations.clear();
            }
        }
        conversations.insert(key.hash, warm);
    }
}

#[cfg(test)]
mod tests {
    use backstay_core::{ManualClock, Timestamp, chat::Message};

    use super::*;

    fn request(session: Option<&str>, texts: &[&str]) -> ChatRequest {
        let mut request = ChatRequest { model: "a/b".to_owned(), ..ChatRequest::default() };
        request.routing.session = session.map(str::to_owned);
        request.messages = texts.iter().map(|text| Message::text_of(Role::User, *text)).collect();
        request
    }

    fn key(request: &ChatRequest) -> ConversationKey {
        ConversationKey::of(&WorkspaceId::default_workspace(), request).unwrap()
    }

    #[test]
    fn a_conversation_is_known_by_how_it_began() {
        let first = key(&request(None, &["hello"]));
        assert_eq!(first, key(&request(None, &["hello", "and then?"])));
        assert_ne!(first, key(&request(None, &["good morning"])));
        assert_eq!(key(&request(Some("s"), &["x"])), key(&request(Some("s"), &["y"])));
    }

    #[test]
    fn an_unnamed_conversation_stays_once_its_cache_was_seen_and_for_as_long_as_it_lives() {
        let clock = ManualClock::at(Timestamp::from_millis(1));
        let affinity = Affinity::new(Clock::Manual(clock.clone()));
        let unnamed = key(&request(None, &["hello"]));
        let usage =
            |cached| Usage { prompt_tokens: 900, cached_prompt_tokens: cached, ..Usage::default() };
        affinity.answered(unnamed, "acme/large", &usage(0));
        assert_eq!(affinity.warm(unnamed), None);
        affinity.answered(unnamed, "acme/large", &usage(800));
        clock.advance_ms(299_999);
        assert_eq!(affinity.warm(unnamed).unwrap().prompt_tokens, 900);
        clock.advance_ms(1);
        assert_eq!(affinity.warm(unnamed), None);
        let named = key(&request(Some("s"), &["hello"]));
        affinity.answered(named, "acme/large", &usage(0));
        assert_eq!(affinity.warm(named).unwrap().endpoint, "acme/large");
    }
}
