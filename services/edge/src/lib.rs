//! Log to subscribers.
