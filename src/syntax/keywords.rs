//! The words of the language, the one list: tokens, highlighting, recovery and did-you-mean read it, and a test holds
//! the grammar against it.

/// Words that can't be used as a name where a value starts; in backticks they can.
pub const RESERVED: &[&str] = &[
    "set", "stop", "finish", "if", "else", "match", "let", "for", "each", "start", "perform", "create", "update", "delete", "assign",
    "change", "wait", "send", "and", "or", "not", "is", "in", "true", "false", "empty", "this", "old", "now", "today", "caller",
];

/// Words that start a declaration.
pub const DECLARATIONS: &[&str] = &["entity", "choice", "flow", "action", "plugin", "role", "test", "scenario"];

/// Words that start a statement.
pub const STATEMENTS: &[&str] = &[
    "set", "stop", "finish", "start", "perform", "create", "update", "delete", "assign", "change", "send", "if", "match", "for", "let",
    "wait", "log", "step", "user", "as", "in", "run", "advance", "show", "expect", "table", "delay",
];

/// Words that start a clause of a flow, an action or a plug-in.
pub const CLAUSES: &[&str] = &[
    "mode", "trigger", "stage", "rank", "run", "owner", "input", "output", "scope", "log", "when", "allow", "draft", "rollback", "via",
    "effects", "reads", "sets", "creates", "updates", "deletes", "queries", "performs",
];

/// Words that stand between two values or after one.
pub const OPERATORS: &[&str] = &["and", "or", "not", "is", "in", "contains", "starts", "ends", "between", "with"];

/// Units of a duration, in the singular.
pub const UNITS: &[&str] = &["minute", "hour", "day", "week", "month", "year"];

/// Whether a word is reserved.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}
