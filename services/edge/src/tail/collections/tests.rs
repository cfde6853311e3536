use super::*;

fn nsid(name: &str) -> Nsid {
    name.parse().unwrap()
}

#[test]
fn a_collection_keeps_its_number_and_its_text_is_shared() {
    let mut collections = Collections::new(2);
    let (first, id) = collections.intern(nsid("app.bsky.feed.post"));
    let (again, same) = collections.intern(nsid("app.bsky.feed.post"));
    assert_eq!((id.map(CollectionId::index), same), (Some(0), id));
    assert!(std::ptr::eq(first.as_str(), again.as_str()));
    assert_eq!(
        collections.intern(nsid("app.bsky.feed.like")).1,
        Some(CollectionId(1))
    );
}

#[test]
fn names_beyond_the_bounds_get_no_number() {
    let mut collections = Collections::new(1);
    let long = format!("com.{}.{}.name", "a".repeat(60), "b".repeat(60));
    assert_eq!(collections.intern(nsid(&long)).1, None);
    assert_eq!(collections.intern(nsid("a.b.c.d.e.f.g.h.i.j")).1, None);
    assert!(collections.intern(nsid("a.b.c")).1.is_some());
    assert_eq!(collections.intern(nsid("a.b.d")).1, None);
    assert!(collections.intern(nsid("a.b.c")).1.is_some());
}
