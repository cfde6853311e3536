//! How a command shows that it works.

/// The evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It exits with 0.
    Ends,
    /// It runs, and has printed this in some line.
    Says(&'static str),
    /// It runs, and has printed some lines on standard output.
    Streams,
}

impl Proof {
    /// For a program that serves clients.
    pub(super) const SERVES: Self = Self::Says("listening ws://");

    /// By the program that a shell line runs. An unknown program must exit by itself.
    pub(super) fn of(line: &str) -> Self {
        let command = line.split(" #").next().unwrap_or_default();
        let mut words = command.split_whitespace();
        let program = words.next().unwrap_or_default();
        let program = program.rsplit('/').next().unwrap_or(program);
        let has = |wanted: &str| words.clone().any(|word| word == wanted);
        match program {
            "curl" => Self::Streams,
            "nats-server" => Self::Says("Server is ready"),
            "fanjet" if has("ingest") => Self::Says("ops http://"),
            "fanjet" if has("serve") || has("edge") => Self::SERVES,
            "fanjet" if has("tail") || has("demo") => Self::Streams,
            "cargo" if has("run") && has("demo") => Self::Streams,
            _ => Self::Ends,
        }
    }
}
