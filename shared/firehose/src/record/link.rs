//! Links and bytes as JSON.

use fanjet_event::Cid;
use fanjet_json::write_str;

use crate::error::RecordError;

/// Longest CID text that is parsed: the longest binary form has 87 bytes.
const MAX_CID_TEXT: usize = 256;

/// Appends `{"$link":"..."}` for the binary form of a CID.
pub(super) fn write_link(out: &mut Vec<u8>, cid: &[u8]) -> Result<(), RecordError> {
    out.extend_from_slice(br#"{"$link":""#);
    match Cid::from_bytes(cid) {
        Some(cid) => out.extend_from_slice(&cid.encode()),
        None => out.extend_from_slice(foreign_cid_text(cid)?.as_bytes()),
    }
    out.extend_from_slice(br#""}"#);
    Ok(())
}

/// Appends `{"$link":"..."}` for the canonical text of a CID.
pub(super) fn write_link_text(out: &mut Vec<u8>, text: &[u8]) -> Result<(), RecordError> {
    let text = std::str::from_utf8(text).map_err(|_| RecordError::InvalidLink)?;
    // Base32 for version 1, 46 characters of base58 for version 0; all other texts of a CID are not canonical.
    if text.len() > MAX_CID_TEXT || !text.starts_with(['b', 'Q']) {
        return Err(RecordError::InvalidLink);
    }
    let cid = cid::Cid::try_from(text).map_err(|_| RecordError::InvalidLink)?;
    if cid.to_string() != text {
        return Err(RecordError::InvalidLink);
    }
    out.extend_from_slice(br#"{"$link":"#);
    write_str(out, text);
    out.push(b'}');
    Ok(())
}

/// Appends `{"$bytes":"..."}` for a text of unpadded standard base64. As in Go, line breaks are ignored and unused bits
/// need not be zero; the canonical text is written.
pub(super) fn write_bytes_text(out: &mut Vec<u8>, text: &[u8]) -> Result<(), RecordError> {
    out.extend_from_slice(br#"{"$bytes":""#);
    let start = out.len();
    for &byte in text.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        sextet(byte).ok_or(RecordError::InvalidBytes)?;
        out.push(byte);
    }
    let used_bits = match (out.len() - start) % 4 {
        0 => 0x3f,
        2 => 0x30,
        3 => 0x3c,
        _ => return Err(RecordError::InvalidBytes),
    };
    if let Some(last) = out[start..].last_mut() {
        let value = sextet(*last).ok_or(RecordError::InvalidBytes)?;
        *last = BASE64[usize::from(value & used_bits)];
    }
    out.extend_from_slice(br#""}"#);
    Ok(())
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The text of a CID of another format: base32 for version 1, base58 for version 0. Rare, so it may allocate.
fn foreign_cid_text(bytes: &[u8]) -> Result<String, RecordError> {
    let cid = cid::Cid::try_from(bytes).map_err(|_| RecordError::InvalidLink)?;
    // The crate stops behind the CID; nothing may follow it.
    if cid.encoded_len() == bytes.len() {
        Ok(cid.to_string())
    } else {
        Err(RecordError::InvalidLink)
    }
}
