//! Where a message that a consumer delivered stands, read from its reply subject.

use fanjet_log::Seq;

/// The numbers of a delivered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Its place in the stream.
    pub(crate) stream_seq: Seq,
    /// Its place among what the consumer delivered; 1 is the first.
    pub(crate) consumer_seq: u64,
    /// How many more the consumer had to deliver then.
    pub(crate) pending: u64,
}

impl Delivery {
    /// Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, or the longer
    /// form with `<domain>.<account>` in front of the stream and a token at the end.
    pub(crate) fn parse(reply: &str) -> Option<Self> {
        let rest = reply.strip_prefix("$JS.ACK.")?;
        // Counted from the front: later servers may add tokens at the end, neither name can hold a dot.
        let skipped = match rest.split('.').count() {
            7 => 3,
            9.. => 5,
            _ => return None,
        };
        let mut numbers = rest.split('.').skip(skipped);
        Some(Self {
            stream_seq: numbers.next()?.parse().ok()?,
            consumer_seq: numbers.next()?.parse().ok()?,
            // Behind the time.
            pending: numbers.nth(1)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests;
