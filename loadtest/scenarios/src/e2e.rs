//! The status page in real headless Chromium, in front of `fanjet demo`, and a picture of what the demo prints.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use fanjet_tools::packages::node_packages;
use fanjet_tools::programs::{Profile, build, executable};
use fanjet_tools::shell::{root, run as run_command, target};

use crate::runtime::block_on;
use crate::service::{listening, program, stop};

/// Names of the browser in different distributions, in the order in which they are tried.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// What the README shows, below `docs/images`.
const PICTURES: [&str; 3] = ["status-light.png", "status-dark.png", TERMINAL];
const TERMINAL: &str = "demo.png";
/// Events in the picture of the terminal.
const EVENTS: &str = "12";

pub(crate) fn run(update: bool) -> Result<()> {
    let browser = browser()?;
    let driver = driver()?;
    build(Profile::Dev)?;
    block_on(look(&browser, &driver))?;
    show_terminal(&browser, &driver)?;
    if update {
        for picture in PICTURES {
            let (from, to) = (pictures().join(picture), root().join("docs/images"));
            fs::create_dir_all(&to)?;
            fs::copy(from, to.join(picture)).with_context(|| format!("cannot copy {picture}"))?;
        }
        println!("e2e: the README has new pictures");
    }
    Ok(())
}

fn pictures() -> PathBuf {
    target().join("e2e")
}

async fn look(browser: &Path, driver: &Path) -> Result<()> {
    let pictures = pictures();
    fs::create_dir_all(&pictures)?;
    let demo = program(Profile::Dev, "fanjet")
        .args(["demo", "--rate", "100"])
        .start()?;
    let url = listening(&demo).await?.replacen("ws://", "http://", 1);
    let mut node = Command::new("node");
    node.arg(driver.join("status.js"))
        .arg(format!("{url}/"))
        .arg(browser)
        .arg(&pictures);
    let looked = tokio::task::spawn_blocking(move || run_command(&mut node)).await?;
    stop(&demo, "fanjet demo").await?;
    looked?;
    println!("e2e: the pictures are in {}", pictures.display());
    Ok(())
}

/// A picture of the demo's first events, as a terminal shows them.
fn show_terminal(browser: &Path, driver: &Path) -> Result<()> {
    let program = executable(Profile::Dev, "fanjet");
    let program = program.strip_prefix(root()).unwrap_or(&program);
    let printed = Command::new(program)
        .args(["demo", "--events", EVENTS])
        .current_dir(root())
        .output()?;
    ensure!(printed.status.success(), "fanjet demo: {}", printed.status);
    let printed = String::from_utf8(printed.stdout)?;
    let text = pictures().join("demo.txt");
    fs::write(&text, format!("cargo run -p fanjet -- demo\n{printed}"))?;
    let mut node = Command::new("node");
    node.arg(driver.join("terminal.js"))
        .args([&text, browser])
        .arg(pictures().join(TERMINAL));
    run_command(&mut node)
}

/// Chromium of the system.
fn browser() -> Result<PathBuf> {
    let found = || {
        let path = std::env::var_os("PATH")?;
        let mut folders = std::env::split_paths(&path);
        folders.find_map(|folder| {
            let candidates = BROWSERS.iter().map(|name| folder.join(name));
            candidates.into_iter().find(|candidate| candidate.is_file())
        })
    };
    if let Some(found) = found() {
        return Ok(found);
    }
    let mut apt = Command::new("apt-get");
    apt.args(["install", "-y", "--no-install-recommends", "chromium"]);
    run_command(&mut apt).context("Chromium is missing, and installing Debian's failed")?;
    match found() {
        Some(found) => Ok(found),
        None => bail!(
            "no Chromium: none of {} is in the PATH",
            BROWSERS.join(", ")
        ),
    }
}

/// Node looks for packages next to the program, so the driver is copied to the packages.
fn driver() -> Result<PathBuf> {
    let from = root().join("loadtest/browser");
    let folder = target().join("browser");
    fs::create_dir_all(&folder)?;
    for file in [
        "package.json",
        "package-lock.json",
        "status.js",
        "terminal.js",
    ] {
        fs::copy(from.join(file), folder.join(file))
            .with_context(|| format!("cannot copy {file}"))?;
    }
    node_packages(&folder)?;
    Ok(folder)
}
