//! From the log to Kafka: sessions that end with the first failure and restart after what is acknowledged.

mod rules;
mod bookmark;
mod resume;
mod progress;
mod context;
mod prepare;
mod dead_letter;
mod send_loop;
mod session;
mod worker;

pub(crate) use progress::Progress;
pub(crate) use worker::Worker;
