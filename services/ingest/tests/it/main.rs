//! The whole of ingest between a simulated firehose and a log in memory, compared with the simulator's own account of
//! what a correct consumer makes of its frames.

mod rig;

mod faithful;
mod hostile_frames;
mod interruptions;
