//! Builds frames, CARs and records, valid and invalid, for tests and benchmarks.

use fanjet_event::Cid;

/// The repo of all commits here.
pub const REPO: &str = "did:plc:wq4aajammjtxdomz3e23667t";
/// Their rev.
pub const REV: &str = "3mptbypluud2a";

/// A DAG-CBOR value that is encoded as it is: maps are not sorted, links and numbers are not validated.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A non-negative integer.
    Unsigned(u64),
    /// `-1 - n`.
    Negative(u64),
    /// A double.
    Float(f64),
    /// A text.
    Text(String),
    /// A byte string.
    Bytes(Vec<u8>),
    /// Tag 42 around `0x00` and these bytes.
    Link(Vec<u8>),
    /// An array.
    List(Vec<Node>),
    /// A map in this order.
    Map(Vec<(String, Node)>),
    /// Bytes as they are.
    Raw(Vec<u8>),
}

impl Node {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A link to a CID.
    pub fn link(cid: Cid) -> Self {
        Self::Link(cid.to_bytes().to_vec())
    }

    /// A map.
    pub fn map<const N: usize>(entries: [(&str, Node); N]) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    /// The same value with all maps in DAG-CBOR's order.
    pub fn canonical(self) -> Self {
        match self {
            Self::List(elements) => Self::List(elements.into_iter().map(Self::canonical).collect()),
            Self::Map(entries) => {
                let mut entries: Vec<_> = entries
                    .into_iter()
                    .map(|(key, value)| (key, value.canonical()))
                    .collect();
                entries.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
                Self::Map(entries)
            }
            other => other,
        }
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0xf6),
            Self::Bool(value) => out.push(0xf4 + u8::from(*value)),
            Self::Unsigned(value) => head(out, 0, *value),
            Self::Negative(value) => head(out, 1, *value),
            Self::Float(value) => {
                out.push(0xfb);
                out.extend_from_slice(&value.to_be_bytes());
            }
            Self::Text(text) => {
                head(out, 3, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Bytes(bytes) => {
                head(out, 2, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
            Self::Link(cid) => {
                out.extend_from_slice(&[0xd8, 42]);
                head(out, 2, cid.len() as u64 + 1);
                out.push(0);
                out.extend_from_slice(cid);
            }
            Self::List(elements) => {
                head(out, 4, elements.len() as u64);
                elements.iter().for_each(|element| element.encode_into(out));
            }
            Self::Map(entries) => {
                head(out, 5, entries.len() as u64);
                for (key, value) in entries {
                    Self::Text(key.clone()).encode_into(out);
                    value.encode_into(out);
                }
            }
            Self::Raw(bytes) => out.extend_from_slice(bytes),
        }
    }
}

/// A message frame of type `kind`.
pub fn frame(kind: &str, body: &Node) -> Vec<u8> {
    let header = Node::map([("t", Node::text(kind)), ("op", Node::Unsigned(1))]);
    [header.encode(), body.encode()].concat()
}

/// An operation as a commit lists it.
pub fn op(action: &str, path: &str, cid: Option<Cid>) -> Node {
    Node::map([
        ("cid", cid.map_or(Node::Null, Node::link)),
        ("path", Node::text(path)),
        ("action", Node::text(action)),
    ])
}

/// The body of a `#commit` in DAG-CBOR's order.
pub fn commit_body(ops: Vec<Node>, car: Vec<u8>) -> Node {
    commit_body_of(Cid::of_dag_cbor(b"commit"), ops, car)
}

/// As [`commit_body`], for a commit object of the caller's.
pub fn commit_body_of(commit: Cid, ops: Vec<Node>, car: Vec<u8>) -> Node {
    Node::map([
        ("ops", Node::List(ops)),
        ("rev", Node::text(REV)),
        ("seq", Node::Unsigned(30_340_180_350)),
        ("repo", Node::text(REPO)),
        ("time", Node::text("2026-07-04T14:38:08.999Z")),
        ("blobs", Node::List(Vec::new())),
        ("since", Node::text("3mptbyjx2pd2a")),
        ("blocks", Node::Bytes(car)),
        ("commit", Node::link(commit)),
        ("rebase", Node::Bool(false)),
        ("tooBig", Node::Bool(false)),
        ("prevData", Node::link(Cid::of_dag_cbor(b"before"))),
    ])
    .canonical()
}

/// A CAR v1 with one root, which is not among the blocks.
pub fn car<'a>(blocks: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    car_of(Cid::of_dag_cbor(b"commit"), blocks)
}

/// A CAR v1 with one root.
pub fn car_of<'a>(root: Cid, blocks: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let header = Node::map([
        ("roots", Node::List(vec![Node::link(root)])),
        ("version", Node::Unsigned(1)),
    ]);
    let mut car = Vec::new();
    section(&mut car, &[&header.encode()]);
    for (cid, block) in blocks {
        section(&mut car, &[cid, block]);
    }
    car
}

/// Appends a CAR section of these parts.
pub fn section(car: &mut Vec<u8>, parts: &[&[u8]]) {
    let mut len: usize = parts.iter().map(|part| part.len()).sum();
    while len >= 0x80 {
        car.push(len as u8 | 0x80);
        len >>= 7;
    }
    car.push(len as u8);
    parts.iter().for_each(|part| car.extend_from_slice(part));
}

fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    match argument {
        0..24 => out.push(major | argument as u8),
        24..0x100 => out.extend_from_slice(&[major | 24, argument as u8]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}
