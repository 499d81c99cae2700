//! Who is calling: made once per request, job or command, and passed to everything below.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{KeyId, KeyScopes, RateLimit, RequestId, RoutingPolicy, WorkspaceId};

/// The caller as admission established it. What needs a tenant takes this, so that nothing can be
/// read or written for nobody.
#[derive(Clone, Debug)]
pub struct CallContext {
    pub workspace: WorkspaceId,
    pub key: KeyId,
    /// SHA-256 of the key's text that the caller presented; `None` for Backstay itself.
    pub credential: Option<[u8; 32]>,
    pub request: RequestId,
    /// What the caller's key permits.
    pub policy: Arc<RoutingPolicy>,
    pub spending: Spending,
    pub scopes: KeyScopes,
    /// Empty for a key without such limits.
    pub rate_limits: Arc<[RateLimit]>,
    /// Whether the store is not to be reached, and the caller is served without it.
    pub store_is_away: bool,
}

impl CallContext {
    /// Backstay itself. A budget of the workspace counts here too; a model of unknown price may be
    /// called, as the operator chose it.
    pub fn own(
        workspace: WorkspaceId,
        key: KeyId,
        request: RequestId,
        workspace_has_budget: bool,
    ) -> Self {
        let spending = match workspace_has_budget {
            true => Spending::Limited { allow_unpriced: true, strict: false },
            false => Spending::Unlimited,
        };
        Self { spending, ..Self::unlimited(workspace, key, request) }
    }

    /// A caller who may do everything without limits.
    pub fn unlimited(workspace: WorkspaceId, key: KeyId, request: RequestId) -> Self {
        Self {
            workspace,
            key,
            credential: None,
            request,
            policy: Arc::default(),
            spending: Spending::Unlimited,
            scopes: KeyScopes::EVERYTHING,
            rate_limits: Arc::default(),
            store_is_away: false,
        }
    }
}

/// What a workspace has done with calls while a database that servers share is not to be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenStoreIsAway {
    /// They fail, and are told when to come again.
    #[default]
    Refuse,
    /// They are answered without memory and threads, and entered in the ledger afterwards; those of keys
    /// with a budget or a rate limit are refused.
    AnswerWithoutMemory,
}

impl WhenStoreIsAway {
    pub const ALL: [Self; 2] = [Self::Refuse, Self::AnswerWithoutMemory];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::AnswerWithoutMemory => "answer_without_memory",
        }
    }
}

/// Whether money is reserved before a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spending {
    /// Neither the key nor its workspace has a budget.
    #[default]
    Unlimited,
    Limited {
        /// Whether models may be called whose price is unknown, of which nothing can be reserved.
        allow_unpriced: bool,
        /// Whether each call goes to the row of its budget, also where a slice of it could be taken.
        strict: bool,
    },
}
