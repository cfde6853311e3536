//! Every test there is, with the real tools it needs.

use std::path::PathBuf;

use anyhow::Result;

use crate::chaos;
use crate::chart;
use crate::corpus;
use crate::kafka;
use crate::readme;
use crate::shell::{cargo, root, run as run_command};

/// Where a folder of recorded frames may be; the project passes without it.
const CORPUS: &str = "../shared/corpus";

pub(crate) fn run() -> Result<()> {
    fanjet_testkit::tools::nats_server()?;
    fanjet_testkit::tools::kafka_jars()?;
    let corpus = corpus_folder();
    let mut test = cargo();
    test.args(["test", "--workspace", "--all-features", "--locked"]);
    test.env(kafka::PYTHON, kafka::python()?);
    if let Some(folder) = &corpus {
        test.env("FANJET_CORPUS", folder);
    }
    run_command(&mut test)?;
    match corpus {
        Some(folder) => corpus::run(&folder)?,
        None => println!("corpus: skipped, there is no {CORPUS}"),
    }
    readme::run()?;
    chart::run(&chart::Args::default())?;
    chaos::run(chaos::SHORT)?;
    println!("test: everything passed");
    Ok(())
}

pub(crate) fn corpus_folder() -> Option<PathBuf> {
    root()
        .join(CORPUS)
        .canonicalize()
        .ok()
        .filter(|folder| folder.join("frames.bin.zst").exists())
}
