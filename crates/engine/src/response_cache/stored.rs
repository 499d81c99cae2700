//! An answer as it is kept: its frames, with the provider's bytes, and who made it.

use backstay_core::{
    Usage, WireFormat,
    chat::{ChatEvent, Frame, RawFrame},
};
use backstay_routing::Endpoint;
use backstay_wire::uncounted;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    provider: String,
    model: String,
    pub(super) dropped: Vec<String>,
    pub(super) frames: Vec<StoredFrame>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredFrame {
    events: Vec<ChatEvent>,
    /// `None` where the provider's bytes were no text.
    raw: Option<(WireFormat, String)>,
}

impl Stored {
    pub(super) fn by(endpoint: &Endpoint, dropped: Vec<String>, frames: Vec<StoredFrame>) -> Self {
        let (provider, model) = (endpoint.provider.id.clone(), endpoint.model.clone());
        Self { provider, model, dropped, frames }
    }

    pub(super) fn is_by(&self, endpoint: &Endpoint) -> bool {
        self.provider == endpoint.provider.id && self.model == endpoint.model
    }

    pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }

    pub(super) fn write(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

impl StoredFrame {
    /// The frame as it will be given again: nothing is counted then, and it is another time.
    pub(super) fn of(frame: &Frame) -> Self {
        let events = frame.events.iter().map(|event| match event {
            ChatEvent::Usage(_) => ChatEvent::Usage(Usage::default()),
            ChatEvent::Started { id, model, .. } => {
                ChatEvent::Started { id: id.clone(), model: model.clone(), created: None }
            }
            other => other.clone(),
        });
        let raw = frame.raw.as_ref().and_then(uncounted).and_then(|raw| {
            let text = String::from_utf8(raw.bytes.to_vec()).ok()?;
            Some((raw.format, text))
        });
        Self { events: events.collect(), raw }
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        const AROUND: usize = 64;
        let text = |event: &ChatEvent| match event {
            ChatEvent::Text { text, .. }
            | ChatEvent::Reasoning { text, .. }
            | ChatEvent::Refusal { text, .. }
            | ChatEvent::ToolCallArguments { fragment: text, .. } => text.len(),
            _ => 0,
        };
        let events: usize = self.events.iter().map(|event| AROUND + text(event)).sum();
        AROUND + events + self.raw.as_ref().map_or(0, |(_, text)| text.len())
    }
}

impl From<StoredFrame> for Frame {
    fn from(stored: StoredFrame) -> Self {
        let raw = stored.raw.map(|(format, text)| RawFrame { format, bytes: text.into() });
        Self { events: stored.events, raw }
    }
}
