use bytes::Bytes;
use fanjet_log::Seq;

use super::*;
use crate::events::{commit, time_of};
use crate::hub::shard::tests::Harness;
use crate::outbox::Take;
use crate::tail::{Read, ReadLimit};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";

/// A worker with its own clock.
struct Worker {
    harness: Harness,
    shards: Shards,
    began: Instant,
    now: Instant,
}

impl Worker {
    fn new(ring_bytes: usize) -> Self {
        let harness = Harness::new(ring_bytes, 1 << 20);
        let shards = Shards::new(harness.shard.sibling());
        let began = Instant::now();
        Self {
            harness,
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

    /// Runs until this many milliseconds after the beginning, with every prompt flush at once.
    fn run_to(&mut self, millis: u64) {
        let until = self.began + Duration::from_millis(millis);
        while self.shards.step(Flush::All, self.now) == StepOutcome::More {}
        while let Some(due) = self.shards.next_delayed(self.now)
            && due <= until
        {
            self.now = due.max(self.now);
            while self.shards.step(Flush::Delayed, self.now) == StepOutcome::More {}
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

    /// The frames of the events in a range of seqs.
    fn frames(&self, from: Seq, to: Seq) -> Vec<u8> {
        let limit = ReadLimit {
            entries: usize::MAX,
            bytes: usize::MAX,
        };
        let Read::Hot(entries) = self.harness.ring.read_from(from, to, limit) else {
            return Vec::new();
        };
        entries.iter().flat_map(|it| it.frame().to_vec()).collect()
    }
}

#[test]
fn a_delayed_member_gets_few_large_chunks_in_time() {
    let mut worker = Worker::new(1 << 20);
    let prompt = worker.join(0);
    let delayed = worker.join(250);
    // How often each received anything.
    let mut times = (0, 0);
    let mut behind = Vec::new();
    let mut waits = Vec::new();
    for millis in (10..=2_000).step_by(10) {
        worker.harness.post(1);
        behind.push(millis);
        worker.run_to(millis);
        times.0 += usize::from(!worker.drain(&prompt).is_empty());
        let bytes = worker.drain(&delayed).concat().len();
        times.1 += usize::from(bytes > 0);
        let count = bytes / worker.frames(1, 2).len();
        waits.extend(behind.drain(..count).map(|came| millis - came));
    }
    assert_eq!(times.0, 200);
    assert!((7..=9).contains(&times.1), "{}", times.1);
    assert!(waits.iter().all(|&wait| wait <= 250), "{waits:?}");
    // The last event is delivered without a newer one.
    worker.harness.post(1);
    worker.run_to(2_010);
    assert_eq!(worker.drain(&delayed).len(), 0);
    worker.run_to(2_300);
    assert_eq!(worker.drain(&delayed).len(), 1);
    assert_eq!(worker.shards.next_delayed(worker.now), None);
}

#[test]
fn a_quiet_delayed_shard_schedules_no_flush() {
    let mut worker = Worker::new(1 << 20);
    let _prompt = worker.join(0);
    assert_eq!(worker.shards.next_delayed(worker.now), None);
    let delayed = worker.join(1_000);
    worker.run_to(5_000);
    assert_eq!(worker.shards.next_delayed(worker.now), None);
    worker.harness.post(1);
    worker.run_to(5_001);
    assert_eq!(worker.drain(&delayed).len(), 1, "it has waited long enough");
    worker.harness.post(1);
    worker.run_to(5_002);
    assert_eq!(worker.drain(&delayed).len(), 0);
    // Its shard is empty, so there is no reason to wake.
    worker.shards.leave(&delayed);
    assert_eq!(worker.shards.next_delayed(worker.now), None);
}

#[test]
fn a_member_that_changes_its_delay_gets_everything_once() {
    let mut worker = Worker::new(1 << 20);
    let member = worker.join(0);
    let _other = worker.join(500);
    let mut written = Vec::new();
    for (round, delay) in [500, 100, 0, 1_000, 250, 1_000, 0].into_iter().enumerate() {
        worker.harness.post(3);
        worker.run_to(40 * round as u64 + 20);
        worker.harness.post(2);
        worker
            .shards
            .set_delay(&member, Duration::from_millis(delay));
        written.extend(worker.drain(&member).concat());
        worker.harness.post(1);
        worker.run_to(40 * round as u64 + 40);
        written.extend(worker.drain(&member).concat());
    }
    worker.run_to(5_000);
    written.extend(worker.drain(&member).concat());
    assert!(written == worker.frames(1, worker.harness.next));
    worker.shards.leave(&member);
    assert_eq!(worker.shards.lanes(), 1);
}

/// Removing the delay delivers the events held back so far at once.
#[test]
fn removing_the_delay_delivers_at_once() {
    let mut worker = Worker::new(1 << 20);
    let delayed = worker.join(1_000);
    worker.harness.post(1);
    worker.run_to(1);
    assert_eq!(worker.drain(&delayed).len(), 1);
    worker.harness.post(5);
    worker.run_to(2);
    assert_eq!(worker.drain(&delayed).len(), 0);
    worker.shards.set_delay(&delayed, Duration::ZERO);
    assert_eq!(worker.drain(&delayed).concat(), worker.frames(2, 7));
    assert!(!delayed.is_behind());
}

#[test]
fn a_waiting_member_can_have_a_delay() {
    let mut worker = Worker::new(1 << 20);
    let encoding = Encoding::Json;
    let waiting = worker.shards.join_waiting(encoding, Start::Live);
    worker
        .shards
        .set_delay(&waiting, Duration::from_millis(100));
    assert!(waiting.is_waiting());
    worker.harness.post(4);
    let filter = Filter::new([POST], [], 0).unwrap();
    worker.shards.set_filter(&waiting, filter);
    worker
        .harness
        .append([commit(LIKE, "did:plc:a"), commit(POST, "did:plc:a")]);
    worker.run_to(1_000);
    assert_eq!(worker.drain(&waiting).concat(), worker.frames(6, 7));
    assert_eq!(
        worker.shards.written_up_to(&waiting),
        Some(time_of(6)),
        "its own shard's position"
    );
    worker.harness.post(1);
    worker.run_to(1_001);
    worker.drain(&waiting);
    worker.harness.post(1);
    worker.run_to(1_002);
    // The newest event is still delayed.
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
    assert_eq!(worker.shards.delayed.len(), 4);
    assert_eq!(worker.shards.members().len(), 1);
    worker.shards.leave(&member);
    worker.shards.set_delay(&member, Duration::ZERO);
    assert_eq!(
        (worker.shards.members().len(), worker.shards.lanes()),
        (0, 0)
    );
}

#[test]
fn a_replaced_log_closes_delayed_members() {
    let mut worker = Worker::new(1 << 20);
    let delayed = worker.join(1_000);
    let waiting = worker.shards.join_waiting(Encoding::Json, Start::Live);
    worker
        .shards
        .set_delay(&waiting, Duration::from_millis(500));
    let moving_member = worker.join(0);
    worker.harness.post(3);
    worker.run_to(1);
    worker.harness.ring.forget_log();
    worker.harness.ring.restart(1, 1);
    worker
        .shards
        .set_delay(&moving_member, Duration::from_millis(100));
    worker.run_to(1_001);
    for member in [&delayed, &waiting, &moving_member] {
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
