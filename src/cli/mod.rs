//! The command line: one small file a command, and the only code that prints.
