//! Everything in the world that acts and is written about.

use rand_chacha::ChaCha8Rng;

use super::accounts::Accounts;
use super::clock::Clock;
use super::collections::Collections;
use super::records::RecentPosts;
use crate::Directory;

#[derive(Debug)]
pub(super) struct Population {
    pub(super) rng: ChaCha8Rng,
    pub(super) clock: Clock,
    pub(super) accounts: Accounts,
    pub(super) collections: Collections,
    pub(super) posts: RecentPosts,
    pub(super) directory: Directory,
    pub(super) multi_op_commits: f64,
}
