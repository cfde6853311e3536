//! When a command counts as working.

/// What shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It ends, with 0.
    Ends,
    /// It runs, and has said this in some line.
    Says(&'static str),
    /// It runs, and has written some lines on standard output.
    Streams,
}

impl Proof {
    /// Of a program that serves clients.
    pub(super) const SERVES: Self = Self::Says("listening ws://");

    /// By the program that a shell line runs. A program that is not known here has to end by itself.
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
