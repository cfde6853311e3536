//! Subscriber options: parse, limits, match.
