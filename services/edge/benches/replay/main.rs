//! Replays from the start and from the middle, over a real nats-server, the same with the edge's local tier (while 500 events per
//! second are appended), and over the embedded log, with the same history, in one run: the edge, the readers and nats-server are
//! separate processes.
//!
//! `cargo bench -p fanjet-edge --bench replay -- [events=1000000] [rounds=3] [only=<part of a scenario's name>]`

#![allow(clippy::print_stdout, reason = "a benchmark prints figures")]

#[path = "../../tests/it/support/instruments.rs"]
#[allow(clippy::unwrap_used, reason = "shared with the tests")]
mod instruments;

mod history;
mod feed;
mod logs;

mod node;
mod readers;

mod scenarios;
mod figures;

use std::process::Command;

use anyhow::{Context, Result, bail};

use figures::{Figures, median};
use logs::Logs;
use scenarios::Scenario;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        ["node", kind, place] => node::serve(kind, place, None),
        ["node", kind, place, tier] => node::serve(kind, place, Some(tier)),
        ["readers", addr, wanted @ ..] => readers::run(addr, wanted),
        _ => measure(&arguments),
    }
}

/// This program again, in another role.
fn role(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    Ok(command)
}

fn measure(arguments: &[&str]) -> Result<()> {
    let setting = |name: &str| {
        let mut values = arguments.iter().filter_map(|it| it.strip_prefix(name));
        values.find_map(|it| it.strip_prefix('='))
    };
    let events = setting("events").map_or(Ok(1_000_000), str::parse)?;
    let rounds = setting("rounds").map_or(Ok(3), str::parse)?;
    let only = setting("only").unwrap_or_default();
    let scenarios = scenarios::all(events);
    let chosen: Vec<_> = scenarios
        .iter()
        .filter(|scenario| scenario.name.contains(only))
        .collect();
    if chosen.is_empty() {
        bail!("no scenario name contains {only:?}");
    }
    let logs = Logs::fill(events)?;
    println!("load average {}", figures::load_average()?);
    for scenario in chosen {
        run(scenario, &logs, rounds)?;
    }
    println!("load average {}", figures::load_average()?);
    Ok(())
}

/// The logs take turns, so that other load on the machine affects both.
fn run(scenario: &Scenario, logs: &Logs, rounds: usize) -> Result<()> {
    println!("\n{}", scenario.name);
    println!("{}", Figures::HEAD);
    let mut found: [Vec<Figures>; 3] = Default::default();
    for _ in 0..rounds {
        for (log, found) in logs.all().into_iter().zip(&mut found) {
            let figures = node::measure(scenario, &log)
                .with_context(|| format!("{}, {}", scenario.name, log.name()))?;
            println!("{:<9}{figures}", log.name());
            found.push(figures);
        }
    }
    for (log, found) in logs.all().into_iter().zip(&found) {
        println!("{:<9}{}  median", log.name(), median(found));
    }
    Ok(())
}
