//! What is published, what the examples ask for, and how long they may take.

use std::time::Duration;

pub(super) const FRAMES: u64 = 3_000;
pub(super) const RATE: u32 = 400;
/// What subscribers to the edge ask for.
pub(super) const STREAMED: [&str; 2] = ["app.bsky.feed.post", "app.bsky.feed.like"];
/// What readers of NATS ask for: collections with and without a subject of their own.
pub(super) const CONSUMED: [&str; 4] = [
    "app.bsky.feed.post",
    "app.bsky.graph.block",
    "app.bsky.actor.profile",
    "app.bsky.feed.threadgate",
];
/// How long an example may print nothing. NATS redelivers events that are not acknowledged for 10 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);
pub(super) const POLL: Duration = Duration::from_millis(100);
