//! Decides when a window starts and ends: a timer, or another process.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use fanjet_swarm::{Conductor, Moment, Plan, Progress};

const REPORT: Duration = Duration::from_secs(5);

/// Printed on standard output at each phase: the harness that measures the server's CPU time waits for these lines.
pub(crate) fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Connected => "connected",
        Moment::WindowBegins => "window begins",
        Moment::WindowEnds => "window ends",
    }
}

/// A timer, with a status line every five seconds.
pub(crate) struct Clockwork {
    warm_up: Duration,
    window: Duration,
    shown: Instant,
}

impl Clockwork {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            warm_up: Duration::from_secs_f64(plan.warm_up),
            window: Duration::from_secs_f64(plan.seconds),
            shown: Instant::now(),
        }
    }

    pub(crate) fn time_of(&self, moment: Moment) -> Duration {
        match moment {
            Moment::Connected => self.warm_up,
            Moment::WindowBegins => self.window,
            Moment::WindowEnds => Duration::ZERO,
        }
    }

    fn show(&mut self, progress: Progress) {
        if self.shown.elapsed() < REPORT {
            return;
        }
        self.shown = Instant::now();
        eprintln!(
            "{} open, {} short-lived, {} events, {:.1} MB, {} unexpected closes",
            progress.open,
            progress.churned,
            progress.events,
            progress.bytes as f64 / 1e6,
            progress.unexplained
        );
    }
}

impl Conductor for Clockwork {
    fn wait(&mut self, moment: Moment, progress: &dyn Fn() -> Progress) {
        println!("{}", word(moment));
        let until = Instant::now() + self.time_of(moment);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(REPORT));
            self.show(progress());
        }
    }

    fn connecting(&mut self, progress: Progress) {
        self.show(progress);
    }
}

/// Starts each phase on a line from standard input, and prints one line in response.
pub(crate) struct Orders;

impl Conductor for Orders {
    fn wait(&mut self, moment: Moment, _: &dyn Fn() -> Progress) {
        println!("{}", word(moment));
        let mut order = String::new();
        // The controlling process is gone: report what was measured.
        let _or_gone = io::stdin().read_line(&mut order);
    }

    fn connecting(&mut self, _: Progress) {}
}
