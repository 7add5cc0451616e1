//! Instructions that hostile `safetensors` files cost, counted by valgrind: the bound that the
//! documentation of `gradlet::safetensors` states.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use core::hint::black_box;
use std::env;
use std::process::Command;

use gradlet::safetensors::Safetensors;

/// The order of a file's tensors, and the instructions for each byte of its header at most.
const MOST: [(&str, usize); 6] = [
    ("in order", 200),
    ("names out of order", 1300),
    ("data out of order", 1300),
    ("both out of order", 2500),
    ("a name twice", 2500),
    ("a long name twice", 2500),
];

/// Variable with the order and how often the file is read, for the process that valgrind counts.
const READ: &str = "GRADLET_READ";

fn file(order: &str) -> Vec<u8> {
    let is_twice = order.ends_with("twice");
    let count = if is_twice { 63 } else { 1024 };
    let start = "t".repeat(if order == "a long name twice" { 1000 } else { 1 });
    let mut texts = Vec::new();
    for at in 0..count {
        let last = count - 1;
        let name = if matches!(order, "names out of order" | "both out of order") {
            last - at
        } else {
            at
        };
        let place =
            if matches!(order, "data out of order" | "both out of order") { last - at } else { at };
        let end = place + 1;
        texts.push(format!(
            r#""{start}{name:04}":{{"dtype":"U8","shape":[1],"data_offsets":[{place},{end}]}}"#
        ));
    }
    if is_twice {
        // Backwards, so that each of the names is looked for among all that follow, twice.
        texts.reverse();
        texts.push(texts[0].clone());
    }
    let header = format!("{{{}}}", texts.join(","));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; count]].concat()
}

#[test]
fn read() {
    let Ok(read) = env::var(READ) else { return };
    let (times, order) = read.split_once(' ').unwrap();
    let file = file(order);
    for _ in 0..times.parse().unwrap() {
        assert!(Safetensors::new(black_box(&file)).is_ok());
    }
}

/// Instructions of a process that reads a file so often.
fn instructions(order: &str, times: u32) -> Option<usize> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "read", "--test-threads=1"])
        .env(READ, format!("{times} {order}"))
        .output()
        .ok()?;
    assert!(output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    let (_, collected) = text.split_once("Collected : ").unwrap();
    Some(collected.split_whitespace().next().unwrap().parse().unwrap())
}

#[test]
fn hostile_files_cost_a_bounded_number_of_instructions() {
    if cfg!(debug_assertions) {
        println!("skipped: only optimised code is counted");
        return;
    }
    for (order, most) in MOST {
        let (Some(once), Some(twice)) = (instructions(order, 1), instructions(order, 2)) else {
            println!("skipped: no valgrind");
            return;
        };
        let file = file(order);
        let header = u64::from_le_bytes(file[..8].try_into().unwrap());
        let each = (twice - once) / usize::try_from(header).unwrap();
        println!("{order}: {each} instructions for each byte of the header");
        assert!(each <= most, "{order}: {each} of {most}");
    }
}
