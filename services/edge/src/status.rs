//! What this node tells a person about itself: one snapshot per second, shared by all who look.
//!
//! Bounded: counting is once per event and node, history is fixed in length, and rows are limited. Nothing here may
//! be asked by a request to compute anything.

mod board;
mod cluster;
mod listener;

mod rates;
mod report;
mod keeper;

pub(crate) use board::Board;
pub(crate) use cluster::Cluster;
pub(crate) use keeper::Keeper;
pub(crate) use listener::Listener;
