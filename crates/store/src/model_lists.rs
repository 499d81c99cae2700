//! The last list of models that each provider gave.

use backstay_core::{Result, Timestamp};

use crate::{
    Store,
    db::{statements, values},
};

/// A provider's list as it was last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelList {
    pub provider: String,
    pub taken_at: Timestamp,
    /// JSON that only the catalogue reads.
    pub models: String,
}

statements! {
    PUT = "INSERT INTO model_lists (provider, taken_at, models) VALUES ($1, $2, $3)
        ON CONFLICT (provider) DO UPDATE SET
            taken_at = excluded.taken_at, models = excluded.models";
    ALL_LISTS = "SELECT provider, taken_at, models FROM model_lists ORDER BY provider";
}

impl Store {
    /// Replaces the list that the provider gave before.
    pub async fn put_model_list(&self, list: ModelList) -> Result<()> {
        self.write(move |session| {
            session.execute(PUT, values![&list.provider, list.taken_at, &list.models])?;
            Ok(())
        })
        .await
    }

    pub async fn model_lists(&self) -> Result<Vec<ModelList>> {
        self.read(|session| {
            session.all(ALL_LISTS, &[], |row| {
                Ok(ModelList { provider: row.get(0)?, taken_at: row.get(1)?, models: row.get(2)? })
            })
        })
        .await
    }
}
