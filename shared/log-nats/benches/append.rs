//! Rates of appending, following and reading, against a real server on this machine.

fn main() {}
