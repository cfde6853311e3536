//! Recorded data of the live network: frames as the relay sent them, and what production Jetstream v1 served for them.
//!
//! The data is not part of the repository. Tests take its folder from `FANJET_CORPUS` and are skipped without it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
pub use fanjet_oracle::compare;

use fanjet_tools::setting;

const FRAMES: &str = "frames.bin.zst";
const LINES: &str = "expected_v1.jsonl";
const DOCUMENTS: &str = "did_docs.json.zst";

/// Frames and the expected events.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// `subscribeRepos` frames in relay order.
    pub frames: Vec<Vec<u8>>,
    /// One v1 event per line, in the order of the frames' operations.
    pub expected: Vec<String>,
    /// DID documents as JSON text by DID, as of the recording; empty if the folder has none.
    pub did_documents: BTreeMap<String, String>,
}

impl Corpus {
    /// Reads the folder in `FANJET_CORPUS`. Without it prints that the test is skipped.
    ///
    /// # Errors
    /// As [`Corpus::read`].
    #[allow(
        clippy::print_stderr,
        reason = "a skipped test says so in the test output"
    )]
    pub fn from_env() -> Result<Option<Self>> {
        match setting("FANJET_CORPUS") {
            Some(folder) => Self::read(Path::new(&folder)).map(Some),
            None => {
                eprintln!("skipped: FANJET_CORPUS is not set");
                Ok(None)
            }
        }
    }

    /// Reads `frames.bin.zst` and `expected_v1.jsonl`.
    ///
    /// # Errors
    /// When a file is missing or damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FRAMES);
        let packed =
            fs::File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let packed = zstd::decode_all(packed)
            .with_context(|| format!("cannot unpack {}", path.display()))?;
        let path = folder.join(LINES);
        let lines =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self {
            frames: split_frames(&packed)?,
            expected: lines.lines().map(str::to_owned).collect(),
            did_documents: read_documents(&folder.join(DOCUMENTS))?,
        })
    }
}

/// One JSON object: DID to document.
fn read_documents(path: &Path) -> Result<BTreeMap<String, String>> {
    let Ok(packed) = fs::File::open(path) else {
        return Ok(BTreeMap::new());
    };
    let json = zstd::decode_all(packed)?;
    let documents: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&json)
        .with_context(|| format!("{} is not a JSON object", path.display()))?;
    Ok(documents
        .into_iter()
        .map(|(did, document)| (did, document.to_string()))
        .collect())
}

/// Each frame follows its length, 32 bits little-endian.
fn split_frames(mut packed: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        ensure!(length <= rest.len(), "frame {} is cut off", frames.len());
        let (frame, rest) = rest.split_at(length);
        frames.push(frame.to_vec());
        packed = rest;
    }
    ensure!(
        packed.is_empty(),
        "{} bytes behind the last frame",
        packed.len()
    );
    Ok(frames)
}

#[cfg(test)]
mod tests;
