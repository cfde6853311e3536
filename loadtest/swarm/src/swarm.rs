//! A run: threads, phases, and the final comparison.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::SwarmError;
use crate::limits;
use crate::mix::World;
use crate::plan::{Count, Plan};
use crate::reference::{Comparison, Reference};
use crate::report::Report;
use crate::shared::{Phase, Shared};
use crate::target::Target;
use crate::worker::{Part, Worker};

/// How long connecting may take after the ramp.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the reference may wait for its first event: without any there is nothing to compare.
const FIRST_EVENT: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(10);

/// The phases of a run that a caller can observe or control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// All connections are open, or were rejected.
    Connected,
    /// Everything from now on counts.
    WindowBegins,
    /// Nothing from now on counts.
    WindowEnds,
}

/// The progress of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// Connections that are open now.
    pub open: u64,
    /// Short-lived connections so far.
    pub churned: u64,
    /// Events since the start, without the reference's.
    pub events: u64,
    /// Bytes since the start.
    pub bytes: u64,
    /// Connections closed by the server.
    pub unexplained: u64,
}

/// Controls how long each phase lasts.
pub trait Conductor {
    /// Returns when the run may leave this phase.
    fn wait(&mut self, moment: Moment, progress: &dyn Fn() -> Progress);

    /// Called while connections are being opened.
    fn connecting(&mut self, progress: Progress);
}

/// Runs one part of a load test with `parts` processes.
///
/// # Errors
/// [`SwarmError`] when it cannot start. Faults of the server are in the report.
pub fn run(
    plan: &Plan,
    target: &Target,
    world: &World,
    (process, processes): (u64, u64),
    conductor: &mut dyn Conductor,
) -> Result<Report, SwarmError> {
    if plan.ramp <= 0.0 || plan.threads == 0 || processes == 0 {
        let what = "the ramp, the threads and the processes must be above 0";
        return Err(SwarmError::Plan(what.to_owned()));
    }
    let target = &match plan.v2 {
        true => target.v2(),
        false => target.clone(),
    };
    limits::open_files(plan.open_files())?;
    let sources = limits::sources(target.address, plan.sources, plan.ports());
    let threads = plan.threads * processes;
    let shares: Vec<_> = (0..plan.threads)
        .map(|thread| plan.share(thread * processes + process, threads))
        .collect();
    let shared = Shared::default();
    let workers = shares
        .iter()
        .map(|share| Worker::new(plan, *share, target, world, &sources, &shared));
    let workers = workers.collect::<Result<Vec<_>, _>>()?;
    let mut parts = thread::scope(|scope| {
        let running: Vec<_> = workers
            .into_iter()
            .map(|worker| scope.spawn(|| worker.run()))
            .collect();
        let connections = shares.iter().map(|share| share.connections).sum();
        let has_reference = shares.iter().any(|share| share.has_reference);
        let window = direct(plan, &shared, connections, has_reference, conductor);
        let parts = running
            .into_iter()
            .map(|thread| thread.join().map_err(|_| SwarmError::Panicked)?);
        let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
        if let Some(first) = parts.first_mut() {
            let of_first = &mut first.report.window;
            (of_first.seconds, of_first.swarm_cpu_seconds) = window;
        }
        Ok::<_, SwarmError>(parts)
    })?;
    let mut report = Report {
        url: plan.url.clone(),
        mix: plan.mix.to_string(),
        zstd: plan.zstd,
        seed: plan.seed,
        ..Report::default()
    };
    for part in &parts {
        report.add(&part.report);
    }
    if plan.count == Count::Bytes {
        // Those of the sampled connections alone would be misleading.
        report.window.events = 0;
    }
    let reference = parts.iter_mut().find_map(|part| part.reference.take());
    if let Some(reference) = reference {
        compare(&reference, &parts, &mut report);
    }
    Ok(report)
}

/// Leads the threads through the run. Returns length and CPU time of the window.
fn direct(
    plan: &Plan,
    shared: &Shared,
    connections: u64,
    has_reference: bool,
    conductor: &mut dyn Conductor,
) -> (f64, f64) {
    let progress = || Progress {
        open: Shared::get(&shared.open),
        churned: Shared::get(&shared.churned),
        events: Shared::get(&shared.events),
        bytes: Shared::get(&shared.bytes),
        unexplained: Shared::get(&shared.unexplained),
    };
    let deadline = Instant::now() + FIRST_EVENT;
    while has_reference
        && !shared.has_reference.load(Ordering::Acquire)
        && Instant::now() < deadline
    {
        thread::sleep(TICK);
    }
    shared.begin(Phase::WarmUp);
    let deadline = Instant::now() + plan.ramp_time() + PATIENCE;
    while Shared::get(&shared.decided) < connections && Instant::now() < deadline {
        conductor.connecting(progress());
        thread::sleep(TICK);
    }
    conductor.wait(Moment::Connected, &progress);
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    shared.begin(Phase::Window);
    conductor.wait(Moment::WindowBegins, &progress);
    shared.begin(Phase::Behind);
    let window = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    conductor.wait(Moment::WindowEnds, &progress);
    shared.begin(Phase::End);
    window
}

fn compare(reference: &Reference, parts: &[Part], report: &mut Report) {
    let sampled = &mut report.sampled;
    for (wanted, stretch) in parts.iter().flat_map(|part| &part.streams) {
        match reference.compare(wanted, stretch) {
            Comparison::Same => sampled.compared += 1,
            Comparison::Differs(missing) => {
                sampled.compared += 1;
                sampled.differing += 1;
                sampled.missing += u64::try_from(missing).unwrap_or(0);
                let what = || format!("{missing} events missing of {stretch:?}");
                sampled.first_fault.get_or_insert_with(what);
            }
            Comparison::Unknown => {}
        }
    }
}

/// User and system time of this process so far.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
