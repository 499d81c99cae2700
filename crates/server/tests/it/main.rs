//! The server as clients meet it: real sockets, a real store, a scripted upstream.

mod budgets;
mod cancellation;
mod catalogue;
mod chaos;
mod discovery;
mod embeddings;
mod errors;
mod explain;
mod failover;
mod forgetting;
mod keys;
mod learning;
mod ledger;
mod memory;
mod openapi;
mod openrouter;
mod openrouter_account;
mod operation;
mod policies;
mod portability;
mod rerank;
mod responses;
mod routing;
mod statements;
mod threads;
mod timeouts;
