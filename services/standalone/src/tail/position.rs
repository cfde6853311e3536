//! What was printed before.
//!
//! Invariant: over any number of connections to servers with one history, each event behind the start is admitted
//! once. Cursors are inclusive, so the event that a connection resumes at comes again, and is passed over.

/// How far a tail has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// The cursor that was asked for.
    start: Option<u64>,
    /// The `time_us` of the last event that was admitted.
    last: Option<u64>,
    /// The `time_us` that this connection resumes at.
    resumed_at: Option<u64>,
}

impl Position {
    pub(crate) fn at(start: Option<u64>) -> Self {
        Self {
            start,
            last: None,
            resumed_at: None,
        }
    }

    /// The cursor of the next connection, which begins.
    pub(crate) fn connect(&mut self) -> Option<u64> {
        self.resumed_at = self.last;
        self.last.or(self.start)
    }

    /// Whether an event is new.
    pub(crate) fn admit(&mut self, time_us: u64) -> bool {
        let is_new = self.resumed_at.is_none_or(|resumed| time_us > resumed);
        if is_new {
            self.last = Some(time_us);
        }
        is_new
    }

    /// The `time_us` of the last new event.
    pub(crate) fn last(&self) -> Option<u64> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_resumed_at_and_older_ones_are_not_new() {
        let mut position = Position::at(Some(7));
        assert_eq!(position.connect(), Some(7));
        assert!(position.admit(100) && position.admit(101));
        assert_eq!(position.connect(), Some(101));
        assert!(!position.admit(100) && !position.admit(101));
        assert!(position.admit(102));
        assert_eq!(position.connect(), Some(102));
        assert!(!position.admit(102));
    }

    #[test]
    fn without_an_event_the_start_is_asked_for_again() {
        let mut position = Position::at(None);
        assert_eq!((position.connect(), position.connect()), (None, None));
        let mut position = Position::at(Some(7));
        position.connect();
        assert_eq!(position.connect(), Some(7));
        assert!(position.admit(3), "a seq cursor says nothing about times");
    }
}
