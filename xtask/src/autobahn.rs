//! The Autobahn testsuite's client against an edge: how it takes WebSocket frames that nobody should send.
//!
//! The suite is made for servers that echo. Here a case applies when what it expects holds no echo; the suite itself
//! says so for each case that it has run.

mod report;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanjet_testkit::JetstreamClient;
use serde_json::json;

use crate::cluster::{Cluster, Profile};
use crate::shell::{block_on, root, run as run_command, target};
use crate::tools::once_per_lock;
use report::Report;

const AGENT: &str = "fanjet-edge";
/// All cases of 1, 9 and 10 wait for an echo, and 12 and 13 for compression, which no edge agrees to.
const CASES: [&str; 6] = ["2.*", "3.*", "4.*", "5.*", "6.*", "7.*"];
/// The suite's start, with its packages in a folder of their own.
const START: &str = "import site, sys; site.addsitedir(sys.argv.pop(1)); \
                     from autobahntestsuite.wstest import run; run()";
/// For the whole suite, and for the first event behind it.
const PATIENCE: Duration = Duration::from_secs(900);

pub(crate) fn run(python: &str) -> Result<()> {
    let packages = install(python)?;
    block_on(test(python, &packages))
}

async fn test(python: &str, packages: &Path) -> Result<()> {
    // Nothing flows while the suite runs: an event would be one that it does not expect.
    let flags = ["--wait-for-client", "--limit", "100"];
    let mut cluster = Cluster::start(Profile::Dev, &flags, &[]).await?;
    let mut bystander = JetstreamClient::connect(cluster.edge_url(), &[])
        .await?
        .with_deadline(PATIENCE);
    let folder = tempfile::tempdir()?;
    let spec = folder.path().join("spec.json");
    let url = format!("{}/subscribe", cluster.edge_url());
    let wanted = json!({
        "outdir": folder.path(),
        "servers": [{"agent": AGENT, "url": url}],
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    std::fs::write(&spec, wanted.to_string())?;
    let mut suite = tokio::process::Command::new(python);
    suite.args(["-W", "ignore", "-c", START]).arg(packages);
    suite.args(["-m", "fuzzingclient", "-s"]).arg(&spec);
    suite.stdout(std::fs::File::create(folder.path().join("log.txt"))?);
    println!("running the suite, which takes some minutes");
    let mut suite = suite.kill_on_drop(true).spawn()?;
    // The bystander answers pings only while it is read from.
    let status = tokio::select! {
        status = suite.wait() => status?,
        event = bystander.next_event() => bail!("another client got {event:?}"),
    };
    ensure!(status.success(), "the suite ended with {status}");

    let report = Report::read(folder.path(), AGENT)?;
    cluster.start_ingest()?;
    let undisturbed = bystander.next_event().await;
    undisturbed.context("another client of the edge was disturbed")?;
    bystander.close().await?;
    cluster.stop().await?;

    std::fs::write(root().join("docs/autobahn.md"), report.page())?;
    println!("{}", report.summary());
    ensure!(
        report.failures().is_empty(),
        "failed: {:?}",
        report.failures()
    );
    Ok(())
}

/// The folder with the suite's packages.
fn install(python: &str) -> Result<PathBuf> {
    let folder = target().join("tools/autobahntestsuite");
    let lock = root().join("loadtest/autobahn/requirements.txt");
    std::fs::create_dir_all(&folder)?;
    once_per_lock(&folder, &lock, || {
        let mut pip = Command::new(python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        pip.args(["--no-deps", "--upgrade", "--target"]);
        run_command(pip.arg(&folder).arg("-r").arg(&lock))
    })
    .with_context(|| format!("the suite needs Python 2.7 with pip; {python} is not that"))?;
    Ok(folder)
}
