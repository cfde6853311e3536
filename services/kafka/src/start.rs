//! Where to start when no position exists yet.

use fanjet_event::{Cursor, TimeUs};
use fanjet_log::{EventLog, LogError, Seq};

use crate::KafkaError;

/// A start position, not yet resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the end of the log.
    Live,
    /// At the oldest retained event.
    Oldest,
    /// At this seq, or the first event of this time.
    At(Cursor),
}

impl Start {
    pub(crate) fn parse(text: &str) -> Result<Self, KafkaError> {
        match text {
            "live" => Ok(Self::Live),
            "oldest" => Ok(Self::Oldest),
            _ => {
                let cursor = text.parse().map(Cursor::from_value).map_err(|_| {
                    let what = format!("{text:?}: allowed are live, oldest, a seq, or a time_us");
                    KafkaError::config("kafka.position.start", what)
                })?;
                Ok(Self::At(cursor))
            }
        }
    }

    /// The seq to read first.
    pub(crate) async fn seq(self, log: &dyn EventLog) -> Result<Seq, LogError> {
        match self {
            Self::Live => Ok(log.bounds().await?.last + 1),
            Self::Oldest => Ok(log.bounds().await?.first),
            Self::At(Cursor::Seq(seq)) => Ok(seq.max(1)),
            Self::At(Cursor::TimeUs(us)) => match TimeUs::new(us) {
                Some(time) => log.seq_at(time).await,
                None => Ok(log.bounds().await?.last + 1),
            },
        }
    }
}
