//! Candidates, a lease and a network between them, in simulated time.

use std::collections::VecDeque;
use std::time::Duration;

use fanjet_log::lease::{HolderId, Term};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::lead::machine::{Action, End, Input, Machine, Timing};

const STEP: Duration = Duration::from_millis(25);
/// After this long without an answer a question has failed.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What goes wrong.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// A candidate stands still for so many ms.
    Pause(usize, u64),
    /// A candidate's questions are lost for so many ms.
    Cut(usize, u64),
    /// From now on questions take up to so many ms, each way, and this share of 100 is lost.
    Network(u64, u64),
    /// A candidate meets another writer.
    Fenced(usize),
    /// An operator deletes the key.
    Revoked,
    /// Nothing fails any more.
    Calm,
}

#[derive(Debug, Clone)]
pub(super) struct Timed {
    pub(super) after_ms: u64,
    pub(super) what: Fault,
}

pub(super) fn random_faults(may_revoke: bool) -> impl Strategy<Value = Vec<Timed>> {
    let what = prop_oneof![
        3 => (0..3_usize, 100..15_000_u64).prop_map(|(who, ms)| Fault::Pause(who, ms)),
        3 => (0..3_usize, 3_000..10_000_u64).prop_map(|(who, ms)| Fault::Cut(who, ms)),
        3 => (0..3_000_u64, 0..90_u64).prop_map(|(ms, lost)| Fault::Network(ms, lost)),
        1 => (0..3_usize).prop_map(Fault::Fenced),
        u32::from(may_revoke) => Just(Fault::Revoked),
    ];
    let timed = (0..8_000_u64, what).prop_map(|(after_ms, what)| Timed { after_ms, what });
    proptest::collection::vec(timed, 0..12)
}

pub(super) struct Model {
    now: Instant,
    timing: Timing,
    candidates: Vec<Candidate>,
    revision: u64,
    held: Option<(HolderId, Instant)>,
    under_way: Vec<Question>,
    on_the_way_back: Vec<InTransit>,
    delay_ms: u64,
    lost: u64,
    seed: u64,
    terms: usize,
    may_overlap: bool,
}

struct Candidate {
    machine: Machine,
    name: HolderId,
    /// Until when it may write, while it works.
    works_until: Option<Instant>,
    paused_until: Instant,
    cut_until: Instant,
    /// The number of the question whose answer it waits for, and when it gives up.
    waits_for: Option<(u64, Instant)>,
    inbox: VecDeque<(Option<u64>, Input)>,
}

struct Question {
    number: u64,
    who: usize,
    what: Action,
    /// The lease's revision when it was asked.
    revision: u64,
    arrives_at: Instant,
    is_answer_lost: bool,
}

struct InTransit {
    number: u64,
    who: usize,
    what: Input,
    arrives_at: Instant,
}

impl Model {
    pub(super) fn new(candidates: usize, timing: Timing, seed: u64) -> Self {
        let now = Instant::now();
        let candidates = (0..candidates).map(|n| {
            let name = HolderId::new(&format!("candidate-{n}")).unwrap();
            Candidate {
                machine: Machine::new(name.clone(), timing, now),
                name,
                works_until: None,
                paused_until: now,
                cut_until: now,
                waits_for: None,
                inbox: VecDeque::new(),
            }
        });
        Self {
            now,
            timing,
            candidates: candidates.collect(),
            revision: 0,
            held: None,
            under_way: Vec::new(),
            on_the_way_back: Vec::new(),
            delay_ms: 5,
            lost: 0,
            seed,
            terms: 0,
            may_overlap: false,
        }
    }

    /// How often a member started to lead.
    pub(super) fn terms(&self) -> usize {
        self.terms
    }

    /// The processes that may write now.
    pub(super) fn writers(&self) -> Vec<usize> {
        let may_write =
            |candidate: &Candidate| candidate.works_until.is_some_and(|until| self.now < until);
        let all = self.candidates.iter().enumerate();
        all.filter(|(_, candidate)| may_write(candidate))
            .map(|(who, _)| who)
            .collect()
    }

    pub(super) fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::Pause(who, ms) => {
                self.candidates[who].paused_until = self.now + Duration::from_millis(ms);
            }
            Fault::Cut(who, ms) => {
                self.candidates[who].cut_until = self.now + Duration::from_millis(ms);
            }
            Fault::Network(delay_ms, lost) => (self.delay_ms, self.lost) = (delay_ms, lost),
            Fault::Fenced(who) => {
                if self.candidates[who].works_until.take().is_some() {
                    self.give(who, None, Input::Ended(End::Over));
                }
            }
            Fault::Revoked => {
                // The old holder may continue for the rest of its term; only the log's fence helps there.
                self.may_overlap = true;
                self.held = None;
                self.notify_all();
            }
            Fault::Calm => {
                (self.delay_ms, self.lost) = (5, 0);
                for candidate in &mut self.candidates {
                    (candidate.paused_until, candidate.cut_until) = (self.now, self.now);
                }
            }
        }
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += STEP;
            self.expire();
            self.deliver();
            for who in 0..self.candidates.len() {
                self.wake(who);
            }
            let writers = self.writers();
            assert!(self.may_overlap || writers.len() <= 1, "{writers:?}");
        }
    }

    fn expire(&mut self) {
        if self.held.as_ref().is_some_and(|(_, end)| self.now >= *end) {
            self.held = None;
            self.notify_all();
        }
    }

    /// Delivers requests to the store, and responses to their senders.
    fn deliver(&mut self) {
        let now = self.now;
        let (arrived, rest) = std::mem::take(&mut self.under_way)
            .into_iter()
            .partition::<Vec<_>, _>(|question| question.arrives_at <= now);
        self.under_way = rest;
        for question in arrived {
            let name = self.candidates[question.who].name.clone();
            let answer = self.answer(&name, question.what, question.revision);
            if !question.is_answer_lost {
                let delay = self.random(self.delay_ms + 1);
                self.on_the_way_back.push(InTransit {
                    number: question.number,
                    who: question.who,
                    what: answer,
                    arrives_at: now + Duration::from_millis(delay),
                });
            }
        }
        let (arrived, rest) = std::mem::take(&mut self.on_the_way_back)
            .into_iter()
            .partition::<Vec<_>, _>(|answer| answer.arrives_at <= now);
        self.on_the_way_back = rest;
        for answer in arrived {
            self.give(answer.who, Some(answer.number), answer.what);
        }
    }

    fn answer(&mut self, name: &HolderId, what: Action, asked: u64) -> Input {
        let held = self.held.as_ref().map(|(holder, _)| holder);
        let (is_ours, is_free) = (held == Some(name), held.is_none());
        match what {
            Action::Acquire => Input::Acquired((is_ours || is_free).then(|| self.grant(name))),
            Action::Renew(_) => Input::Renewed(is_ours.then(|| self.grant(name))),
            _ => {
                // A store frees only the revision that it was asked to: a late release meets a newer one.
                if is_ours && asked == self.revision {
                    self.held = None;
                    self.notify_all();
                }
                Input::Released
            }
        }
    }

    fn grant(&mut self, name: &HolderId) -> Term {
        self.revision += 1;
        self.held = Some((name.clone(), self.now + self.timing.ttl));
        Term {
            holder: name.clone(),
            revision: self.revision,
        }
    }

    fn notify_all(&mut self) {
        let seen = self.held.as_ref().map(|(holder, _)| holder.clone());
        for who in 0..self.candidates.len() {
            self.give(who, None, Input::Seen(seen.clone()));
        }
    }

    fn give(&mut self, who: usize, number: Option<u64>, input: Input) {
        self.candidates[who].inbox.push_back((number, input));
    }

    /// Lets a candidate see what it got, unless it stands still.
    fn wake(&mut self, who: usize) {
        let now = self.now;
        if now < self.candidates[who].paused_until {
            return;
        }
        while let Some((number, input)) = self.candidates[who].inbox.pop_front() {
            let candidate = &mut self.candidates[who];
            if number.is_some() && number != candidate.waits_for.map(|(waits_for, _)| waits_for) {
                continue;
            }
            if number.is_some() {
                candidate.waits_for = None;
            }
            self.step(who, input);
        }
        let candidate = &mut self.candidates[who];
        if let Some((number, gives_up_at)) = candidate.waits_for
            && now >= gives_up_at
        {
            candidate.waits_for = None;
            let was_release = number % 2 == 1;
            self.step(
                who,
                if was_release {
                    Input::Released
                } else {
                    Input::Failed
                },
            );
        }
        let wake_at = self.candidates[who].machine.wake_at();
        if wake_at.is_some_and(|at| at <= now) {
            self.step(who, Input::Tick);
        }
    }

    fn step(&mut self, who: usize, input: Input) {
        let now = self.now;
        for action in self.candidates[who].machine.step(now, input) {
            match action {
                Action::Begin(until) => {
                    self.terms += 1;
                    self.candidates[who].works_until = Some(until);
                }
                Action::Extend(until) => {
                    if let Some(end) = &mut self.candidates[who].works_until {
                        *end = until;
                    }
                }
                Action::Abort(_) => self.candidates[who].works_until = None,
                Action::Finish | Action::Leave => panic!("no stop was requested"),
                what => self.ask(who, what),
            }
        }
    }

    fn ask(&mut self, who: usize, what: Action) {
        // Releases have odd numbers.
        let number = self.random(u64::MAX / 4) * 2 + u64::from(matches!(what, Action::Release(_)));
        self.candidates[who].waits_for = Some((number, self.now + TIMEOUT));
        let delay = self.random(self.delay_ms + 1);
        let is_cut = self.now < self.candidates[who].cut_until;
        if !is_cut && self.random(100) >= self.lost {
            let question = Question {
                number,
                who,
                what,
                revision: self.revision,
                arrives_at: self.now + Duration::from_millis(delay),
                is_answer_lost: self.random(100) < self.lost,
            };
            self.under_way.push(question);
        }
    }

    /// A number below `bound`: SplitMix64.
    fn random(&mut self, bound: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
