//! The two generations of Jetstream's stream.

/// The protocol whose rules a filter, or an encoding, follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// `/subscribe` and `/events`: never with sync events.
    #[default]
    V1,
    /// `network.bsky.jetstream.subscribeEvents`: sync events are a kind like the others.
    V2,
}
