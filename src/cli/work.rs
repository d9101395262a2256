//! `weir work`: a worker, which runs the jobs of a store until it is told to stop.

use std::io::{self, IsTerminal};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use clap::Args;

use super::allow::Allow;
use super::exit::Exit;
use super::output::Output;
use super::{Format, jobs, life};
use crate::diagnostic::render;
use crate::pipeline::Settings;
use crate::project::{Compiled, News, Work};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The store, `sqlite:FILE`, with a deployed project
    #[arg(long, value_name = "URL", env = "WEIR_STORE")]
    store: String,
    /// End when nothing is due
    #[arg(long, env = "WEIR_ONCE")]
    once: bool,
    /// How many jobs at a time
    #[arg(long, value_name = "N", default_value_t = 1, env = "WEIR_CONCURRENCY", value_parser = clap::value_parser!(u8).range(1..=64))]
    concurrency: u8,
    /// How many seconds a worker may be silent before others take up its jobs
    #[arg(long, value_name = "SECONDS", default_value_t = 15, env = "WEIR_LEASE", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    lease: u32,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
    /// A mail server that e-mails may be sent by, with or without a port; may be repeated (in the environment, with commas)
    #[arg(long = "allow-smtp", value_name = "HOST", env = "WEIR_ALLOW_SMTP", value_delimiter = ',')]
    smtp: Vec<String>,
    #[command(flatten)]
    allow: Allow,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let stop = Arc::new(AtomicBool::new(false));
    if let Err(error) = stop_by_signal(&stop) {
        output.error_line(format!("error: the signals to stop can't be listened to: {error}"));
        return Exit::Failed;
    }
    let at_terminal = arguments.format == Format::Human && io::stderr().is_terminal();
    if at_terminal {
        let jobs = if arguments.concurrency == 1 { "one job".to_owned() } else { format!("{} jobs", arguments.concurrency) };
        let end = if arguments.once { "until nothing is due" } else { "until Ctrl-C" };
        output.error_line(format!("working on {}, {jobs} at a time, {end}", render::visible(&arguments.store)));
    }
    let output = Mutex::new(output);
    let told = |what: News<'_>| {
        // Whoever panicked while telling has told; the next line is as good as any.
        let mut output = output.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match what {
            News::Left(job) if arguments.format == Format::Json => output.line(jobs::json(job)),
            News::Left(job) => output.line(jobs::line(job)),
            News::Failing(error) => output.error_line(format!("warning: the store can't be worked with, and is tried again: {error}")),
            News::Outbox(waiting) => {
                let what = if waiting == 1 { "1 e-mail waits".to_owned() } else { format!("{waiting} e-mails wait") };
                let how = "name a mail server in `[smtp]` of weir.toml, deploy, and work with `--allow-smtp HOST`";
                output.error_line(format!("warning: {what} to be sent, and nobody sends: {how}"));
            }
        }
        output.flush();
    };
    let settings = |compiled: &Compiled| {
        let settings = arguments.allow.apply(compiled.config.apply(Settings::system()));
        settings.mailing(compiled.config.smtp.as_ref(), &arguments.smtp)
    };
    let work = Work {
        url: &arguments.store,
        concurrency: arguments.concurrency.into(),
        lease: jiff::SignedDuration::from_secs(arguments.lease.into()),
        once: arguments.once,
        settings: &settings,
        stop: &stop,
        told: &told,
    };
    let result = work.run();
    let output = output.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match result {
        Ok(()) => {
            if at_terminal || arguments.once && arguments.format == Format::Human {
                left(&arguments.store, output);
            }
            Exit::Well
        }
        Err(error) => life::refused(&arguments.store, &error, output),
    }
}

/// Says how many jobs are left that go on, where there are any. That the store can't be asked is nothing to end badly for.
fn left(url: &str, output: &mut Output) {
    let Ok(compiled) = Compiled::from_store(url) else { return };
    let Ok(mut pipeline) = compiled.open(url, compiled.config.apply(Settings::system())) else { return };
    let Ok((ready, waiting)) = pipeline.count_jobs() else { return };
    let counted = |count: u64, is: &str, are: &str| match count {
        0 => None,
        1 => Some(format!("1 job {is}")),
        count => Some(format!("{count} jobs {are}")),
    };
    let left = [counted(ready, "is ready", "are ready"), counted(waiting, "waits", "wait")];
    let left: Vec<String> = left.into_iter().flatten().collect();
    if !left.is_empty() {
        output.error_line(format!("{}: `weir jobs --store {url}` says for what", render::visible(&left.join(", "))));
    }
}

/// Lets the first signal to end set the word to stop, and the second one end the process at once.
#[cfg(unix)]
fn stop_by_signal(stop: &Arc<AtomicBool>) -> Result<(), std::io::Error> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(stop))?;
        signal_hook::flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn stop_by_signal(_: &Arc<AtomicBool>) -> Result<(), std::io::Error> {
    Ok(())
}
