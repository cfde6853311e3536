//! One line of bounded length. No value in it can end the line or control a terminal.

use std::fmt::{self, Display, Write};

use crate::hide_passwords;

/// Longest line in bytes, including its line feed: a pipe takes this much atomically, so no other writer can split it.
pub const LONGEST: usize = 4096;
/// Longest text that is searched for URLs in one value.
const LONGEST_VALUE: usize = 64 << 10;
/// The part of a line that values may fill; the rest is for field names.
const ROOM: usize = LONGEST - 512;
/// Marks the place where a text was cut.
const CUT: &str = "...";

/// Whether a character must be escaped: it ends a line, controls a terminal, or reorders the text around it.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A line under construction.
#[derive(Debug, Default)]
pub struct Line(String);

impl Line {
    /// Builds a line from one text.
    pub fn of(words: impl Display) -> Self {
        let mut line = Self::default();
        line.words(words);
        line
    }

    /// Appends trusted text as it is: field names and punctuation.
    pub fn own(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// Appends untrusted text, cut to the room that is left.
    pub fn words(&mut self, words: impl Display) {
        self.escape(&shown(words), "");
    }

    /// Appends untrusted text as a JSON string, cut to the room that is left.
    pub fn quoted(&mut self, words: impl Display) {
        self.0.push('"');
        self.escape(&shown(words), "\"\\");
        self.0.push('"');
    }

    /// Appends untrusted text, quoted if it could be read as more than one value.
    pub fn value(&mut self, words: impl Display) {
        let words = shown(words);
        if words.is_empty() || words.contains([' ', '"', '=']) {
            self.quoted(words);
        } else {
            self.escape(&words, "");
        }
    }

    /// Whether the line is full.
    pub fn is_full(&self) -> bool {
        self.0.len() >= ROOM
    }

    /// Returns the line with its line feed.
    pub fn end(mut self) -> String {
        self.0.push('\n');
        self.0
    }

    fn escape(&mut self, text: &str, also: &str) {
        for c in text.chars() {
            if self.is_full() {
                self.0.push_str(CUT);
                return;
            }
            match c {
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                c if also.contains(c) => self.0.extend(['\\', c]),
                c if is_unprintable(c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        // Writing into a string cannot fail.
                        let _written = write!(self.0, "\\u{unit:04x}");
                    }
                }
                c => self.0.push(c),
            }
        }
    }
}

/// Formats a value as text, with passwords hidden.
fn shown(words: impl Display) -> String {
    let mut text = Text::default();
    // It fails when the text exceeds the limit.
    let _cut = write!(text, "{words}");
    hide_passwords(&text.0).into_owned()
}

#[derive(Default)]
struct Text(String);

impl Write for Text {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = LONGEST_VALUE - self.0.len();
        let fitting = more.floor_char_boundary(room);
        self.0.push_str(&more[..fitting]);
        if fitting < more.len() {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
