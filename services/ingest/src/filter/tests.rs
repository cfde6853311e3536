use super::*;

fn filter(collections: &[&str], dids: &[&str], kinds: &[&str]) -> Result<IngestFilter, String> {
    let owned = |values: &[&str]| {
        values
            .iter()
            .map(|&value| value.to_owned())
            .collect::<Vec<_>>()
    };
    IngestFilter::new(&owned(collections), &owned(dids), &owned(kinds))
        .map_err(|error| error.to_string())
}

const ALICE: &str = "did:plc:ux2eeflheratfrvp3xfbp4zi";
const BOB: &str = "did:plc:g4ut2w5755qxi3fe7mfs72p4";

fn did(text: &str) -> Did<&str> {
    Did::parse(text).unwrap()
}

fn collection(text: &str) -> Nsid<&str> {
    Nsid::parse(text).unwrap()
}

#[test]
fn nothing_named_keeps_everything() {
    let filter = filter(&[], &[], &[]).unwrap();
    for kind in [Kind::Commit, Kind::Identity, Kind::Account, Kind::Sync] {
        assert_eq!(filter.check_frame(kind, did(ALICE)), Ok(()));
    }
    assert_eq!(filter.check_collection(collection("a.b.c")), Ok(()));
}

#[test]
fn each_list_keeps_what_it_names() {
    let filter = filter(
        &["app.bsky.feed.*", "a.b.c"],
        &[ALICE],
        &["commit", "account"],
    )
    .unwrap();
    for (name, verdict) in [
        ("app.bsky.feed.like", Ok(())),
        ("a.b.c", Ok(())),
        ("a.b.cd", Err(FilteredBy::Collection)),
        ("app.bsky.graph.follow", Err(FilteredBy::Collection)),
    ] {
        assert_eq!(filter.check_collection(collection(name)), verdict, "{name}");
    }
    assert_eq!(filter.check_frame(Kind::Commit, did(ALICE)), Ok(()));
    assert_eq!(filter.check_frame(Kind::Account, did(ALICE)), Ok(()));
    assert_eq!(
        filter.check_frame(Kind::Commit, did(BOB)),
        Err(FilteredBy::Did)
    );
    for kind in [Kind::Identity, Kind::Sync] {
        assert_eq!(filter.check_frame(kind, did(ALICE)), Err(FilteredBy::Kind));
    }
}

#[test]
fn wrong_values_are_refused_with_key_and_value() {
    let many: Vec<String> = (0..101).map(|number| format!("a.b.c{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (refused, parts) in [
        (
            filter(&["nodots"], &[], &[]),
            ["ingest.filter.collections", "nodots"],
        ),
        (filter(&[], &["bob"], &[]), ["ingest.filter.dids", "bob"]),
        (filter(&[], &[], &["like"]), ["ingest.filter.kinds", "like"]),
        (
            filter(&many, &[], &[]),
            ["ingest.filter.collections", "100"],
        ),
    ] {
        let said = refused.unwrap_err();
        for part in parts {
            assert!(said.contains(part), "{part:?} is not in {said:?}");
        }
    }
}
