//! The libraries that read the firehose.

use fanjet_oracle::Expected;

/// A library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirehoseLibrary {
    /// `atproto` of PyPI.
    Python,
    /// The same, asynchronous.
    PythonAsync,
    /// `@atproto/sync` of npm.
    TypeScript,
    /// `@atcute/firehose` of npm.
    Atcute,
    /// The package `events` of indigo.
    Indigo,
}

impl FirehoseLibrary {
    pub(super) const ALL: [Self; 5] = [
        Self::Python,
        Self::PythonAsync,
        Self::TypeScript,
        Self::Atcute,
        Self::Indigo,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Python => "python atproto, sync",
            Self::PythonAsync => "python atproto, async",
            Self::TypeScript => "npm @atproto/sync",
            Self::Atcute => "npm @atcute/firehose",
            Self::Indigo => "go indigo events",
        }
    }

    /// Whether it hands over one event per operation, and some again after a reconnect.
    pub(super) fn repeats_events(self) -> bool {
        self == Self::TypeScript
    }

    /// Whether its driver prints this event's frame.
    pub(super) fn hands_over(self, event: &Expected) -> bool {
        let is_identity = |v1: &String| v1.contains(r#""kind":"identity""#);
        // It would look up each account of an identity event.
        self != Self::TypeScript || !event.v1.as_ref().is_some_and(is_identity)
    }
}
