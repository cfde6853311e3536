//! Runs the commands of the README, and of other pages for beginners, as they are written.
//!
//! Every shell block of a page is run line by line, each line in a shell of its own as in a terminal of its own, and its Python
//! block as a program. What a section starts runs until the section's end. Nothing is rewritten; the surroundings are made up instead:
//!
//! - The working folder is new for each section. Everything of the repository is there, except `target`.
//! - `target/release/PROGRAM`, and `fanjet` in the path, are the programs of the dev profile, which were built before. In their
//!   arguments the public hosts `wss://relay*` and `wss://jetstream*` become a simulated firehose and a server behind it; any
//!   other host is an error. What reads an upstream without being told which reads the simulated one, by `FANJET_INGEST__UPSTREAM__URL`.
//! - `cargo` only checks that it is asked to build or run one of these programs.
//! - `nats-server` is the pinned one, `python3` one with the pinned client.
//!
//! A line counts as working when it has ended with 0, or when it shows what its program is there for: see [`Proof`].

mod blocks;
mod proof;
mod surroundings;
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
use surroundings::Surroundings;
use terminal::Terminal;

/// Time for one command to show that it works.
const PATIENCE: Duration = Duration::from_secs(90);

const PAGES: [&str; 3] = [
    "README.md",
    "docs/operate/install.md",
    "docs/use/cookbook.md",
];

/// Where the README's programs listen when nothing else is said: clients, ops of edge and ingest, NATS.
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
        let surroundings = Surroundings::make().await?;
        for (page, section) in &pages {
            let began = Instant::now();
            println!("readme: {page}: {}", section.title);
            run_section(section, &surroundings)
                .await
                .with_context(|| format!("{page}, section {:?}", section.title))?;
            println!("  {:.0?}", began.elapsed());
        }
        surroundings.end().await
    })?;
    println!("readme: every command works");
    Ok(())
}

async fn run_section(section: &Section, surroundings: &Surroundings) -> Result<()> {
    for port in PORTS {
        TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("the README's commands need port {port}, which is taken"))?;
    }
    let folder = surroundings.new_folder()?;
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
                Language::Python => surroundings.python_program(&folder, &command)?,
            };
            let mut terminal = Terminal::open(&line, &folder, surroundings)?;
            terminal.show(proof, PATIENCE).await?;
            terminals.push((terminal, proof));
        }
    }
    if terminals.iter().any(|(_, proof)| *proof == Proof::SERVES) {
        let tail = "fanjet tail --count 5";
        Terminal::open(tail, &folder, surroundings)?
            .show(Proof::Ends, PATIENCE)
            .await
            .context("what was started serves no events on port 6008")?;
    }
    // As ctrl-c would, the last one first.
    for (terminal, _) in terminals.into_iter().rev() {
        terminal.close(PATIENCE).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
