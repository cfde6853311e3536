//! Honest frames of a simulated world are proven; every single damage is refused for the right reason; real frames
//! are proven too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints what it found"
)]

mod editable;
mod support;

mod honest;
mod damaged;
mod bounded;
mod corpus;
