//! The mix of subscribers: filters drawn from the contents of a stream.
//!
//! A subscriber's filter follows from the seed and its number alone, so that several processes agree on it and a run
//! can be repeated.

use std::str::FromStr;

use fanjet_oracle::Filter;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// DIDs of a subscriber of [`Kind::Dids`].
const DIDS: usize = 100;
/// Most collections of a subscriber of [`Kind::Collections`].
const COLLECTIONS: usize = 20;
const POSTS: &str = "app.bsky.feed.post";
/// Letters of `did:plc`.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// One kind of subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A: no filter.
    Everything,
    /// B: posts.
    Posts,
    /// C: 1 to 20 random collections.
    Collections,
    /// D: 100 random DIDs.
    Dids,
    /// W: this many random DIDs.
    Wide(usize),
}

/// Kinds of subscribers with their shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix {
    shares: Vec<(Kind, u32)>,
    text: String,
}

/// What filters are drawn from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct World {
    /// Repos in the stream. Filters that need more of them get random DIDs, which cost a server the same.
    pub dids: Vec<String>,
    /// Collections in the stream.
    pub collections: Vec<String>,
}

impl Mix {
    /// Whether filters are drawn from the stream.
    pub fn needs_world(&self) -> bool {
        let plain = [Kind::Everything, Kind::Posts];
        self.shares.iter().any(|(kind, _)| !plain.contains(kind))
    }

    /// The kind and the filter of a subscriber.
    pub fn draw(&self, seed: u64, subscriber: u64, world: &World) -> (Kind, Filter) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(subscriber + 1);
        let sum: u32 = self.shares.iter().map(|(_, share)| share).sum();
        let mut at = rng.random_range(0..sum.max(1));
        let mut kind = Kind::Everything;
        for (one, share) in &self.shares {
            kind = *one;
            match at.checked_sub(*share) {
                Some(rest) => at = rest,
                None => break,
            }
        }
        (kind, kind.draw(&mut rng, world))
    }
}

impl Kind {
    fn draw(self, rng: &mut ChaCha8Rng, world: &World) -> Filter {
        let mut filter = Filter::default();
        match self {
            Self::Everything => {}
            Self::Posts => filter.collections.push(POSTS.to_owned()),
            Self::Collections => {
                let count = rng.random_range(1..=COLLECTIONS);
                filter.collections = (0..count)
                    .map(|_| pick(&world.collections, rng).unwrap_or_else(|| POSTS.to_owned()))
                    .collect();
                filter.collections.sort_unstable();
                filter.collections.dedup();
            }
            Self::Dids => filter.dids = world.draw_dids(DIDS, rng),
            Self::Wide(count) => filter.dids = world.draw_dids(count, rng),
        }
        filter
    }
}

impl World {
    /// Different DIDs: at most half of those in the stream, so that subscribers differ, then random ones.
    pub fn draw_dids(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<String> {
        let known = count.min(self.dids.len() / 2);
        let chosen = rand::seq::index::sample(rng, self.dids.len().max(1), known);
        let mut dids: Vec<_> = chosen.into_iter().map(|it| self.dids[it].clone()).collect();
        dids.extend((known..count).map(|_| made_up(rng)));
        dids
    }
}

impl FromStr for Mix {
    type Err = String;

    /// `a`, `b`, `c`, `d`, `e`, `wN`, or shares such as `a=1,c=3,w1000=2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let spelled = match text {
            "e" => "a=1,b=3,c=3,d=3",
            other => other,
        };
        let shares = spelled.split(',').map(|part| {
            let (kind, share) = part.split_once('=').unwrap_or((part, "1"));
            let share = share
                .parse()
                .map_err(|_| format!("invalid share {share}"))?;
            Ok((kind.parse()?, share))
        });
        let shares = shares.collect::<Result<Vec<_>, String>>()?;
        if shares.iter().all(|(_, share)| *share == 0) {
            return Err("all shares are 0".to_owned());
        }
        let text = text.to_owned();
        Ok(Self { shares, text })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "a" => Ok(Self::Everything),
            "b" => Ok(Self::Posts),
            "c" => Ok(Self::Collections),
            "d" => Ok(Self::Dids),
            other => other
                .strip_prefix('w')
                .and_then(|count| count.parse().ok())
                .map(Self::Wide)
                .ok_or_else(|| {
                    format!(
                        "invalid mix {other} (allowed: a, b, c, d, e, or w and a number of DIDs)"
                    )
                }),
        }
    }
}

impl std::fmt::Display for Mix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

fn pick(from: &[String], rng: &mut ChaCha8Rng) -> Option<String> {
    match from.len() {
        0 => None,
        count => Some(from[rng.random_range(0..count)].clone()),
    }
}

/// A DID that most likely does not exist.
fn made_up(rng: &mut ChaCha8Rng) -> String {
    let mut did = "did:plc:".to_owned();
    let (low, high): (u64, u64) = (rng.random(), rng.random());
    let mut bits = u128::from(high) << 64 | u128::from(low);
    for _ in 0..24 {
        did.push(char::from(BASE32[(bits & 31) as usize]));
        bits >>= 5;
    }
    did
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World {
            dids: (0..1000).map(|it| format!("did:plc:{it:024}")).collect(),
            collections: (0..50).map(|it| format!("a.b.c{it}")).collect(),
        }
    }

    #[test]
    fn filters_have_the_sizes_of_their_mix_and_can_be_drawn_again() {
        let world = world();
        for (text, dids, collections) in [
            ("a", 0..=0, 0..=0),
            ("b", 0..=0, 1..=1),
            ("c", 0..=0, 1..=20),
            ("d", 100..=100, 0..=0),
            ("w2500", 2500..=2500, 0..=0),
        ] {
            let mix: Mix = text.parse().unwrap();
            for number in 0..20 {
                let (kind, filter) = mix.draw(7, number, &world);
                assert!(dids.contains(&filter.dids.len()), "{text}");
                assert!(collections.contains(&filter.collections.len()), "{text}");
                assert_eq!(mix.draw(7, number, &world), (kind, filter));
            }
        }
        let wide: Mix = "w2500".parse().unwrap();
        let (_, mut filter) = wide.draw(7, 0, &world);
        filter.dids.sort_unstable();
        filter.dids.dedup();
        assert_eq!(filter.dids.len(), 2500);
    }

    #[test]
    fn a_mixture_has_its_shares() {
        let mix: Mix = "a=1,b=0,d=3".parse().unwrap();
        let kinds: Vec<_> = (0..4000).map(|it| mix.draw(1, it, &world()).0).collect();
        let count = |kind| kinds.iter().filter(|it| **it == kind).count();
        assert!((900..1100).contains(&count(Kind::Everything)));
        assert_eq!(count(Kind::Posts), 0);
        assert_eq!(count(Kind::Everything) + count(Kind::Dids), 4000);
        for bad in ["", "f", "w", "a=x", "a=0"] {
            assert!(bad.parse::<Mix>().is_err(), "{bad}");
        }
    }
}
