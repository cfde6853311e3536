//! A commit frame whose tree is made of the fuzzer's bytes.

use fanjet_event::Cid;

const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const REV: &str = "3mptbypluud2a";

/// The bytes are cut at `0xff`, which begins nothing in CBOR; the pieces are nodes, the first of them the root. In each
/// piece, `0xd8 0x2a` and one byte become a link to the piece of that number, so that trees can be found.
pub(crate) fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut nodes: Vec<(Cid, Vec<u8>)> = Vec::new();
    for piece in bytes.split(|byte| *byte == 0xff).take(64) {
        let node = with_links(piece, &nodes);
        nodes.push((Cid::of_dag_cbor(&node), node));
    }
    // Links point backwards only, so the root is the last piece.
    let Some((data, _)) = nodes.last() else {
        return Vec::new();
    };
    let commit = commit_object(*data);
    let root = Cid::of_dag_cbor(&commit);
    nodes.push((root, commit));

    let mut header = vec![0xa2, 0x65];
    header.extend_from_slice(b"roots");
    header.push(0x81);
    link(&mut header, root);
    text(&mut header, "version");
    header.push(1);
    let mut car = Vec::new();
    section(&mut car, &[&header]);
    for (cid, block) in &nodes {
        section(&mut car, &[&cid.to_bytes(), block]);
    }

    let mut out = vec![0xa2];
    text(&mut out, "t");
    text(&mut out, "#commit");
    text(&mut out, "op");
    out.extend_from_slice(&[1, 0xa8]);
    text(&mut out, "seq");
    out.push(1);
    text(&mut out, "repo");
    text(&mut out, DID);
    text(&mut out, "rev");
    text(&mut out, REV);
    text(&mut out, "time");
    text(&mut out, "2026-07-04T14:38:07Z");
    text(&mut out, "commit");
    link(&mut out, root);
    text(&mut out, "prevData");
    link(&mut out, Cid::of_dag_cbor(b"before"));
    text(&mut out, "blocks");
    head(&mut out, 2, car.len());
    out.extend_from_slice(&car);
    text(&mut out, "ops");
    out.extend_from_slice(&[0x81, 0xa3]);
    text(&mut out, "action");
    text(&mut out, "delete");
    text(&mut out, "path");
    text(&mut out, "a.b.c/m");
    text(&mut out, "prev");
    link(&mut out, Cid::of_dag_cbor(b"record"));
    out
}

fn with_links(piece: &[u8], nodes: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let mut node = Vec::with_capacity(piece.len());
    let mut rest = piece;
    while let Some((&first, behind)) = rest.split_first() {
        if let [0xd8, 0x2a, number, behind @ ..] = rest {
            let known = nodes.get(usize::from(*number)).map(|(cid, _)| *cid);
            link(&mut node, known.unwrap_or(Cid::of_dag_cbor(&[*number])));
            rest = behind;
        } else {
            node.push(first);
            rest = behind;
        }
    }
    node
}

fn commit_object(data: Cid) -> Vec<u8> {
    let mut out = vec![0xa6];
    text(&mut out, "did");
    text(&mut out, DID);
    text(&mut out, "rev");
    text(&mut out, REV);
    text(&mut out, "sig");
    head(&mut out, 2, 64);
    out.extend_from_slice(&[1; 64]);
    text(&mut out, "data");
    link(&mut out, data);
    text(&mut out, "prev");
    out.push(0xf6);
    text(&mut out, "version");
    out.push(3);
    out
}

fn section(out: &mut Vec<u8>, parts: &[&[u8]]) {
    let mut length: usize = parts.iter().map(|part| part.len()).sum();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, 3, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn link(out: &mut Vec<u8>, cid: Cid) {
    out.extend_from_slice(&[0xd8, 42, 0x58, 37, 0]);
    out.extend_from_slice(&cid.to_bytes());
}

fn head(out: &mut Vec<u8>, major: u8, value: usize) {
    let major = major << 5;
    match value {
        0..=23 => out.push(major | value as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, value as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        _ => {
            out.push(major | 26);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
    }
}
