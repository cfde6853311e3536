use fanjet_log::memory::MemoryBookmarks;

use super::*;

fn at(end: Seq, relay_seq: Option<u64>) -> Bookmark {
    Bookmark {
        log: "log".to_owned(),
        end,
        log_time_us: None,
        upstream: "relay".to_owned(),
        relay_seq,
        time_us: 0,
    }
}

#[test]
fn nothing_settles_before_the_log_has_acknowledged_it() {
    let mut keeper = PendingBookmarks::new();
    let settled = keeper.settled();
    let now = || settled.borrow().as_ref().and_then(|it| it.relay_seq);
    keeper.note(at(10, Some(1)), 9);
    keeper.note(at(20, Some(2)), 9);
    assert_eq!(now(), None);
    keeper.settle(15);
    assert_eq!(
        now(),
        Some(1),
        "a newer one must not displace one that waits"
    );
    keeper.note(at(20, Some(3)), 20);
    assert_eq!(now(), Some(3));
    keeper.note(at(30, Some(4)), 29);
    keeper.settle(30);
    assert_eq!(now(), Some(4));
}

#[tokio::test(start_paused = true)]
async fn it_is_written_rarely_but_at_once_where_nothing_was_known_and_at_the_end() {
    let store = Arc::new(MemoryBookmarks::default());
    let mut keeper = PendingBookmarks::new();
    let stop = Stop::new();
    let mut saving = Box::pin(save_rarely(store.clone(), keeper.settled(), stop.clone()));
    let kept = async || {
        let record = Bookmark::load(&*store).await.unwrap();
        record.map(|record| (record.end, record.relay_seq))
    };
    let second = Duration::from_secs(1);
    for (given, expected) in [
        (at(0, None), (0, None)),
        (at(0, Some(7)), (0, Some(7))),
        (at(1, Some(8)), (0, Some(7))),
    ] {
        keeper.note(given, 1);
        timeout(second, &mut saving).await.unwrap_err();
        assert_eq!(kept().await, Some(expected));
    }
    timeout(PAUSE, &mut saving).await.unwrap_err();
    assert_eq!(kept().await, Some((1, Some(8))));
    keeper.note(at(2, Some(9)), 2);
    stop.cancel();
    saving.await;
    assert_eq!(kept().await, Some((2, Some(9))));
}

/// A quiet upstream may send nothing newer for days.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_is_written_again_although_nothing_newer_comes() {
    let store = Arc::new(MemoryBookmarks::default());
    let mut keeper = PendingBookmarks::new();
    let mut saving = Box::pin(save_rarely(store.clone(), keeper.settled(), Stop::new()));
    store.set_away(true);
    keeper.note(at(1, Some(7)), 1);
    timeout(PAUSE * 2, &mut saving).await.unwrap_err();
    store.set_away(false);
    timeout(PAUSE, &mut saving).await.unwrap_err();
    assert_eq!(Bookmark::load(&*store).await.unwrap(), Some(at(1, Some(7))));
}
