//! Repeatable chores.
fn main() {}
