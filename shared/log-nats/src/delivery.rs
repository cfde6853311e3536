//! The position of a message that a consumer delivered, read from its reply subject.

use fanjet_log::Seq;

/// The numbers of a delivered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Its stream sequence.
    pub(crate) stream_seq: Seq,
    /// Its consumer sequence; 1 is the first.
    pub(crate) consumer_seq: u64,
    /// How many more messages were pending for the consumer.
    pub(crate) pending: u64,
}

impl Delivery {
    /// Parses `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, or the longer
    /// form with `<domain>.<account>` before the stream and a token at the end.
    pub(crate) fn parse(reply: &str) -> Option<Self> {
        let rest = reply.strip_prefix("$JS.ACK.")?.as_bytes();
        // Starts of tokens; longer than any form, of which only the front is used.
        let (mut begins, mut count) = ([0; 10], 1);
        for (at, _) in rest.iter().enumerate().filter(|(_, byte)| **byte == b'.') {
            if let Some(begin) = begins.get_mut(count) {
                *begin = at + 1;
            }
            count += 1;
        }
        // Counted from the front: later servers may add tokens at the end, and names contain no dots.
        let skipped = match count {
            7 => 3,
            9.. => 5,
            _ => return None,
        };
        let number = |token: usize| number(&rest[begins[skipped + token]..]);
        Some(Self {
            stream_seq: number(0)?,
            consumer_seq: number(1)?,
            // Behind the time.
            pending: number(3)?,
        })
    }
}

/// The number up to the next dot.
fn number(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| *byte == b'.');
    let digits = &text[..end.unwrap_or(text.len())];
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests;
