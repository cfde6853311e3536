//! The ordered event log: trait, memory backend, contract tests.
