//! Metrics, logs and the ops HTTP server.
