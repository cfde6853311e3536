//! Generates frames on its own thread, ahead of the clock: signing keeps a core busy.

use std::thread::{Builder, JoinHandle};

use tokio::sync::mpsc;

use crate::{Directory, ProducedFrame, SimulatorError, Source, World, recording};

/// Frames that are ready before they are due.
const AHEAD: usize = 2048;

/// A source that has been opened.
pub(crate) struct Stream {
    next: Box<dyn FnMut() -> Option<ProducedFrame> + Send>,
    pub(crate) directory: Directory,
    /// The seq before the first frame's.
    pub(crate) seq_base: u64,
    /// The highest known seq to come.
    pub(crate) promised_seq: u64,
}

impl Stream {
    /// Opens a source: builds the world, or reads the recording. Takes a while; do not call it on a runtime thread.
    pub(crate) fn open(source: &Source, limit: Option<u64>) -> Result<Self, SimulatorError> {
        let limit = limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        match source {
            Source::World(config) => {
                let mut world = World::new(config)?;
                let directory = world.directory().clone();
                let mut frames = std::iter::repeat_with(move || world.next_frame()).take(limit);
                Ok(Self {
                    next: Box::new(move || frames.next()),
                    directory,
                    seq_base: config.seq_base,
                    promised_seq: 0,
                })
            }
            Source::Recording(path) => {
                let frames = recording::read(path)?;
                let seqs = frames.iter().take(limit).map(|frame| frame.seq);
                let promised_seq = seqs.max().unwrap_or(0);
                let seq_base = frames
                    .first()
                    .map_or(0, |frame| frame.seq.saturating_sub(1));
                let mut frames = frames.into_iter().take(limit);
                Ok(Self {
                    next: Box::new(move || frames.next()),
                    directory: Directory::default(),
                    seq_base,
                    promised_seq,
                })
            }
        }
    }
}

/// The thread.
pub(crate) struct Producer(JoinHandle<()>);

impl Producer {
    /// Starts generating frames; the channel ends after the last one.
    pub(crate) fn start(
        mut stream: Stream,
    ) -> Result<(Self, mpsc::Receiver<ProducedFrame>), SimulatorError> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let make = move || {
            while let Some(frame) = (stream.next)() {
                if sender.blocking_send(frame).is_err() {
                    break;
                }
            }
        };
        let thread = Builder::new()
            .name("frame-producer".to_owned())
            .spawn(make)
            .map_err(SimulatorError::Thread)?;
        Ok((Self(thread), receiver))
    }

    /// Waits for the thread, which ends when the receiver is dropped.
    pub(crate) async fn join(self) {
        let joined = tokio::task::spawn_blocking(move || self.0.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the frame generator panicked");
        }
    }
}
