//! The records of Bluesky's collections.

mod author;
mod embed;
mod foreign;

use rand::RngExt;

use super::collections::{Kind, OTHER_BSKY};
use super::text;
use super::value::Value;

pub(crate) use author::{Author, RecentPosts};

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
}
