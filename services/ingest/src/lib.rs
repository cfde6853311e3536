//! Ingest: one firehose connection in, one ordered log out.
//!
//! The path of one event through this crate, in the order of the modules:
//!
//! 1. [`upstream`] reads binary frames from one relay or PDS at a time, reconnects forever, and switches to another
//!    upstream while one fails;
//! 2. [`verify`], if enabled, drops commits that their accounts did not sign, or whose operations do not match the
//!    repo;
//! 3. [`decode`] turns batches of frames into drafts on the blocking pool, in order;
//! 4. [`validate`] is the pure rule inside it: which events a frame produces, and why something is dropped; [`filter`]
//!    decides which events are kept at all;
//! 5. [`sequencer`] drops what the log already contains ([`known_events`] recognizes it under another upstream's seqs,
//!    [`recent_commits`] under any) and assigns each event its log time;
//! 6. [`publisher`] appends, fenced and pipelined, and after any failure finds out what the log contains;
//! 7. [`freshness`] counts the events in the log per collection, and publishes the result to the cluster.
//!
//! [`log_writer`] is the end of a pipeline, and [`supervise`] runs one: the same for events and for frames.
//! [`raw`] does the same for the frames themselves, into the raw log. [`labelers`] reads other sources, labelers, into the log of
//! labels; it has a role and a lease of its own.
//!
//! [`pipeline`] wires 2 to 7, [`service`] runs one term of it, and [`lead`] decides when: of several ingests one leads
//! and the others stand by. The log is the only truth: [`resume`] finds the resume position in the log's last event.
//! The [bookmark] beside it is used only when the log retains no event.
//!
//! This crate must never import the edge, and no untrusted input may stop it.

mod error;
mod filter;
mod config;

mod frame_time;
mod read_position;
mod validate;
mod log_tail;
mod subject;
mod known_events;

mod labels;
mod view;
mod metrics;
mod status;

mod batch;
mod queue;
mod bookmark;
mod recent_commits;
mod resume;
mod upstream;
mod verify;
mod decode;
mod novelty;
mod sequencer;
mod lead;
mod traces;
mod freshness;
mod publisher;
mod log_writer;
mod supervise;
mod pipeline;
mod raw;
mod labelers;

mod service;
mod settings;
mod process;

pub use config::{
    Endpoint, FilterConfig, FreshnessConfig, IngestConfig, LeaseConfig, PipelineConfig,
    UpstreamConfig, VerifyConfig, VerifyMode,
};
pub use error::IngestError;
pub use filter::IngestFilter;
pub use labelers::Labels;
pub use lead::Candidacy;
pub use metrics::show_subjects;
pub use process::{serve, serve_labels};
pub use service::Ingest;
pub use settings::{IngestSettings, LabelsSettings};
