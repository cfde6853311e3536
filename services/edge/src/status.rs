//! The status of this node for people: one snapshot per second, shared by all viewers.
//!
//! Bounded: each event is counted once per node, the history has a fixed length, and rows are limited. Requests must not
//! trigger computation here.

mod channel;
mod cluster;
mod watcher;

mod rates;
mod report;
mod sampler;

pub(crate) use channel::StatusChannel;
pub(crate) use cluster::Cluster;
pub(crate) use sampler::StatusSampler;
pub(crate) use watcher::ClusterWatcher;
