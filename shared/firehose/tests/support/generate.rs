//! Values, frames and damage for property tests.

use fanjet_event::Cid;
use fanjet_firehose::oracle::build::{Node, op};
use proptest::collection::vec;
use proptest::prelude::*;

/// A record: a map, with anything in it that ATProto knows, and in one of three something it does not.
pub(crate) fn record() -> impl Strategy<Value = Node> {
    prop_oneof![
        2 => sound_record(),
        1 => vec((key(), node()), 0..14).prop_map(Node::Map),
    ]
}

/// A record with nothing wrong in it, except perhaps a duplicate key.
fn sound_record() -> impl Strategy<Value = Node> {
    let inside = sound_leaf().boxed().prop_recursive(5, 60, 14, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..6).prop_map(Node::List),
            4 => vec((sound_key(), inner), 0..14).prop_map(Node::Map),
            1 => sound_blob().prop_map(Node::Map),
        ]
    });
    (any::<bool>(), vec((sound_key(), inside), 0..14)).prop_map(|(typed, mut entries)| {
        if typed {
            let place = entries.len() / 2;
            entries.insert(place, ("$type".to_owned(), Node::text("a.b.c")));
        }
        Node::Map(entries)
    })
}

/// Any value, sound or not.
pub(crate) fn node() -> impl Strategy<Value = Node> {
    prop_oneof![8 => sound_leaf(), 3 => bad_leaf()].prop_recursive(5, 60, 14, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..6).prop_map(Node::List),
            4 => vec((key(), inner.clone()), 0..14).prop_map(Node::Map),
            2 => blob(inner),
        ]
    })
}

fn sound_leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        10 => text().prop_map(Node::Text),
        4 => any::<u32>().prop_map(|value| Node::Unsigned(value.into())),
        1 => (0..=i64::MAX as u64).prop_map(Node::Unsigned),
        1 => (0..=i64::MAX as u64).prop_map(Node::Negative),
        2 => any::<u16>().prop_map(|value| Node::Negative(value.into())),
        2 => any::<f64>().prop_map(|value| Node::Float(if value.is_normal() { value } else { 0.0 })),
        2 => any::<i16>().prop_map(|value| Node::Float(f64::from(value) / 8.0 + 0.0)),
        2 => any::<bool>().prop_map(Node::Bool),
        2 => Just(Node::Null),
        2 => vec(any::<u8>(), 0..40).prop_map(Node::Bytes),
        4 => vec(any::<u8>(), 0..4).prop_map(|bytes| Node::link(Cid::of_dag_cbor(&bytes))),
        1 => any::<[u8; 32]>().prop_map(|digest| Node::Link([&[0x12, 0x20], &digest[..]].concat())),
        1 => any::<u8>()
            .prop_map(|seed| Cid::of_raw(&[seed]).to_string())
            .prop_map(|cid| Node::map([("$link", Node::text(cid))])),
        1 => "([A-Za-z0-9+/]{4}){0,5}".prop_map(|text| Node::map([("$bytes", Node::text(text))])),
    ]
}

/// A value that is sound by luck only.
fn bad_leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        prop_oneof![
            any::<u64>(),
            Just(i64::MAX as u64),
            Just(i64::MAX as u64 + 1)
        ]
        .prop_map(Node::Unsigned),
        prop_oneof![
            any::<u64>(),
            Just(i64::MAX as u64),
            Just(i64::MAX as u64 + 1)
        ]
        .prop_map(Node::Negative),
        any::<u64>().prop_map(|bits| Node::Float(f64::from_bits(bits))),
        prop::sample::select(vec![-0.0, f64::NAN, f64::INFINITY]).prop_map(Node::Float),
        any_cid().prop_map(Node::Link),
        special_text().prop_map(|text| Node::map([("$link", Node::text(text))])),
        special_text().prop_map(|text| Node::map([("$bytes", Node::text(text))])),
    ]
}

/// Texts with everything that needs an escape.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        "\\PC{0,20}",
        "[\\x00-\\x1f\"\\\\/&<>\u{7f}\u{80}\u{2027}-\u{202a}\u{e2}\u{fffd}\u{1f600}a]{0,30}",
    ]
}

/// What stands in `$link` and `$bytes`: sound or nearly so.
fn special_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any_cid().prop_map(|cid| match cid::Cid::try_from(cid.as_slice()) {
            Ok(cid) => cid.to_string(),
            Err(_) => "bafy".to_owned(),
        }),
        any_cid().prop_map(|cid| match cid::Cid::try_from(cid.as_slice()) {
            Ok(cid) => cid.to_string().to_uppercase(),
            Err(_) => "Qm".to_owned(),
        }),
        "[A-Za-z0-9+/]{0,9}",
        "[A-Za-z0-9+/\r\n=_-]{0,9}",
        text(),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => "[a-z]{1,6}",
        4 => "(text|createdAt|langs|cid|mimeType|ref|size|uri)",
        1 => "(\\$type|\\$link|\\$bytes|\\$\\$|!| )",
        2 => text(),
    ]
}

fn sound_key() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => "[a-z]{2,6}",
        4 => "(text|createdAt|langs|cid|mimeType|ref|size|uri)",
        2 => text().prop_map(|text| format!("~{text}")),
        1 => "[ !#]{1,3}",
    ]
}

fn sound_blob() -> impl Strategy<Value = Vec<(String, Node)>> {
    let cid = any::<u8>().prop_map(|seed| Node::link(Cid::of_raw(&[seed])));
    (cid, any::<u32>()).prop_map(|(cid, size)| {
        vec![
            ("$type".to_owned(), Node::text("blob")),
            ("ref".to_owned(), cid),
            ("mimeType".to_owned(), Node::text("image/jpeg")),
            ("size".to_owned(), Node::Unsigned(size.into())),
        ]
    })
}

/// A blob, or nearly one.
fn blob(inner: impl Strategy<Value = Node> + Clone) -> impl Strategy<Value = Node> {
    (sound_blob(), any::<u8>(), key(), inner).prop_map(|(mut entries, fault, key, value)| {
        let place = usize::from(fault / 16) % entries.len();
        match fault % 16 {
            0 => drop(entries.remove(place)),
            1 => entries[place].1 = value,
            2 => entries[place].0 = key,
            3 => entries.push((key, value)),
            4..8 => entries.reverse(),
            _ => {}
        }
        Node::Map(entries)
    })
}

/// The binary form of some CID, or nearly one.
pub(crate) fn any_cid() -> impl Strategy<Value = Vec<u8>> {
    let sound = prop_oneof![
        vec(any::<u8>(), 0..4).prop_map(|seed| Cid::of_dag_cbor(&seed).to_bytes().to_vec()),
        vec(any::<u8>(), 0..4).prop_map(|seed| Cid::of_raw(&seed).to_bytes().to_vec()),
        // Version 0: nothing but a SHA-256 multihash.
        any::<[u8; 32]>().prop_map(|digest| [&[0x12, 0x20], &digest[..]].concat()),
        // Version 1 with other codecs, hashes and lengths.
        (0u8..128, 0u8..128, vec(any::<u8>(), 0..70)).prop_map(|(codec, hash, digest)| {
            [&[1, codec, hash, digest.len() as u8], &digest[..]].concat()
        }),
    ];
    (sound, damages()).prop_map(|(cid, damages)| {
        if damages.len() % 4 == 3 {
            damage(cid, &damages)
        } else {
            cid
        }
    })
}

/// An entry of a commit's `ops`, good or bad.
pub(crate) fn op_node() -> impl Strategy<Value = Node> {
    let cid = prop_oneof![
        Just(Node::Null),
        any_cid().prop_map(Node::Link),
        Just(Node::link(Cid::of_dag_cbor(b"absent"))),
        node(),
    ];
    let action = prop_oneof![
        6 => "(create|update|delete)".prop_map(Node::Text),
        1 => text().prop_map(Node::Text),
        1 => node(),
    ];
    let path = prop_oneof![
        6 => "[a-z]{1,3}(\\.[a-z]{1,3}){2}/[a-z0-9]{1,5}".prop_map(Node::Text),
        1 => "[a-z/]{0,5}".prop_map(Node::Text),
        1 => node(),
    ];
    prop_oneof![
        1 => Just(op("delete", "a.b.c/x", None)),
        6 => (action, path, cid, key(), node()).prop_map(|(action, path, cid, key, value)| {
            Node::Map(vec![
                ("cid".to_owned(), cid),
                ("path".to_owned(), path),
                (key, value),
                ("action".to_owned(), action),
            ])
        }),
        1 => node(),
    ]
}

/// A frame's body with some of the known keys, mostly of the right type.
pub(crate) fn body() -> impl Strategy<Value = Node> {
    let entry = prop_oneof![
        4 => ("(seq)", any::<u32>().prop_map(|seq| Node::Unsigned(seq.into()))),
        8 => (
            "(did|repo|rev|since|time|handle|status|name|message|error)",
            prop_oneof![6 => text().prop_map(Node::Text), 1 => Just(Node::Null)],
        ),
        2 => ("(active|tooBig)", any::<bool>().prop_map(Node::Bool)),
        2 => ("(commit|prevData)", any_cid().prop_map(Node::Link)),
        2 => ("blocks", vec(any::<u8>(), 0..8).prop_map(Node::Bytes)),
        2 => ("ops", vec(op_node(), 0..3).prop_map(Node::List)),
        2 => (key(), node()),
    ];
    prop_oneof![
        6 => vec(entry, 0..10).prop_map(Node::Map),
        6 => whole_body(),
        1 => node(),
    ]
}

/// A body with all keys that any message type requires.
fn whole_body() -> impl Strategy<Value = Node> {
    (any::<u32>(), text(), any::<bool>(), key(), node()).prop_map(
        |(seq, text, flag, key, value)| {
            Node::Map(vec![
                ("seq".to_owned(), Node::Unsigned(seq.into())),
                ("did".to_owned(), Node::text("did:plc:x")),
                ("repo".to_owned(), Node::text("did:plc:x")),
                ("rev".to_owned(), Node::text("3mptbypluud2a")),
                ("time".to_owned(), Node::text("2026-07-04T14:38:08.999Z")),
                ("handle".to_owned(), Node::Text(text.clone())),
                ("name".to_owned(), Node::Text(text.clone())),
                ("error".to_owned(), Node::Text(text)),
                ("active".to_owned(), Node::Bool(flag)),
                (key, value),
                ("blocks".to_owned(), Node::Bytes(Vec::new())),
                ("ops".to_owned(), Node::List(Vec::new())),
            ])
        },
    )
}

/// One way to damage bytes.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Flip {
        at: prop::sample::Index,
        bit: u8,
    },
    Set {
        at: prop::sample::Index,
        to: u8,
    },
    Cut(prop::sample::Index),
    Remove {
        from: prop::sample::Index,
        count: usize,
    },
    Repeat {
        from: prop::sample::Index,
        count: usize,
    },
    Insert {
        at: prop::sample::Index,
        bytes: Vec<u8>,
    },
}

pub(crate) fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let at = || any::<prop::sample::Index>();
    // Heads that declare much, end nothing, or are not the shortest.
    let head = prop::sample::select(vec![
        0x18, 0x19, 0x1b, 0x38, 0x3b, 0x40, 0x58, 0x5b, 0x5f, 0x60, 0x78, 0x7b, 0x7f, 0x80, 0x9b,
        0x9f, 0xa0, 0xa1, 0xbb, 0xbf, 0xc0, 0xd8, 0xf7, 0xf9, 0xfa, 0xfb, 0xff,
    ]);
    let damage = prop_oneof![
        4 => (at(), 0u8..8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        3 => (at(), head).prop_map(|(at, to)| Damage::Set { at, to }),
        1 => at().prop_map(Damage::Cut),
        1 => (at(), 1usize..40).prop_map(|(from, count)| Damage::Remove { from, count }),
        1 => (at(), 1usize..40).prop_map(|(from, count)| Damage::Repeat { from, count }),
        1 => (at(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Damage::Insert { at, bytes }),
    ];
    vec(damage, 1..4)
}

pub(crate) fn damage(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        let len = bytes.len();
        match damage {
            Damage::Flip { at, bit } => bytes[at.index(len)] ^= 1 << bit,
            Damage::Set { at, to } => bytes[at.index(len)] = *to,
            Damage::Cut(at) => bytes.truncate(at.index(len)),
            Damage::Remove { from, count } => {
                let from = from.index(len);
                bytes.drain(from..len.min(from + count));
            }
            Damage::Repeat { from, count } => {
                let from = from.index(len);
                let copy = bytes[from..len.min(from + count)].to_vec();
                bytes.splice(from..from, copy);
            }
            Damage::Insert { at, bytes: new } => {
                let at = at.index(len);
                bytes.splice(at..at, new.iter().copied());
            }
        }
    }
    bytes
}
