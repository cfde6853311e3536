use super::*;

fn upstream() -> UpstreamId {
    UpstreamId::new("relay").unwrap()
}

#[test]
fn garbage_is_counted_and_leaves_nothing_behind() {
    let mut drafts = Drafts::default();
    let (upstream, filter) = (upstream(), IngestFilter::default());
    let admission = Admission {
        upstream: &upstream,
        filter: &filter,
    };
    drafts.admit(b"", admission);
    drafts.admit(b"not a frame", admission);
    assert_eq!(
        drafts.drops.iter().collect::<Vec<_>>(),
        [(DropReason::Undecodable, 2)]
    );
    assert!(drafts.events.is_empty() && drafts.text.is_empty());
}

#[test]
fn labels_are_distinct() {
    let mut labels: Vec<_> = DropReason::ALL
        .iter()
        .map(|reason| reason.label())
        .collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), DropReason::ALL.len());
}
