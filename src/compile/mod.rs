//! From the typed IR to bytecode. Cannot fail on user input.
