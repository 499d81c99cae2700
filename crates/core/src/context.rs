//! Who is calling: made once per request, job or command, and passed to everything below.

use std::sync::Arc;

use crate::{KeyId, RequestId, RoutingPolicy, WorkspaceId};

/// The caller as admission established it. What needs a tenant takes this, so that nothing can be
/// read or written for nobody.
#[derive(Clone, Debug)]
pub struct CallContext {
    pub workspace: WorkspaceId,
    pub key: KeyId,
    pub request: RequestId,
    /// What the caller's key permits.
    pub policy: Arc<RoutingPolicy>,
}
