//! From the log to Kafka: sessions that end with the first failure and begin anew behind what is acknowledged.

mod window;
mod bookmark;
mod resume;
mod prepare;
mod letters;
mod pump;
mod session;
mod worker;

pub(crate) use window::{Mark, Refused, Window};
pub(crate) use worker::{Progress, Worker};
