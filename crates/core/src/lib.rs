//! Domain values of Backstay: no I/O, no async, no HTTP, no SQL.
//!
//! Everything here is a plain value that any crate may hold and any test may print. What a client
//! sent is a [`chat::ChatRequest`]; what a model says is a sequence of [`chat::Frame`]s; what went
//! wrong is an [`Error`] whose code comes from one table.

mod access;
mod assistant;
mod budget;
pub mod chat;
mod clock;
mod context;
pub mod decision;
pub mod document;
mod endpoint;
mod error;
pub mod fence;
mod ids;
pub mod limits;
pub mod memory;
mod money;
mod name;
mod portable;
mod price;
mod random;
mod rate_window;
mod routing;
mod secret;
mod time;
pub mod tokens;
mod usage;
mod uuid;
mod wire_format;

pub use access::{KeyScope, KeyScopes, RateLimit, RatePeriod};
pub use assistant::AssistantSettings;
pub use budget::{Amount, Budget, BudgetPeriod, LimitHit, LimitScope, Limited, TimeSpan};
pub use clock::{Clock, CorrectedClock, ManualClock};
pub use context::{CallContext, Spending, WhenStoreIsAway};
pub use endpoint::{DataPolicy, EndpointFacts, Modality, Quantization};
pub use error::{Error, ErrorClass, ErrorCode, FailedAttempt, Result, UpstreamError};
pub use ids::{
    AssistantId, ChunkId, DocumentId, EpisodeId, GenerationId, JobId, KeyId, MemoryId,
    MemoryOperationId, MessageId, RequestId, RunId, SliceId, ThreadId, WorkspaceId,
};
pub use money::{Charge, ChargeClass, ChargeLine, Money};
pub use name::Name;
pub use portable::{PortableMessage, PortableRecord, PortableThread, PortableTurn};
pub use price::{Price, PriceTier, TimeOfDay};
pub use random::Random;
pub use rate_window::{RateUse, RateWindow};
pub use routing::{Percentiles, PriceCeiling, RoutingPolicy, RoutingPreferences, Sort, SortBy};
pub use secret::Secret;
pub use time::Timestamp;
pub use usage::Usage;
pub use wire_format::WireFormat;
