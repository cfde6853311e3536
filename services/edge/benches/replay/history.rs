//! A deterministic history: the event sizes and shares of the network, with rare events for the scenarios.

use std::fmt::Write;

use anyhow::{Context, Result};
use bytes::Bytes;
use fanjet_event::{Datetime, TimeUs, Topic};
use fanjet_log::{NewEvent, Origin, UpstreamId};
use fanjet_runtime::{Clock, SystemClock};

pub(crate) const DENSE: &str = "app.bsky.feed.post";
/// One event in 10,000.
pub(crate) const RARE: &str = "com.example.rare";
/// One event in 100,000, the first of them far from the start.
pub(crate) const RAREST: &str = "com.example.rarest";
/// The author of the rarest events, and of nothing else.
pub(crate) const RAREST_DID: &str = "did:plc:rarestrarestrarestrarest";

const ACCOUNTS: u64 = 200_000;
const WORDS: [&str; 16] = [
    "quiet", "morning", "the", "of", "bluesky", "again", "and", "river", "photo", "today", "with",
    "not", "über", "reading", "people", "a",
];

/// Event `n`, from 0.
pub(crate) struct Drawn {
    pub(crate) topic: &'static str,
    pub(crate) did: String,
    n: u64,
}

/// The collection and author of event `n`.
pub(crate) fn draw(n: u64) -> Drawn {
    let topic = match (n % 100_000, n % 10_000, noise(n) % 1000) {
        (70_000, ..) => RAREST,
        (_, 5_000, _) => RARE,
        (_, _, 0) => "identity",
        (_, _, 1) => "account",
        (_, _, 2..252) => DENSE,
        (_, _, 252..752) => "app.bsky.feed.like",
        (_, _, 752..872) => "app.bsky.graph.follow",
        (_, _, 872..952) => "app.bsky.feed.repost",
        (_, _, 952..982) => "app.bsky.graph.block",
        (_, _, 982..992) => "app.bsky.actor.profile",
        _ => TAIL[(noise(n) / 1000 % 8) as usize],
    };
    let did = match topic {
        RAREST => RAREST_DID.to_owned(),
        _ => did(noise(n + 1) % ACCOUNTS),
    };
    Drawn { topic, did, n }
}

const TAIL: [&str; 8] = [
    "fm.teal.alpha.feed.play",
    "app.bsky.feed.threadgate",
    "app.bsky.graph.listitem",
    "chat.bsky.actor.declaration",
    "sh.tangled.feed.star",
    "com.whtwnd.blog.entry",
    "place.stream.chat.message",
    "app.rocksky.song",
];

/// The DID of an account.
pub(crate) fn did(account: u64) -> String {
    format!("did:plc:{account:0>24}")
}

/// The time of event 0, if event `events` happens now.
pub(crate) fn start(events: u64) -> Result<u64> {
    SystemClock
        .now_us()
        .checked_sub(events * STEP_US)
        .context("more events than microseconds")
}

const STEP_US: u64 = 1000;

impl Drawn {
    pub(crate) fn event(&self, start: u64, upstream: &UpstreamId) -> Result<NewEvent> {
        let (n, did) = (self.n, &self.did);
        let time = TimeUs::new(start + n * STEP_US).context("a time")?;
        let mut body = format!(r#"{{"did":"{did}","time_us":{time},"#);
        let topic = match self.topic {
            "identity" => {
                write!(
                    body,
                    r#""kind":"identity","identity":{{"did":"{did}","handle":"user{n}.example.com","seq":{n},"time":"{TIME}"}}}}"#
                )?;
                Topic::Identity
            }
            "account" => {
                write!(
                    body,
                    r#""kind":"account","account":{{"active":true,"did":"{did}","seq":{n},"time":"{TIME}"}}}}"#
                )?;
                Topic::Account
            }
            collection => {
                let rkey = format!("3l{:011}", n % 99_999_999_999);
                write!(
                    body,
                    r#""kind":"commit","commit":{{"rev":"{rkey}","operation":"create","collection":"{collection}","rkey":"{rkey}","record":{{"$type":"{collection}","createdAt":"{TIME}","#
                )?;
                if collection == DENSE {
                    write!(body, r#""langs":["en"],"text":"{}""#, text(n))?;
                } else {
                    let other = did_of(n + 2);
                    write!(
                        body,
                        r#""subject":{{"cid":"{}","uri":"at://{other}/app.bsky.feed.post/{rkey}"}}"#,
                        cid(n + 3)
                    )?;
                }
                write!(body, r#"}},"cid":"{}"}}}}"#, cid(n))?;
                Topic::Commit(collection.parse()?)
            }
        };
        Ok(NewEvent {
            trace: None,
            topic,
            origin: Origin {
                upstream: upstream.clone(),
                relay_seq: 30_000_000_000 + n,
                op_index: 0,
                op_count: 1,
                time: Datetime::parse(TIME)?.shared(),
            },
            body: Bytes::from(body),
        })
    }
}

const TIME: &str = "2026-07-04T14:38:08.999Z";

fn did_of(n: u64) -> String {
    did(noise(n) % ACCOUNTS)
}

fn cid(n: u64) -> String {
    format!(
        "bafyrei{:016x}{:016x}{:016x}{:04x}",
        noise(n),
        noise(n + 1),
        noise(n + 2),
        noise(n) % 0xffff
    )
}

fn text(n: u64) -> String {
    let count = 10 + noise(n) % 50;
    let words = (0..count).map(|word| WORDS[(noise(n + word * 977) % 16) as usize]);
    words.collect::<Vec<_>>().join(" ")
}

/// SplitMix64.
fn noise(n: u64) -> u64 {
    let mixed = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
