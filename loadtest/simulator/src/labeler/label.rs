//! Labels and their frames, as labelers write them.

use bytes::Bytes;

use super::config::{LabelerConfig, Style};
use crate::world::cbor;
use crate::world::frame::header;
use crate::world::keys::AccountKey;

/// What a label says, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one independent property of a label"
)]
pub struct LabelSpec {
    /// What it is about.
    pub uri: String,
    /// Its value.
    pub val: String,
    /// Whether it takes an earlier one back.
    pub neg: bool,
    /// When it ends.
    pub exp: Option<String>,
    /// Names another labeler.
    pub src: Option<String>,
    /// Has a field that no specification knows, and `$type`.
    pub has_more: bool,
    /// Its signature is of other bytes.
    pub is_bad: bool,
    /// It is signed with the account's key.
    pub is_of_account: bool,
    /// Its signature has one byte less.
    pub is_short: bool,
    /// Its signature is the other one that is right without the rule of low S.
    pub is_high: bool,
}

impl LabelSpec {
    /// An ordinary one.
    pub fn numbered(number: u64) -> Self {
        Self {
            uri: format!("at://did:plc:44ybard66vv44zksje25o7dz/app.bsky.feed.post/{number}"),
            val: "spam".to_owned(),
            neg: false,
            exp: None,
            src: None,
            has_more: false,
            is_bad: false,
            is_of_account: false,
            is_short: false,
            is_high: false,
        }
    }
}

/// Pairs of a map, in canonical order once sorted.
type Pairs = Vec<(&'static str, Vec<u8>)>;

/// A whole frame.
pub(super) fn frame(
    seq: u64,
    labels: &[LabelSpec],
    config: &LabelerConfig,
    key: &AccountKey,
    account: &AccountKey,
) -> Bytes {
    let mut out = Vec::with_capacity(512);
    header(&mut out, "#labels");
    cbor::map(&mut out, 2);
    cbor::text(&mut out, "seq");
    cbor::unsigned(&mut out, seq);
    cbor::text(&mut out, "labels");
    cbor::array(&mut out, labels.len());
    for label in labels {
        let key = if label.is_of_account { account } else { key };
        let mut pairs = signed(label, config);
        let mut signature = key.sign(&written(&pairs)).to_vec();
        if label.is_bad {
            signature[40] ^= 1;
        }
        if label.is_high {
            subtract_from_order(&mut signature[32..]);
        }
        if label.is_short {
            signature.pop();
        }
        pairs.push(("sig", value(|out| cbor::bytes(out, &signature))));
        if label.has_more {
            let kind = "com.atproto.label.defs#label";
            pairs.push(("$type", value(|out| cbor::text(out, kind))));
            pairs.push(("other", value(|out| cbor::unsigned(out, 7))));
        }
        out.extend_from_slice(&written(&pairs));
    }
    out.into()
}

/// What the signature covers.
fn signed(label: &LabelSpec, config: &LabelerConfig) -> Pairs {
    let src = label.src.as_deref().unwrap_or(config.did.as_str());
    let mut pairs = vec![
        (
            "cts",
            value(|out| cbor::text(out, "2026-07-04T14:38:08.999Z")),
        ),
        ("src", value(|out| cbor::text(out, src))),
        ("uri", value(|out| cbor::text(out, &label.uri))),
        ("val", value(|out| cbor::text(out, &label.val))),
        ("ver", value(|out| cbor::unsigned(out, 1))),
    ];
    if label.neg || config.style == Style::Skyware {
        pairs.push(("neg", value(|out| cbor::boolean(out, label.neg))));
    }
    if let Some(exp) = &label.exp {
        pairs.push(("exp", value(|out| cbor::text(out, exp))));
    }
    pairs
}

/// The order of secp256k1.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

fn subtract_from_order(number: &mut [u8]) {
    let mut borrowed = false;
    for (byte, of_order) in number.iter_mut().zip(ORDER).rev() {
        let (difference, once) = of_order.overflowing_sub(*byte);
        let (difference, again) = difference.overflowing_sub(u8::from(borrowed));
        (*byte, borrowed) = (difference, once || again);
    }
}

fn written(pairs: &Pairs) -> Vec<u8> {
    let mut sorted: Vec<_> = pairs.iter().collect();
    sorted.sort_by_key(|(key, _)| (key.len(), *key));
    let mut out = Vec::with_capacity(400);
    cbor::map(&mut out, sorted.len());
    for (key, value) in sorted {
        cbor::text(&mut out, key);
        out.extend_from_slice(value);
    }
    out
}

fn value(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}
