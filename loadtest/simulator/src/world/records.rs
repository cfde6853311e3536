//! The records of Bluesky's collections.

mod embed;
mod foreign;

use std::collections::VecDeque;

use fanjet_event::{Cid, Did};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::accounts::Accounts;
use super::clock::rfc3339_millis;
use super::collections::{Kind, OTHER_BSKY};
use super::repo::unseen_cid;
use super::text;
use super::value::Value;

/// A post that others can answer, like and repost.
#[derive(Debug, Clone)]
pub(crate) struct PostRef {
    pub(crate) uri: String,
    pub(crate) cid: Cid,
}

/// The newest posts of the network.
#[derive(Debug, Default)]
pub(crate) struct RecentPosts(VecDeque<PostRef>);

impl RecentPosts {
    const KEPT: usize = 2048;

    pub(crate) fn add(&mut self, did: &Did, rkey: &str, cid: Cid) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(PostRef {
            uri: format!("at://{did}/app.bsky.feed.post/{rkey}"),
            cid,
        });
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Option<&PostRef> {
        (!self.0.is_empty()).then(|| &self.0[rng.random_range(0..self.0.len())])
    }
}

/// What records are made of: everything there is to talk about.
pub(crate) struct Author<'a> {
    pub(crate) rng: &'a mut ChaCha8Rng,
    pub(crate) accounts: &'a Accounts,
    pub(crate) posts: &'a RecentPosts,
    pub(crate) now_us: u64,
}

impl Author<'_> {
    /// Writes a record of the given kind.
    pub(crate) fn record(&mut self, kind: Kind, collection: &str) -> Value {
        let mut record = match kind {
            Kind::Like | Kind::Repost => {
                let mut record = vec![("subject", self.post_ref())];
                if self.rng.random_bool(0.2) {
                    record.push(("via", self.post_ref()));
                }
                record
            }
            Kind::Follow | Kind::Block => vec![("subject", self.did())],
            Kind::Post => self.post(),
            Kind::Profile => self.profile(),
            Kind::OtherBsky(index) => self.other(OTHER_BSKY[index]),
            Kind::Foreign(rank) => foreign::fields(self.rng, rank),
        };
        record.push(("$type", Value::text(collection)));
        record.push(("createdAt", self.created_at()));
        Value::Map(
            record
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    fn post(&mut self) -> Vec<(&'static str, Value)> {
        let words = 2 + self.rng.random_range(0..8) * self.rng.random_range(0..6);
        let mentioned = self.accounts.draw_did(self.rng).as_str();
        let post = text::post(self.rng, words, mentioned);
        let mut record = vec![("text", Value::Text(post.text))];
        if !post.facets.is_empty() {
            record.push(("facets", Value::List(post.facets)));
        }
        if !post.langs.is_empty() {
            let langs = post.langs.iter().map(|lang| Value::text(*lang)).collect();
            record.push(("langs", Value::List(langs)));
        }
        if self.rng.random_bool(0.4) {
            let (root, parent) = (self.post_ref(), self.post_ref());
            record.push(("reply", Value::map([("root", root), ("parent", parent)])));
        }
        if self.rng.random_bool(0.35) {
            record.push(("embed", embed::any(self)));
        }
        if self.rng.random_bool(0.02) {
            record.push(("tags", Value::List(vec![Value::text("no & yes")])));
        }
        record
    }

    fn profile(&mut self) -> Vec<(&'static str, Value)> {
        vec![
            ("displayName", Value::Text(text::phrase(self.rng, 2))),
            ("description", Value::Text(text::phrase(self.rng, 12))),
            ("avatar", self.blob("image/jpeg")),
            ("banner", self.blob("image/png")),
        ]
    }

    fn other(&mut self, collection: &str) -> Vec<(&'static str, Value)> {
        match collection {
            "app.bsky.feed.threadgate" | "app.bsky.feed.postgate" => {
                let allow =
                    Value::map([("$type", Value::text(format!("{collection}#mentionRule")))]);
                vec![
                    ("post", Value::Text(self.any_post().uri)),
                    ("allow", Value::List(vec![allow])),
                    ("hiddenReplies", Value::List(vec![])),
                ]
            }
            "chat.bsky.actor.declaration" => vec![("allowIncoming", Value::text("following"))],
            "app.bsky.actor.status" => vec![
                ("status", Value::text("app.bsky.actor.status#live")),
                ("durationMinutes", Value::Int(self.rng.random_range(5..240))),
                ("embed", embed::external(self)),
            ],
            "app.bsky.graph.list" | "app.bsky.graph.starterpack" | "app.bsky.feed.generator" => {
                vec![
                    ("name", Value::Text(text::phrase(self.rng, 3))),
                    ("purpose", Value::text("app.bsky.graph.defs#curatelist")),
                    ("description", Value::Text(text::phrase(self.rng, 8))),
                    ("did", self.did()),
                ]
            }
            _ => vec![
                ("subject", self.did()),
                ("list", Value::Text(self.any_post().uri)),
            ],
        }
    }

    fn did(&mut self) -> Value {
        Value::text(self.accounts.draw_did(self.rng).as_str())
    }

    fn post_ref(&mut self) -> Value {
        let post = self.any_post();
        Value::strong_ref(post.uri, post.cid)
    }

    /// A post of this world, or now and then an older one.
    fn any_post(&mut self) -> PostRef {
        match self.posts.draw(self.rng) {
            Some(post) if self.rng.random_bool(0.9) => post.clone(),
            _ => {
                let did = self.accounts.draw_did(self.rng);
                let age_us = self.rng.random_range(0..2_000_000_000_000);
                let tid = fanjet_event::Tid::from_parts(self.now_us - age_us, 7);
                PostRef {
                    uri: format!("at://{did}/app.bsky.feed.post/{tid}"),
                    cid: unseen_cid(self.rng),
                }
            }
        }
    }

    fn blob(&mut self, mime_type: &'static str) -> Value {
        let mut content = [0; 16];
        rand::Rng::fill_bytes(self.rng, &mut content);
        Value::Blob {
            content: Cid::of_raw(&content),
            mime_type,
            size: self.rng.random_range(1_000..1_000_000),
        }
    }

    /// A client's clock: a little behind, and not always in the same notation.
    fn created_at(&mut self) -> Value {
        let at_us = self.now_us - self.rng.random_range(0..2_000_000);
        let text = rfc3339_millis(at_us);
        Value::Text(match self.rng.random_range(0..20) {
            0 => text.replace('Z', "+00:00"),
            1 => text.replace('Z', &format!("{:03}Z", at_us % 1000)),
            _ => text,
        })
    }
}
