//! What the two ledger writes of a model call cost: 32 tasks that begin and settle calls.
//!
//! `cargo run --release -p backstay-store --example ledger_writes [pairs] [tasks]`
//! prints pairs per second and CPU time per pair of the whole process, as Linux counts it.

use std::{error::Error, fs, io::Write as _, time::Instant};

use backstay_core::{
    Charge, Clock, GenerationId, KeyId, Money, Name, Price, Random, RequestId, Usage, WorkspaceId,
    chat::SettlementStatus,
};
use backstay_store::{
    Finish, NewGeneration, Reserved, SettledAttempt, SettledGeneration, Store, StoreOptions,
    Workspace,
};

const CLOCK_TICKS_PER_SECOND: f64 = 100.0;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let pairs: usize = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let tasks: usize = arguments.next().map_or(Ok(32), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let options = StoreOptions::folder(folder.path());
    let store = Store::open(options).await?;
    let workspace = WorkspaceId::default_workspace();
    store.ensure_workspace(&workspace, "default", Clock::System.now()).await?;

    let (began, cpu_before) = (Instant::now(), cpu_seconds()?);
    let running: Vec<_> = (0..tasks)
        .map(|_| tokio::spawn(write_pairs(store.workspace(&workspace), pairs / tasks)))
        .collect();
    for task in running {
        task.await??;
    }
    let (elapsed, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds()? - cpu_before);
    let written = (pairs / tasks * tasks) as f64;
    writeln!(
        std::io::stdout(),
        "{tasks} tasks: {:.0} pairs/s ({:.0} writes/s), {:.1} us CPU per pair, {} bytes per call",
        written / elapsed,
        2.0 * written / elapsed,
        cpu * 1e6 / written,
        store.health().await?.size_bytes / written as u64,
    )?;
    store.close().await?;
    Ok(())
}

async fn write_pairs(workspace: Workspace, pairs: usize) -> backstay_core::Result<()> {
    let (clock, random) = (Clock::System, Random::System);
    for _ in 0..pairs {
        let id = GenerationId::new(&clock, &random)?;
        workspace.begin_generation(begun(&clock, &random, &id)?).await?;
        workspace.settle_generation(settled(&clock, id)).await?;
    }
    Ok(())
}

fn begun(
    clock: &Clock,
    random: &Random,
    id: &GenerationId,
) -> backstay_core::Result<NewGeneration> {
    Ok(NewGeneration {
        id: id.clone(),
        request: RequestId::new(clock, random)?,
        key: KeyId::new(clock, random)?,
        requested_model: "anthropic/claude-sonnet-4.5".to_owned(),
        stream: true,
        started_at: clock.now(),
        thread: None,
        assistant: None,
        user: Name::parse("ann"),
        memory_tokens: 0,
        reservation: None,
    })
}

fn settled(clock: &Clock, id: GenerationId) -> SettledGeneration {
    let price = Price {
        prompt: Money::from_picodollars(3_000_000),
        completion: Money::from_picodollars(15_000_000),
        ..Price::FREE
    };
    let usage = Usage { prompt_tokens: 1_000, completion_tokens: 200, ..Usage::default() };
    SettledGeneration {
        id,
        status: SettlementStatus::Completed,
        provider: Some("openrouter".to_owned()),
        model: Some("anthropic/claude-sonnet-4.5".to_owned()),
        finished_at: clock.now(),
        latency_ms: 900,
        first_token_ms: Some(300),
        usage: Some(usage.clone()),
        price: Some(price.clone()),
        finish: Some(Finish { reason: "stop".to_owned(), native: Some("end_turn".to_owned()) }),
        error_code: None,
        dropped: Vec::new(),
        reserved: Reserved::Nothing,
        cached: None,
        attempts: vec![SettledAttempt {
            provider: "openrouter".to_owned(),
            model: "anthropic/claude-sonnet-4.5".to_owned(),
            error_code: None,
            http_status: Some(200),
            started_at: clock.now(),
            duration_ms: 300,
            charge: Some(Charge::of(usage, Some(price))),
        }],
    }
}

/// User and system time of this process so far: fields 14 and 15 of `/proc/self/stat`.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: Result<Vec<f64>, _> =
        after_name.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() / CLOCK_TICKS_PER_SECOND)
}
