//! One case: a kind of load at servers with certain settings, repeated, with all servers in turn.

use anyhow::Result;

use super::options::{Options, Pace, Side};
use super::report::Document;
use super::round::Rounds;
use super::testbed::Testbed;

/// As many accounts as in the filters of 1,000 subscribers with a hundred DIDs each.
pub(super) const ACCOUNTS: u64 = 100_000;

/// The load.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) subscribers: u64,
    pub(super) mix: String,
    /// Further flags.
    pub(super) flags: Vec<String>,
}

impl Case {
    /// This many subscribers, unless the options override it.
    pub(super) fn new(name: &str, subscribers: u64, mix: &str, options: &Options) -> Self {
        Self {
            name: name.to_owned(),
            subscribers: options.subscribers.unwrap_or(subscribers),
            mix: mix.to_owned(),
            flags: Vec::new(),
        }
    }

    pub(super) fn with(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(ToString::to_string));
        self
    }

    /// The load generator's flags.
    pub(super) fn swarm(&self, options: &Options) -> Vec<String> {
        let mut flags = vec![
            "--connections".to_owned(),
            self.subscribers.to_string(),
            "--mix".to_owned(),
            self.mix.clone(),
        ];
        for (flag, value) in [
            ("--warm-up", options.warm_up),
            ("--seconds", options.seconds),
        ] {
            // The case's own flags win.
            if !self.flags.iter().any(|it| it == flag) {
                flags.extend([flag.to_owned(), value.to_string()]);
            }
        }
        flags.extend(self.flags.iter().cloned());
        flags
    }

    /// Measures every server in turn, as often as requested, and prints each round. The servers keep running.
    pub(super) async fn measure(
        &self,
        options: &Options,
        testbed: &Testbed,
        sides: &[Side],
        document: &mut Document,
    ) -> Result<Rounds> {
        let flags = self.swarm(options);
        let mut by_side: Vec<_> = sides
            .iter()
            .map(|side| Rounds {
                case: self.name.clone(),
                side: match side {
                    Side::Ours(_) => options.side().to_owned(),
                    Side::Other(url, _) => url.clone(),
                },
                rounds: Vec::new(),
            })
            .collect();
        for repeat in 1..=options.repeats.max(1) {
            for (side, rounds) in sides.iter().zip(&mut by_side) {
                let round = testbed.swarm(side, &flags).await?;
                println!("{} {repeat}: {}", self.name, round.line());
                rounds.rounds.push(round);
            }
        }
        document.rounds.extend(by_side.iter().cloned());
        // Ours is first.
        Ok(by_side.remove(0))
    }
}

impl Testbed {
    /// Starts the events: from the feeder, or from a firehose if another server must read them, too.
    pub(super) async fn flow(&mut self, rate: f64, options: &Options) -> Result<()> {
        match &options.against {
            None => self.feed(Pace::Rate(rate), ACCOUNTS).await,
            Some(_) => self.feed_by_firehose(&options.upstream, rate).await,
        }
    }
}
