//! x
#[allow(dead_code, reason = "todo")]
mod compute;
fn main() {}
