//! Killed processes.
