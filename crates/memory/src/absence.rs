//! Why a scope's index does not hold something: the store knows.

use backstay_core::{
    Result,
    memory::{MemoryState, RecalledId, Scope},
};
use backstay_store::Workspace;

use crate::{MissingReason, safety};

pub(crate) async fn reason(
    store: &Workspace,
    scope: &Scope,
    id: &RecalledId,
) -> Result<MissingReason> {
    match id {
        RecalledId::Episode(episode) => match store.episode(episode).await? {
            Some(found) if found.scope != *scope => Ok(MissingReason::OtherScope),
            // Of a large scope only the likeliest are looked at.
            Some(_) => Ok(MissingReason::NoEvidence),
            None if store.was_forgotten(episode).await? => Ok(MissingReason::Forgotten),
            None => Ok(MissingReason::Unknown),
        },
        RecalledId::Memory(statement) => {
            let Some(found) = store.statement(statement).await? else {
                return Ok(MissingReason::Unknown);
            };
            if found.scope != *scope {
                return Ok(MissingReason::OtherScope);
            }
            let is_aside = matches!(found.said.state, MemoryState::Quarantined(_))
                || !safety::may_be_recalled(&found.said.text, found.said.trust);
            Ok(if is_aside { MissingReason::Quarantined } else { MissingReason::Retracted })
        }
        RecalledId::Summary(_) | RecalledId::Chunk(_) => Ok(MissingReason::Unknown),
    }
}
