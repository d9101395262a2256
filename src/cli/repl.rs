//! `weir repl`: the prompt, or the same lines from a pipe.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::allow::Allow;
use super::exit::Exit;
use super::load;
use super::output::Output;
use crate::pipeline::{Permission, Settings};
use crate::repl::{Refused, Session, Setup, Told, Worst, simple, terminal};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder; by default the folder that we are in, where that has any `.flow` file
    #[arg(env = "WEIR_PATH")]
    path: Option<PathBuf>,
    /// The store, `sqlite::memory:` or `sqlite:FILE`; by default the one that `weir.toml` names, else one in memory
    #[arg(long, value_name = "URL", env = "WEIR_STORE")]
    store: Option<String>,
    /// Where the history of the prompt is kept; by default `weir/history` in the folder for states of programs. Empty for none
    #[arg(long, value_name = "FILE", env = "WEIR_HISTORY")]
    history: Option<std::ffi::OsString>,
    #[command(flatten)]
    allow: Allow,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let interrupt = Arc::new(AtomicBool::new(false));
    let session = Session::new(Setup {
        path: Some(arguments.path.clone().unwrap_or_else(|| ".".into())),
        guessed: arguments.path.is_none(),
        store: arguments.store.clone(),
        settings: settings(&arguments.allow),
        asks: terminal,
        colours: output.colours() && terminal,
        width: super::screen::width,
        interrupt,
    });
    let session = match session {
        Ok(session) => session,
        Err(refused) => return told(refused, arguments, output),
    };
    let worst = if terminal {
        terminal::run(session, arguments.history.as_ref().map(std::path::Path::new), &mut |told| tell(told, terminal, output))
    } else {
        let mut session = session;
        simple::run(&mut session, std::io::stdin().lock(), &mut |told| tell(told, terminal, output))
    };
    match worst {
        Worst::Well => Exit::Well,
        Worst::Stopped => Exit::Stopped,
        Worst::Problems => Exit::Problems,
        Worst::Usage => Exit::Usage,
        Worst::Failed => Exit::Failed,
    }
}

/// How operations run: with the machine's clock, and what the command line allows.
fn settings(allow: &Allow) -> Box<dyn Fn(&crate::project::Config) -> Settings> {
    let Permission { commands, hosts } = allow.permission();
    Box::new(move |config| {
        let permission = Permission { commands: commands.clone(), hosts: hosts.clone() };
        config.apply(Settings::system()).allowing(permission)
    })
}

/// At a terminal everything goes one way, so that nothing overtakes anything.
fn tell(told: &Told, terminal: bool, output: &mut Output) {
    match told {
        Told::Error(text) if !terminal => output.error_line(text),
        Told::Line(text) | Told::Error(text) => output.line(text),
    }
    output.flush();
}

/// Why there is no session.
fn told(refused: Refused, arguments: &Arguments, output: &mut Output) -> Exit {
    match refused {
        Refused::Load(error) => {
            load::tell(&[error.diagnostic()], &crate::source::Sources::default(), output);
            load::exit(&error)
        }
        Refused::Errors(project) => {
            let errors = project.compile().err().map(|errors| errors.0).unwrap_or_default();
            let path = arguments.path.clone().unwrap_or_default();
            load::tell(&errors, &load::openable(&path, &project.sources), output);
            Exit::Problems
        }
        Refused::Store(url, error) => load::unopened(&url, &error, output),
    }
}
