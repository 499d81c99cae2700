//! One connection and the statements that it keeps prepared.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio_postgres::{Client, Error, Statement};

use super::options::Connecting;

pub(super) struct Connection {
    pub(super) client: Client,
    prepared: Mutex<HashMap<&'static str, Statement>>,
}

impl Connection {
    pub(super) async fn open(connecting: &Connecting) -> Result<Self, Error> {
        let (client, driver) = connecting.config.connect(connecting.tls.clone()).await?;
        // Ends with the client.
        tokio::spawn(async move {
            if let Err(cause) = driver.await {
                tracing::debug!(%cause, "a connection to the database ended");
            }
        });
        Ok(Self { client, prepared: Mutex::default() })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) async fn prepare(&self, text: &'static str) -> Result<Statement, Error> {
        if let Some(known) = self.prepared().get(text).cloned() {
            return Ok(known);
        }
        let prepared = self.client.prepare(text).await?;
        self.prepared().insert(text, prepared.clone());
        Ok(prepared)
    }

    fn prepared(&self) -> MutexGuard<'_, HashMap<&'static str, Statement>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
