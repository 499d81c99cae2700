//! What handlers share.

use std::{path::PathBuf, sync::Arc};

use backstay_engine::Engine;

use crate::{api::ModelLists, telemetry::Metrics};

#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) engine: Engine,
    pub(crate) body_bytes_max: usize,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) model_lists: Arc<ModelLists>,
    pub(crate) started: StartedWith,
}

/// Facts that `doctor` shows.
#[derive(Clone)]
pub(crate) struct StartedWith {
    /// The store's folder; `None` when it is a database.
    pub(crate) data: Option<PathBuf>,
    pub(crate) models_folder: PathBuf,
}
