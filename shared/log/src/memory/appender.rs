//! One writer.

use std::sync::Arc;

use async_trait::async_trait;

use super::faults::Fault;
use super::shared::Shared;
use crate::{AppendError, Appender, NewEvent, Seq};

#[derive(Debug)]
pub(super) struct MemoryAppender {
    shared: Arc<Shared>,
    acked: Seq,
    is_finished: bool,
}

impl MemoryAppender {
    pub(super) fn new(shared: Arc<Shared>, after: Seq) -> Self {
        Self {
            shared,
            acked: after,
            is_finished: false,
        }
    }

    fn store(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        let Shared { faults, state, .. } = &*self.shared;
        if faults.fires(Fault::AppendFails) {
            return Err(AppendError::unavailable(Fault::AppendFails.as_str()));
        }
        let mut state = state.lock();
        if faults.fires(Fault::CompetingWriter) {
            self.shared.store(&mut state, &events[..1]);
        }
        if state.bounds().last != self.acked {
            return Err(AppendError::Fenced {
                expected: self.acked,
            });
        }
        if faults.fires(Fault::PartlyStored) {
            self.shared
                .store(&mut state, &events[..events.len().div_ceil(2)]);
            return Err(AppendError::unavailable(Fault::PartlyStored.as_str()));
        }
        let fitting = events
            .iter()
            .position(|event| event.check_size().is_err())
            .unwrap_or(events.len());
        let last = self.shared.store(&mut state, &events[..fitting]);
        if faults.fires(Fault::AnswerLost) {
            return Err(AppendError::unavailable(Fault::AnswerLost.as_str()));
        }
        self.acked = last;
        match events.get(fitting) {
            None => Ok(()),
            Some(event) => event.check_size(),
        }
    }
}

#[async_trait]
impl Appender for MemoryAppender {
    async fn append(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        if self.is_finished {
            return Err(AppendError::unavailable("the appender is finished"));
        }
        if events.is_empty() {
            return Ok(());
        }
        let stored = self.store(events);
        self.is_finished = stored.is_err();
        stored
    }

    async fn flush(&mut self) -> Result<Seq, AppendError> {
        if self.is_finished {
            return Err(AppendError::unavailable("the appender is finished"));
        }
        Ok(self.acked)
    }

    fn acked(&self) -> Seq {
        self.acked
    }
}
