//! The words of the language, the one list: tokens, highlighting, recovery and did-you-mean read it, and a test holds
//! the grammar against it.

use crate::diagnostic::nearest;

/// Words that can't be used as a name where a value starts; in backticks they can.
pub const RESERVED: &[&str] = &[
    "set", "stop", "finish", "if", "else", "match", "let", "for", "each", "start", "perform", "create", "update", "delete", "assign",
    "change", "wait", "send", "and", "or", "not", "is", "in", "true", "false", "empty", "this", "old", "now", "today", "caller",
];

/// Words that start a declaration.
pub const DECLARATIONS: &[&str] = &["entity", "choice", "flow", "action", "plugin", "role", "test", "scenario", "given"];

/// Words that start a statement.
pub const STATEMENTS: &[&str] = &[
    "set", "stop", "finish", "start", "perform", "create", "update", "upsert", "delete", "assign", "change", "send", "if", "match", "for",
    "let", "wait", "log", "step", "user", "as", "in", "run", "advance", "show", "expect", "table", "given", "tags", "skip", "fake",
    "delay",
];

/// Those of them that stand only in flows and actions.
pub const ONLY_IN_FLOWS: &[&str] = &["set", "stop", "finish", "if", "match", "for", "wait", "log", "step", "delay"];

/// Those of them that stand only in a test that is written down.
pub const ONLY_IN_TESTS: &[&str] = &["table", "given", "tags", "skip"];

/// Those of them whose result a `let` may name.
pub const NAMED: &[&str] = &["create", "upsert", "perform"];

/// What an `expect` may be about, beside a condition.
pub const EXPECTATIONS: &[&str] = &["stopped", "fault", "ran", "not ran", "job"];

/// Words that are a value by themselves, wherever they stand; and the one that stands before a condition.
pub const VALUES: &[&str] = &["true", "false", "empty", "now", "today", "caller", "not"];

/// Words that stand between the parts of a statement, a query or a declaration.
pub const BETWEEN: &[&str] =
    &["on", "to", "of", "where", "order", "by", "ascending", "descending", "limit", "until", "after", "audit", "transaction", "jobs"];

/// Words that stand behind the type of a field.
pub const MODIFIERS: &[&str] = &["required", "primary", "audited", "unaudited", "local"];

/// Words that start a clause of a flow, an action or a plug-in.
pub const CLAUSES: &[&str] = &[
    "mode", "trigger", "stage", "rank", "run", "owner", "input", "output", "scope", "log", "when", "serial", "allow", "draft", "rollback",
    "via", "effects", "reads", "sets", "creates", "updates", "deletes", "queries", "performs",
];

/// Words that stand between two values or after one.
pub const OPERATORS: &[&str] = &["and", "or", "not", "is", "in", "contains", "starts", "ends", "between", "with"];

/// Units of a duration, in the singular.
pub const UNITS: &[&str] = &["minute", "hour", "day", "week", "month", "year"];

/// Whether a word is reserved.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// Every word that a type begins with.
pub const TYPES: [&str; 14] = [
    "boolean", "integer", "bigint", "decimal", "float", "money", "text", "memo", "choice", "choices", "date", "datetime", "lookup", "uuid",
];

/// What types are called elsewhere, and what here.
const TYPE_HABITS: [(&str, &[&str]); 10] = [
    ("text", &["string", "str", "varchar", "nvarchar", "char", "nchar"]),
    ("memo", &["longtext", "clob", "multiline"]),
    ("integer", &["int", "int32", "smallint", "whole"]),
    ("bigint", &["long", "int64"]),
    ("decimal", &["number", "numeric", "num"]),
    ("boolean", &["bool", "bit", "flag", "yesno"]),
    ("float", &["double", "real", "float64"]),
    ("money", &["currency"]),
    ("uuid", &["guid", "uniqueidentifier", "id"]),
    ("datetime", &["timestamp", "time", "instant"]),
];

/// The type that is called so elsewhere.
pub fn type_abroad(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    TYPE_HABITS.iter().find(|(_, habits)| habits.contains(&lower.as_str())).map(|(meant, _)| *meant)
}

/// The type that is probably meant by a word: what is called so elsewhere, or is spelt nearly so.
pub fn type_meant(word: &str) -> Option<&'static str> {
    type_abroad(word).or_else(|| nearest(word, TYPES)).or_else(|| {
        let habits = TYPE_HABITS.iter().flat_map(|(_, habits)| habits.iter().copied()).filter(|habit| habit.len() > 3);
        type_abroad(nearest(word, habits)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_has_all_these_words() {
        let grammar = include_str!("../../grammar/flow.pest");
        // A type without anything behind its name is any word to the grammar; the checker knows them.
        let lists = [RESERVED, DECLARATIONS, STATEMENTS, NAMED, EXPECTATIONS, VALUES, BETWEEN, MODIFIERS, CLAUSES, OPERATORS, UNITS];
        for word in lists.concat().iter().flat_map(|words| words.split(' ')) {
            assert!(grammar.contains(&format!("\"{word}\"")), "the grammar has no `{word}`");
        }
    }

    #[test]
    fn a_part_of_the_statements_is_a_part_of_them() {
        for word in [ONLY_IN_FLOWS, ONLY_IN_TESTS, NAMED].concat() {
            assert!(STATEMENTS.contains(&word), "{word}");
        }
    }
}
