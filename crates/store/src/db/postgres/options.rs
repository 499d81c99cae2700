//! Where the database is, and how it is connected to.

use std::{fmt, str::FromStr, time::Duration};

use backstay_core::{CorrectedClock, Error, Result, Secret};
use tokio_postgres::{Config, config::SslMode};

use super::tls::{self, Trust};

/// How a store on PostgreSQL is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `?sslmode=` and other settings as libpq
    /// names them.
    pub url: Secret,
    /// In place of a password in the URL.
    pub password: Option<Secret>,
    /// Of a streaming replica, which recall may read; in the same form.
    pub replica_url: Option<Secret>,
    /// Connections at most, each for one unit of work at a time.
    pub connections_max: usize,
    /// How long a unit of work waits for a connection, and for a server that restarts.
    pub wait: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// How long a process that is not heard of is taken to live.
    pub node_lease: Duration,
    /// Brought to the database's time while the store is open.
    pub clock: Option<CorrectedClock>,
}

impl PostgresOptions {
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            password: None,
            replica_url: None,
            connections_max: 16,
            wait: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            node_lease: Duration::from_secs(30),
            clock: None,
        }
    }
}

/// Without the URL, which holds a password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("connections_max", &self.connections_max)
            .finish_non_exhaustive()
    }
}

/// What a connection is made with.
pub(super) struct Connecting {
    pub(super) config: Config,
    pub(super) tls: tokio_postgres_rustls::MakeRustlsConnect,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a peer may be silent before it is asked whether it is there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
/// How long what was sent may stay unacknowledged.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);

impl Connecting {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self> {
        let Url { rest, sslmode, sslrootcert } = split(options.url.expose());
        let mut config = Config::from_str(&rest).map_err(|_| {
            // The cause may quote what was taken for a setting and is a part of the password.
            Error::invalid(
                "the store's URL cannot be read: it is \
                 postgres://USER:PASSWORD@HOST:PORT/DATABASE, with every special character of user \
                 and password percent-encoded",
            )
        })?;
        if let Some(password) = &options.password {
            config.password(password.expose());
        }
        let (mode, trust) = encryption(sslmode.as_deref(), sslrootcert)?;
        config.ssl_mode(mode);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("backstay");
        }
        config.keepalives_idle(KEEPALIVE_IDLE).tcp_user_timeout(UNACKNOWLEDGED_MAX);
        let limits = format!(
            "{} -c statement_timeout={limit} -c idle_in_transaction_session_timeout={limit}",
            config.get_options().unwrap_or_default(),
            limit = options.statement_timeout.as_millis(),
        );
        config.options(limits.trim());
        Ok(Self { config, tls: tls::connector(trust)? })
    }
}

struct Url {
    rest: String,
    sslmode: Option<String>,
    sslrootcert: Option<String>,
}

/// Takes out of the URL what `tokio_postgres` does not know.
fn split(url: &str) -> Url {
    let mut found = Url { rest: String::new(), sslmode: None, sslrootcert: None };
    let (before, settings) = url.split_once('?').unwrap_or((url, ""));
    let mut others: Vec<&str> = Vec::new();
    for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
        match setting.split_once('=') {
            Some(("sslmode", mode)) => found.sslmode = Some(mode.to_owned()),
            Some(("sslrootcert", path)) => found.sslrootcert = Some(path.to_owned()),
            _ => others.push(setting),
        }
    }
    found.rest = match others.as_slice() {
        [] => before.to_owned(),
        others => format!("{before}?{}", others.join("&")),
    };
    found
}

/// What libpq does for each mode; only that `verify-ca` looks at the host's name as well.
fn encryption(mode: Option<&str>, root: Option<String>) -> Result<(SslMode, Trust)> {
    let trust = |root: Option<String>| root.map_or(Trust::Platform, Trust::Root);
    Ok(match mode {
        Some("disable") => (SslMode::Disable, Trust::Anyone),
        None | Some("allow" | "prefer") => (SslMode::Prefer, Trust::Anyone),
        Some("require") => (SslMode::Require, root.map_or(Trust::Anyone, Trust::Root)),
        Some("verify-ca" | "verify-full") => (SslMode::Require, trust(root)),
        Some(_) => {
            return Err(Error::invalid(
                "the store's URL has an unknown sslmode; it is one of disable, prefer, require, \
                 verify-ca and verify-full",
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connecting(url: &str) -> Result<Connecting> {
        Connecting::new(&PostgresOptions::new(Secret::new(url).unwrap()))
    }

    #[test]
    fn settings_of_the_url_are_kept_and_limits_added() {
        let url = "postgres://ann:pw@db:5433/backstay?sslmode=verify-full&application_name=here";
        let config = connecting(url).unwrap().config;
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        assert_eq!(config.get_application_name(), Some("here"));
        assert_eq!(config.get_ports(), [5433]);
        assert!(config.get_options().unwrap().contains("statement_timeout=30000"));
        assert_eq!(connecting("postgres://db").unwrap().config.get_ssl_mode(), SslMode::Prefer);
    }

    #[test]
    fn a_password_of_its_own_stands_in_the_place_of_the_urls() {
        let mut options = PostgresOptions::new(Secret::new("postgres://ann:old@db").unwrap());
        options.password = Secret::new("new");
        let config = Connecting::new(&options).unwrap().config;
        assert_eq!(config.get_password(), Some(b"new".as_slice()));
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_without_its_password() {
        for url in ["postgres://ann:hun?ter2@db:x/d", "postgres://ann:hunter2@db?sslmode=hunter2"] {
            let error = connecting(url).map(|_| ()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("ter2"), "{error:?}");
        }
        let options = PostgresOptions::new(Secret::new("postgres://ann:hunter2@db").unwrap());
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
