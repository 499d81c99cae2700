//! Sends an answer: frames become timed steps, faults cut or change the steps, a body plays them.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame as BodyFrame, SizeHint};
use tokio::time::Sleep;

use crate::connection::Connection;
use crate::fault::{Effect, Fault};
use crate::ledger::OpenCharge;
use crate::record::{Outcome, Recording};

/// How long a stalled answer waits for its client to leave.
const STALL: Duration = Duration::from_secs(60);
/// More tokens than any answer has; the client has to end it.
const ENDLESS_TOKENS: usize = 1_000_000;
const HUGE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Time for what was sent to reach the client before the reset that would overtake it.
const BEFORE_RESET: Duration = Duration::from_millis(10);

/// What one piece of a stream is to the faults that count or drop pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Carries no token: a start, a stop, a ping, the usage.
    Event,
    /// Carries one token.
    Token,
    /// Says that the stream is complete.
    Terminal,
}

/// One piece of a stream, as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    pub(crate) kind: FrameKind,
}

impl Frame {
    pub(crate) fn new(kind: FrameKind, bytes: impl Into<Bytes>) -> Self {
        Self { kind, bytes: bytes.into() }
    }
}

#[derive(Debug)]
enum Step {
    Send {
        bytes: Bytes,
        /// How many of the answer's tokens these bytes carry.
        tokens: u64,
    },
    /// One token over and over.
    Repeat {
        bytes: Bytes,
        times: usize,
    },
    Wait(Duration),
    /// Lets the server write what it has to the socket before the next step.
    Flush,
    /// Ends the connection; with a reset or without.
    Cut {
        reset: bool,
    },
}

/// The steps of a stream under a script. `error` is the format's error event.
pub(crate) fn stream_steps(frames: Vec<Frame>, effect: &Effect, error: Bytes) -> Steps {
    let mut steps = Steps::after(effect.latency.first_byte());
    let per_token = effect.latency.per_token();
    let cut = cut_point(effect.fault);
    let mut tokens = 0;
    for frame in frames {
        let is_token = frame.kind == FrameKind::Token;
        let ends = frame.kind == FrameKind::Terminal;
        if cut.is_some_and(|at| ends || is_token && tokens == at) {
            steps.cut(effect.fault, &frame.bytes, error);
            return steps;
        }
        if ends && effect.fault == Some(Fault::NoDone) {
            continue;
        }
        if is_token {
            tokens += 1;
            steps.wait(per_token);
        }
        if is_token && tokens == 2 && effect.fault == Some(Fault::Garbage) {
            let bytes = Bytes::from_static(b"data: {\"choices\": [{\"del\n\n");
            steps.0.push_back(Step::Send { bytes, tokens: 0 });
        }
        if is_token && tokens == 2 && effect.fault == Some(Fault::Endless) {
            let bytes = frame.bytes.clone();
            steps.0.push_back(Step::Repeat { bytes, times: ENDLESS_TOKENS });
        }
        steps.0.push_back(Step::Send { bytes: frame.bytes, tokens: u64::from(is_token) });
    }
    steps
}

/// The steps of a plain answer with this many tokens under a script. A fault that counts tokens
/// cuts it at its middle; an error takes its place.
pub(crate) fn plain_steps(body: Bytes, tokens: usize, effect: &Effect, error: Bytes) -> Steps {
    let mut steps = Steps::after(effect.latency.first_byte());
    steps.wait(effect.latency.per_token().saturating_mul(tokens.try_into().unwrap_or(u32::MAX)));
    let made = tokens as u64;
    if cut_point(effect.fault).is_none() {
        steps.0.push_back(Step::Send { bytes: body, tokens: made });
    } else if matches!(effect.fault, Some(Fault::TruncateAfter { .. } | Fault::ErrorAfter { .. })) {
        steps.cut(effect.fault, &body, error);
    } else {
        let half = body.slice(..body.len() / 2);
        steps.0.push_back(Step::Send { bytes: half, tokens: made });
        steps.cut(effect.fault, &body, error);
    }
    steps
}

/// The steps of a raw answer: each chunk goes to the socket by itself.
pub(crate) fn raw_steps(chunks: Vec<Bytes>, effect: &Effect) -> Steps {
    let mut steps = Steps::after(effect.latency.first_byte());
    for chunk in chunks.into_iter().filter(|chunk| !chunk.is_empty()) {
        steps.wait(effect.latency.per_token());
        steps.0.push_back(Step::Send { bytes: chunk, tokens: 0 });
        steps.0.push_back(Step::Flush);
    }
    steps
}

/// One line of a stream that does not end, in pieces; the client has to give up on it.
pub(crate) fn huge_line(bytes: usize) -> Steps {
    const PIECE: usize = 64 * 1024;
    let piece = Bytes::from(vec![b'x'; PIECE]);
    let mut steps = Steps::send(Bytes::from_static(b"data: "));
    let pieces = bytes.min(HUGE_BYTES_MAX).div_ceil(PIECE);
    let sends = std::iter::repeat_with(|| Step::Send { bytes: piece.clone(), tokens: 0 });
    steps.0.extend(sends.take(pieces));
    steps
}

/// After how many tokens a fault cuts the answer.
fn cut_point(fault: Option<Fault>) -> Option<usize> {
    match fault? {
        Fault::StallAfter { tokens }
        | Fault::ResetAfter { tokens }
        | Fault::TruncateAfter { tokens }
        | Fault::ErrorAfter { tokens } => Some(tokens),
        _ => None,
    }
}

/// What a body will do, in order.
#[derive(Debug, Default)]
pub(crate) struct Steps(VecDeque<Step>);

impl Steps {
    /// One piece, sent at once.
    pub(crate) fn send(bytes: Bytes) -> Self {
        Self(VecDeque::from([Step::Send { bytes, tokens: 0 }]))
    }

    fn after(wait: Duration) -> Self {
        let mut steps = Self::default();
        steps.wait(wait);
        steps
    }

    fn wait(&mut self, duration: Duration) {
        if !duration.is_zero() {
            self.0.push_back(Step::Wait(duration));
        }
    }

    fn cut(&mut self, fault: Option<Fault>, next: &Bytes, error: Bytes) {
        match fault {
            Some(Fault::StallAfter { .. }) => {
                self.0.extend([Step::Wait(STALL), Step::Cut { reset: false }]);
            }
            Some(Fault::ResetAfter { .. }) => {
                self.0.extend([Step::Wait(BEFORE_RESET), Step::Cut { reset: true }]);
            }
            Some(Fault::TruncateAfter { .. }) => {
                let half = next.slice(..next.len() / 2);
                self.0.push_back(Step::Send { bytes: half, tokens: 0 });
            }
            _ => self.0.push_back(Step::Send { bytes: error, tokens: 0 }),
        }
    }
}

/// A response body that plays steps and notes how it ended.
pub(crate) struct Delivery {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    connection: Connection,
    recording: Recording,
    /// `None` for what costs nothing.
    charge: Option<OpenCharge>,
}

impl Delivery {
    pub(crate) fn new(
        steps: Steps,
        connection: Connection,
        recording: Recording,
        charge: Option<OpenCharge>,
    ) -> Self {
        Self { steps: steps.0, sleep: None, connection, recording, charge }
    }

    /// Where nothing is left to send the answer is complete; the server may not ask again.
    fn note_if_complete(&mut self) {
        if self.steps.is_empty() {
            self.recording.finish(Outcome::Completed);
            if let Some(mut charge) = self.charge.take() {
                charge.complete();
            }
        }
    }
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, io::Error>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                std::task::ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            match self.steps.pop_front() {
                Some(Step::Send { bytes, tokens }) => {
                    if let Some(charge) = &mut self.charge {
                        charge.add(tokens);
                    }
                    self.note_if_complete();
                    return Poll::Ready(Some(Ok(BodyFrame::data(bytes))));
                }
                Some(Step::Repeat { bytes, times }) => {
                    if let Some(charge) = &mut self.charge {
                        charge.add(1);
                    }
                    if times > 1 {
                        let again = Step::Repeat { bytes: bytes.clone(), times: times - 1 };
                        self.steps.push_front(again);
                    }
                    return Poll::Ready(Some(Ok(BodyFrame::data(bytes))));
                }
                Some(Step::Wait(duration)) => {
                    self.sleep = Some(Box::pin(tokio::time::sleep(duration)));
                }
                Some(Step::Flush) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Cut { reset }) => {
                    if reset {
                        self.connection.reset();
                    } else {
                        self.connection.close();
                    }
                    self.recording.finish(Outcome::CutByScript);
                    let error = io::Error::from(io::ErrorKind::ConnectionReset);
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.note_if_complete();
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.sleep.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let mut steps = self.steps.iter();
        match (steps.next(), steps.next()) {
            (Some(Step::Send { bytes, .. }), None) if self.sleep.is_none() => {
                SizeHint::with_exact(bytes.len() as u64)
            }
            _ => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fault: Fault) -> String {
        let frames = vec![
            Frame::new(FrameKind::Event, "start;"),
            Frame::new(FrameKind::Token, "one;"),
            Frame::new(FrameKind::Token, "two;"),
            Frame::new(FrameKind::Terminal, "done;"),
        ];
        let effect = Effect { fault: Some(fault), ..Effect::default() };
        let steps = stream_steps(frames, &effect, Bytes::from_static(b"error;"));
        let show = |step| match step {
            Step::Send { bytes, .. } => String::from_utf8_lossy(&bytes).into_owned(),
            Step::Repeat { .. } => "repeat;".to_owned(),
            Step::Wait(_) => "wait;".to_owned(),
            Step::Flush => "flush;".to_owned(),
            Step::Cut { reset } => format!("cut {reset};"),
        };
        steps.0.into_iter().map(show).collect()
    }

    #[test]
    fn each_fault_cuts_after_its_tokens() {
        assert_eq!(sent(Fault::StallAfter { tokens: 1 }), "start;one;wait;cut false;");
        assert_eq!(sent(Fault::ResetAfter { tokens: 0 }), "start;wait;cut true;");
        assert_eq!(sent(Fault::TruncateAfter { tokens: 1 }), "start;one;tw");
        assert_eq!(sent(Fault::ErrorAfter { tokens: 2 }), "start;one;two;error;");
        assert_eq!(sent(Fault::NoDone), "start;one;two;");
    }

    #[test]
    fn a_cut_beyond_the_last_token_comes_before_the_end() {
        assert_eq!(sent(Fault::ErrorAfter { tokens: 99 }), "start;one;two;error;");
    }
}
