//! The simulator's account of what it published, and the comparison of a log or a stream with it.

mod simulator;
mod oracle;
mod judge;

pub(crate) use judge::{Judge, Verdict, judge_log};
pub(crate) use oracle::{Expected, Key, read};
pub(crate) use simulator::simulator;
