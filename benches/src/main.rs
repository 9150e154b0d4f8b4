//! Compares the backline crates with their peers in one run.

fn main() {}
