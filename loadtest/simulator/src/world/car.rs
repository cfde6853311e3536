//! CAR v1 files: a header with one root, then the blocks. Format: <https://ipld.io/specs/transport/car/carv1/>.

use fanjet_event::Cid;

use super::cbor;

/// Writes one CAR file.
pub(crate) fn write<'a>(root: Cid, blocks: impl Iterator<Item = (Cid, &'a [u8])>) -> Vec<u8> {
    let mut header = Vec::with_capacity(64);
    cbor::map(&mut header, 2);
    cbor::text(&mut header, "roots");
    cbor::array(&mut header, 1);
    cbor::link(&mut header, root);
    cbor::text(&mut header, "version");
    cbor::unsigned(&mut header, 1);

    let mut out = Vec::with_capacity(8 * 1024);
    varint(&mut out, header.len());
    out.extend_from_slice(&header);
    for (cid, block) in blocks {
        varint(&mut out, Cid::LEN + block.len());
        out.extend_from_slice(&cid.to_bytes());
        out.extend_from_slice(block);
    }
    out
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
