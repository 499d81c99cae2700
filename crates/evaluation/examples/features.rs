//! Writes what recall knows about the turns of a data set, for `bench/memory/fit.py`:
//! `cargo run --release -p backstay-evaluation --example features -- FILE [FOLDER OF THE WEIGHTS] > features.jsonl`

use std::{
    error::Error,
    io::{BufWriter, Write as _},
    path::Path,
};

use backstay_evaluation::memory::{Dataset, Phase, Progress, write_features};
use backstay_memory::Embedder;

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Phase, _: usize) {}
    fn advance(&self, _: usize) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dataset = Dataset::read(Path::new(&arguments.next().ok_or("which data set?")?))?;
    let embedder = arguments.next().map(|folder| Embedder::load(Path::new(&folder))).transpose()?;
    let mut out = BufWriter::new(std::io::stdout());
    write_features(&dataset, embedder, &mut out, &Silent).await?;
    Ok(out.flush()?)
}
