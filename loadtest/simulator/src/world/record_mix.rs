//! Draws the next event in the network's mix.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanjet_event::RecordKey;
use rand::RngExt;

use super::clock::rfc3339_millis;
use super::collections::Kind;
use super::draft::{Draft, DraftKind};
use super::population::Population;
use super::records::Author;
use super::repo::Write;
use super::{car, text};

/// Probability that an operation on a deletable record is a delete.
const DELETES: f64 = 0.05;
const STATUSES: [&str; 4] = ["deactivated", "takendown", "suspended", "deleted"];

/// Draws an account and its next action.
pub(super) fn next(population: &mut Population) -> Draft {
    loop {
        let index = population.accounts.draw(&mut population.rng);
        let kind = if !population.accounts.get(index).active {
            Some(reactivate(population, index))
        } else if population.accounts.get(index).repo.is_overgrown() {
            Some(reset(population, index))
        } else {
            match population.rng.random_range(0..1000) {
                0..4 => Some(identity(population, index)),
                4..8 => Some(account(population, index)),
                8..10 => Some(sync(population, index)),
                _ => commit(population, index),
            }
        };
        if let Some(kind) = kind {
            return Draft {
                did: population.accounts.get(index).did.clone(),
                time: rfc3339_millis(population.clock.now_us()),
                kind,
            };
        }
    }
}

fn identity(population: &mut Population, index: usize) -> DraftKind {
    if population.rng.random_bool(0.3) {
        population
            .accounts
            .rename(index, &mut population.rng, &population.directory);
    }
    let handle = population.accounts.get(index).handle.clone();
    DraftKind::Identity {
        handle: population.rng.random_bool(0.6).then_some(handle),
    }
}

fn account(population: &mut Population, index: usize) -> DraftKind {
    let account = population.accounts.get_mut(index);
    account.active = population.rng.random_bool(0.6);
    DraftKind::Account {
        active: account.active,
        status: (!account.active).then(|| text::pick(&mut population.rng, &STATUSES)),
    }
}

fn reactivate(population: &mut Population, index: usize) -> DraftKind {
    population.accounts.get_mut(index).active = true;
    DraftKind::Account {
        active: true,
        status: None,
    }
}

fn reset(population: &mut Population, index: usize) -> DraftKind {
    let account = population.accounts.get_mut(index);
    let now_us = population.clock.now_us();
    account
        .repo
        .reset(&account.did, &account.key, now_us, &mut population.rng);
    sync(population, index)
}

fn sync(population: &mut Population, index: usize) -> DraftKind {
    let repo = &population.accounts.get(index).repo;
    let (cid, block) = repo.commit_block();
    DraftKind::Sync {
        rev: repo.rev(),
        blocks: car::write(cid, std::iter::once((cid, block))),
    }
}

fn commit(population: &mut Population, index: usize) -> Option<DraftKind> {
    let count = if population.rng.random_bool(population.multi_op_commits) {
        population.rng.random_range(2..=10)
    } else {
        1
    };
    let mut writes = Vec::with_capacity(count);
    let mut paths = BTreeSet::new();
    for _ in 0..count {
        if let Some(write) = write(population, index)
            && paths.insert(write.path())
        {
            writes.push(write);
        }
    }
    let account = population.accounts.get_mut(index);
    let commit = account.repo.commit(
        &account.did,
        &account.key,
        writes,
        population.clock.now_us(),
    )?;
    for op in &commit.ops {
        if let (Kind::Post, Some(cid)) = (op.write.kind, op.cid) {
            population
                .posts
                .add(&account.did, op.write.rkey.as_str(), cid);
        }
    }
    Some(DraftKind::Commit(commit))
}

/// Draws one operation. `None` only if the world generated an invalid record key.
fn write(population: &mut Population, index: usize) -> Option<Write> {
    let mut kind = population.collections.draw(&mut population.rng);
    let mut collection = population.collections.nsid(kind).clone();
    let now_us = population.clock.now_us();
    let repo = &mut population.accounts.get_mut(index).repo;

    let change: f64 = population.rng.random();
    if change < DELETES {
        let rkey = match kind {
            Kind::Foreign(_) => repo.live.take_foreign(&mut population.rng).map(|old| {
                (kind, collection) = (Kind::Foreign(old.0), old.1);
                old.2
            }),
            _ => repo
                .live
                .take(kind, &mut population.rng)
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
        Kind::Foreign(_) if change < 0.3 => repo.live.draw_foreign(&mut population.rng),
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
        rng: &mut population.rng,
        accounts: &population.accounts,
        posts: &population.posts,
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
