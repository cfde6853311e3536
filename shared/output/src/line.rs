//! One line of bounded length, whose words can neither end it nor command a terminal.

use std::fmt::{self, Display, Write};

use crate::hide_passwords;

/// Longest line in bytes, its end included: what is written at once into a pipe, so that no other writer cuts it.
pub const LONGEST: usize = 4096;
/// Longest text that is looked at for one value: what an address could hide in.
const LONGEST_VALUE: usize = 64 << 10;
/// What anybody's words may take of it: our own are short, and behind them too.
const ROOM: usize = LONGEST - 512;
/// In place of what does not fit.
const CUT: &str = "...";

/// Whether a character is not shown as it is: it ends a line, commands a terminal, or changes the order of what is read.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A line in the making.
#[derive(Debug, Default)]
pub struct Line(String);

impl Line {
    /// A line of one text.
    pub fn of(words: impl Display) -> Self {
        let mut line = Self::default();
        line.words(words);
        line
    }

    /// Our own words, as they are: names of fields, signs between them.
    pub fn own(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// Anybody's words, as far as they fit.
    pub fn words(&mut self, words: impl Display) {
        self.escape(&shown(words), "");
    }

    /// Anybody's words as far as they fit, within quotation marks, as JSON writes them.
    pub fn quoted(&mut self, words: impl Display) {
        self.0.push('"');
        self.escape(&shown(words), "\"\\");
        self.0.push('"');
    }

    /// Anybody's words as far as they fit, within quotation marks where they could be taken for more than one value.
    pub fn value(&mut self, words: impl Display) {
        let words = shown(words);
        if words.is_empty() || words.contains([' ', '"', '=']) {
            self.quoted(words);
        } else {
            self.escape(&words, "");
        }
    }

    /// Nothing more fits.
    pub fn is_full(&self) -> bool {
        self.0.len() >= ROOM
    }

    /// The line, with its end.
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
                        // Writing into text cannot fail.
                        let _written = write!(self.0, "\\u{unit:04x}");
                    }
                }
                c => self.0.push(c),
            }
        }
    }
}

/// A value as text, without passwords.
fn shown(words: impl Display) -> String {
    let mut text = Text::default();
    // It fails when it is longer than anybody looks at.
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
