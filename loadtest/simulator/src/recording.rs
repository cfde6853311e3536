//! Recorded streams: repeated `[u32 little-endian length][frame]`, plain or compressed with zstd.

use std::fs::File;
use std::io::{self, BufWriter, Cursor, Read, Write};
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;

use crate::{ProducedFrame, SimulatorError};

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Reads a whole recording. Frames without a readable seq count for the seq before them.
pub(crate) fn read(path: &Path) -> Result<Vec<ProducedFrame>, SimulatorError> {
    let bytes = read_bytes(path).map_err(|source| SimulatorError::File {
        path: path.to_owned(),
        source,
    })?;
    let bytes = Bytes::from(bytes);
    let mut frames = Vec::new();
    let mut at = 0;
    let mut seq = 0;
    while at < bytes.len() {
        let frame = frame_at(&bytes, at).ok_or_else(|| SimulatorError::Recording {
            path: path.to_owned(),
            frame: frames.len(),
            reason: "the file ends within a frame".to_owned(),
        })?;
        at += 4 + frame.len();
        seq = seq_of(&frame).unwrap_or(seq);
        frames.push(ProducedFrame {
            seq,
            bytes: frame,
            expected: Vec::new(),
            fault: None,
            drops: 0,
        });
    }
    Ok(frames)
}

/// Writes frames as a recording, compressed.
pub(crate) struct RecordingWriter(zstd::Encoder<'static, BufWriter<File>>);

impl RecordingWriter {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        Ok(Self(zstd::Encoder::new(file, 1)?))
    }

    pub(crate) fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.0.write_all(&length.to_le_bytes())?;
        self.0.write_all(frame)
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        self.0.finish()?.flush()
    }
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    if bytes.starts_with(&ZSTD_MAGIC) {
        bytes = zstd::decode_all(&bytes[..])?;
    }
    Ok(bytes)
}

fn frame_at(bytes: &Bytes, at: usize) -> Option<Bytes> {
    let length = bytes.get(at..at + 4)?.first_chunk::<4>()?;
    let start = at + 4;
    let end = start.checked_add(u32::from_le_bytes(*length) as usize)?;
    (end <= bytes.len()).then(|| bytes.slice(start..end))
}

/// The `seq` in a frame's body.
fn seq_of(frame: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Header {}
    #[derive(Deserialize)]
    struct Body {
        seq: Option<u64>,
    }
    let mut reader = Cursor::new(frame);
    let _header: Header = serde_ipld_dagcbor::de::from_reader_once(&mut reader).ok()?;
    let body: Body = serde_ipld_dagcbor::de::from_reader_once(&mut reader).ok()?;
    body.seq
}
