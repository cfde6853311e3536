//! Running a future apart from the one that waits for it.

use tokio::task::JoinSet;

use crate::TaskError;

/// Runs a future as a task of its own, and waits for it. Dropping the wait aborts the task.
///
/// What is awaited in `block_on` belongs to the thread that called it, so waking it from a thread of the runtime means
/// waking that thread too. A task that two threads pass to and fro all the time must not run there.
///
/// # Errors
/// [`TaskError`] when it panicked.
pub async fn apart<T: Send + 'static>(
    name: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, TaskError> {
    let mut alone = JoinSet::new();
    alone.spawn(work);
    let ended = alone.join_next().await;
    let failed = |reason| TaskError { name, reason };
    match ended {
        Some(outcome) => outcome.map_err(|panicked| failed(panicked.to_string())),
        None => Err(failed("it was never started".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_runs_on_a_thread_of_the_runtime() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let here = std::thread::current().id();
        let there = runtime.block_on(apart("work", async { std::thread::current().id() }));
        assert_ne!(there.unwrap(), here);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_with_the_name() {
        let ended = apart::<()>("work", async { panic!("no") }).await;
        let words = ended.unwrap_err().to_string();
        assert!(words.starts_with("task work failed: "), "{words}");
    }

    #[tokio::test]
    async fn dropping_the_wait_ends_it() {
        let held = Arc::new(());
        let kept = Arc::clone(&held);
        let work = apart("work", async move {
            let _kept = kept;
            std::future::pending::<()>().await;
        });
        let waited = tokio::time::timeout(Duration::from_millis(10), work).await;
        assert!(waited.is_err());
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
