//! Benchmarks of single testbeds: each is a bench target of its crate, on real frames if available.

use anyhow::Result;
use fanjet_tools::shell::{cargo, corpus_folder, run as run_command};

use super::options::Bench;

/// A bench target.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadLevel {
    package: &'static str,
    target: &'static str,
}

/// The target behind a name; `None` for benchmarks that run servers.
pub(super) fn of(bench: Bench) -> Option<LoadLevel> {
    let (package, target) = match bench {
        Bench::Decode => ("fanjet-firehose", "decode"),
        Bench::Verify => ("fanjet-verify", "verify"),
        Bench::Fanout => ("fanjet-edge", "fanout"),
        Bench::Sockets => ("fanjet-edge", "sockets"),
        Bench::Replay => ("fanjet-edge", "replay"),
        Bench::Zstd => ("fanjet-wire", "zstd"),
        Bench::Log => ("fanjet-log-nats", "append"),
        Bench::Embedded => ("fanjet-log-embedded", "log"),
        Bench::Kafka => ("fanjet-kafka", "produce"),
        _ => return None,
    };
    Some(LoadLevel { package, target })
}

impl LoadLevel {
    pub(super) async fn run(self) -> Result<()> {
        tokio::task::spawn_blocking(move || self.run_here()).await?
    }

    fn run_here(self) -> Result<()> {
        fanjet_tools::nats_server()?;
        let mut command = cargo();
        command.args(["bench", "--locked", "--all-features", "-p", self.package]);
        command.args(["--bench", self.target]);
        if let Some(folder) = corpus_folder() {
            command.env("FANJET_CORPUS", folder);
        }
        run_command(&mut command)
    }
}
