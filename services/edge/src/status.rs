//! What this node tells a person about itself: one snapshot per second, shared by all who look.
//!
//! Bounded: counting is once per event and node, history is fixed in length, and rows are limited. Nothing here may
//! be asked by a request to compute anything.

mod traffic;
mod rates;
mod census;
mod report;
mod board;
mod cluster;
mod listener;
mod keeper;

pub(crate) use board::Board;
pub(crate) use census::Census;
pub(crate) use cluster::Cluster;
pub(crate) use keeper::Keeper;
pub(crate) use listener::Listener;
pub(crate) use traffic::{Traffic, lag_seconds};
