//! The original Jetstream wire format, of September 2024: v1's JSON with other names at its start.
//!
//! Differences from v1: `kind` is `type` with `com`, `acc` or `id`, and a commit's `operation` is `type` with `c`, `u`
//! or `d`. Order, names and values of everything else are the same, so only the start of an event is rewritten and the
//! rest is copied. The original server sent commits without a record when the record could not be read; this one never
//! does.

use fanjet_event::TimeUs;

use crate::v1;
use crate::websocket::{header_len, put_text_header};

/// An event's JSON, split where v0 differs from v1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut<'a> {
    /// Up to the digits of `time_us`.
    head: &'a [u8],
    kind: &'static str,
    /// For a commit, from its object's brace up to its operation; otherwise empty.
    before_operation: &'a [u8],
    operation: &'static str,
    tail: &'a [u8],
}

/// The finished frame of one text message, from an event's stamped v1 JSON. `None`: the bytes are not an event as
/// [`v1`] writes it, or a sync event, which does not exist in v0.
pub fn text_message(event: &[u8]) -> Option<Box<[u8]>> {
    let cut = Cut::of(event)?;
    let parts = [
        cut.head,
        cut.kind.as_bytes(),
        cut.before_operation,
        cut.operation.as_bytes(),
        cut.tail,
    ];
    let len = parts.iter().map(|part| part.len()).sum();
    let mut message = Vec::with_capacity(header_len(len) + len);
    put_text_header(&mut message, len);
    for part in parts {
        message.extend_from_slice(part);
    }
    Some(message.into_boxed_slice())
}

impl<'a> Cut<'a> {
    fn of(event: &'a [u8]) -> Option<Self> {
        const KIND: &[u8] = br#","kind":""#;
        let (head, rest) = event.split_at_checked(v1::time_offset(event)? + TimeUs::DIGITS)?;
        let rest = rest.strip_prefix(KIND)?;
        let plain = |kind, tail| Self {
            head,
            kind,
            before_operation: b"",
            operation: "",
            tail,
        };
        if let Some(tail) = rest.strip_prefix(br#"identity","identity":"#) {
            return Some(plain(r#","type":"id","identity":"#, tail));
        }
        if let Some(tail) = rest.strip_prefix(br#"account","account":"#) {
            return Some(plain(r#","type":"acc","account":"#, tail));
        }
        let commit = rest.strip_prefix(br#"commit","commit":"#)?;
        let rev_len = commit
            .strip_prefix(br#"{"rev":""#)?
            .iter()
            .position(|&byte| byte == b'"')?;
        let (before_operation, rest) = commit.split_at(br#"{"rev":""#.len() + rev_len);
        let (operation, tail) = OPERATIONS
            .iter()
            .find_map(|(v1, v0)| Some((*v0, rest.strip_prefix(v1.as_bytes())?)))?;
        Some(Self {
            head,
            kind: r#","type":"com","commit":"#,
            before_operation,
            operation,
            tail,
        })
    }
}

/// Ordered by frequency.
const OPERATIONS: [(&str, &str); 3] = [
    (r#"","operation":"create","#, r#"","type":"c","#),
    (r#"","operation":"delete","#, r#"","type":"d","#),
    (r#"","operation":"update","#, r#"","type":"u","#),
];

#[cfg(test)]
mod tests;
