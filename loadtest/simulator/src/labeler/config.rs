//! What a labeler is, and how it behaves.

use fanjet_event::Did;

/// How a labeler writes what is false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// It leaves `neg` out.
    Ozone,
    /// It writes and signs `neg: false`.
    Skyware,
}

/// How a labeler responds to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionResponse {
    /// With its stream.
    #[default]
    Stream,
    /// With a status and no upgrade.
    Status(u16),
    /// With a redirect to itself, for ever.
    Redirect,
    /// As if every cursor were in the future: it lost its state.
    FutureCursor,
}

/// What a labeler is.
#[derive(Debug, Clone)]
pub struct LabelerConfig {
    /// Its name.
    pub did: Did,
    /// Seed of its keys.
    pub seed: u64,
    /// How it signs.
    pub style: Style,
    /// Whether it sends the frame of the cursor again.
    pub is_inclusive: bool,
    /// Step of its numbers from frame to frame.
    pub seq_step: u64,
}

impl LabelerConfig {
    /// The `number`-th of a family, each with another key: odd ones sign like skyware's, and even ones like Ozone.
    pub fn numbered(number: u8) -> Self {
        let name = format!("did:plc:labeler{:c>17}", char::from(b'a' + number % 26));
        Self {
            // A constant pattern of letters, which is a DID.
            did: Did::parse(name).map_or_else(|_| unreachable!(), |did| did.shared()),
            seed: u64::from(number),
            style: match number % 2 {
                0 => Style::Ozone,
                _ => Style::Skyware,
            },
            is_inclusive: number % 2 == 1,
            seq_step: 1 + u64::from(number % 3),
        }
    }
}
