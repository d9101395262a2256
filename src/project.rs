//! The façade: load, check, compile, open, execute. All that the tools and an embedding program call.
