//! Models as JSON, written once for each state of the catalogue: a list of thousands is then a
//! matter of putting texts together.

use std::sync::{Arc, Mutex, OnceLock};

use backstay_routing::{ModelCard, Models};
use serde::Serialize;

/// Shared by the handlers of all dialects.
#[derive(Default)]
pub(crate) struct ModelLists {
    newest: Mutex<Option<Arc<Written>>>,
}

/// The rows of one state of the catalogue, by dialect and in the catalogue's order.
struct Written {
    models: Models,
    openai: OnceLock<Rows>,
    openrouter: OnceLock<Rows>,
}

pub(crate) type Rows = Arc<Vec<String>>;

impl ModelLists {
    pub(crate) fn openai(&self, models: Models, shown: fn(&ModelCard) -> String) -> Rows {
        let written = self.of(models);
        Arc::clone(written.openai.get_or_init(|| rows(&written.models, shown)))
    }

    pub(crate) fn openrouter(&self, models: Models, shown: fn(&ModelCard) -> String) -> Rows {
        let written = self.of(models);
        Arc::clone(written.openrouter.get_or_init(|| rows(&written.models, shown)))
    }

    fn of(&self, models: Models) -> Arc<Written> {
        let mut newest = match self.newest.lock() {
            Ok(newest) => newest,
            Err(poisoned) => poisoned.into_inner(),
        };
        match &*newest {
            Some(written) if written.models.is_same(&models) => Arc::clone(written),
            _ => {
                let (openai, openrouter) = (OnceLock::new(), OnceLock::new());
                let written = Arc::new(Written { models, openai, openrouter });
                *newest = Some(Arc::clone(&written));
                written
            }
        }
    }
}

fn rows(models: &[ModelCard], shown: fn(&ModelCard) -> String) -> Rows {
    Arc::new(models.iter().map(shown).collect())
}

/// A row. Nothing in it can fail to be written.
pub(crate) fn to_text(row: &impl Serialize) -> String {
    serde_json::to_string(row).unwrap_or_default()
}

/// The rows of an array.
pub(crate) fn joined<'a>(rows: impl Iterator<Item = &'a str> + Clone) -> String {
    let length = rows.clone().map(|row| row.len() + 1).sum();
    let mut joined = String::with_capacity(length);
    for row in rows {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(row);
    }
    joined
}
