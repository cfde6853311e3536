//! Metrics per collection, read from the current leader's view on each scrape.
//!
//! The label is a closed set at any time: the collections of the view, whose number is a setting, and `other`. A
//! collection that leaves the view leaves the metrics; a process that does not lead exports none.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use crate::view::{Labelled, SharedView, View};

const EVENTS: &str = "fanjet_ingest_collection_events_total";
const SILENCE: &str = "fanjet_ingest_collection_silence_seconds";
const BOUND: &str = "fanjet_ingest_collection_silence_bound_seconds";
const KNOWN: &str = "fanjet_ingest_collections";
const SILENT: &str = "fanjet_ingest_collections_silent";

/// Stands for all collections without a label of their own.
const OTHER: &str = "other";

pub(super) fn register(meter: &Meter, view: &SharedView) {
    let with = |show: fn(&View, &dyn AsyncInstrument<u64>)| {
        let view = Arc::clone(view);
        move |shown: &dyn AsyncInstrument<u64>| {
            if let Some(view) = &*view.lock() {
                show(view, shown);
            }
        }
    };
    let with_seconds = |seconds: fn(&Labelled) -> Option<f64>| {
        let view = Arc::clone(view);
        move |shown: &dyn AsyncInstrument<f64>| {
            for row in view.lock().iter().flat_map(|view| &view.labelled) {
                if let Some(seconds) = seconds(row) {
                    shown.observe(seconds, &[label(&row.name)]);
                }
            }
        }
    };
    meter
        .u64_observable_counter(EVENTS)
        .with_description(
            "Events in the log by collection: the largest collections, and the rest combined",
        )
        .with_callback(with(|view, shown| {
            for row in &view.labelled {
                shown.observe(row.events, &[label(&row.name)]);
            }
            shown.observe(view.other_events, &[label(OTHER)]);
        }))
        .build();
    meter
        .f64_observable_gauge(SILENCE)
        .with_description(
            "Time since the last event of this collection, while events of others arrived",
        )
        .with_callback(with_seconds(|row| Some(row.silence)))
        .build();
    meter
        .f64_observable_gauge(BOUND)
        .with_description("Longest usual silence of this collection")
        .with_callback(with_seconds(|row| row.bound))
        .build();
    meter
        .u64_observable_gauge(KNOWN)
        .with_description("Known collections")
        .with_callback(with(|view, shown| shown.observe(view.known, &[])))
        .build();
    meter
        .u64_observable_gauge(SILENT)
        .with_description("Collections that have been silent for unusually long")
        .with_callback(with(|view, shown| shown.observe(view.silent, &[])))
        .build();
}

fn label(collection: &str) -> KeyValue {
    KeyValue::new("collection", collection.to_owned())
}
