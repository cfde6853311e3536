//! The captured corpus, if this machine has it.

use std::path::PathBuf;

/// Captured frames and what production Jetstream v1 made of them.
pub(crate) struct Corpus {
    /// Frames in relay order.
    pub(crate) frames: Vec<Vec<u8>>,
    /// One JSON line per event.
    #[allow(dead_code, reason = "benchmarks need the frames only")]
    pub(crate) expected: String,
}

impl Corpus {
    /// `None`, and a printed line, when `FANJET_CORPUS` is not set.
    pub(crate) fn load() -> Option<Self> {
        #[allow(
            clippy::disallowed_methods,
            reason = "where the data lies is the machine's business, and no setting of the system under test"
        )]
        let folder = std::env::var("FANJET_CORPUS").ok().map(PathBuf::from);
        let Some(folder) = folder else {
            println!("FANJET_CORPUS is not set: no captured frames");
            return None;
        };
        let packed = std::fs::read(folder.join("frames.bin.zst")).unwrap();
        let bytes = zstd::decode_all(packed.as_slice()).unwrap();
        Some(Self {
            frames: split(&bytes),
            expected: std::fs::read_to_string(folder.join("expected_v1.jsonl")).unwrap(),
        })
    }
}

/// `[u32 little endian length][frame]`, repeated.
fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((len, rest)) = bytes.split_first_chunk() {
        let (frame, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        frames.push(frame.to_vec());
        bytes = rest;
    }
    frames
}
