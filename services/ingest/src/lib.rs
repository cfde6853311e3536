//! Ingest: one firehose connection in, one ordered log out.
//!
//! The path of one event through this crate, in the order of the modules:
//!
//! 1. [`upstream`] reads binary frames from one relay or PDS at a time, reconnects for ever, and reads another one while
//!    that fails;
//! 2. [`verify`], if asked for, drops commits that their accounts did not sign, or that say something else than they did;
//! 3. [`decode`] turns batches of frames into drafts on the blocking pool, order kept;
//! 4. [`gate`] is the pure rule inside it: which events a frame makes, and why something is dropped; [`filter`] says what
//!    is kept at all;
//! 5. [`sequencer`] drops what the log already holds ([`held`] knows it again in another upstream's numbers,
//!    [`recent_commits`] in any) and gives each event its log time;
//! 6. [`publisher`] appends, fenced and pipelined, and finds out what the log holds after any failure;
//! 7. [`freshness`] counts per collection what is in the log, and tells it to the cluster.
//!
//! [`pipeline`] wires 2 to 7, [`service`] makes one term of it, and [`lead`] decides when: one of several ingests leads,
//! the others stand by. The log is the only truth: [`resume`] reads where to go on from the log's last event. What is
//! [recorded](bookmark) beside it is asked only when the log keeps none.
//! This crate must never import the edge, and nothing a stranger sends may stop it.

mod error;
mod filter;
mod config;

mod frame_time;
mod place;
mod gate;
mod log_tail;
mod held;

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
mod sequencer;
mod lead;
mod traces;
mod freshness;
mod publisher;
mod pipeline;

mod service;
mod settings;
mod process;

pub use config::{
    Endpoint, FilterConfig, FreshnessConfig, IngestConfig, LeaseConfig, PipelineConfig,
    UpstreamConfig, VerifyConfig, VerifyMode,
};
pub use error::IngestError;
pub use filter::IngestFilter;
pub use lead::Candidacy;
pub use metrics::show_subjects;
pub use process::serve;
pub use service::Ingest;
pub use settings::IngestSettings;
