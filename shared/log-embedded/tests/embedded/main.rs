//! The embedded log on a real disk.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

mod contract;
mod readers;
mod opening;
mod removed;
mod small_disk;
