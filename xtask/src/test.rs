//! Runs every test, with the real tools it needs.

use anyhow::Result;
use fanjet_tools::shell::{cargo, corpus_folder, run as run_command};

use crate::chart;
use crate::github;
use crate::kafka;
use crate::local_tier;
use crate::plain;
use crate::scenarios::run_to_end;

/// One short fault run.
const CHAOS: [&str; 5] = ["chaos", "--runs", "1", "--rate", "300"];
/// The other faults that need no root.
const FAULTS: [&str; 2] = ["faults", "--short"];

pub(crate) fn run() -> Result<()> {
    fanjet_tools::nats_server()?;
    fanjet_tools::kafka_jars()?;
    let corpus = corpus_folder();
    let mut test = cargo();
    // Every failure of a run is shown, not only those of the first package that has one.
    test.args([
        "test",
        "--workspace",
        "--all-features",
        "--locked",
        "--no-fail-fast",
    ]);
    test.env(kafka::PYTHON, kafka::python()?);
    if let Some(folder) = &corpus {
        test.env("FANJET_CORPUS", folder);
    }
    run_command(&mut test)?;
    plain::check()?;
    local_tier::check()?;
    match corpus {
        Some(folder) => run_to_end(&["corpus".into(), folder.into()])?,
        None => println!("corpus: skipped, no recorded frames"),
    }
    run_to_end(&["readme".into()])?;
    run_to_end(&["examples".into()])?;
    chart::run(&chart::Args::default())?;
    github::check()?;
    run_to_end(&CHAOS.map(Into::into))?;
    run_to_end(&FAULTS.map(Into::into))?;
    println!("test: all tests passed");
    Ok(())
}
