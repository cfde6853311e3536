//! A set of named tasks that start and stop together.

use std::fmt::Display;
use std::future::Future;

use thiserror::Error;
use tokio::task::JoinSet;
use tracing::{debug, error, warn};

use crate::Stop;

/// What the failure (an error or a panic) of one task means for the other tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The service cannot continue: everything stops, and [`Tasks::join`] returns the error.
    StopAll,
    /// Only this task ends; the failure is logged.
    Log,
}

/// The failure of a task that stopped the service.
#[derive(Debug, Error)]
#[error("task {name} failed: {reason}")]
pub struct TaskError {
    /// The task's name.
    pub name: &'static str,
    /// Its error, or its panic message.
    pub reason: String,
}

/// The tasks of one service. Dropping it aborts them.
#[derive(Debug)]
pub struct Tasks {
    stop: Stop,
    running: JoinSet<Result<(), TaskError>>,
}

impl Tasks {
    /// An empty set. `stop` is triggered when a critical task fails; tasks watch it (or a child of it).
    pub fn new(stop: Stop) -> Self {
        Self {
            stop,
            running: JoinSet::new(),
        }
    }

    /// The token that these tasks watch.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Spawns a task.
    pub fn spawn<E: Display + Send + 'static>(
        &mut self,
        name: &'static str,
        on_failure: OnFailure,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        // The task runs in its own set, so that a panic is reported under its name.
        let mut alone = JoinSet::new();
        alone.spawn(task);
        self.running.spawn(async move {
            let outcome = alone.join_next().await;
            let reason = match outcome {
                None | Some(Ok(Ok(()))) => {
                    debug!(task = name, "task ended");
                    return Ok(());
                }
                Some(Ok(Err(failure))) => failure.to_string(),
                Some(Err(panicked)) => panicked.to_string(),
            };
            match on_failure {
                OnFailure::StopAll => {
                    error!(task = name, reason, "task failed, stopping");
                    stop.cancel();
                    Err(TaskError { name, reason })
                }
                OnFailure::Log => {
                    warn!(task = name, reason, "task failed");
                    Ok(())
                }
            }
        });
    }

    /// Waits until every task has ended.
    ///
    /// # Errors
    /// The first failure that stopped the service.
    pub async fn join(mut self) -> Result<(), TaskError> {
        let mut first = Ok(());
        while let Some(ended) = self.running.join_next().await {
            if let (Ok(Err(failure)), Ok(())) = (ended, &first) {
                first = Err(failure);
            }
        }
        first
    }
}

#[cfg(test)]
mod tests;
