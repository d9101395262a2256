//! Tests and scenarios: run step by step in the same pipeline as production.
