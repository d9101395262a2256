//! `weir work`: a worker, which runs the jobs of a store until it is told to stop.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use clap::Args;

use super::allow::Allow;
use super::exit::Exit;
use super::output::Output;
use super::{Format, jobs, life};
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
        Ok(()) => Exit::Well,
        Err(error) => life::refused(&arguments.store, &error, output),
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
