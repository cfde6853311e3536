//! DAG-CBOR, written by hand: definite lengths, shortest heads, 64-bit floats, CIDs as tag 42.
//!
//! Only bytes are written here. Callers are responsible for the order of map keys (shorter first, then bytewise).
//! Format: <https://ipld.io/specs/codecs/dag-cbor/spec/>.

use fanjet_event::Cid;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

pub(crate) fn map(out: &mut Vec<u8>, entries: usize) {
    head(out, MAP, entries as u64);
}

pub(crate) fn array(out: &mut Vec<u8>, elements: usize) {
    head(out, ARRAY, elements as u64);
}

pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    head(out, TEXT, value.len() as u64);
    out.extend_from_slice(value.as_bytes());
}

pub(crate) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    head(out, BYTES, value.len() as u64);
    out.extend_from_slice(value);
}

pub(crate) fn unsigned(out: &mut Vec<u8>, value: u64) {
    head(out, UNSIGNED, value);
}

pub(crate) fn integer(out: &mut Vec<u8>, value: i64) {
    match u64::try_from(value) {
        Ok(value) => head(out, UNSIGNED, value),
        Err(_) => head(out, NEGATIVE, !value as u64),
    }
}

pub(crate) fn float(out: &mut Vec<u8>, value: f64) {
    out.push(0xfb);
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xf5 } else { 0xf4 });
}

pub(crate) fn null(out: &mut Vec<u8>) {
    out.push(0xf6);
}

pub(crate) fn link(out: &mut Vec<u8>, cid: Cid) {
    out.extend_from_slice(&[0xd8, 42]);
    head(out, BYTES, Cid::LEN as u64 + 1);
    out.push(0);
    out.extend_from_slice(&cid.to_bytes());
}

pub(crate) fn link_or_null(out: &mut Vec<u8>, cid: Option<Cid>) {
    match cid {
        Some(cid) => link(out, cid),
        None => null(out),
    }
}

fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    match value {
        0..24 => out.push(major | value as u8),
        24..0x100 => out.extend_from_slice(&[major | 24, value as u8]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}
