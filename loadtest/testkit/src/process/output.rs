//! A program's output.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Lines kept; the oldest are dropped first.
const KEPT_LINES: usize = 20_000;

/// Both output streams, line by line.
#[derive(Debug, Default)]
pub(super) struct Output {
    lines: Mutex<Lines>,
    /// The number of lines. Also updated when a stream ends, so that waiters wake.
    count: watch::Sender<usize>,
    open_streams: AtomicUsize,
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<String>,
    dropped: usize,
}

impl Output {
    pub(super) fn lines(&self) -> Vec<String> {
        self.lock().kept.iter().cloned().collect()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// The number of lines so far.
    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether both streams are closed, by the program and by all processes that inherited them.
    pub(super) fn has_ended(&self) -> bool {
        self.open_streams.load(Ordering::SeqCst) == 0
    }

    fn push(&self, line: String) {
        let mut lines = self.lock();
        if lines.kept.len() == KEPT_LINES {
            lines.kept.pop_front();
            lines.dropped += 1;
        }
        lines.kept.push_back(line);
        let count = lines.dropped + lines.kept.len();
        drop(lines);
        self.count.send_replace(count);
    }

    /// Searches from line `looked_at` on, and advances it.
    pub(super) fn find(
        &self,
        looked_at: &mut usize,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let lines = self.lock();
        let mut found = None;
        for line in lines
            .kept
            .iter()
            .skip(looked_at.saturating_sub(lines.dropped))
        {
            *looked_at = (*looked_at).max(lines.dropped) + 1;
            if is_wanted(line) {
                found = Some(line.clone());
                break;
            }
        }
        found
    }
}

/// Reads a stream to its end.
pub(super) fn collect(stream: impl Read + Send + 'static, output: Arc<Output>) {
    output.open_streams.fetch_add(1, Ordering::SeqCst);
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(stream.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            output.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
        output.open_streams.fetch_sub(1, Ordering::SeqCst);
        output.count.send_modify(|_| {});
    });
}
