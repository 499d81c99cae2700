//! Where Backstay keeps what must not be lost: keys, threads, memories and the ledger.
//!
//! [`Store`] is the installation. Almost everything is reached through [`Store::workspace`], whose
//! handle puts its workspace into every statement, so that a query without a tenant cannot be
//! written. SQL text exists only in this crate, one area to a file; `db` knows how it is run.
//!
//! A method that writes returns after the commit. What is not there is `Ok(None)`, never an error.

mod assistants;
mod budgets;
mod db;
mod device_logins;
mod digest;
mod documents;
mod episodes;
mod expire;
mod forget;
mod generations;
mod history_summaries;
mod idempotency;
mod import;
mod jobs;
mod keys;
mod learning;
mod memory_operations;
mod messages;
mod migrations;
mod model_lists;
mod nearest;
mod page;
mod policies;
mod portable;
mod prices;
mod rates;
mod response_cache;
mod responses;
mod retention;
mod runs;
mod scopes;
mod statement_vectors;
mod statements;
#[cfg(test)]
mod statements_test;
mod store;
mod summaries;
mod threads;
mod tombstones;
mod transfer;
mod turns;
mod vector_queue;
mod vectors;
mod word_blocks;
mod workspace;
mod workspaces;

pub use assistants::Assistant;
pub use budgets::{BudgetOf, BudgetRow, Reservation, ReserveFrom, Reserved, SliceGrant};
pub use db::{
    ConnectionUse, DatabaseFacts, DatabaseUser, KeyChanges, NodeRow, PostgresOptions, ReplicaFacts,
    SqliteOptions, Standby, StoreHealth, StoreKind, Synchronous,
};
pub use device_logins::{ApprovedLogin, LoginDecision, LoginState, NewDeviceLogin};
pub use documents::{
    AddedDocument, ChunkVectors, Document, DocumentError, DocumentQuota, ERASE_JOB, NewChunk,
    NewDocument, READ_JOB, ReadDocument, SearchableDocument, StoredChunk, UnembeddedChunk,
};
pub use episodes::{NewEpisode, ScopeEpisodes, StoredEpisode};
pub use forget::Forgotten;
pub use generations::{
    AttemptRow, Begun, CachedFrom, Finish, GenerationRow, LedgerGroup, LedgerQuery, LedgerSum,
    NewGeneration, SettledAttempt, SettledGeneration, Spent, SpentLately,
};
pub use history_summaries::HistorySummary;
pub use idempotency::{Idempotency, IdempotentRequest, StoredAnswer};
pub use import::{ImportOutcome, ImportedThread, ImportedTurn};
pub use jobs::{JobRow, JobState, Lease, Retry};
pub use keys::{KeyChange, KeyRecord, KeySettings, KeyToken, NewKey};
pub use learning::{Backlog, LEARN_JOB, LearnWhen, LearningInput, LearningResult};
pub use memory_operations::{ChangeKind, MemoryOperation, OperationChange, OperationState};
pub use messages::{NewMessage, StoredMessage};
pub use model_lists::ModelList;
pub use nearest::Near;
pub use page::{Page, PageRequest};
pub use policies::MemoryPolicy;
pub use portable::{RECORDS_AT_ONCE_MAX, Restored};
pub use prices::PriceRecord;
pub use rates::{RateAsk, RateCorrection, RateGrant};
pub use response_cache::{CACHED_ANSWER_BYTES_MAX, CacheKey, CachedAnswer, NewCachedAnswer};
pub use responses::{NewResponse, ResponseChain, StoredResponse};
pub use retention::Retention;
pub use runs::{Run, RunEnding, RunOutcome, RunState};
pub use scopes::ScopeVersion;
pub use statement_vectors::{StatementVector, UnembeddedStatement};
pub use statements::{
    ChangeOutcome, QUOTE_BYTES_MAX, Refusal, STATEMENT_BYTES_MAX, STATEMENT_CHANGES_MAX,
    STATEMENT_SOURCES_MAX, ScopeStatements, StatementChange, StatementCounts, StatementFilter,
    StatementSet, StatementState, VERBATIM_BYTES_MAX,
};
pub use store::{Store, StoreOptions};
pub use summaries::ThreadSummary;
pub use threads::{NewThread, Thread};
pub use transfer::{MovedTable, TABLES};
pub use turns::{NewTurn, StoredTurn, ThreadTurn, TurnRecord};
pub use vectors::{PassageVector, ScopeVectors, Unembedded, VectorCount};
pub use word_blocks::{BlockSpan, BlockTurns, BlockWords, NewBlock};
pub use workspace::Workspace;
