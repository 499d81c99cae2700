//! The connection on which this process hears that another has changed a key.

use std::{future::poll_fn, pin::pin, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle};
use tokio_postgres::{AsyncMessage, Error};

use super::options::Connecting;

/// The migration `key_changes` sends to it.
const LISTEN: &str = "LISTEN backstay_keys";
/// After a connection that was lost.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Listener {
    heard: watch::Sender<()>,
    listening: JoinHandle<()>,
}

impl Listener {
    pub(super) fn start(connecting: Arc<Connecting>) -> Self {
        let heard = watch::Sender::new(());
        let listening = tokio::spawn(keep_listening(connecting, heard.clone()));
        Self { heard, listening }
    }

    pub(super) fn heard(&self) -> watch::Receiver<()> {
        self.heard.subscribe()
    }

    pub(super) fn stop(&self) {
        self.listening.abort();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn keep_listening(connecting: Arc<Connecting>, heard: watch::Sender<()>) {
    loop {
        if let Err(cause) = listen(&connecting, &heard).await {
            tracing::warn!(%cause, "other servers' changes of keys are not heard at once; listening again");
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

/// Until the connection ends. Begins with a change, as one may have been missed before.
async fn listen(connecting: &Connecting, heard: &watch::Sender<()>) -> Result<(), Error> {
    let (client, mut connection) = connecting.config.connect(connecting.tls.clone()).await?;
    let mut subscribing = pin!(client.batch_execute(LISTEN));
    let mut subscribed = false;
    loop {
        tokio::select! {
            outcome = &mut subscribing, if !subscribed => {
                outcome?;
                subscribed = true;
                heard.send_replace(());
            }
            message = poll_fn(|context| connection.poll_message(context)) => match message {
                Some(Ok(AsyncMessage::Notification(_))) => {
                    heard.send_replace(());
                }
                Some(Ok(_)) => {}
                Some(Err(cause)) => return Err(cause),
                None => return Ok(()),
            },
        }
    }
}
