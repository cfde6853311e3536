//! What a subscriber wants of a stream. Pure.

use fanjet_event::{Did, Topic};
use fanjet_filter::Filter;
use hashbrown::HashSet;

/// A subscriber's choice among the frames of a stream.
#[derive(Debug, Default)]
pub(crate) enum Choice {
    /// No choice.
    #[default]
    All,
    /// What these labelers sent.
    Labelers(HashSet<Did>),
    /// The frames of the firehose that this filter wants.
    Frames(Box<Filter>),
}

impl Choice {
    pub(crate) fn wants(&self, topic: &Topic) -> bool {
        match (self, topic) {
            (Self::Labelers(labelers), Topic::Labels(stamp)) => labelers.contains(&stamp.labeler),
            (Self::Frames(filter), Topic::Frame(stamp)) => filter.wants_frame(stamp.topic.as_ref()),
            _ => true,
        }
    }
}
