//! Prints events to stdout, and the rate and everything else to stderr.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::time::Duration;

use tokio::time::Instant;

use crate::pretty;
use crate::terminal::{escaped, printable};

/// The format of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// A readable line, with or without the handles that accounts claim.
    Pretty {
        /// See [`pretty::line`].
        handles: bool,
    },
    /// The JSON as received.
    Raw,
    /// The same JSON, with control characters escaped.
    Escaped,
}

/// Longest line about the connection, in characters.
const NOTE: usize = 1_000;

/// Returns to the start of the line and clears it.
const WIPE: &str = "\r\x1b[K";

/// How often the rate is printed where no line can be rewritten.
const QUIET_RATE: Duration = Duration::from_secs(10);

/// Both outputs of this process.
pub(crate) struct Screen {
    style: Style,
    out: BufWriter<Stdout>,
    /// Whether stderr can rewrite its last line.
    rewrites: bool,
    /// Whether events and the rate share a terminal.
    shares: bool,
    rate_line: String,
    printed: u64,
    started: Instant,
    measured: (Instant, u64),
}

impl Screen {
    pub(crate) fn new(style: Style) -> Self {
        let rewrites = io::stderr().is_terminal();
        let now = Instant::now();
        Self {
            style,
            out: BufWriter::with_capacity(64 << 10, io::stdout()),
            rewrites,
            shares: rewrites && io::stdout().is_terminal(),
            rate_line: String::new(),
            printed: 0,
            started: now,
            measured: (now, 0),
        }
    }

    /// Events printed.
    pub(crate) fn printed(&self) -> u64 {
        self.printed
    }

    /// Prints an event; `false` if it is not JSON. It may be buffered until [`Screen::flush`].
    pub(crate) fn event(&mut self, json: &[u8]) -> io::Result<bool> {
        match self.style {
            Style::Raw => self.out.write_all(json)?,
            Style::Escaped => self.out.write_all(escaped(json).as_bytes())?,
            Style::Pretty { handles } => match pretty::line(json, handles) {
                Some(line) => self.out.write_all(line.as_bytes())?,
                None => return Ok(false),
            },
        }
        self.out.write_all(b"\n")?;
        self.printed += 1;
        Ok(true)
    }

    /// Shows everything printed so far.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if !self.shares || self.rate_line.is_empty() {
            return self.out.flush();
        }
        let mut stderr = io::stderr();
        stderr.write_all(WIPE.as_bytes())?;
        self.out.flush()?;
        stderr.write_all(self.rate_line.as_bytes())
    }

    /// Prints the rate. `lag` is the age of the last event.
    pub(crate) fn second(&mut self, lag: Option<Duration>) -> io::Result<()> {
        let (since, before) = self.measured;
        let over = since.elapsed();
        if !self.rewrites && over < QUIET_RATE {
            return Ok(());
        }
        self.measured = (Instant::now(), self.printed);
        let rate = per_second(self.printed - before, over);
        let lag = lag.map_or(String::new(), |lag| {
            format!(", {:.1} s behind", lag.as_secs_f64())
        });
        let line = format!("{rate} events/s, {} in total{lag}", self.printed);
        if !self.rewrites {
            return writeln!(io::stderr(), "{line}");
        }
        write!(io::stderr(), "{WIPE}{line}")?;
        self.rate_line = line;
        Ok(())
    }

    /// Prints a line about the connection.
    pub(crate) fn note(&mut self, line: &str) -> io::Result<()> {
        self.wipe()?;
        writeln!(io::stderr(), "{}", printable(line, NOTE))
    }

    /// Prints the last line.
    pub(crate) fn summary(&mut self) -> io::Result<()> {
        self.flush()?;
        let took = self.started.elapsed();
        let rate = per_second(self.printed, took);
        self.note(&format!(
            "{} events in {:.1} s ({rate}/s)",
            self.printed,
            took.as_secs_f64()
        ))
    }

    fn wipe(&mut self) -> io::Result<()> {
        if self.rate_line.is_empty() {
            return Ok(());
        }
        self.rate_line.clear();
        io::stderr().write_all(WIPE.as_bytes())
    }
}

fn per_second(events: u64, over: Duration) -> String {
    let rate = events as f64 / over.as_secs_f64().max(1e-3);
    if rate < 100.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}
