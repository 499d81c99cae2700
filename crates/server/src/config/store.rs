//! Where what must survive is kept.

use std::{fmt, path::Path, time::Duration};

use backstay_core::{Error, Result, Secret};
use backstay_providers::Environment;
use backstay_store::{PostgresOptions, SqliteOptions, StoreOptions, Synchronous};
use serde::Deserialize;

/// In place of a password in the URL.
const PASSWORD: &str = "BACKSTAY_STORE_PASSWORD";

const CONNECTIONS_MAX: usize = 1_000;
const LEASE_MS_MIN: u64 = 1_000;

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// `postgres://…` of a database that several servers may share; the data folder when absent.
    pub url: Option<StoreUrl>,
    /// Of a streaming replica of that database, in the same form: recall reads it where it is up to
    /// date. With several, the address of what balances them.
    pub replica_url: Option<StoreUrl>,
    /// Of a data folder: `normal` survives a crash of the process, `full` also a loss of power.
    pub synchronous: Synchronous,
    /// Connections to the database at most.
    pub connections_max: usize,
    /// How long a call waits for one of them, and for a database that restarts.
    pub wait_ms: u64,
    /// How long one statement may take there.
    pub statement_timeout_ms: u64,
    /// How long a server that is not heard of is taken to live by those that share the database.
    pub lease_ms: u64,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            url: None,
            replica_url: None,
            synchronous: Synchronous::default(),
            connections_max: 16,
            wait_ms: 5_000,
            statement_timeout_ms: 30_000,
            lease_ms: 30_000,
        }
    }
}

/// An address that may hold a password.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct StoreUrl(Option<Secret>);

/// Without looking at it: an error of reading the file would quote the line.
impl From<String> for StoreUrl {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

impl StoreUrl {
    fn check(&self) -> Result<&Secret> {
        let schemes = ["postgres://", "postgresql://"];
        let is_known = |url: &&Secret| schemes.iter().any(|s| url.expose().starts_with(s));
        self.0.as_ref().filter(is_known).ok_or_else(|| {
            Error::invalid(
                "the store's URL does not begin with postgres://; for a folder use --data or server.data",
            )
        })
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreUrl")
    }
}

impl StoreSection {
    pub(super) fn check(&self) -> Result<()> {
        for url in [&self.url, &self.replica_url].into_iter().flatten() {
            url.check()?;
        }
        if !(1..=CONNECTIONS_MAX).contains(&self.connections_max) {
            return Err(Error::invalid(format!(
                "store.connections_max is at least 1 and at most {CONNECTIONS_MAX}"
            )));
        }
        if self.wait_ms == 0 || self.statement_timeout_ms == 0 {
            return Err(Error::invalid(
                "store.wait_ms and store.statement_timeout_ms must be above 0",
            ));
        }
        if self.lease_ms < LEASE_MS_MIN {
            return Err(Error::invalid(format!(
                "store.lease_ms is at least {LEASE_MS_MIN}: a server that is only slow is not gone"
            )));
        }
        Ok(())
    }

    pub(super) fn options(&self, data: &Path, environment: &Environment) -> Result<StoreOptions> {
        let Some(url) = &self.url else {
            if self.replica_url.is_some() {
                return Err(Error::invalid(
                    "store.replica_url is of a database, and store.url names none; a data folder has \
                     no replica",
                ));
            }
            let options = SqliteOptions::new(data);
            let synchronous = self.synchronous;
            return Ok(StoreOptions::Sqlite(SqliteOptions { synchronous, ..options }));
        };
        Ok(StoreOptions::Postgres(PostgresOptions {
            replica_url: self.replica_url.as_ref().map(StoreUrl::check).transpose()?.cloned(),
            password: environment.get(PASSWORD).and_then(Secret::new),
            connections_max: self.connections_max,
            wait: Duration::from_millis(self.wait_ms),
            statement_timeout: Duration::from_millis(self.statement_timeout_ms),
            node_lease: Duration::from_millis(self.lease_ms),
            ..PostgresOptions::new(url.check()?.clone())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn options(toml: &str, environment: &[(&'static str, &'static str)]) -> StoreOptions {
        let environment = Environment::of(environment.iter().copied());
        Config::parse(toml).unwrap().store_options(&environment).unwrap()
    }

    #[test]
    fn a_server_without_a_url_keeps_its_data_in_its_folder() {
        let StoreOptions::Sqlite(options) = options("[server]\ndata = \"here\"", &[]) else {
            panic!("not a folder");
        };
        assert_eq!(options.path, Path::new("here"));
    }

    #[test]
    fn a_database_has_its_limits_from_the_file_and_its_password_from_the_environment() {
        let file = "[store]\nurl = \"postgres://ann@db/d\"\nconnections_max = 3";
        let StoreOptions::Postgres(found) = options(file, &[(PASSWORD, "hunter2")]) else {
            panic!("not a database");
        };
        assert_eq!((found.url.expose(), found.connections_max), ("postgres://ann@db/d", 3));
        assert_eq!(found.password.unwrap().expose(), "hunter2");
    }

    #[test]
    fn a_replica_is_of_a_database_and_has_its_password() {
        let file = "[store]\nurl = \"postgres://db/d\"\nreplica_url = \"postgres://copy/d\"";
        let StoreOptions::Postgres(found) = options(file, &[]) else { panic!("not a database") };
        assert_eq!(found.replica_url.unwrap().expose(), "postgres://copy/d");
        let alone = Config::parse("[store]\nreplica_url = \"postgres://copy/d\"").unwrap();
        let error = alone.store_options(&Environment::default()).unwrap_err();
        assert!(error.message().contains("store.url names none"), "{error}");
        let of_another = "[store]\nurl = \"postgres://db/d\"\nreplica_url = \"mysql://x\"";
        assert!(Config::parse(of_another).is_err());
    }

    #[test]
    fn a_wrong_url_is_refused_and_a_right_one_is_never_shown() {
        let error = Config::parse("[store]\nurl = \"mysql://ann:hunter2@db\"").unwrap_err();
        assert!(error.message().contains("begin with postgres://"), "{error}");
        assert!(!error.message().contains("hunter2"), "{error}");
        let config = Config::parse("[store]\nurl = \"postgres://ann:hunter2@db\"").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
