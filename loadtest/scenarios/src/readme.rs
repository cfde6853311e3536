//! Runs the commands of the README, and of other pages for beginners, as written.
//!
//! Every shell block of a page runs line by line, each line in its own shell as in its own terminal, and its
//! Python block runs as a program. Programs started in a section run until its end. Nothing is rewritten; only the
//! sandbox differs from a reader's machine:
//!
//! - The working folder is new for each section. It contains the repository, except `target`.
//! - `target/release/PROGRAM`, and `fanjet` in the path, are the programs of the dev profile, built beforehand. In
//!   their arguments the public hosts `wss://relay*` and `wss://jetstream*` become a simulated firehose and a server
//!   behind it; any other host is an error. Without an upstream argument they read the simulated one, by
//!   `FANJET_INGEST__UPSTREAM__URL`.
//! - `cargo` only checks that it is asked to build or run one of these programs.
//! - `nats-server` is the pinned one, `python3` one with the pinned client.
//!
//! A line passes when it exits with 0, or when its output shows that it works: see [`Proof`].

mod blocks;
mod proof;
mod sandbox;
mod terminal;

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_tools::programs::{Profile, build};
use fanjet_tools::shell::root;

use crate::runtime::block_on;
use blocks::{Language, Section, sections};
use proof::Proof;
use sandbox::Sandbox;
use terminal::Terminal;

/// Deadline for a command to show that it works.
const PATIENCE: Duration = Duration::from_secs(90);

const PAGES: [&str; 3] = [
    "README.md",
    "docs/operate/install.md",
    "docs/use/cookbook.md",
];

/// Default ports of the README's programs: clients, ops of edge and ingest, NATS.
const PORTS: [u16; 4] = [6008, 6009, 6010, 4222];

pub(crate) fn run() -> Result<()> {
    let mut pages = Vec::new();
    for page in PAGES {
        let text =
            fs::read_to_string(root().join(page)).with_context(|| format!("cannot read {page}"))?;
        let sections = sections(&text);
        ensure!(!sections.is_empty(), "{page} has no commands");
        pages.extend(sections.into_iter().map(|section| (page, section)));
    }
    build(Profile::Dev)?;
    block_on(async {
        let sandbox = Sandbox::make().await?;
        for (page, section) in &pages {
            let began = Instant::now();
            println!("readme: {page}: {}", section.title);
            run_section(section, &sandbox)
                .await
                .with_context(|| format!("{page}, section {:?}", section.title))?;
            println!("  {:.0?}", began.elapsed());
        }
        sandbox.end().await
    })?;
    println!("readme: every command works");
    Ok(())
}

async fn run_section(section: &Section, sandbox: &Sandbox) -> Result<()> {
    for port in PORTS {
        TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("the README's commands need port {port}, which is taken"))?;
    }
    let folder = sandbox.new_folder()?;
    let mut terminals = Vec::new();
    for block in &section.blocks {
        for command in block.commands() {
            println!("  $ {}", command.lines().next().unwrap_or_default());
            let proof = match block.language {
                Language::Shell => Proof::of(&command),
                Language::Python => Proof::Streams,
            };
            let line = match block.language {
                Language::Shell => command,
                Language::Python => sandbox.python_program(&folder, &command)?,
            };
            let mut terminal = Terminal::open(&line, &folder, sandbox)?;
            terminal.show(proof, PATIENCE).await?;
            terminals.push((terminal, proof));
        }
    }
    if terminals.iter().any(|(_, proof)| *proof == Proof::SERVES) {
        let tail = "fanjet tail --count 5";
        Terminal::open(tail, &folder, sandbox)?
            .show(Proof::Ends, PATIENCE)
            .await
            .context("no program serves events on port 6008")?;
    }
    // As with ctrl-c, the last one first.
    for (terminal, _) in terminals.into_iter().rev() {
        terminal.close(PATIENCE).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
