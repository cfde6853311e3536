//! Limits of one frame. The first two are the Lexicon's; the others are ours and far above what those allow.

/// Bytes of a frame's CAR (Lexicon: 2,000,000).
pub const CAR_BYTES: usize = 2_000_000;
/// Operations of a commit (Lexicon: 200).
pub const OPS: u32 = 200;
/// Bytes of one path: an NSID has at most 317, a record key 512.
pub const PATH_BYTES: usize = 1_024;
/// Bytes of all keys in the nodes of one CAR, decompressed. Prefix compression would allow a thousand times the CAR.
pub const KEY_BYTES: usize = 8 << 20;
