//! Frames of `com.atproto.label.subscribeLabels`, and what a label's signature covers.
//!
//! A label is never written again from a model of it: some labelers sign `neg: false` and others leave it out, so only the
//! bytes as they were found can be verified, or passed on.

use crate::cbor::{CborError, Item, Reader};
use crate::error::FrameError;
use crate::frame::body::{Header, each_key, error, info, put};
use crate::{ErrorFrame, Info};

/// Longest value of a label in bytes.
const MAX_VALUE: usize = 128;

/// A decoded frame, borrowing from its bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelsFrame<'a> {
    /// `#labels`.
    Labels(Labels<'a>),
    /// `#info`: a message from the labeler to its consumers.
    Info(Info<'a>),
    /// `op` -1: the labeler ends the stream.
    Error(ErrorFrame<'a>),
    /// A message of an unknown type.
    Unknown,
}

/// The body of a `#labels`.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels<'a> {
    /// The labeler's number of this frame.
    pub seq: u64,
    /// Its labels, in order.
    pub labels: Vec<Label<'a>>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label<'a> {
    /// The labeler that it names.
    pub src: &'a str,
    /// Its signature, if it has one.
    pub sig: Option<&'a [u8]>,
    /// The pairs of keys and values that the signature covers, as they were found.
    signed: Vec<&'a [u8]>,
    /// Whether these are in canonical order, each once.
    is_canonical: bool,
}

impl Label<'_> {
    /// What the signature covers; `None` when no canonical encoder could have signed it.
    pub fn signed_bytes(&self) -> Option<Vec<u8>> {
        if !self.is_canonical {
            return None;
        }
        let mut out = Vec::with_capacity(512);
        // A label has at most eight signed pairs, so its head is one byte.
        out.push(0xa0 | self.signed.len() as u8);
        for pair in &self.signed {
            out.extend_from_slice(pair);
        }
        Some(out)
    }
}

/// Decodes one frame. Keys may be in any order, and unknown keys are ignored.
///
/// # Errors
/// [`FrameError`] when header or body violate the Lexicon or the event stream specification.
pub fn decode_labels_frame(bytes: &[u8]) -> Result<LabelsFrame<'_>, FrameError> {
    let mut reader = Reader::new(bytes);
    let header = Header::read(&mut reader)?;
    let frame = match header.op {
        1 => match header.kind.ok_or(FrameError::Missing("t"))? {
            "#labels" => LabelsFrame::Labels(labels(&mut reader)?),
            "#info" => LabelsFrame::Info(info(&mut reader)?),
            _ => {
                reader.skip(1)?;
                LabelsFrame::Unknown
            }
        },
        -1 => LabelsFrame::Error(error(&mut reader)?),
        _ => return Err(FrameError::UnknownOp),
    };
    if reader.is_at_end() {
        Ok(frame)
    } else {
        Err(FrameError::TrailingBytes)
    }
}

fn labels<'a>(reader: &mut Reader<'a>) -> Result<Labels<'a>, FrameError> {
    let (mut seq, mut labels) = (None, None);
    each_key(reader, "body", |key, reader| {
        match key {
            b"seq" => put(&mut seq, "seq", reader.item()?.unsigned())?,
            b"labels" => put(&mut labels, "labels", Some(array(reader)?))?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Labels {
        seq: seq.ok_or(FrameError::Missing("seq"))?,
        labels: labels.ok_or(FrameError::Missing("labels"))?,
    })
}

fn array<'a>(reader: &mut Reader<'a>) -> Result<Vec<Label<'a>>, FrameError> {
    let Item::Array(count) = reader.item()? else {
        return Err(FrameError::Invalid("labels"));
    };
    // Each takes more than one byte, but how many is not known before it was read.
    (0..count).map(|_| label(reader)).collect()
}

fn label<'a>(reader: &mut Reader<'a>) -> Result<Label<'a>, FrameError> {
    let Item::Map(entries) = reader.item()? else {
        return Err(FrameError::Invalid("labels"));
    };
    let (mut src, mut uri, mut val, mut cts, mut sig) = (None, None, None, None, None);
    let mut signed: Vec<&'a [u8]> = Vec::with_capacity(8);
    let mut last_key: Option<&[u8]> = None;
    let mut is_canonical = true;
    for _ in 0..entries {
        let start = reader.position();
        let key = reader.key()?;
        std::str::from_utf8(key).map_err(|_| CborError::Key)?;
        let mut value = *reader;
        reader.skip(3)?;
        let text = |value: &mut Reader<'a>| Ok::<_, FrameError>(value.item()?.text());
        match key {
            b"src" => put(&mut src, "src", text(&mut value)?)?,
            b"uri" => put(&mut uri, "uri", text(&mut value)?)?,
            b"val" => put(&mut val, "val", text(&mut value)?)?,
            b"cts" => put(&mut cts, "cts", text(&mut value)?)?,
            b"sig" => {
                put(&mut sig, "sig", value.item()?.bytes())?;
                continue;
            }
            b"cid" | b"exp" | b"neg" | b"ver" => {}
            // Not covered by the signature.
            _ => continue,
        }
        let rises = last_key.is_none_or(|last| (last.len(), last) < (key.len(), key));
        is_canonical &= rises;
        last_key = Some(key);
        if signed.len() < 8 {
            signed.push(reader.since(start));
        }
    }
    uri.ok_or(FrameError::Missing("uri"))?;
    cts.ok_or(FrameError::Missing("cts"))?;
    let val: &str = val.ok_or(FrameError::Missing("val"))?;
    if val.len() > MAX_VALUE {
        return Err(FrameError::Invalid("val"));
    }
    Ok(Label {
        src: src.ok_or(FrameError::Missing("src"))?,
        sig,
        signed,
        is_canonical,
    })
}

#[cfg(test)]
mod tests;
