//! Puts the parts together, starts them, and stops them in order.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use backstay_core::{Clock, Error, Random, Result, Secret};
use backstay_documents::{Limits, Parser};
use backstay_engine::{
    Blobs, BootstrapKey, BucketBlobs, DocumentParts, Engine, EngineParts, FolderBlobs,
    MemoryVectors,
};
use backstay_memory::Embedder;
use backstay_providers::{Bucket, Environment, Provider, Upstreams, from_environment, probe_local};
use backstay_routing::{Catalogue, Router};
use backstay_store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    api,
    config::{Config, ModelsFolder},
    listener, router,
    state::{AppState, StartedWith},
    telemetry::Metrics,
};

const FIRST_LISTS: Duration = Duration::from_secs(2);

/// What a server is started with.
pub struct ServerOptions {
    pub config: Config,
    pub environment: Environment,
    pub clock: Clock,
    pub random: Random,
    pub metrics: Option<Metrics>,
    pub reader: DocumentReader,
}

/// The process in which documents are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentReader {
    /// The program that is running, which calls `backstay_documents::worker` when it is asked to.
    ThisProgram,
    /// Another one that does.
    Program(PathBuf),
    /// None: for tests of what comes after, whose program is a test.
    InThisProcess,
}

impl DocumentReader {
    fn parser(self, limits: Limits) -> Result<Parser> {
        match self {
            Self::ThisProgram => Parser::of_this_program(limits).map_err(|cause| {
                Error::internal(format!("the program that is running is not known: {cause}"))
            }),
            Self::Program(program) => Ok(Parser::new(program, limits)),
            Self::InThisProcess => Ok(Parser::in_this_process(limits)),
        }
    }
}

/// A running server. Dropping it does not stop it; [`Server::stop`] does.
pub struct Server {
    pub address: SocketAddr,
    pub key: BootstrapKey,
    pub engine: Engine,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Opens the store, settles what a crash left open, finds providers and begins to accept.
    pub async fn start(options: ServerOptions) -> Result<Self> {
        let ServerOptions { config, environment, clock, random, metrics, reader } = options;
        let listener = bind(config.server.listen).await?;
        let address = listener.local_addr().map_err(|cause| Error::internal(cause.to_string()))?;
        let clock = clock.correctable();
        let store_options = config.store_options(&environment)?.with_clock(&clock);
        let store = Store::open(store_options).await?;
        backstay_engine::recover(&store, clock.now()).await?;
        let chosen = environment.get("BACKSTAY_BOOTSTRAP_KEY").and_then(Secret::new);
        let key = backstay_engine::bootstrap(&store, chosen.as_ref(), &clock, &random).await?;

        let data = (!store.is_shared()).then(|| config.server.data.clone());
        let upstreams = Upstreams::new(config.timeouts)?.with_clock(clock.clone());
        let web = config.web_search(&environment, &upstreams)?;
        let catalogue = catalogue(&config, &environment, &upstreams).await?;
        let now = clock.now();
        backstay_engine::start_catalogue(&store, &catalogue, &upstreams, FIRST_LISTS, now).await?;
        let models_folder = ModelsFolder::find(&config, &environment);
        let embedder = builtin_embedder(&config, &models_folder);
        let options = config.engine_options();
        if let MemoryVectors::Upstream(name) = &options.vectors {
            // A name that nobody knows is an error of the configuration, not of the first recall.
            catalogue.resolve(name)?;
        }
        let bucket = config.documents.bucket(&environment)?;
        let bucket = bucket.map(|spec| Bucket::new(spec, &upstreams)).transpose()?;
        let router = Router::new(upstreams, config.router_options(), clock.clone(), random.clone());
        let documents = documents(&config, reader, bucket, store.is_shared())?;
        let engine = Engine::new(EngineParts {
            store,
            embedder,
            catalogue,
            router,
            web,
            documents,
            clock,
            random,
            options,
        });
        backstay_engine::start_jobs(&engine);

        let state = AppState {
            engine: engine.clone(),
            body_bytes_max: config.server.body_bytes_max,
            metrics,
            model_lists: Arc::default(),
            started: StartedWith { data, models_folder },
        };
        let limits = listener::Limits {
            connections_max: config.server.connections_max,
            header_timeout: Duration::from_millis(config.server.header_timeout_ms),
            drain_timeout: Duration::from_millis(config.server.drain_timeout_ms),
        };
        let stop = CancellationToken::new();
        engine.jobs().spawn(api::write_lists_forever(state.clone()));
        let routes = router::routes(state);
        let serving = tokio::spawn(listener::serve(listener, routes, limits, stop.clone()));
        Ok(Self { address, key, engine, stop, serving })
    }

    /// Stops accepting, lets open answers end, writes what is still to be written, closes the store.
    pub async fn stop(self) -> Result<()> {
        self.stop.cancel();
        self.serving
            .await
            .map_err(|cause| Error::internal(format!("the accept loop failed: {cause}")))?;
        self.engine.shut_down().await
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|cause| {
        let advice = match cause.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there; choose another port with --listen"
            }
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need privileges",
            _ => "check server.listen",
        };
        Error::invalid(format!("cannot listen on {address}: {cause}; {advice}"))
    })
}

fn documents(
    config: &Config,
    reader: DocumentReader,
    bucket: Option<Bucket>,
    store_is_shared: bool,
) -> Result<DocumentParts> {
    let folder = config.documents.folder(&config.server.data);
    let folder = FolderBlobs::at(folder, store_is_shared)?;
    let blobs = match bucket {
        Some(bucket) => Blobs::Bucket(BucketBlobs::new(bucket, folder)),
        None => {
            if store_is_shared && config.documents.folder.is_none() {
                tracing::warn!(
                    "documents lie in this server's own data folder: servers that share a database \
                     need documents.s3, or a documents.folder that they share"
                );
            }
            Blobs::Folder(folder)
        }
    };
    Ok(DocumentParts { parser: reader.parser(config.documents.limits())?, blobs })
}

async fn catalogue(
    config: &Config,
    environment: &Environment,
    upstreams: &Upstreams,
) -> Result<Catalogue> {
    let mut providers = config.providers(environment)?;
    let mut add = |found: Vec<Arc<Provider>>| {
        for provider in found {
            // What the operator configured wins over what was found.
            if !providers.iter().any(|known| known.id == provider.id) {
                providers.push(provider);
            }
        }
    };
    if config.discovery.enabled {
        add(from_environment(environment)?);
        add(probe_local(upstreams, environment).await);
    }
    add(vec![Arc::new(Provider::builtin())]);
    for provider in &providers {
        tracing::info!(provider = provider.id, name = provider.name, "provider available");
    }
    Catalogue::new(providers, config.models(), config.routes())
}

/// Absent weights are no reason not to start: recall then works by words and conversation structure.
fn builtin_embedder(config: &Config, folder: &Path) -> Option<Embedder> {
    if config.memory.embedding == "none" {
        return None;
    }
    Embedder::open(folder)
        .inspect_err(|error| {
            tracing::warn!(
                folder = %folder.display(),
                cause = %error,
                "no built-in embedding model: 'backstay models pull' installs it"
            );
        })
        .ok()
}
