//! Leading and standing by: acquires the lease, works while it holds the lease, stops when it does not.
//!
//! [`machine`] decides, [`Leader::run`] acts. The lease selects the process that tries to write; the log's fence keeps
//! two processes from writing. So this module must never assume that it is the only leader, and no bug here can damage
//! the log.

mod machine;
mod candidacy;
mod write_deadline;
mod holder_watch;

use std::sync::Arc;

use fanjet_log::LogError;
use fanjet_log::lease::Term;
use fanjet_runtime::Stop;
use futures::StreamExt;
use futures::future::{BoxFuture, OptionFuture};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use crate::IngestError;
use crate::labels::Role;
use crate::metrics::IngestMetrics;
use crate::status::Status;

pub use candidacy::Candidacy;
pub(crate) use write_deadline::WriteDeadline;

use holder_watch::sightings;
use machine::{Action, Cause, End, Input, Machine};

/// A stop may take this long when the log does not respond. Exceeding it is not a failure: unacknowledged events are
/// not in the log, and the next leader reads them again.
pub(crate) const NOT_ALL_APPENDED: &str =
    "stopping before all events are appended, the next leader will read the rest again";

/// The work of one term: writes until its deadline, until it is stopped, or until it cannot continue.
pub(crate) type Work = BoxFuture<'static, Result<(), IngestError>>;

/// Runs one candidate.
pub(crate) struct Leader<W> {
    candidacy: Candidacy,
    /// Starts the work of a new term.
    begin: W,
    machine: Machine,
    request: Option<BoxFuture<'static, Result<Input, LogError>>>,
    work: Option<Running>,
    /// Why the process must exit.
    fatal: Option<IngestError>,
    metrics: IngestMetrics,
    status: Status,
    /// Time as leader has been counted up to here.
    counted_to: Option<Instant>,
}

struct Running {
    work: Work,
    stop: Stop,
    deadline: watch::Sender<Instant>,
}

impl<W: Fn(WriteDeadline, Stop) -> Work> Leader<W> {
    pub(crate) fn new(
        candidacy: Candidacy,
        begin: W,
        metrics: IngestMetrics,
        status: Status,
    ) -> Self {
        let machine = Machine::new(candidacy.holder.clone(), candidacy.timing, Instant::now());
        Self {
            candidacy,
            begin,
            machine,
            request: None,
            work: None,
            fatal: None,
            metrics,
            status,
            counted_to: None,
        }
    }

    /// Stands by and leads in turn until `stop`; then appends what was read, releases the lease, and returns.
    ///
    /// # Errors
    /// [`IngestError`] that a later term cannot fix.
    pub(crate) async fn run(mut self, stop: Stop) -> Result<(), IngestError> {
        info!(holder = %self.candidacy.holder, "standing by");
        self.metrics.role(self.machine.role());
        let mut sightings = Box::pin(sightings(Arc::clone(&self.candidacy.store)));
        let mut is_stopping = false;
        loop {
            let wake = self.machine.wake_at().map(tokio::time::sleep_until);
            let input = tokio::select! {
                biased;
                () = stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    self.status.set_draining();
                    Input::Stop
                }
                Some(answer) = OptionFuture::from(self.request.as_mut()) => {
                    self.request = None;
                    self.take(answer)?
                }
                Some(outcome) = OptionFuture::from(self.work.as_mut().map(|it| &mut it.work)) => {
                    self.ended(outcome)
                }
                Some(seen) = sightings.next() => Input::Seen(seen),
                Some(()) = OptionFuture::from(wake) => Input::Tick,
            };
            if self.step(input) {
                return self.fatal.map_or(Ok(()), Err);
            }
        }
    }

    /// Decides and acts. Returns whether the run is over.
    fn step(&mut self, input: Input) -> bool {
        debug!(?input, "lease");
        let (now, before) = (Instant::now(), self.machine.role());
        let mut is_over = false;
        for action in self.machine.step(now, input) {
            match action {
                Action::Acquire => self.request(Call::Acquire),
                Action::Renew(term) => self.request(Call::Renew(term)),
                Action::Release(term) => self.request(Call::Release(term)),
                Action::Begin(until) => self.begin(until),
                Action::Extend(until) => {
                    if let Some(running) = &self.work {
                        running.deadline.send_replace(until);
                    }
                }
                Action::Finish => {
                    if let Some(running) = &self.work {
                        running.stop.cancel();
                    }
                }
                Action::Abort(cause) => self.abort(cause, before),
                Action::Leave => is_over = true,
            }
        }
        self.note_role(now, before);
        is_over
    }

    fn begin(&mut self, until: Instant) {
        let (end, deadline) = WriteDeadline::until(until);
        let stop = Stop::new();
        self.work = Some(Running {
            work: (self.begin)(deadline, stop.clone()),
            stop,
            deadline: end,
        });
        self.metrics.took_over();
    }

    fn ended(&mut self, outcome: Result<(), IngestError>) -> Input {
        self.drop_work();
        match outcome {
            Ok(()) => Input::Ended(End::Over),
            // An error that ends a term neither ends the process nor makes its exit a failure.
            Err(error) if error.ends_term() => {
                warn!(%error, "cannot continue as leader");
                Input::Ended(End::Over)
            }
            Err(error) => {
                self.fatal = Some(error);
                Input::Ended(End::Fatal)
            }
        }
    }

    fn abort(&mut self, cause: Cause, role: Role) {
        match cause {
            Cause::Expired => warn!("the lease was not renewed in time"),
            Cause::Lost => warn!("lost the lease"),
        }
        self.drop_work();
        if role == Role::SteppingDown {
            warn!("{NOT_ALL_APPENDED}");
        }
    }

    fn drop_work(&mut self) {
        self.work = None;
        self.status.set_upstream_connected(false);
        self.status.forget_not_writable();
        self.metrics.connected(false);
    }

    fn request(&mut self, call: Call) {
        let Candidacy {
            store,
            holder,
            timing,
        } = self.candidacy.clone();
        self.request = Some(Box::pin(async move {
            match call {
                Call::Acquire => {
                    let term = store.try_acquire(&holder, timing.ttl).await?;
                    Ok(Input::Acquired(term))
                }
                Call::Renew(term) => Ok(Input::Renewed(store.renew(&term, timing.ttl).await?)),
                Call::Release(term) => {
                    if let Err(error) = store.release(&term).await {
                        warn!(%error, "failed to release the lease, it will expire");
                    }
                    Ok(Input::Released)
                }
            }
        }));
    }

    /// Maps an API result to an input. While standing by, the lease shows whether the log's servers are reachable.
    fn take(&mut self, answer: Result<Input, LogError>) -> Result<Input, IngestError> {
        let is_leader = self.machine.role() == Role::Leader;
        if is_leader {
            let is_renewed = matches!(answer, Ok(Input::Renewed(Some(_))));
            self.metrics.renewed(is_renewed);
        } else {
            match &answer {
                Ok(_) => self.status.set_log_reachable(),
                Err(error) => self.status.set_log_away(error),
            }
        }
        match answer {
            Ok(input) => Ok(input),
            Err(error) if error.is_retryable() => {
                warn!(%error, role = self.machine.role().label(), "the lease store does not respond");
                Ok(Input::Failed)
            }
            Err(error) => {
                error!(%error, "the lease cannot be used");
                Err(error.into())
            }
        }
    }

    fn note_role(&mut self, now: Instant, before: Role) {
        let role = self.machine.role();
        if let Some(counted_to) = self.counted_to {
            self.metrics.led_for(now - counted_to);
        }
        self.counted_to = (role == Role::Leader).then_some(now);
        if role != before {
            info!(holder = %self.candidacy.holder, from = before.label(), to = role.label(), "role changed");
            self.status.set_role(role);
            self.metrics.role(role);
        }
    }
}

enum Call {
    Acquire,
    Renew(Term),
    Release(Term),
}
