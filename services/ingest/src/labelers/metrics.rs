//! The instruments of labelers. Their names come from the settings, so there are only so many.

use std::time::Duration;

use fanjet_event::Did;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter};

const CONNECTED: &str = "fanjet_labeler_connected";
const HALTED: &str = "fanjet_labeler_halted";
const FRAMES: &str = "fanjet_labeler_frames_total";
const LABELS: &str = "fanjet_labeler_labels_total";
const REFUSED: &str = "fanjet_labeler_refused_frames_total";
const SIGNATURES: &str = "fanjet_labeler_signatures_total";
const LOOKUPS: &str = "fanjet_labeler_document_lookups_total";
const DISCONNECTS: &str = "fanjet_labeler_disconnects_total";
const SEQ: &str = "fanjet_labeler_seq";
const THROTTLED: &str = "fanjet_labeler_throttled_seconds_total";

/// All of them. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct LabelsMetrics {
    connected: Gauge<u64>,
    halted: Gauge<u64>,
    frames: Counter<u64>,
    labels: Counter<u64>,
    refused: Counter<u64>,
    signatures: Counter<u64>,
    lookups: Counter<u64>,
    disconnects: Counter<u64>,
    seq: Gauge<u64>,
    throttled: Counter<f64>,
}

/// Those of one labeler.
#[derive(Debug, Clone)]
pub(super) struct LabelerMetrics {
    all: LabelsMetrics,
    labeler: KeyValue,
}

impl LabelsMetrics {
    pub(super) fn new(meter: &Meter) -> Self {
        let counter = |name, help| meter.u64_counter(name).with_description(help).build();
        let gauge = |name, help| meter.u64_gauge(name).with_description(help).build();
        Self {
            connected: gauge(
                CONNECTED,
                "Whether a labeler's stream is being read, 1 or 0",
            ),
            halted: gauge(
                HALTED,
                "1 for a labeler that does not know the last number that it sent: it is not read again",
            ),
            frames: counter(FRAMES, "Frames of labelers acknowledged by the log"),
            labels: counter(LABELS, "Labels in the frames acknowledged by the log"),
            refused: counter(REFUSED, "Frames of labelers that were refused, by reason"),
            signatures: counter(
                SIGNATURES,
                "Labels whose signatures were checked, by result",
            ),
            lookups: counter(LOOKUPS, "Lookups of labelers' DID documents"),
            disconnects: counter(
                DISCONNECTS,
                "Connections to labelers that ended or failed, by reason",
            ),
            seq: gauge(
                SEQ,
                "Number of the newest frame of a labeler that the log acknowledged",
            ),
            throttled: meter
                .f64_counter(THROTTLED)
                .with_description(
                    "Seconds for which a labeler was not read because it sent more than its rate",
                )
                .build(),
        }
    }

    pub(super) fn of(&self, labeler: &Did) -> LabelerMetrics {
        LabelerMetrics {
            all: self.clone(),
            labeler: KeyValue::new("labeler", labeler.as_str().to_owned()),
        }
    }

    pub(super) fn appended(&self, labeler: &Did, labels: u64, seq: u64) {
        let labeler = [KeyValue::new("labeler", labeler.as_str().to_owned())];
        self.frames.add(1, &labeler);
        self.labels.add(labels, &labeler);
        self.seq.record(seq, &labeler);
    }
}

impl LabelerMetrics {
    fn with(&self, key: &'static str, value: &'static str) -> [KeyValue; 2] {
        [self.labeler.clone(), KeyValue::new(key, value)]
    }

    pub(super) fn connected(&self, is_connected: bool) {
        let labeler = [self.labeler.clone()];
        self.all.connected.record(u64::from(is_connected), &labeler);
    }

    pub(super) fn halted(&self, is_halted: bool) {
        let labeler = [self.labeler.clone()];
        self.all.halted.record(u64::from(is_halted), &labeler);
    }

    pub(super) fn disconnected(&self, reason: &'static str) {
        self.connected(false);
        self.all.disconnects.add(1, &self.with("reason", reason));
    }

    pub(super) fn refused(&self, reason: &'static str) {
        self.all.refused.add(1, &self.with("reason", reason));
    }

    pub(super) fn verified(&self, result: &'static str, labels: u64) {
        if labels > 0 {
            self.all
                .signatures
                .add(labels, &self.with("result", result));
        }
    }

    pub(super) fn looked_up(&self) {
        self.all.lookups.add(1, std::slice::from_ref(&self.labeler));
    }

    pub(super) fn throttled(&self, pause: Duration) {
        let labeler = [self.labeler.clone()];
        self.all.throttled.add(pause.as_secs_f64(), &labeler);
    }
}
