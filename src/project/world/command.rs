//! A process that is given a request and answers: no shell, a limit of time and of bytes, and an end for all that it has started.
//!
//! The process leads a group of its own. Where it is out of time or answers too much, the group is ended before its leader is waited
//! for, so its number can't belong to anybody else by then. Threads read and write meanwhile; one whose pipe is held open by a
//! process that has left the group is left behind, and not waited for.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::pipeline::{CallError, Limits};

/// How much of what a process complains about is kept.
const COMPLAINT: usize = 4096;

/// Runs a program, and gives back what it wrote to its standard output.
pub(super) fn run(words: &[String], request: &str, limits: Limits) -> Result<String, CallError> {
    let (program, arguments) = words.split_first().ok_or_else(|| failed("names no program"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    lead_a_group(&mut command);
    let began = Instant::now();
    let mut child = command.spawn().map_err(|error| failed(format!("can't be started: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        let request = request.to_owned();
        // A process that doesn't read its request closes the pipe, which is its own affair.
        thread::spawn(move || input.write_all(request.as_bytes()));
    }
    let answer = child.stdout.take().map(|output| read(output, limits.bytes));
    let complaint = child.stderr.take().map(|output| read(output, COMPLAINT));
    let left = || limits.time.saturating_sub(began.elapsed());
    let bytes = match answer.map(|answer| answer.recv_timeout(left())) {
        Some(Ok(bytes)) if bytes.len() <= limits.bytes => bytes,
        Some(Ok(_)) => {
            end(&mut child);
            return Err(failed(format!("answers more than {} bytes", limits.bytes)));
        }
        _ => {
            end(&mut child);
            return Err(CallError::OutOfTime);
        }
    };
    let Some(status) = wait(&mut child, left) else {
        end(&mut child);
        return Err(CallError::OutOfTime);
    };
    if !status.success() {
        let said = complaint.and_then(|complaint| complaint.recv_timeout(Duration::from_millis(200)).ok()).unwrap_or_default();
        // What went wrong is what a program says last: a stack of calls, where it shows one, comes before.
        let said = String::from_utf8_lossy(&said).trim().lines().next_back().unwrap_or("").trim().to_owned();
        let ended = status.code().map_or_else(|| format!("was ended ({status})"), |code| format!("ended with the exit code {code}"));
        return Err(failed(if said.is_empty() { ended } else { format!("{ended}: {said}") }));
    }
    String::from_utf8(bytes).map_err(|_| failed("answers something that isn't UTF-8"))
}

fn failed(words: impl Into<String>) -> CallError {
    CallError::Failed(words.into())
}

/// Reads to the end, or one byte more than may come; the rest goes nowhere once the process is ended.
fn read(output: impl Read + Send + 'static, most: usize) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = output.take(most as u64 + 1).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// Waits for the end of a process, as long as there is time.
fn wait(child: &mut Child, left: impl Fn() -> Duration) -> Option<ExitStatus> {
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if left().is_zero() => return None,
            Ok(None) => {
                thread::sleep(pause.min(left()));
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            Err(_) => return None,
        }
    }
}

#[cfg(unix)]
fn lead_a_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn lead_a_group(_: &mut Command) {}

/// Ends a process with all that it has started.
fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // Whoever has gone by itself need not be ended.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}
