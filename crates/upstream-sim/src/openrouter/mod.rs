//! What OpenRouter adds to OpenAI's format: a catalogue with prices, and the endpoints of a model.

pub(crate) mod catalogue;
