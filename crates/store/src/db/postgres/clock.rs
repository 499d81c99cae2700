//! Bringing this process's clock to the database's, so that nodes whose machines disagree do not.

use backstay_core::{CorrectedClock, Timestamp};
use tokio_postgres::Error;

use super::connection::Connection;

const NOW: &str = "SELECT database_clock()";

pub(super) async fn compare(connection: &Connection, clock: &CorrectedClock) -> Result<(), Error> {
    let now = connection.prepare(NOW).await?;
    let before = clock.now();
    let row = connection.client.query_one(&now, &[]).await?;
    let after = clock.now();
    clock.compare(before, Timestamp::from_micros(row.try_get(0)?), after);
    Ok(())
}
