//! `backstay demo`: the main job, in front of the user.

mod ask;
mod findings;
mod ingest;
mod live;
mod report;
mod stage;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{
    client::{Client, Connection},
    import::{self, Conversation},
    output::Output,
};

/// Show the main job: a year of conversation remembered across two models.
///
/// Starts a server of its own on loopback, brings a conversation into memory, and asks two different
/// models about it on new threads, through the ordinary OpenAI API. Needs no key: without one the
/// second model is a simulated upstream that speaks a provider's real wire format and quotes what
/// its prompt holds.
#[derive(Args)]
pub(crate) struct Demo {
    /// A conversation of your own: plain chat JSON, a ChatGPT export or a LoCoMo file.
    file: Option<PathBuf>,
    /// Ask this instead of the file's own questions; may be given several times.
    #[arg(long)]
    ask: Vec<String>,
    /// End the server too, for scripts. The exit code is 0 only if the right memories were recalled.
    #[arg(long)]
    exit: bool,
    #[arg(long, default_value = "127.0.0.1:7460")]
    listen: SocketAddr,
    /// Kept between runs, so that a second one is fast.
    #[arg(long, default_value = "data/demo")]
    data: PathBuf,
    /// The second model; the first is builtin/recall.
    #[arg(long)]
    model: Option<String>,
}

const EXAMPLE: &str = include_str!("../../../../../examples/conversation.json");

impl Demo {
    pub(crate) async fn run(self, output: Output) -> Result<ExitCode> {
        let conversations = match &self.file {
            Some(path) => import::read(path)?,
            None => import::parse(EXAMPLE).context("the example conversation")?,
        };
        let stage = stage::Stage::set(self.listen, &self.data, self.model.as_deref()).await?;
        let connection = Connection { url: stage.url(), key: Some(stage.key.clone()) };
        let client = Client::new(&connection)?;
        report::opening(&stage, output);

        let mut run = findings::Findings::default();
        for conversation in &conversations {
            let ingested = ingest::ingest(&client, conversation, output).await?;
            let questions = self.questions(conversation);
            for question in &questions {
                let asked = ask::ask(&client, &ingested, question, &stage.models).await?;
                report::question(&asked, output);
                run.count(&asked);
            }
        }
        if self.file.is_none() {
            let told = live::tell_one_ask_the_other(&client, &stage.models).await?;
            report::live(&told, output);
            run.live = Some(told);
        }
        report::closing(&run, &stage, output);
        if !self.exit && !output.is_json() {
            report::go_on(&stage);
            tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
        }
        stage.clear().await?;
        Ok(if run.all_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn questions(&self, conversation: &Conversation) -> Vec<ask::Expected> {
        if self.ask.is_empty() {
            return conversation.questions.iter().map(ask::Expected::of_file).collect();
        }
        self.ask.iter().map(|text| ask::Expected::unjudged(text)).collect()
    }
}
