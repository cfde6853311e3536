use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn nsid(text: &str) -> Nsid {
    text.parse().unwrap()
}

/// A collection of an authority that has no other.
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
        .filter(|n| allotment.place(&alone(*n), now) == Place::Own)
        .count();
    assert_eq!((own, allotment.len()), (FREELY, FREELY));
    assert!(allotment.counted.len() <= COUNTED);
    // What had its own keeps it, and what is busy still gets its own.
    assert_eq!(allotment.place(&alone(0), now), Place::Own);
    let busy = nsid("app.bsky.feed.post");
    let places: Vec<_> = (0..BUSY).map(|_| allotment.place(&busy, now)).collect();
    let (last, before) = places.split_last().unwrap();
    assert!(before.iter().all(|place| *place == Place::Shared));
    assert_eq!(*last, Place::Own);
    // However busy they all are.
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
            allotment.place(&collection, now) == Place::Own
        })
        .count();
    assert_eq!(own, MOST_OF_AUTHORITY);
    assert_eq!(allotment.place(&alone(1), now), Place::Own);
}

#[test]
fn what_the_server_has_forgotten_makes_room() {
    let now = Instant::now();
    let mut allotment = empty(now);
    let of_one = |n: usize| nsid(&format!("com.example.thing{n}"));
    for n in 0..MOST_OF_AUTHORITY {
        assert_eq!(allotment.place(&of_one(n), now), Place::Own);
    }
    let late = now + DAY + SWEEP_PAUSE;
    assert_eq!(allotment.place(&of_one(0), now + SWEEP_PAUSE), Place::Own);
    assert_eq!(allotment.place(&of_one(9999), now + DAY / 2), Place::Shared);
    assert_eq!(allotment.place(&of_one(9999), late), Place::Own);
    // Only the one that was used since is still there.
    assert_eq!(allotment.len(), 2);
    // For ever means for ever.
    let mut allotment = Allotment::of(Vec::new(), None, now);
    for n in 0..=MOST_OF_AUTHORITY {
        allotment.place(&of_one(n), now);
    }
    assert_eq!(
        allotment.place(&of_one(9999), now + 1000 * DAY),
        Place::Shared
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
        assert_eq!(allotment.place(&collection, now), Place::Own);
    }
    assert_eq!(allotment.of_authority["com.example"], MOST_OF_AUTHORITY);
}
