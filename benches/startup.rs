//! How long `weir --version` takes from start to end, beside a process that does nothing.

#![expect(clippy::indexing_slicing, reason = "a bench ends at the first failure")]

#[expect(dead_code, reason = "not every bench uses all of it")]
mod support;

use std::process::{Command, Stdio};

fn start(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{program} has to run");
}

fn main() {
    let weir = env!("CARGO_BIN_EXE_weir");
    let medians = support::compare(
        "start of a process",
        1,
        50,
        vec![support::timed("true", || start("true", &[])), support::timed("weir --version", || start(weir, &["--version"]))],
    );
    support::target("milliseconds of `weir --version`", medians[1] / 1e6, 10.0, true);
}
