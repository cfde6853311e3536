//! The material of records: accounts and posts to refer to.

use std::collections::VecDeque;

use fanjet_event::{Cid, Did};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::world::accounts::Accounts;
use crate::world::clock::rfc3339_millis;
use crate::world::repo::unseen_cid;
use crate::world::value::Value;

/// A post that others can reply to, like and repost.
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

/// The material of records.
pub(crate) struct Author<'a> {
    pub(crate) rng: &'a mut ChaCha8Rng,
    pub(crate) accounts: &'a Accounts,
    pub(crate) posts: &'a RecentPosts,
    pub(crate) now_us: u64,
}

impl Author<'_> {
    pub(super) fn did(&mut self) -> Value {
        Value::text(self.accounts.draw_did(self.rng).as_str())
    }

    pub(super) fn post_ref(&mut self) -> Value {
        let post = self.any_post();
        Value::strong_ref(post.uri, post.cid)
    }

    /// A post of this world, or sometimes an older one.
    pub(super) fn any_post(&mut self) -> PostRef {
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

    pub(super) fn blob(&mut self, mime_type: &'static str) -> Value {
        let mut content = [0; 16];
        rand::Rng::fill_bytes(self.rng, &mut content);
        Value::Blob {
            content: Cid::of_raw(&content),
            mime_type,
            size: self.rng.random_range(1_000..1_000_000),
        }
    }

    /// A client's clock: a little behind, and not always in the same notation.
    pub(super) fn created_at(&mut self) -> Value {
        let at_us = self.now_us - self.rng.random_range(0..2_000_000);
        let text = rfc3339_millis(at_us);
        Value::Text(match self.rng.random_range(0..20) {
            0 => text.replace('Z', "+00:00"),
            1 => text.replace('Z', &format!("{:03}Z", at_us % 1000)),
            _ => text,
        })
    }
}
