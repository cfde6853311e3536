//! What a process says on stdout and stderr, line by line.
//!
//! Parts of a line may come from untrusted peers, and stdout may have no reader. A line must never block or end the
//! process, become two lines, control a terminal, or show a password.

mod hide;
mod line;
mod channel;

use std::fmt::Display;

pub use channel::{Channel, stderr, stdout};
pub use hide::hide_passwords;
pub use line::{LONGEST, Line, is_unprintable};

/// Prints one line on stdout: what people and scripts need to connect.
pub fn say(words: impl Display) {
    stdout().write(Line::of(words).end().as_bytes());
}

/// Prints one line on stderr, for messages outside the lifetime of the logger.
pub fn complain(words: impl Display) {
    stderr().write(Line::of(words).end().as_bytes());
}
