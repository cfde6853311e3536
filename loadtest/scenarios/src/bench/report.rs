//! The results of a run: a document under `target/bench`, and tables on standard output.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use fanjet_runtime::{Clock, SystemClock};
use fanjet_swarm::Report;
use fanjet_tools::shell::target;
use serde::Serialize;

use super::figures::Figures;
use super::machine::Machine;
use super::options::{Bench, OURS, Options};
use super::round::{Round, Rounds};
use super::table::{Table, figure};
pub(super) use super::target::Target;

/// A run of one benchmark.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    name: String,
    /// Unix seconds.
    at: u64,
    machine: Machine,
    /// Figures of a dev build are meaningless.
    is_dev_build: bool,
    pub(super) rounds: Vec<Rounds>,
    /// Of raw frames, which are measured without rounds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) figures: Vec<Figures>,
    targets: Vec<Target>,
    tables: Vec<String>,
    /// Reasons why the figures are not comparable.
    notes: Vec<String>,
}

const DELIVERY: [&str; 11] = [
    "",
    "log events/s",
    "delivered/s",
    "server CPU %",
    "CPU us per delivered",
    "delivered/s/core",
    "p50 ms",
    "p99 ms",
    "MiB",
    "KiB per subscriber",
    "",
];
const CHECKS: [&str; 10] = [
    "",
    "got in",
    "refused",
    "unexplained ends",
    "streams checked",
    "events checked",
    "missing",
    "repeated",
    "reordered",
    "wrong",
];

impl Document {
    pub(super) fn begin(bench: Bench, options: &Options) -> Result<Self> {
        let machine = Machine::here()?;
        let name = bench.to_possible_value().context("a bench has a name")?;
        println!(
            "{}: {} ({} cores), Linux {}, commit {}, load average {}",
            name.get_name(),
            machine.cpu,
            machine.cores,
            machine.kernel,
            machine.commit,
            machine.load_average
        );
        let mut notes = Vec::new();
        if options.dev {
            notes.push("dev builds: not comparable".to_owned());
        }
        if options.subscribers.is_some() || options.rate.is_some() {
            let what = "not the subscribers or the rate of the targets";
            notes.push(what.to_owned());
        }
        if machine.cores <= options.server_cores {
            notes.push("servers and clients share all cores".to_owned());
        }
        Ok(Self {
            name: name.get_name().to_owned(),
            at: SystemClock.now_us() / 1_000_000,
            machine,
            is_dev_build: options.dev,
            rounds: Vec::new(),
            figures: Vec::new(),
            targets: Vec::new(),
            tables: Vec::new(),
            notes,
        })
    }

    /// The cost of a case on each side.
    pub(super) fn delivery(&mut self, title: &str, cases: &[&str]) {
        let mut table = Table::new(&DELIVERY);
        for rounds in self.of(cases) {
            let side = match rounds.side.as_str() {
                OURS => String::new(),
                other => format!(" ({other})"),
            };
            table.row([
                format!("{}{side}", rounds.case),
                figure(rounds.median(Round::log_rate)),
                figure(rounds.median(Round::delivered)),
                figure(rounds.median(Round::cpu_percent)),
                figure(rounds.median(Round::cpu_per_delivered)),
                figure(rounds.median(Round::delivered_per_core)),
                figure(rounds.median(|it| it.latency(50.0))),
                figure(rounds.median(|it| it.latency(99.0))),
                figure(rounds.median(|it| it.memory)),
                figure(rounds.median(Round::memory_per_subscriber)),
                rounds.remark(),
            ]);
        }
        self.table(title, &table);
    }

    /// The findings of sampled streams.
    pub(super) fn checks(&mut self, title: &str, cases: &[&str]) {
        let mut table = Table::new(&CHECKS);
        for rounds in self.of(cases) {
            let sum = |of: &dyn Fn(&Report) -> u64| {
                let sum: u64 = rounds.rounds.iter().map(|it| of(&it.report)).sum();
                sum.to_string()
            };
            table.row([
                rounds.case.clone(),
                sum(&|it| it.connections.upgraded + it.connections.churn_upgraded),
                sum(&|it| it.connections.refused.values().sum()),
                sum(&|it| it.connections.unexplained.values().sum()),
                sum(&|it| it.sampled.streams),
                sum(&|it| it.sampled.events),
                sum(&|it| it.sampled.missing),
                sum(&|it| it.sampled.repeated),
                sum(&|it| it.sampled.reordered),
                sum(&|it| it.sampled.not_an_event + it.sampled.not_asked_for),
            ]);
        }
        self.table(title, &table);
    }

    /// Every case of both programs, one line each.
    pub(super) fn comparison(&mut self) {
        self.join_repeats();
        let cases: Vec<_> = self.rounds.iter().map(|it| it.case.clone()).collect();
        let first = |case: &String| cases.iter().position(|it| it == case);
        self.rounds.sort_by_key(|it| first(&it.case));
        let cases: Vec<_> = cases.iter().map(String::as_str).collect();
        self.delivery("Today's program and the baseline, in turn", &cases);
    }

    /// Our rounds of a case.
    pub(super) fn ours(&self, case: &str) -> Option<&Rounds> {
        self.rounds
            .iter()
            .find(|it| it.case == case && it.side == OURS)
    }

    /// Combines rounds that were taken one by one, so that cases could take turns.
    pub(super) fn join_repeats(&mut self) {
        let mut joined: Vec<Rounds> = Vec::new();
        for rounds in self.rounds.drain(..) {
            let same = joined
                .iter_mut()
                .find(|it| (&it.case, &it.side) == (&rounds.case, &rounds.side));
            match same {
                Some(same) => same.rounds.extend(rounds.rounds),
                None => joined.push(rounds),
            }
        }
        self.rounds = joined;
    }

    /// Records the result of a target.
    pub(super) fn target(&mut self, target: Target, rounds: &Rounds) {
        self.targets.push(target.remarked(rounds.remark()));
    }

    /// As [`Document::target`], without rounds.
    pub(super) fn plain_target(&mut self, target: Target) {
        self.targets.push(target);
    }

    fn of<'a>(&'a self, cases: &'a [&str]) -> impl Iterator<Item = &'a Rounds> {
        let rounds = self.rounds.iter();
        rounds.filter(|it| cases.contains(&it.case.as_str()))
    }

    /// Keeps a table, to be printed at the end.
    pub(super) fn table(&mut self, title: &str, table: &Table) {
        self.tables.push(format!("{title}\n\n{table}"));
    }

    /// Writes the document and prints the tables.
    pub(super) fn finish(mut self) -> Result<()> {
        let rounds = self.rounds.iter().flat_map(|it| &it.rounds);
        let (all, disturbed, faulty) = rounds.fold((0, 0, 0), |(all, disturbed, faulty), it| {
            let is_faulty = usize::from(!it.faults.is_empty());
            let is_disturbed = usize::from(it.spent.is_disturbed);
            (all + 1, disturbed + is_disturbed, faulty + is_faulty)
        });
        if disturbed > 0 {
            self.notes.push(format!(
                "DISTURBED: other processes took CPU time in {disturbed} of {all} rounds"
            ));
        }
        if faulty > 0 {
            self.notes
                .push(format!("{faulty} of {all} rounds have faults"));
        }
        if !self.targets.is_empty() {
            let mut table = Table::new(&["target", "wanted", "measured", "met", ""]);
            self.targets.iter().for_each(|it| table.row(it.cells()));
            self.table("Targets", &table);
        }
        for table in &self.tables {
            println!("\n{table}");
        }
        for note in &self.notes {
            println!("note: {note}");
        }
        let folder: PathBuf = target().join("bench");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}-{}.json", self.name, self.at));
        fs::write(&path, serde_json::to_string_pretty(&self)?)?;
        println!("{}", path.display());
        Ok(())
    }
}
