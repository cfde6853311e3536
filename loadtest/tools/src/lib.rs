//! Installs and builds what tests and commands run: pinned tools, foreign packages, the project's own programs.
//!
//! Everything is installed or built on first use, under `target`. This crate must stay light: the command that checks
//! the project is built from it first.
#![allow(
    clippy::print_stdout,
    reason = "a command that is run shows itself to the person who waits for it"
)]

mod setting;
pub mod shell;
mod pinned;
pub mod packages;
pub mod programs;

pub use pinned::{kafka_jars, nats_server};
pub use setting::setting;
