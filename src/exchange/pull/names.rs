//! Names of the language for the names of a database: a letter that can't stand in one becomes `_`, and so does the end of
//! one that is taken.

use std::collections::BTreeSet;

use crate::schema::{BUILT_IN, system};
use crate::syntax::keywords::is_reserved;

/// Words that would be taken for a part of the field before them.
const BEHIND_A_FIELD: [&str; 6] = ["required", "primary", "audited", "unaudited", "column", "local"];

/// Names that are taken, in lower case.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Those that no entity can have.
    pub(super) fn of_entities() -> Self {
        let built_in = BUILT_IN.lines().filter_map(|line| line.strip_prefix("entity ")?.split(' ').next());
        Names(built_in.map(str::to_owned).collect())
    }

    /// Those that no field of an entity can have.
    pub(super) fn of_fields(entity: &str) -> Self {
        Names(system::ALL.into_iter().map(str::to_owned).chain([format!("{}uuid", entity.to_ascii_lowercase())]).collect())
    }

    /// A name of the language for one of a database, which is taken from then on.
    pub(super) fn take(&mut self, name: &str) -> String {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let mut word: String = name.chars().map(letter).take(100).collect();
        if !word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            word.insert(0, '_');
        }
        let stores = ["sqlite_", "pg_", "weir_"].iter().any(|start| word.to_ascii_lowercase().starts_with(start));
        if stores {
            word.insert(0, '_');
        }
        while is_reserved(&word) || BEHIND_A_FIELD.contains(&word.as_str()) || !self.0.insert(word.to_ascii_lowercase()) {
            word.push('_');
        }
        word
    }
}
