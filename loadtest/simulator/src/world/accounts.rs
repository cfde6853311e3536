//! The accounts of the world: DID, key, handle, repo, and activity.

mod identity;

use std::sync::Arc;

use fanjet_event::Did;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::keys::AccountKey;
use super::repo::Repo;
use super::zipf::Zipf;
use crate::{Directory, SimulatorError, WorldConfig};

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) did: Did,
    pub(crate) key: AccountKey,
    pub(crate) handle: String,
    /// Whether its host serves it; an inactive account makes no commits.
    pub(crate) active: bool,
    pub(crate) repo: Repo,
}

/// All accounts. A few are active and have large repos, most are quiet and small.
#[derive(Debug)]
pub(crate) struct Accounts {
    all: Vec<Account>,
    activity: Zipf,
}

impl Accounts {
    pub(crate) fn generate(
        config: &WorldConfig,
        rng: &mut ChaCha8Rng,
        directory: &Directory,
    ) -> Result<Self, SimulatorError> {
        let activity = Zipf::new(config.accounts, 0.6);
        let mut all = Vec::with_capacity(config.accounts);
        for index in 0..config.accounts {
            let key = AccountKey::generate(rng);
            // Evenly spread, and not the most active account.
            let web = config.did_web_accounts > 0
                && index % config.accounts.div_ceil(config.did_web_accounts) == 1;
            let handle = identity::handle(rng, index);
            let did = if web {
                Did::parse(Arc::from(format!("did:web:{handle}")))?
            } else {
                identity::plc_did(&key, &handle)?
            };
            directory.set(&did, &handle, &key.public_multibase());
            let share = activity.share(index) * config.accounts as f64;
            let records = (config.records_per_repo as f64 * share).ceil() as usize;
            let clock_id = rng.random_range(0..1024);
            let repo = Repo::bootstrap(&did, &key, records, config.start_us, clock_id, rng);
            all.push(Account {
                did,
                key,
                handle,
                active: true,
                repo,
            });
        }
        Ok(Self { all, activity })
    }

    /// Draws the next active account.
    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> usize {
        self.activity.draw(rng)
    }

    /// Any DID, for mentions, follows and blocks.
    pub(crate) fn draw_did(&self, rng: &mut ChaCha8Rng) -> &Did {
        &self.all[rng.random_range(0..self.all.len())].did
    }

    pub(crate) fn get(&self, index: usize) -> &Account {
        &self.all[index]
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> &mut Account {
        &mut self.all[index]
    }

    /// Gives an account a new handle.
    pub(crate) fn rename(&mut self, index: usize, rng: &mut ChaCha8Rng, directory: &Directory) {
        let account = &mut self.all[index];
        account.handle = identity::handle(rng, index);
        directory.set(
            &account.did,
            &account.handle,
            &account.key.public_multibase(),
        );
    }
}
