//! What happens next: which account does what, in the network's mix.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanjet_event::RecordKey;
use rand::RngExt;

use super::World;
use super::clock::rfc3339_millis;
use super::collections::Kind;
use super::draft::{Draft, DraftKind};
use super::records::Author;
use super::repo::Write;
use super::{car, text};

/// How likely an operation on a deletable record is a delete.
const DELETES: f64 = 0.05;
const STATUSES: [&str; 4] = ["deactivated", "takendown", "suspended", "deleted"];

/// Lets one account do something.
pub(super) fn next(world: &mut World) -> Draft {
    loop {
        let index = world.accounts.draw(&mut world.rng);
        let kind = if !world.accounts.get(index).active {
            Some(reactivate(world, index))
        } else if world.accounts.get(index).repo.is_overgrown() {
            Some(reset(world, index))
        } else {
            match world.rng.random_range(0..1000) {
                0..4 => Some(identity(world, index)),
                4..8 => Some(account(world, index)),
                8..10 => Some(sync(world, index)),
                _ => commit(world, index),
            }
        };
        if let Some(kind) = kind {
            return Draft {
                did: world.accounts.get(index).did.clone(),
                time: rfc3339_millis(world.clock.now_us()),
                kind,
            };
        }
    }
}

fn identity(world: &mut World, index: usize) -> DraftKind {
    if world.rng.random_bool(0.3) {
        world
            .accounts
            .rename(index, &mut world.rng, &world.directory);
    }
    let handle = world.accounts.get(index).handle.clone();
    DraftKind::Identity {
        handle: world.rng.random_bool(0.6).then_some(handle),
    }
}

fn account(world: &mut World, index: usize) -> DraftKind {
    let account = world.accounts.get_mut(index);
    account.active = world.rng.random_bool(0.6);
    DraftKind::Account {
        active: account.active,
        status: (!account.active).then(|| text::pick(&mut world.rng, &STATUSES)),
    }
}

fn reactivate(world: &mut World, index: usize) -> DraftKind {
    world.accounts.get_mut(index).active = true;
    DraftKind::Account {
        active: true,
        status: None,
    }
}

fn reset(world: &mut World, index: usize) -> DraftKind {
    let account = world.accounts.get_mut(index);
    let now_us = world.clock.now_us();
    account
        .repo
        .reset(&account.did, &account.key, now_us, &mut world.rng);
    sync(world, index)
}

fn sync(world: &mut World, index: usize) -> DraftKind {
    let repo = &world.accounts.get(index).repo;
    let (cid, block) = repo.commit_block();
    DraftKind::Sync {
        rev: repo.rev(),
        blocks: car::write(cid, std::iter::once((cid, block))),
    }
}

fn commit(world: &mut World, index: usize) -> Option<DraftKind> {
    let count = if world.rng.random_bool(world.multi_op_commits) {
        world.rng.random_range(2..=10)
    } else {
        1
    };
    let mut writes = Vec::with_capacity(count);
    let mut paths = BTreeSet::new();
    for _ in 0..count {
        if let Some(write) = write(world, index)
            && paths.insert(write.path())
        {
            writes.push(write);
        }
    }
    let account = world.accounts.get_mut(index);
    let commit = account
        .repo
        .commit(&account.did, &account.key, writes, world.clock.now_us())?;
    for op in &commit.ops {
        if let (Kind::Post, Some(cid)) = (op.write.kind, op.cid) {
            world.posts.add(&account.did, op.write.rkey.as_str(), cid);
        }
    }
    Some(DraftKind::Commit(commit))
}

/// Decides one operation. `None` only if the world has made a record key that is not valid.
fn write(world: &mut World, index: usize) -> Option<Write> {
    let mut kind = world.collections.draw(&mut world.rng);
    let mut collection = world.collections.nsid(kind).clone();
    let now_us = world.clock.now_us();
    let repo = &mut world.accounts.get_mut(index).repo;

    let change: f64 = world.rng.random();
    if change < DELETES {
        let rkey = match kind {
            Kind::Foreign(_) => repo.live.take_foreign(&mut world.rng).map(|old| {
                (kind, collection) = (Kind::Foreign(old.0), old.1);
                old.2
            }),
            _ => repo
                .live
                .take(kind, &mut world.rng)
                .and_then(|tid| RecordKey::parse(Arc::from(tid.to_string())).ok()),
        };
        if let Some(rkey) = rkey {
            return Some(Write {
                kind,
                collection,
                rkey,
                record: None,
            });
        }
    }
    let updated = match kind {
        Kind::Foreign(_) if change < 0.3 => repo.live.draw_foreign(&mut world.rng),
        _ => None,
    };
    let rkey = match updated {
        Some(old) => {
            (kind, collection) = (Kind::Foreign(old.0), old.1);
            old.2
        }
        None => {
            let text = match kind {
                Kind::Profile => "self".to_owned(),
                Kind::Foreign(rank) if rank % 9 == 4 => "self".to_owned(),
                Kind::Foreign(rank) if rank % 9 == 5 => {
                    format!("site:{}.example~x_{}", rank, repo.next_key(now_us))
                }
                _ => repo.next_key(now_us).to_string(),
            };
            RecordKey::parse(Arc::from(text)).ok()?
        }
    };
    let mut author = Author {
        rng: &mut world.rng,
        accounts: &world.accounts,
        posts: &world.posts,
        now_us,
    };
    let record = author.record(kind, collection.as_str());
    Some(Write {
        kind,
        collection,
        rkey,
        record: Some(record),
    })
}
