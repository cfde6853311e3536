//! Benchmarks, on real frames where there are some.

mod ingest;

use anyhow::Result;

use crate::shell::{block_on, cargo, run as run_command};
use crate::test::corpus_folder;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bench {
    /// Frames to v1 JSON, beside the plain decoder
    Decode,
    /// Signatures and proofs of commits
    Verify,
    /// Routing and lanes of one hub, without sockets
    Fanout,
    /// CPU per delivered event over real sockets, by encoding
    Sockets,
    /// Replays from a real nats-server and from the embedded log, side by side
    Replay,
    /// Recorded frames through ingest into a real nats-server
    Ingest,
    /// zstd frames per level, with the dictionary
    Zstd,
    /// Appending to and reading from a real nats-server
    Log,
    /// Appending to, reading from and opening the embedded log
    Embedded,
    /// A log into a real Kafka broker
    Kafka,
}

pub(crate) fn run(bench: Bench) -> Result<()> {
    let (package, target) = match bench {
        Bench::Decode => ("fanjet-firehose", "decode"),
        Bench::Verify => ("fanjet-verify", "verify"),
        Bench::Fanout => ("fanjet-edge", "fanout"),
        Bench::Sockets => ("fanjet-edge", "sockets"),
        Bench::Replay => ("fanjet-edge", "replay"),
        Bench::Zstd => ("fanjet-wire", "zstd"),
        Bench::Ingest => return block_on(ingest::run()),
        Bench::Log => ("fanjet-log-nats", "append"),
        Bench::Embedded => ("fanjet-log-embedded", "log"),
        Bench::Kafka => ("fanjet-kafka", "produce"),
    };
    fanjet_testkit::tools::nats_server()?;
    let mut command = cargo();
    command.args([
        "bench",
        "--locked",
        "--all-features",
        "-p",
        package,
        "--bench",
        target,
    ]);
    if let Some(folder) = corpus_folder() {
        command.env("FANJET_CORPUS", folder);
    }
    run_command(&mut command)
}
