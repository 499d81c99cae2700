//! Calling upstreams: the only crate that opens outbound sockets.
//!
//! A [`Provider`] is a company or server with credentials and a wire format, or the built-in models.
//! [`Upstreams::chat`] makes one call of one model at one provider and gives back a stream of
//! frames; which provider to call, and what to do when it fails, is `routing`'s decision.

mod address;
mod aws;
mod bucket;
mod builtin;
mod catalogue;
mod chat;
mod count_tokens;
mod credential;
mod deadline;
mod discover;
mod embeddings;
mod error;
mod google;
mod http;
mod models;
mod percent;
mod platforms;
mod provider;
mod rerank;
mod web;

use std::pin::Pin;

use backstay_core::{Result, chat::Frame};
use futures::Stream;

pub use address::{ModelList, Platform, PlatformName};
pub use aws::AwsKeys;
pub use bucket::{Bucket, BucketSpec};
pub use builtin::{BUILTIN_PROVIDER, builtin_models};
pub use catalogue::{Preset, presets};
pub use chat::ChatCall;
pub use credential::{AuthScheme, Credential, KeyHeader};
pub use deadline::Deadlines;
pub use discover::{Environment, from_environment, probe_local};
pub use embeddings::EmbeddingCall;
pub use google::GoogleTokens;
pub use http::{TimeoutsMs, Upstreams};
pub use platforms::{aws_keys, aws_region, azure_resource, google_credentials, vertex_host};
pub use provider::{HttpProvider, Provider, ProviderKind, ProviderSpec};
pub use rerank::RerankCall;
pub use web::{WebPage, WebResult, WebSearch, WebSearchService, WebSearchSpec};

/// What a model says, frame by frame. An error ends it.
pub type FrameStream = Pin<Box<dyn Stream<Item = Result<Frame>> + Send + 'static>>;
