//! Named tasks, supervised actors, clock and shutdown on top of tokio and actix.
