//! A PostgreSQL database of its own for each test, on the server that `make unit` starts.

use anyhow::{Context as _, Result};
use tokio_postgres::{Client, NoTls};

/// Where the tests' server is.
const VARIABLE: &str = "BACKSTAY_TEST_POSTGRES";

/// An empty database; dropped with this.
pub struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// Fails, instead of letting a test pass that tested nothing, where there is no server.
    pub async fn create() -> Result<Self> {
        let server = std::env::var(VARIABLE).ok().with_context(|| {
            format!(
                "{VARIABLE} is not set, so that nothing can be tested on PostgreSQL: run the tests \
                 with 'make unit T=…', or put 'python3 tests/postgres/run.py' before the command"
            )
        })?;
        let client = connect(&server).await?;
        let row = client
            .query_one("SELECT 'test_' || replace(gen_random_uuid()::text, '-', '')", &[])
            .await?;
        let name: String = row.try_get(0)?;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        Ok(Self { server, name })
    }

    pub fn url(&self) -> String {
        url(&self.server, &self.name)
    }

    /// Another database that has all of this one; nobody may be connected to it.
    pub async fn copy(&self) -> Result<Self> {
        let name = format!("{}_copy", self.name);
        let client = connect(&self.server).await?;
        client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {}", self.name)).await?;
        Ok(Self { server: self.server.clone(), name })
    }

    /// A connection that row-level security does not apply to.
    pub async fn client(&self) -> Result<Client> {
        connect(&self.url()).await
    }

    /// Every row of every table, as text.
    pub async fn all_rows(&self) -> Result<String> {
        const TABLES: &str = "SELECT table_name FROM information_schema.tables
            WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
        let client = self.client().await?;
        // What bytes say is then as readable as what texts say.
        client.batch_execute("SET bytea_output = 'escape'").await?;
        let mut all = String::new();
        for table in client.query(TABLES, &[]).await? {
            let table: String = table.try_get(0)?;
            let rows = format!("SELECT CAST(t AS TEXT) FROM {table} AS t");
            for row in client.query(&rows, &[]).await? {
                all.push_str(row.try_get(0)?);
                all.push('\n');
            }
        }
        Ok(all)
    }

    /// Lets the time of every node's lease pass, as if they were all gone: what a test of their end
    /// does instead of waiting for it.
    pub async fn end_leases(&self) -> Result<()> {
        self.client().await?.batch_execute("UPDATE nodes SET lease_ends = 0").await?;
        Ok(())
    }

    /// The same for the vectors that a node has said it makes.
    pub async fn end_claims(&self) -> Result<()> {
        let end = "UPDATE episode_vectors SET claimed_until = 0;
            UPDATE statement_vectors SET claimed_until = 0;
            UPDATE chunk_vectors SET claimed_until = 0";
        self.client().await?.batch_execute(end).await?;
        Ok(())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A test's own runtime cannot be waited for in a drop.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let client = connect(&server).await?;
                client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
                Ok::<(), anyhow::Error>(())
            })
        });
        // What is left goes with the server's temporary folder.
        drop(dropping.join());
    }
}

fn url(server: &str, database: &str) -> String {
    let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
    format!("{base}/{database}")
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .with_context(|| format!("the server of {VARIABLE} is not to be reached"))?;
    tokio::spawn(connection);
    Ok(client)
}
