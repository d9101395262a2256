//! A test that can't be run on this machine says so where everybody sees it: nobody is to take it for one that has passed.

use std::fs::OpenOptions;
use std::io::Write;

/// Says why the test that runs isn't run: on standard error, past what keeps the words of tests that pass to itself, and in the file that
/// `WEIR_NOT_RUN` names.
pub fn not_run(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("not run: {}::{test}: {why}\n", env!("CARGO_CRATE_NAME"));
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Some(file) = std::env::var_os("WEIR_NOT_RUN") {
        OpenOptions::new().create(true).append(true).open(file).unwrap().write_all(line.as_bytes()).unwrap();
    }
}
