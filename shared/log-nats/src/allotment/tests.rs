use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn nsid(text: &str) -> Nsid {
    text.parse().unwrap()
}

/// A collection of an authority without others.
fn alone(n: usize) -> Nsid {
    nsid(&format!("com.a{n}.thing"))
}

fn empty(now: Instant) -> Allotment {
    Allotment::of(Vec::new(), Some(DAY), now)
}

#[test]
fn a_flood_of_names_gets_a_bounded_number_of_subjects() {
    let now = Instant::now();
    let mut allotment = empty(now);
    let own = (0..100_000)
        .filter(|n| allotment.place(&alone(*n), now) == SubjectSlot::Own)
        .count();
    assert_eq!((own, allotment.len()), (FREELY, FREELY));
    assert!(allotment.counted.len() <= COUNTED);
    // Collections with their own subject keep it, and busy ones still get their own.
    assert_eq!(allotment.place(&alone(0), now), SubjectSlot::Own);
    let busy = nsid("app.bsky.feed.post");
    let places: Vec<_> = (0..BUSY).map(|_| allotment.place(&busy, now)).collect();
    let (last, before) = places.split_last().unwrap();
    assert!(before.iter().all(|place| *place == SubjectSlot::Shared));
    assert_eq!(*last, SubjectSlot::Own);
    // However busy all of them are.
    for n in 0..2 * MOST {
        for _ in 0..=BUSY {
            allotment.place(&alone(1_000_000 + n), now);
        }
    }
    assert_eq!(allotment.len(), MOST);
}

#[test]
fn one_authority_takes_its_share_and_no_more() {
    let now = Instant::now();
    let mut allotment = empty(now);
    let own = (0..10_000)
        .filter(|n| {
            let collection = nsid(&format!("com.example.below{}.thing", n));
            allotment.place(&collection, now) == SubjectSlot::Own
        })
        .count();
    assert_eq!(own, MOST_OF_AUTHORITY);
    assert_eq!(allotment.place(&alone(1), now), SubjectSlot::Own);
}

#[test]
fn what_the_server_has_forgotten_makes_room() {
    let now = Instant::now();
    let mut allotment = empty(now);
    let of_one = |n: usize| nsid(&format!("com.example.thing{n}"));
    for n in 0..MOST_OF_AUTHORITY {
        assert_eq!(allotment.place(&of_one(n), now), SubjectSlot::Own);
    }
    let late = now + DAY + SWEEP_PAUSE;
    assert_eq!(
        allotment.place(&of_one(0), now + SWEEP_PAUSE),
        SubjectSlot::Own
    );
    assert_eq!(
        allotment.place(&of_one(9999), now + DAY / 2),
        SubjectSlot::Shared
    );
    assert_eq!(allotment.place(&of_one(9999), late), SubjectSlot::Own);
    // Only the recently used one is left.
    assert_eq!(allotment.len(), 2);
    // Forever means forever.
    let mut allotment = Allotment::of(Vec::new(), None, now);
    for n in 0..=MOST_OF_AUTHORITY {
        allotment.place(&of_one(n), now);
    }
    assert_eq!(
        allotment.place(&of_one(9999), now + 1000 * DAY),
        SubjectSlot::Shared
    );
}

#[test]
fn a_new_writer_leaves_theirs_to_the_busiest() {
    let now = Instant::now();
    let flood = (0..100_000).map(|n| (alone(n), 1));
    let of_one = (0..1_000).map(|n| (nsid(&format!("com.example.thing{n}")), 2));
    let busy = (0..100).map(|n| (nsid(&format!("app.bsky.feed.thing{n}")), 3));
    let found: Vec<_> = flood.chain(of_one).chain(busy.clone()).collect();
    let mut allotment = Allotment::of(found, Some(DAY), now);
    assert_eq!(allotment.len(), MOST);
    for (collection, _) in busy {
        assert_eq!(allotment.place(&collection, now), SubjectSlot::Own);
    }
    assert_eq!(allotment.of_authority["com.example"], MOST_OF_AUTHORITY);
}
