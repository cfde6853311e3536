//! What a process says on stdout and stderr, line by line.
//!
//! Its words are partly those of strangers, and nobody may be reading. A line must never hold the process up or end it, become two
//! lines, command a terminal, or show a password.

mod hide;
mod line;
mod channel;

use std::fmt::Display;

pub use channel::{Channel, stderr, stdout};
pub use hide::hide_passwords;
pub use line::{LONGEST, Line, is_unprintable};

/// One line on stdout, where people and scripts learn what they need to connect.
pub fn say(words: impl Display) {
    stdout().write(Line::of(words).end().as_bytes());
}

/// One line on stderr, for what cannot be a log line: nothing of the process runs yet, or any more.
pub fn complain(words: impl Display) {
    stderr().write(Line::of(words).end().as_bytes());
}
