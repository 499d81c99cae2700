//! One file per command.

pub(crate) mod bench;
pub(crate) mod chat;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod documents;
pub(crate) mod import;
pub(crate) mod jobs;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod login;
pub(crate) mod memory;
pub(crate) mod migrate;
pub(crate) mod models;
pub(crate) mod route;
pub(crate) mod serve;
pub(crate) mod workspace;
