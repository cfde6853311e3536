//! Limits on lookups that start immediately or not at all: a rate per site, a rate in total, and a circuit breaker per
//! site. Pure; time is an argument, and must be monotonic.

use tokio::time::Instant;

use crate::breaker::Breaker;
use crate::cache::Cache;
use crate::rate::{Rate, Taken};

/// Maximum number of sites with state.
const SITES: usize = 10_000;

/// Why a lookup is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The site does not respond.
    Away,
    /// A rate limit was reached.
    RateLimited,
}

/// Rates and breakers of all sites.
#[derive(Debug)]
pub struct SiteLimits {
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

impl SiteLimits {
    /// A rate for all sites together, and a rate for each.
    pub fn new(all: Rate, of_one: Rate) -> Self {
        Self {
            all,
            of_one,
            taken: Taken::default(),
            sites: Cache::new(SITES, usize::MAX),
        }
    }

    /// Admits and counts a lookup. A rejected lookup is not counted: neither may one site use up the total rate, nor
    /// the others use up a site's.
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

    /// A lookup ended, with or without a response.
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
        let mut site_limits = SiteLimits::new(all, of_one);
        let now = Instant::now();
        for _ in 0..2 {
            site_limits.admit("greedy", now).unwrap();
        }
        for _ in 0..100 {
            assert_eq!(site_limits.admit("greedy", now), Err(Denied::RateLimited));
        }
        for other in ["a", "b"] {
            site_limits.admit(other, now).unwrap();
        }
        assert_eq!(site_limits.admit("c", now), Err(Denied::RateLimited));
        let later = now + Duration::from_secs(1);
        for _ in 0..2 {
            site_limits.admit("c", later).unwrap();
        }
    }

    #[test]
    fn one_site_that_is_away_is_no_other() {
        let many = Rate::per_second(1_000, 1_000);
        let mut site_limits = SiteLimits::new(many, many);
        let now = Instant::now();
        for _ in 0..5 {
            site_limits.admit("silent", now).unwrap();
        }
        for _ in 0..5 {
            site_limits.ended("silent", false, now);
        }
        assert_eq!(site_limits.admit("silent", now), Err(Denied::Away));
        site_limits.admit("other", now).unwrap();
        site_limits.ended("silent", true, now);
        site_limits.admit("silent", now).unwrap();
    }
}
