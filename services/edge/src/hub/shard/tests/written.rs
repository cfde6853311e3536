//! What a heartbeat may say.

use super::*;

#[test]
fn only_who_is_live_and_has_everything_is_told_how_far_it_is() {
    let mut rig = Rig::new(1 << 20, 600);
    let quiet = rig
        .shard
        .join(filter(&["com.*"]), Encoding::Json, Start::Live);
    let busy = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    let waiting = rig.shard.join_waiting(Encoding::Json, Start::Live);
    assert_eq!(rig.shard.written_up_to(&quiet), None, "nothing happened");
    rig.post(2);
    rig.settle();
    // It wants none of them, so it has all that it wants.
    assert_eq!(rig.shard.written_up_to(&quiet), Some(time_of(2)));
    assert_eq!(
        rig.shard.written_up_to(&busy),
        None,
        "its events are queued"
    );
    assert_eq!(rig.shard.written_up_to(&waiting), None);
    rig.drain(&busy);
    assert_eq!(rig.shard.written_up_to(&busy), Some(time_of(2)));
    // It falls behind; what it took from its queue is not all.
    rig.post(30);
    rig.settle();
    assert!(busy.is_behind());
    while let Take::Bytes(_) = busy.outbox().take() {}
    assert!(busy.outbox().is_idle());
    assert_eq!(rig.shard.written_up_to(&busy), None);
    rig.drain(&busy);
    assert_eq!(rig.shard.written_up_to(&busy), Some(time_of(32)));
    rig.shard.leave(&busy);
    assert_eq!(rig.shard.written_up_to(&busy), None);
}

/// Who starts further on is told nothing of what lies before.
#[test]
fn who_has_just_said_what_it_wants_is_ahead() {
    let mut rig = Rig::new(1 << 20, 1 << 20);
    let _live = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    let waiting = rig.shard.join_waiting(Encoding::Json, Start::Live);
    rig.post(3);
    rig.shard.set_filter(&waiting, Filter::default());
    assert_eq!(rig.shard.written_up_to(&waiting), None);
    rig.settle();
    assert_eq!(rig.shard.written_up_to(&waiting), Some(time_of(3)));
}
