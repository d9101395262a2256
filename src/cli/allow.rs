//! What code outside the language may call: for the operator to say, on the command line or in the environment.

use clap::Args;

use crate::pipeline::{Permission, Settings};

#[derive(Debug, Args)]
pub(super) struct Allow {
    /// A command that plug-ins and actions may run: a program as they name it, or a whole command line; may be repeated (in the environment, one a line)
    // A comma may stand in a command line, a line break can't.
    #[arg(long = "allow-command", value_name = "NAME_OR_PATH", env = "WEIR_ALLOW_COMMAND", value_delimiter = '\n')]
    commands: Vec<String>,
    /// A host that plug-ins and actions may call by webhook, with or without a port; may be repeated (in the environment, with commas)
    #[arg(long = "allow-webhook", value_name = "HOST", env = "WEIR_ALLOW_WEBHOOK", value_delimiter = ',')]
    hosts: Vec<String>,
}

impl Allow {
    /// Settings with what is allowed.
    pub fn apply(&self, settings: Settings) -> Settings {
        settings.allowing(self.permission())
    }

    /// What is allowed.
    pub fn permission(&self) -> Permission {
        Permission { commands: self.commands.clone(), hosts: self.hosts.clone() }
    }
}
