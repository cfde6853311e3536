use std::sync::Arc;

use fanjet_cluster::freshness::Table;
use fanjet_event::{Nsid, Topic};
use fanjet_log::memory::MemoryLog;
use fanjet_telemetry::Metrics;
use fanjet_testkit::metrics_page::{disagreements, untouched, without_help};

use super::*;
use crate::filter::FilteredBy;
use crate::view::View;

/// All of a closed set; a new member does not compile before it stands here.
macro_rules! all {
    ($set:ident: $($name:ident)*) => {{
        fn _is_complete(one: $set) {
            match one { $($set::$name => {})* }
        }
        [$($set::$name),*]
    }};
}

/// One collection that is known for two hours, so that it has a bound.
fn view() -> View {
    let topic = Topic::Commit(Nsid::parse("app.bsky.feed.like".into()).unwrap());
    let mut table = Table::default();
    for now in 1..=720 {
        let now_us = now * 10_000_000;
        table.flowed("relay", 1, now_us);
        table.appended([&topic].into_iter(), now_us);
        table.roll(now_us);
    }
    View::of(&table.snapshot(7_200_000_000), 50, None)
}

fn touch(metrics: &IngestMetrics) {
    metrics.read(1, 1);
    for reason in DropReason::ALL {
        metrics.dropped_for(*reason, 1);
    }
    metrics.repeated(1);
    metrics.skipped(&Skipped::ALL);
    let mut filtered = Filtered::default();
    for by in FilteredBy::ALL {
        filtered.add(by, 1);
    }
    metrics.filtered(filtered);
    let relay = UpstreamId::new("relay").unwrap();
    metrics.gaps(&relay, Gaps { gaps: 1, missed: 1 });
    metrics.reading(0);
    for reason in all!(Reason: Failed Stale Preferred) {
        metrics.switched(reason);
    }
    metrics.history_was_short();
    metrics.renumbered();
    metrics.oversized();
    metrics.upstream_lost();
    for resumed in all!(Resumed: Recorded Live) {
        metrics.origin_lost(resumed);
    }
    metrics.log_lost(1);
    metrics.log_replaced();
    metrics.connected(true);
    for why in all!(Disconnect: Connect Closed Broken Silent NotReading Stale Refused) {
        metrics.disconnected(why);
    }
    for notice in
        all!(Notice: OutdatedCursor OtherInfo FutureCursor ConsumerTooSlow NamelessError OtherError)
    {
        metrics.noticed(notice);
    }
    metrics.appended(1, 1, 1);
    for outcome in all!(Outcome: Ok Unverifiable NoKey Away RateLimited BadSignature BadCommit BadInversion Crashed)
    {
        metrics.verified(outcome);
    }
    for result in all!(Ended: Found Nothing Failed Timeout) {
        metrics.key_looked_up(result);
    }
    metrics.resynced();
    metrics.wire_seqs_changed(1);
    metrics.stamped_ahead(1, Duration::from_secs(2));
    metrics.role(Role::Leader);
    metrics.took_over();
    metrics.renewed(true);
    metrics.renewed(false);
    metrics.led_for(Duration::from_secs(1));
    *metrics.view().lock() = Some(view());
}

#[test]
fn the_docs_list_every_metric() {
    let shown = Metrics::new().unwrap();
    touch(&IngestMetrics::new(&shown.meter("test")));
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    observe_skipped_seqs(&shown.meter("test"), &log);
    show_subjects(&shown.meter("test"), &Arc::default());
    let text = String::from_utf8(shown.render().unwrap()).unwrap();
    let found = disagreements("Ingest", &text).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    let none = Vec::<String>::new();
    assert_eq!(untouched(include_str!("../metrics.rs"), &text), none);
    assert_eq!(without_help(&text), none);
}
