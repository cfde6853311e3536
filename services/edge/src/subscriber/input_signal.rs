//! Whether anything but writing has work: the client has sent something, or a timer is due.
//!
//! A subscriber is woken for every flush, and its client is silent for minutes. So all but writing is polled
//! with a waker of its own, and only after that was woken. Once a poll with it was pending, nothing may be waited for
//! with another waker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use futures::task::AtomicWaker;

/// The signal of one subscriber; set at the beginning.
#[derive(Debug)]
pub(super) struct InputSignal {
    shared: Arc<Shared>,
    /// Sets it, and wakes the subscriber's task.
    waker: Waker,
}

#[derive(Debug)]
struct Shared {
    is_set: AtomicBool,
    task: AtomicWaker,
}

impl Default for InputSignal {
    fn default() -> Self {
        let shared = Arc::new(Shared {
            is_set: AtomicBool::new(true),
            task: AtomicWaker::new(),
        });
        Self {
            waker: Waker::from(Arc::clone(&shared)),
            shared,
        }
    }
}

impl InputSignal {
    /// Whether it was set since the last call. From now on it wakes `task`.
    pub(super) fn take(&self, task: &Waker) -> bool {
        // In this order: a signal in between wakes the task again.
        self.shared.task.register(task);
        self.shared.is_set.swap(false, Ordering::AcqRel)
    }

    /// Sets it for the next turn, whatever causes that.
    pub(super) fn set(&self) {
        self.shared.is_set.store(true, Ordering::Release);
    }

    /// The waker that sets it.
    pub(super) fn waker(&self) -> Waker {
        self.waker.clone()
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_set.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicU32);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_is_set_at_first_and_by_its_waker_which_wakes_the_last_task() {
        let signal = InputSignal::default();
        let (one, other) = (Arc::new(Task::default()), Arc::new(Task::default()));
        let wakes = || [&one, &other].map(|task| task.0.load(Ordering::Relaxed));
        assert!(signal.take(&Arc::clone(&one).into()));
        assert!(!signal.take(&Arc::clone(&one).into()));
        signal.waker().wake_by_ref();
        assert_eq!(wakes(), [1, 0]);
        assert!(signal.take(&Arc::clone(&other).into()));
        assert!(!signal.take(&Arc::clone(&other).into()));
        signal.waker().wake();
        assert_eq!(wakes(), [1, 1]);
        assert!(signal.take(&Arc::clone(&other).into()));
        signal.set();
        assert_eq!(wakes(), [1, 1]);
        assert!(signal.take(&Arc::clone(&other).into()));
    }
}
