//! What is particular to PostgreSQL and not to be seen from outside the crate.

mod cut;
mod distribution;
mod moving;
mod nearest;
mod partitions;
mod pool;
mod replica;
mod tenancy;
mod tls;
mod units;

use std::time::Duration;

use backstay_core::{Secret, Timestamp, WorkspaceId};
use backstay_test_database::TestDatabase;

use crate::{PostgresOptions, Store, StoreOptions, Workspace};

pub(super) async fn database() -> TestDatabase {
    TestDatabase::create().await.unwrap()
}

/// Options with short limits, for what goes wrong.
pub(super) fn options(url: String) -> PostgresOptions {
    let options = PostgresOptions::new(Secret::new(url).unwrap());
    PostgresOptions { wait: Duration::from_millis(500), ..options }
}

pub(super) async fn open(options: PostgresOptions) -> Store {
    Store::open(StoreOptions::Postgres(options)).await.unwrap()
}

pub(super) async fn workspace(store: &Store, id: &str) -> Workspace {
    let id = WorkspaceId::parse(id).unwrap();
    store.ensure_workspace(&id, "test", Timestamp::default()).await.unwrap();
    store.workspace(&id)
}
