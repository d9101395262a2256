//! Names of the language for the names of a database: a letter that can't stand in one becomes `_`, and one that is taken ends in
//! `_`, or in a number where several are.

use std::collections::BTreeMap;

use crate::schema::{BUILT_IN, MAX_NAME, system};
use crate::syntax::keywords::is_reserved;

/// Words that would be taken for a part of the field before them.
const BEHIND_A_FIELD: [&str; 6] = ["required", "primary", "audited", "unaudited", "column", "local"];

/// Names that are taken, in lower case, each with the number that the next one like it gets.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, u32>);

/// Whether a name of a database can be that of a table or column here.
pub(super) fn usable(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.contains('\0')
}

/// The entities that every project has.
fn built_in() -> impl Iterator<Item = &'static str> {
    BUILT_IN.lines().filter_map(|line| line.strip_prefix("entity ")?.split(' ').next())
}

/// Whether every store has a table of this name.
pub(super) fn is_own(table: &str) -> bool {
    built_in().any(|own| own.eq_ignore_ascii_case(table))
}

impl Names {
    /// Those that no entity can have.
    pub(super) fn of_entities() -> Self {
        Names(built_in().map(|name| (name.to_owned(), 2)).collect())
    }

    /// Those that no field of an entity can have.
    pub(super) fn of_fields(entity: &str) -> Self {
        let own = format!("{}uuid", entity.to_ascii_lowercase());
        Names(system::ALL.into_iter().map(str::to_owned).chain([own]).map(|name| (name, 2)).collect())
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
        if is_reserved(&word) || BEHIND_A_FIELD.contains(&word.as_str()) || self.0.contains_key(&word.to_ascii_lowercase()) {
            word.push('_');
        }
        let base = word.clone();
        let mut next = self.0.get(&base.to_ascii_lowercase()).copied();
        while let Some(number) = next.filter(|_| self.0.contains_key(&word.to_ascii_lowercase())) {
            word = format!("{base}{number}");
            next = number.checked_add(1);
        }
        if let Some(number) = next {
            self.0.insert(base.to_ascii_lowercase(), number);
        }
        self.0.insert(word.to_ascii_lowercase(), 2);
        word
    }
}
