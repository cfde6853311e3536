//! Reads what routing needs from the fixed start of an event's JSON, without parsing the rest.

use fanjet_event::{Action, Tid, TimeUs};

use crate::v1;

/// The DID and time of one event, and the action of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The repo. Validated when the event was written, and not again here.
    pub did: &'a str,
    /// The log time.
    pub time: TimeUs,
    /// The action of a commit; `None` for the other kinds.
    pub action: Option<Action>,
}

/// The repo of an event, and the rev of a commit: these identify the event when another upstream sends it again. Also
/// works for an event that is not stamped yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The repo.
    pub did: &'a str,
    /// The commit's revision; `None` for the other kinds.
    pub rev: Option<Tid>,
}

impl<'a> Subject<'a> {
    /// Reads the start of an event's JSON. `None` means that the bytes are not an event as this crate writes it.
    pub fn of(event: &'a [u8]) -> Option<Self> {
        let at = v1::time_offset(event)?;
        let rest = event.get(at + TimeUs::DIGITS..)?;
        let rev = rest
            .strip_prefix(TO_REV)
            .and_then(|rest| rest.get(..Tid::LEN));
        let text = |bytes| std::str::from_utf8(bytes).ok();
        Some(Self {
            did: text(v1::did_bytes(event, at))?,
            rev: rev.and_then(|rev| Tid::parse(text(rev)?).ok()),
        })
    }
}

/// The bytes between the digits of a commit's time and its rev, and between its rev and its operation.
const TO_REV: &[u8] = br#","kind":"commit","commit":{"rev":""#;
const TO_OPERATION: &[u8] = br#"","operation":""#;

impl<'a> Envelope<'a> {
    /// Reads the start of an event's JSON. `None` means that the bytes are not an event as this crate writes it, or not
    /// stamped: in our own log, corruption.
    pub fn of(event: &'a [u8]) -> Option<Self> {
        let at = v1::time_offset(event)?;
        let digits = event.get(at..at + TimeUs::DIGITS)?;
        if event.get(at + TimeUs::DIGITS) != Some(&b',') || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let time = digits
            .iter()
            .fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
        Some(Self {
            did: std::str::from_utf8(v1::did_bytes(event, at)).ok()?,
            time: TimeUs::new(time)?,
            action: action(&event[at + TimeUs::DIGITS..]),
        })
    }
}

/// The action of a commit, read from the bytes behind its time.
fn action(rest: &[u8]) -> Option<Action> {
    let word = rest
        .strip_prefix(TO_REV)?
        .get(Tid::LEN..)?
        .strip_prefix(TO_OPERATION)?;
    [Action::Create, Action::Update, Action::Delete]
        .into_iter()
        .find(|action| {
            word.strip_prefix(action.as_str().as_bytes())
                .is_some_and(|behind| behind.first() == Some(&b'"'))
        })
}

#[cfg(test)]
mod tests;
