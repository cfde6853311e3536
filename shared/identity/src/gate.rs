//! Look-ups that begin at once or not at all: whom they would ask is neither away nor asked too much. Pure; time is an
//! argument, and must be monotonic.

use tokio::time::Instant;

use crate::breaker::Breaker;
use crate::cache::Cache;
use crate::rate::{Rate, Taken};

/// Sites whose look-ups are remembered.
const SITES: usize = 10_000;

/// Why nobody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// They do not answer.
    Away,
    /// They were asked too much.
    RateLimited,
}

/// What sites may be asked, each by itself and all together.
#[derive(Debug)]
pub struct Gate {
    all: Rate,
    of_one: Rate,
    taken: Taken,
    sites: Cache<Box<str>, Site>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Site {
    taken: Taken,
    breaker: Breaker,
}

impl Gate {
    /// So many look-ups at all sites together, and so many at one.
    pub fn new(all: Rate, of_one: Rate) -> Self {
        Self {
            all,
            of_one,
            taken: Taken::default(),
            sites: Cache::new(SITES, usize::MAX),
        }
    }

    /// Whether a look-up may begin; if so, it is counted. Of what is refused nothing is: neither may one site take from all,
    /// nor all from it.
    pub(crate) fn admit(&mut self, name: &str, now: Instant) -> Result<(), Denied> {
        if !self.all.is_free(self.taken, now) {
            return Err(Denied::RateLimited);
        }
        let mut site = self.site(name);
        if site.breaker.is_open(now) {
            return Err(Denied::Away);
        }
        if !self.of_one.take(&mut site.taken, now) {
            return Err(Denied::RateLimited);
        }
        site.breaker.begun(now);
        self.all.take(&mut self.taken, now);
        self.sites.put(name.into(), site, 0);
        Ok(())
    }

    /// A look-up ended: whether it was answered, no matter what.
    pub(crate) fn ended(&mut self, name: &str, has_answered: bool, now: Instant) {
        let mut site = self.site(name);
        site.breaker.ended(has_answered, now);
        self.sites.put(name.into(), site, 0);
    }

    fn site(&mut self, name: &str) -> Site {
        self.sites.get(name).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn neither_may_one_site_take_from_all_nor_all_from_it() {
        let (all, of_one) = (Rate::per_second(4, 4), Rate::per_second(2, 2));
        let mut gate = Gate::new(all, of_one);
        let now = Instant::now();
        for _ in 0..2 {
            gate.admit("greedy", now).unwrap();
        }
        for _ in 0..100 {
            assert_eq!(gate.admit("greedy", now), Err(Denied::RateLimited));
        }
        for other in ["a", "b"] {
            gate.admit(other, now).unwrap();
        }
        assert_eq!(gate.admit("c", now), Err(Denied::RateLimited));
        let later = now + Duration::from_secs(1);
        for _ in 0..2 {
            gate.admit("c", later).unwrap();
        }
    }

    #[test]
    fn one_site_that_is_away_is_no_other() {
        let many = Rate::per_second(1_000, 1_000);
        let mut gate = Gate::new(many, many);
        let now = Instant::now();
        for _ in 0..5 {
            gate.admit("silent", now).unwrap();
        }
        for _ in 0..5 {
            gate.ended("silent", false, now);
        }
        assert_eq!(gate.admit("silent", now), Err(Denied::Away));
        gate.admit("other", now).unwrap();
        gate.ended("silent", true, now);
        gate.admit("silent", now).unwrap();
    }
}
