//! The instruments of this service. Updated per batch, never per event.

mod collections;
mod subjects;

use std::sync::Arc;
use std::time::Duration;

use fanjet_identity::Ended;
use fanjet_log::{EventLog, UpstreamId};
use fanjet_telemetry::observe_by_kind;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter};

use crate::filter::Filtered;
use crate::known_events::Skipped;
use crate::labels::{Disconnect, Notice, Outcome, Reason, Resumed, Role};
use crate::validate::{DropReason, Drops, Gaps};
use crate::view::SharedView;
pub use subjects::show_subjects;

const FRAMES: &str = "fanjet_ingest_frames_total";
const FRAME_BYTES: &str = "fanjet_ingest_frame_bytes_total";
const EVENTS: &str = "fanjet_ingest_events_total";
const DROPS: &str = "fanjet_ingest_drops_total";
const REPEATS: &str = "fanjet_ingest_repeated_events_total";
const SKIPPED_EVENTS: &str = "fanjet_ingest_skipped_events_total";
const FILTERED: &str = "fanjet_ingest_filtered_events_total";
const SEQ_GAPS: &str = "fanjet_ingest_relay_seq_gaps_total";
const SEQS_MISSED: &str = "fanjet_ingest_relay_seqs_missed_total";
const UPSTREAM_ACTIVE: &str = "fanjet_ingest_upstream_active";
const UPSTREAM_SWITCHES: &str = "fanjet_ingest_upstream_switches_total";
const SHORT_HISTORIES: &str = "fanjet_ingest_upstream_short_histories_total";
const RENUMBERED: &str = "fanjet_ingest_upstream_renumbered_total";
const OVERSIZED: &str = "fanjet_ingest_upstream_oversized_frames_total";
const UPSTREAM_CONNECTED: &str = "fanjet_ingest_upstream_connected";
const UPSTREAM_DISCONNECTS: &str = "fanjet_ingest_upstream_disconnects_total";
const UPSTREAM_NOTICES: &str = "fanjet_ingest_upstream_notices_total";
const RELAY_SEQ: &str = "fanjet_ingest_relay_seq";
const LOG_SEQ: &str = "fanjet_ingest_log_seq";
const STAMPED_AHEAD: &str = "fanjet_ingest_stamped_ahead_events_total";
const AHEAD: &str = "fanjet_ingest_log_time_ahead_seconds";
const ORIGINS_LOST: &str = "fanjet_ingest_origins_lost_total";
const UPSTREAM_LOSSES: &str = "fanjet_ingest_upstream_losses_total";
const LOG_LOST: &str = "fanjet_ingest_log_lost_events_total";
const LOG_REPLACED: &str = "fanjet_ingest_log_replaced_total";
const LOG_SKIPPED_SEQS: &str = "fanjet_ingest_log_skipped_seqs_total";
const RESYNCS: &str = "fanjet_ingest_log_resyncs_total";
const ROLE: &str = "fanjet_ingest_role";
const TAKEOVERS: &str = "fanjet_ingest_takeovers_total";
const RENEWALS: &str = "fanjet_ingest_lease_renewals_total";
const LEADER_SECONDS: &str = "fanjet_ingest_leader_seconds_total";
const VERIFIED: &str = "fanjet_ingest_verified_commits_total";
const KEY_LOOKUPS: &str = "fanjet_ingest_key_lookups_total";
const WIRE_SEQS_CHANGED: &str = "fanjet_ingest_raw_wire_seqs_changed_total";

/// Reports the seqs that readers of a log skip, as long as the log is open.
pub(crate) fn observe_skipped_seqs(meter: &Meter, log: &Arc<dyn EventLog>) {
    let log = Arc::downgrade(log);
    observe_by_kind(
        meter,
        LOG_SKIPPED_SEQS,
        "Seqs of the log that hold no event, which readers skip, by kind",
        move || {
            let skipped = log.upgrade().map(|log| log.skipped_seqs());
            skipped.unwrap_or_default().by_kind()
        },
    );
}

/// All instruments.
#[derive(Debug, Clone)]
pub(crate) struct IngestMetrics {
    frames: Counter<u64>,
    frame_bytes: Counter<u64>,
    events: Counter<u64>,
    drops: Counter<u64>,
    repeats: Counter<u64>,
    skipped: Counter<u64>,
    filtered: Counter<u64>,
    seq_gaps: Counter<u64>,
    seqs_missed: Counter<u64>,
    upstream_active: Gauge<u64>,
    upstream_switches: Counter<u64>,
    short_histories: Counter<u64>,
    renumbered: Counter<u64>,
    oversized: Counter<u64>,
    upstream_connected: Gauge<u64>,
    upstream_disconnects: Counter<u64>,
    upstream_notices: Counter<u64>,
    relay_seq: Gauge<u64>,
    log_seq: Gauge<u64>,
    stamped_ahead: Counter<u64>,
    ahead: Gauge<f64>,
    resyncs: Counter<u64>,
    origins_lost: Counter<u64>,
    upstream_losses: Counter<u64>,
    log_lost: Counter<u64>,
    log_replaced: Counter<u64>,
    role: Gauge<u64>,
    takeovers: Counter<u64>,
    renewals: Counter<u64>,
    leader_seconds: Counter<f64>,
    verified: Counter<u64>,
    key_lookups: Counter<u64>,
    wire_seqs_changed: Counter<u64>,
    view: SharedView,
}

impl IngestMetrics {
    pub(crate) fn new(meter: &Meter) -> Self {
        let view = SharedView::default();
        collections::register(meter, &view);
        Self::named(meter, view, str::to_owned)
    }

    /// The instruments of the raw log's own reader: `fanjet_ingest_raw_frames_total` for `fanjet_ingest_frames_total`,
    /// and so on. Their events are frames.
    pub(crate) fn of_frames(meter: &Meter) -> Self {
        let name = |name: &str| name.replacen("fanjet_ingest_", "fanjet_ingest_raw_", 1);
        Self::named(meter, SharedView::default(), name)
    }

    /// The instruments of the lease on the log of labels: `fanjet_labels_role` for `fanjet_ingest_role`, and so on.
    pub(crate) fn of_labels(meter: &Meter) -> Self {
        let name = |name: &str| name.replacen("fanjet_ingest_", "fanjet_labels_", 1);
        Self::named(meter, SharedView::default(), name)
    }

    fn named(meter: &Meter, view: SharedView, name: impl Fn(&str) -> String) -> Self {
        let counter = |of: &str, what: &'static str| {
            let counter = meter.u64_counter(name(of));
            counter.with_description(what).build()
        };
        let gauge = |of: &str, what: &'static str| {
            let gauge = meter.u64_gauge(name(of));
            gauge.with_description(what).build()
        };
        Self {
            frames: counter(FRAMES, "Frames read from the upstream"),
            frame_bytes: counter(FRAME_BYTES, "Bytes of the frames read from the upstream"),
            events: counter(EVENTS, "Events acknowledged by the log"),
            drops: counter(DROPS, "Dropped frames and operations, by reason"),
            repeats: counter(
                REPEATS,
                "Events skipped because the log already contains them",
            ),
            skipped: counter(
                SKIPPED_EVENTS,
                "Events that arrived too late to be logged or predate the start of reading, by reason",
            ),
            filtered: counter(FILTERED, "Events removed by the filter settings, by list"),
            seq_gaps: counter(SEQ_GAPS, "Gaps in the upstream's sequence"),
            seqs_missed: counter(SEQS_MISSED, "Seqs missing in these gaps"),
            upstream_active: gauge(
                UPSTREAM_ACTIVE,
                "Index of the upstream being read; 0 is the preferred one",
            ),
            upstream_switches: counter(
                UPSTREAM_SWITCHES,
                "Switches to another upstream, by reason",
            ),
            short_histories: counter(
                SHORT_HISTORIES,
                "Switches to an upstream whose history starts after the log's end, so events may be missing",
            ),
            renumbered: counter(RENUMBERED, "Times an upstream restarted its sequence"),
            oversized: counter(
                OVERSIZED,
                "Frames skipped because they exceed the maximum size",
            ),
            upstream_connected: gauge(UPSTREAM_CONNECTED, "1 while the upstream is connected"),
            upstream_disconnects: counter(
                UPSTREAM_DISCONNECTS,
                "Ended or failed upstream connections, by reason",
            ),
            upstream_notices: counter(
                UPSTREAM_NOTICES,
                "Info and error frames from the upstream, by name",
            ),
            relay_seq: gauge(RELAY_SEQ, "Relay seq of the last appended event"),
            log_seq: gauge(LOG_SEQ, "Log seq of the last acknowledged event"),
            stamped_ahead: counter(
                STAMPED_AHEAD,
                "Events stamped more than one second ahead of the clock",
            ),
            ahead: meter
                .f64_gauge(name(AHEAD))
                .with_description(
                    "How far log times run ahead of the clock; 0 when below one second",
                )
                .build(),
            resyncs: counter(
                RESYNCS,
                "Times ingest re-read the log's end after a failed append",
            ),
            origins_lost: counter(
                ORIGINS_LOST,
                "Terms that started without an event in the log to resume from, by where they resumed",
            ),
            upstream_losses: counter(
                UPSTREAM_LOSSES,
                "Times an upstream no longer had the frames after the resume position: events are lost",
            ),
            log_lost: counter(LOG_LOST, "Events that the log acknowledged and then lost"),
            log_replaced: counter(LOG_REPLACED, "Times the log was replaced during a term"),
            role: gauge(ROLE, "1 for the current role of this process"),
            takeovers: counter(TAKEOVERS, "Times this process became leader"),
            renewals: counter(RENEWALS, "Lease renewals, by outcome"),
            leader_seconds: meter
                .f64_counter(name(LEADER_SECONDS))
                .with_description("Time spent as leader")
                .build(),
            verified: counter(VERIFIED, "Commits chosen for verification, by outcome"),
            key_lookups: counter(KEY_LOOKUPS, "Account key lookups, by result"),
            // Named in full: only the raw log has it.
            wire_seqs_changed: meter
                .u64_counter(WIRE_SEQS_CHANGED)
                .with_description("Raw frames that were logged with another seq than the upstream's, so that seqs rise")
                .build(),
            view,
        }
    }

    /// What the collection metrics show.
    pub(crate) fn view(&self) -> SharedView {
        SharedView::clone(&self.view)
    }

    pub(crate) fn read(&self, frames: usize, bytes: usize) {
        self.frames.add(frames as u64, &[]);
        self.frame_bytes.add(bytes as u64, &[]);
    }

    pub(crate) fn dropped(&self, drops: &Drops) {
        for (reason, count) in drops.iter() {
            self.dropped_for(reason, count);
        }
    }

    pub(crate) fn dropped_for(&self, reason: DropReason, count: u64) {
        self.drops
            .add(count, &[KeyValue::new("reason", reason.label())]);
    }

    pub(crate) fn repeated(&self, events: u64) {
        if events > 0 {
            self.repeats.add(events, &[]);
        }
    }

    pub(crate) fn skipped(&self, events: &[Skipped]) {
        for why in Skipped::ALL {
            let count = events.iter().filter(|other| **other == why).count();
            if count > 0 {
                self.skipped
                    .add(count as u64, &[KeyValue::new("reason", why.label())]);
            }
        }
    }

    pub(crate) fn filtered(&self, filtered: Filtered) {
        for (by, events) in filtered.iter() {
            self.filtered
                .add(events, &[KeyValue::new("by", by.label())]);
        }
    }

    /// The label is a name from the settings.
    pub(crate) fn gaps(&self, upstream: &UpstreamId, gaps: Gaps) {
        if gaps.gaps > 0 {
            let label = [KeyValue::new("upstream", upstream.as_str().to_owned())];
            self.seq_gaps.add(gaps.gaps, &label);
            self.seqs_missed.add(gaps.missed, &label);
        }
    }

    pub(crate) fn reading(&self, upstream: usize) {
        self.upstream_active.record(upstream as u64, &[]);
    }

    pub(crate) fn switched(&self, reason: Reason) {
        self.upstream_switches
            .add(1, &[KeyValue::new("reason", reason.label())]);
    }

    pub(crate) fn history_was_short(&self) {
        self.short_histories.add(1, &[]);
    }

    pub(crate) fn oversized(&self) {
        self.oversized.add(1, &[]);
    }

    pub(crate) fn renumbered(&self) {
        self.renumbered.add(1, &[]);
    }

    pub(crate) fn connected(&self, is_connected: bool) {
        self.upstream_connected.record(u64::from(is_connected), &[]);
    }

    pub(crate) fn disconnected(&self, why: Disconnect) {
        self.upstream_disconnects
            .add(1, &[KeyValue::new("reason", why.label())]);
    }

    pub(crate) fn noticed(&self, notice: Notice) {
        self.upstream_notices
            .add(1, &[KeyValue::new("name", notice.label())]);
    }

    pub(crate) fn appended(&self, events: u64, relay_seq: u64, log_seq: u64) {
        if events > 0 {
            self.events.add(events, &[]);
            self.relay_seq.record(relay_seq, &[]);
            self.log_seq.record(log_seq, &[]);
        }
    }

    pub(crate) fn stamped_ahead(&self, events: usize, by: Duration) {
        self.ahead.record(by.as_secs_f64(), &[]);
        if !by.is_zero() {
            self.stamped_ahead.add(events as u64, &[]);
        }
    }

    pub(crate) fn verified(&self, outcome: Outcome) {
        self.verified
            .add(1, &[KeyValue::new("outcome", outcome.label())]);
    }

    pub(crate) fn key_looked_up(&self, ended: Ended) {
        let result = match ended {
            Ended::Found => "key",
            Ended::Nothing => "missing",
            Ended::Failed => "failed",
            Ended::Timeout => "timeout",
        };
        self.key_lookups.add(1, &[KeyValue::new("result", result)]);
    }

    /// Of the raw log only.
    pub(crate) fn wire_seqs_changed(&self, frames: u64) {
        if frames > 0 {
            self.wire_seqs_changed.add(frames, &[]);
        }
    }

    pub(crate) fn origin_lost(&self, resumed: Resumed) {
        self.origins_lost
            .add(1, &[KeyValue::new("resumed", resumed.label())]);
    }

    pub(crate) fn upstream_lost(&self) {
        self.upstream_losses.add(1, &[]);
    }

    pub(crate) fn log_lost(&self, events: u64) {
        self.log_lost.add(events, &[]);
    }

    pub(crate) fn log_replaced(&self) {
        self.log_replaced.add(1, &[]);
    }

    pub(crate) fn resynced(&self) {
        self.resyncs.add(1, &[]);
    }

    pub(crate) fn role(&self, role: Role) {
        for other in Role::ALL {
            let label = KeyValue::new("role", other.label());
            self.role.record(u64::from(other == role), &[label]);
        }
    }

    pub(crate) fn took_over(&self) {
        self.takeovers.add(1, &[]);
    }

    pub(crate) fn renewed(&self, is_renewed: bool) {
        let outcome = if is_renewed { "renewed" } else { "failed" };
        self.renewals.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    pub(crate) fn led_for(&self, time: Duration) {
        self.leader_seconds.add(time.as_secs_f64(), &[]);
    }
}

#[cfg(test)]
mod tests;
