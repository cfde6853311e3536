use bytes::Bytes;
use fanjet_log::Seq;

use super::*;
use crate::events::{commit, time_of};
use crate::hub::shard::tests::Rig;
use crate::outbox::Take;
use crate::tail::{Read, ReadLimit};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";

/// A worker with a clock of its own.
struct Worker {
    rig: Rig,
    shards: Shards,
    began: Instant,
    now: Instant,
}

impl Worker {
    fn new(ring_bytes: usize) -> Self {
        let rig = Rig::new(ring_bytes, 1 << 20);
        let shards = Shards::new(rig.shard.sibling());
        let began = Instant::now();
        Self {
            rig,
            shards,
            began,
            now: began,
        }
    }

    fn join(&mut self, millis: u64) -> Rc<Member> {
        let (filter, encoding) = (Filter::default(), Encoding::Json);
        let member = self.shards.join(filter, encoding, Start::Live);
        self.shards
            .set_delay(&member, Duration::from_millis(millis));
        member
    }

    /// Everything until so many milliseconds after the beginning, with every prompt flush at once.
    fn run_to(&mut self, millis: u64) {
        let until = self.began + Duration::from_millis(millis);
        while self.shards.step(Flush::All, self.now) == Step::More {}
        while let Some(due) = self.shards.next_calm(self.now)
            && due <= until
        {
            self.now = due.max(self.now);
            while self.shards.step(Flush::Calm, self.now) == Step::More {}
        }
        self.now = until;
    }

    /// What a writer with an open socket would write now.
    fn drain(&mut self, member: &Rc<Member>) -> Vec<Bytes> {
        let mut written = Vec::new();
        loop {
            match member.outbox().take() {
                Take::Bytes(bytes) => written.push(bytes),
                Take::Over => return written,
                Take::Empty => match self.shards.catch_up(member) {
                    CatchUp::Found(chunk) => written.push(chunk.bytes),
                    CatchUp::NothingWanted | CatchUp::FellBehind => {}
                    CatchUp::Cold(_) | CatchUp::Live => return written,
                },
            }
        }
    }

    /// The frames of the events from one seq up to another.
    fn frames(&self, from: Seq, to: Seq) -> Vec<u8> {
        let limit = ReadLimit {
            entries: usize::MAX,
            bytes: usize::MAX,
        };
        let Read::Hot(entries) = self.rig.ring.read_from(from, to, limit) else {
            return Vec::new();
        };
        entries.iter().flat_map(|it| it.frame().to_vec()).collect()
    }
}

#[test]
fn who_may_wait_gets_few_large_pieces_in_time() {
    let mut worker = Worker::new(1 << 20);
    let prompt = worker.join(0);
    let calm = worker.join(250);
    // How often each got anything.
    let mut times = (0, 0);
    let mut behind = Vec::new();
    let mut waits = Vec::new();
    for millis in (10..=2_000).step_by(10) {
        worker.rig.post(1);
        behind.push(millis);
        worker.run_to(millis);
        times.0 += usize::from(!worker.drain(&prompt).is_empty());
        let bytes = worker.drain(&calm).concat().len();
        times.1 += usize::from(bytes > 0);
        let count = bytes / worker.frames(1, 2).len();
        waits.extend(behind.drain(..count).map(|came| millis - came));
    }
    assert_eq!(times.0, 200);
    assert!((7..=9).contains(&times.1), "{}", times.1);
    assert!(waits.iter().all(|&wait| wait <= 250), "{waits:?}");
    // The last one comes without anything new.
    worker.rig.post(1);
    worker.run_to(2_010);
    assert_eq!(worker.drain(&calm).len(), 0);
    worker.run_to(2_300);
    assert_eq!(worker.drain(&calm).len(), 1);
    assert_eq!(worker.shards.next_calm(worker.now), None);
}

#[test]
fn nothing_waits_in_silence_and_the_hub_sleeps() {
    let mut worker = Worker::new(1 << 20);
    let _prompt = worker.join(0);
    assert_eq!(worker.shards.next_calm(worker.now), None);
    let calm = worker.join(1_000);
    worker.run_to(5_000);
    assert_eq!(worker.shards.next_calm(worker.now), None);
    worker.rig.post(1);
    worker.run_to(5_001);
    assert_eq!(worker.drain(&calm).len(), 1, "it has waited long enough");
    worker.rig.post(1);
    worker.run_to(5_002);
    assert_eq!(worker.drain(&calm).len(), 0);
    // Its shard is empty, so there is nothing to wake for.
    worker.shards.leave(&calm);
    assert_eq!(worker.shards.next_calm(worker.now), None);
}

#[test]
fn a_member_that_changes_its_delay_gets_everything_once() {
    let mut worker = Worker::new(1 << 20);
    let member = worker.join(0);
    let _other = worker.join(500);
    let mut written = Vec::new();
    for (round, delay) in [500, 100, 0, 1_000, 250, 1_000, 0].into_iter().enumerate() {
        worker.rig.post(3);
        worker.run_to(40 * round as u64 + 20);
        worker.rig.post(2);
        worker
            .shards
            .set_delay(&member, Duration::from_millis(delay));
        written.extend(worker.drain(&member).concat());
        worker.rig.post(1);
        worker.run_to(40 * round as u64 + 40);
        written.extend(worker.drain(&member).concat());
    }
    worker.run_to(5_000);
    written.extend(worker.drain(&member).concat());
    assert!(written == worker.frames(1, worker.rig.next));
    worker.shards.leave(&member);
    assert_eq!(worker.shards.lanes(), 1);
}

/// What it waited for comes at once when it will wait no longer.
#[test]
fn who_will_not_wait_any_longer_does_not() {
    let mut worker = Worker::new(1 << 20);
    let calm = worker.join(1_000);
    worker.rig.post(1);
    worker.run_to(1);
    assert_eq!(worker.drain(&calm).len(), 1);
    worker.rig.post(5);
    worker.run_to(2);
    assert_eq!(worker.drain(&calm).len(), 0);
    worker.shards.set_delay(&calm, Duration::ZERO);
    assert_eq!(worker.drain(&calm).concat(), worker.frames(2, 7));
    assert!(!calm.is_behind());
}

#[test]
fn one_that_has_not_said_what_it_wants_may_wait_too() {
    let mut worker = Worker::new(1 << 20);
    let encoding = Encoding::Json;
    let waiting = worker.shards.join_waiting(encoding, Start::Live);
    worker
        .shards
        .set_delay(&waiting, Duration::from_millis(100));
    assert!(waiting.is_waiting());
    worker.rig.post(4);
    let filter = Filter::new([POST], [], 0).unwrap();
    worker.shards.set_filter(&waiting, filter);
    worker
        .rig
        .append([commit(LIKE, "did:plc:a"), commit(POST, "did:plc:a")]);
    worker.run_to(1_000);
    assert_eq!(worker.drain(&waiting).concat(), worker.frames(6, 7));
    assert_eq!(
        worker.shards.written_up_to(&waiting),
        Some(time_of(6)),
        "of its own shard"
    );
    worker.rig.post(1);
    worker.run_to(1_001);
    worker.drain(&waiting);
    worker.rig.post(1);
    worker.run_to(1_002);
    // The newest one waits.
    assert_eq!(worker.shards.written_up_to(&waiting), Some(time_of(7)));
}

#[test]
fn there_are_never_more_shards_than_delays() {
    let mut worker = Worker::new(1 << 20);
    let member = worker.join(0);
    for millis in 0..=1_000 {
        worker
            .shards
            .set_delay(&member, Duration::from_millis(millis));
        assert!(member.delay() <= Duration::from_millis(millis));
    }
    assert_eq!(worker.shards.calm.len(), 4);
    assert_eq!(worker.shards.members().len(), 1);
    worker.shards.leave(&member);
    worker.shards.set_delay(&member, Duration::ZERO);
    assert_eq!(
        (worker.shards.members().len(), worker.shards.lanes()),
        (0, 0)
    );
}

#[test]
fn a_log_that_was_replaced_closes_those_who_wait() {
    let mut worker = Worker::new(1 << 20);
    let calm = worker.join(1_000);
    let waiting = worker.shards.join_waiting(Encoding::Json, Start::Live);
    worker
        .shards
        .set_delay(&waiting, Duration::from_millis(500));
    let mover = worker.join(0);
    worker.rig.post(3);
    worker.run_to(1);
    worker.rig.ring.begin_anew();
    worker.rig.ring.restart(1, 1);
    worker.shards.set_delay(&mover, Duration::from_millis(100));
    worker.run_to(1_001);
    for member in [&calm, &waiting, &mover] {
        assert_eq!(member.outbox().closing(), Some(CloseReason::LogReplaced));
    }
    assert_eq!(
        (worker.shards.members().len(), worker.shards.lanes()),
        (0, 0)
    );
    let next = worker.join(100);
    worker.shards.close_all(&CloseReason::Draining);
    assert_eq!(next.outbox().closing(), Some(CloseReason::Draining));
}
