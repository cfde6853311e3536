//! The edge's test of coming and going connections, for as long as wanted, and with an address sanitizer.

use std::process::Command;

use anyhow::Result;
use fanjet_tools::shell::{cargo, root, run as run_command, target};

/// The only one that the sanitizer is used on. Naming it keeps build scripts without.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Arguments of `cargo xtask churn`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long; rounds on nodes of their own follow each other
    #[arg(long, default_value_t = 0.5)]
    minutes: f64,
    /// Build everything with the address sanitizer (needs a nightly toolchain; the first time takes minutes)
    #[arg(long)]
    asan: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut test = match args.asan {
        true => sanitized(),
        false => cargo(),
    };
    test.args(["test", "--locked", "--all-features", "-p", "fanjet-edge"]);
    test.args(["--test", "it"]);
    if args.asan {
        test.args(["--target", TARGET]);
    }
    test.args(["--", "churn::", "--nocapture"]);
    test.env(
        "FANJET_CHURN_SECONDS",
        ((args.minutes * 60.0) as u64).to_string(),
    );
    run_command(&mut test)
}

/// The nightly cargo, with a target folder of its own.
fn sanitized() -> Command {
    let mut nightly = Command::new("rustup");
    nightly
        .current_dir(root())
        .args(["run", "nightly", "cargo"])
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("CARGO_TARGET_DIR", target().join("asan"));
    nightly
}
