//! A server of its own for each test.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use backstay_core::{CallContext, Clock, ManualClock, Random, RequestId, Timestamp};
use backstay_engine::Engine;
use backstay_providers::Environment;
use backstay_server::{
    Config, DocumentReader, Server, ServerOptions, StoreUrl, telemetry::Metrics,
};
use backstay_test_database::TestDatabase;
use tempfile::TempDir;
use upstream_sim::{Options, Sim};

use crate::client::TestClient;

/// The ids of providers at the scripted upstream: one for each wire format, and the clouds that serve
/// one in their own way. Each has the model `sim-echo` at the same price.
pub const UPSTREAMS: [&str; 7] =
    ["openai", "anthropic", "gemini", "cohere", "bedrock", "azure", "vertex"];

const KEY: &str = "bs-test-0123456789abcdef0123456789abcdef";

/// `postgres`: every test server keeps its data in a database of its own; otherwise in a folder.
const STORE: &str = "BACKSTAY_TEST_STORE";

/// A running server, its upstream and its data.
pub struct TestServer {
    pub sim: Arc<Sim>,
    pub clock: ManualClock,
    server: Server,
    data: Data,
    extra: String,
    reader: DocumentReader,
}

struct Data {
    folder: TempDir,
    database: Option<Arc<TestDatabase>>,
}

impl Data {
    async fn new(shared: bool) -> Result<Self> {
        let shared = shared || std::env::var(STORE).as_deref() == Ok("postgres");
        let database = match shared {
            true => Some(Arc::new(TestDatabase::create().await?)),
            false => None,
        };
        Ok(Self { folder: tempfile::tempdir()?, database })
    }
}

/// What differs from an ordinary test server.
#[derive(Default)]
pub struct TestServerBuilder {
    extra: String,
    for_sim: Option<fn(&str) -> String>,
    embedding: Option<String>,
    shared: bool,
    metrics: Option<Metrics>,
    of_machine: Option<Clock>,
    reader: Option<PathBuf>,
}

impl TestServerBuilder {
    /// TOML that is added to the configuration. `{sim}` in it is where the scripted upstream is.
    pub fn config(mut self, toml: &str) -> Self {
        self.extra.push_str(toml);
        self.extra.push('\n');
        self
    }

    /// TOML that names the simulator, whose base URL is known only once it runs.
    pub fn config_for_sim(mut self, toml: fn(&str) -> String) -> Self {
        self.for_sim = Some(toml);
        self
    }

    /// The model that makes memory's vectors; there is none otherwise.
    pub fn embedding(mut self, model: &str) -> Self {
        self.embedding = Some(model.to_owned());
        self
    }

    /// Keeps its data in a database whatever the other tests do, so that others can join it.
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Runs by this clock and not by [`TestServer::clock`].
    pub fn clock(mut self, clock: Clock) -> Self {
        self.of_machine = Some(clock);
        self
    }

    /// Reads documents with this program, in a process of its own, and not in the test's.
    pub fn reader(mut self, program: impl Into<PathBuf>) -> Self {
        self.reader = Some(program.into());
        self
    }

    /// Gathers metrics: of the whole process, so that there can be one of these in it.
    pub fn metrics(mut self) -> Result<Self> {
        self.metrics = Some(Metrics::install()?);
        Ok(self)
    }

    pub async fn start(self) -> Result<TestServer> {
        let Self { mut extra, for_sim, embedding, shared, metrics, of_machine, reader } = self;
        let reader = reader.map_or(DocumentReader::InThisProcess, DocumentReader::Program);
        let memory = embedding.as_deref().unwrap_or("none");
        extra.push_str(&format!("[memory]\nembedding = \"{memory}\"\n"));
        let sim = Arc::new(Sim::start(Options::default()).await?);
        let data = Data::new(shared).await?;
        let moment = Timestamp::parse("2026-03-01T12:00:00Z").unwrap_or_default();
        let clock = ManualClock::at(moment);
        if let Some(toml) = for_sim {
            extra.push_str(&toml(&sim.base_url()));
        }
        let machine = of_machine.unwrap_or_else(|| Clock::Manual(clock.clone()));
        let with = With { clock: machine, metrics, reader: reader.clone() };
        let server = start(&sim, &data, with, &extra).await?;
        Ok(TestServer { sim, clock, server, data, extra, reader })
    }
}

struct With {
    clock: Clock,
    metrics: Option<Metrics>,
    reader: DocumentReader,
}

async fn start(sim: &Sim, data: &Data, with: With, extra: &str) -> Result<Server> {
    let extra = extra.replace("{sim}", &sim.base_url());
    let mut config = Config::parse(&format!("{extra}\n{}", providers(&sim.base_url())))?;
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.server.data = data.folder.path().to_owned();
    config.store.wait_ms = WAIT_MS;
    config.store.url = data.database.as_ref().map(|database| StoreUrl::from(database.url()));
    let options = ServerOptions {
        config,
        environment: Environment::default().with("BACKSTAY_BOOTSTRAP_KEY", KEY),
        clock: with.clock,
        random: Random::System,
        metrics: with.metrics,
        reader: with.reader,
    };
    Ok(Server::start(options).await?)
}

/// A thousand callers at once on a slow machine wait for their turn, where a server in use would tell
/// them to come again.
const WAIT_MS: u64 = 120_000;

/// The same upstream in each wire format, with exact prices, and one that refuses connections.
fn providers(sim: &str) -> String {
    let provider = |format: &str, path: &str| {
        format!(
            "[[providers]]\nid = \"{format}\"\nformat = \"{format}\"\nbase_url = \"{sim}{path}\"\n\
             api_key = \"sk-upstream-secret\"\n\
             [[providers.models]]\nid = \"sim-echo\"\n\
             price = {{ prompt = \"0.000001\", completion = \"0.000002\" }}\n"
        )
    };
    format!(
        "{}{}{}{}[[providers]]\nid = \"dead\"\nformat = \"openai\"\nbase_url = \"http://127.0.0.1:9\"\n\
         [discovery]\nenabled = false\n",
        provider("openai", "/v1"),
        provider("anthropic", ""),
        provider("gemini", "/v1beta"),
        clouds(sim),
    )
}

/// Providers that want other credentials or addresses than the format's own.
fn clouds(sim: &str) -> String {
    let model = "[[providers.models]]\nid = \"sim-echo\"\n\
                 price = { prompt = \"0.000001\", completion = \"0.000002\" }\n";
    let place = "project = \"p\", location = \"l\", access_token = \"ya29.sk-upstream-secret\"";
    [
        format!("id = \"cohere\"\nformat = \"cohere\"\nbase_url = \"{sim}\"\napi_key = \"sk-upstream-secret\""),
        format!(
            "id = \"bedrock\"\nformat = \"bedrock\"\nbase_url = \"{sim}\"\n\
             aws = {{ region = \"eu-west-1\", access_key_id = \"{}\", secret_access_key = \"{}\" }}",
            upstream_sim::ACCESS_KEY_ID,
            upstream_sim::SECRET_ACCESS_KEY
        ),
        format!(
            "id = \"azure\"\nformat = \"openai\"\nbase_url = \"{sim}\"\n\
             api_key = \"sk-upstream-secret\"\nazure = {{ api_version = \"2024-10-21\" }}"
        ),
        format!(
            "id = \"vertex\"\nformat = \"gemini\"\ngoogle = {{ {place} }}\n\
             base_url = \"{sim}/v1/projects/p/locations/l/publishers/google\""
        ),
    ]
    .map(|section| format!("[[providers]]\n{section}\n{model}"))
    .concat()
}

impl TestServer {
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder::default()
    }

    pub async fn start() -> Result<Self> {
        Self::builder().start().await
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    pub fn engine(&self) -> &Engine {
        &self.server.engine
    }

    /// The caller with a key, for what has no route.
    pub async fn context(&self) -> Result<CallContext> {
        let admission = self.server.engine.admission();
        Ok(admission.identify(Some(KEY), RequestId::unknown()).await?)
    }

    /// The key of [`Self::member`], for programs that are clients themselves.
    pub fn key(&self) -> &'static str {
        KEY
    }

    /// A client with a key.
    pub fn member(&self) -> TestClient {
        TestClient::new(self.url(), Some(KEY))
    }

    /// A client without one.
    pub fn stranger(&self) -> TestClient {
        TestClient::new(self.url(), None)
    }

    /// Another server on the same database and upstream, with the same clock.
    pub async fn another(&self) -> Result<Self> {
        self.another_with(Clock::Manual(self.clock.clone())).await
    }

    /// Another server on the same database and upstream, on a machine with this clock.
    pub async fn another_with(&self, clock: Clock) -> Result<Self> {
        let database = self.data.database.clone();
        let data = Data { folder: tempfile::tempdir()?, database };
        let (sim, extra) = (Arc::clone(&self.sim), self.extra.clone());
        let reader = self.reader.clone();
        let with = With { clock, metrics: None, reader: reader.clone() };
        let server = start(&sim, &data, with, &extra).await?;
        Ok(Self { sim, clock: self.clock.clone(), server, data, extra, reader })
    }

    /// The folder with everything that survives a restart, but for the database where there is one.
    pub fn data(&self) -> &Path {
        self.data.folder.path()
    }

    /// The database, where there is one.
    pub fn database(&self) -> Option<&TestDatabase> {
        self.data.database.as_deref()
    }

    /// Stops and starts again on the same data.
    pub async fn restart(self) -> Result<Self> {
        let Self { sim, clock, server, data, extra, reader } = self;
        server.stop().await?;
        let machine = Clock::Manual(clock.clone());
        let with = With { clock: machine, metrics: None, reader: reader.clone() };
        let server = start(&sim, &data, with, &extra).await?;
        Ok(Self { sim, clock, server, data, extra, reader })
    }

    pub async fn stop(self) -> Result<()> {
        self.server.stop().await?;
        if let Some(sim) = Arc::into_inner(self.sim) {
            sim.shutdown().await;
        }
        Ok(())
    }
}
