//! Entity declarations for the tables of a SQLite file. What a table says is written down, what it doesn't say is taken from
//! what its rows hold, and what no field can stand for is left out with a comment that says so. Nothing is written to the file.
//!
//! Invariant: the text checks, and has the layout that `weir fmt` gives it.

mod columns;
mod names;
mod sql;

use std::fmt::Write;
use std::path::Path;

use rustc_hash::FxHashMap;

use crate::project::Layouts;
use crate::schema::MAX_FIELDS;
use crate::store::StoreError;
use crate::store::sqlite::inspect::{self, Column, Found, Link};

use names::Names;
use sql::Literal;

/// Why a table or column can't be named here.
const UNUSABLE: &str = "its name is empty or longer than 120 characters";

/// A table with the names that it gets.
struct Pulled<'t> {
    table: &'t Found,
    entity: String,
    /// Why its rows can't be records.
    unfit: Option<String>,
    /// The fields, by its columns.
    fields: Vec<String>,
}

/// A column of a table.
struct Place<'a> {
    /// The name of its field.
    name: &'a str,
    column: &'a Column,
    /// Whether it is a part of the first key.
    key: bool,
    /// What a check lets it hold.
    list: Option<&'a [Literal]>,
    /// The entity that it refers to.
    link: Option<(&'a str, &'a Link)>,
}

/// The tables by their names in lower case.
type ByName<'t> = FxHashMap<String, &'t Pulled<'t>>;

/// What was pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The declarations.
    pub text: String,
    /// How many entities they declare.
    pub entities: usize,
    /// How many tables are left out.
    pub left_out: usize,
}

/// The declarations for the tables of a file.
pub fn pull(path: &Path) -> Result<Text, StoreError> {
    let tables = inspect::tables(path)?;
    let file = path.file_name().map(|name| name.to_string_lossy().replace(|letter: char| letter.is_control(), " ")).unwrap_or_default();
    let mut text = format!("//! The tables of {file}, as `weir schema pull` found them. Change what is said here as the tables change.\n");
    let mut taken = Names::of_entities();
    let pulled: Vec<Pulled> = tables.iter().map(|table| Pulled::new(table, &mut taken)).collect();
    let by_name: ByName = pulled.iter().map(|one| (one.table.name.to_ascii_lowercase(), one)).collect();
    for table in tables.iter().filter(|table| names::is_own(&table.name)) {
        let _ = write!(
            text,
            "\n// Flows can't run on this database as it is: every store has a table {} of its own, and here something else has that name.\n",
            shown(&table.name)
        );
    }
    for one in &pulled {
        match &one.unfit {
            Some(why) => {
                let _ = write!(text, "\n// The table {} is left out: {why}.\n", shown(&one.table.name));
            }
            None => one.write(&by_name, &mut text),
        }
    }
    if tables.is_empty() {
        text.push_str("\n// There are no tables in it.\n");
    }
    let left_out = pulled.iter().filter(|one| one.unfit.is_some()).count();
    Ok(Text { text: laid_out(&text), entities: pulled.len() - left_out, left_out })
}

/// A name of the database in a comment.
fn shown(name: &str) -> String {
    crate::value::text::quoted(name)
}

/// A text of the language that says just this.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '{' | '}' => out.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn laid_out(text: &str) -> String {
    let layouts = Layouts::from_text("pulled.flow", text);
    match layouts.files.into_iter().next() {
        Some((_, Ok(layout))) => layout,
        _ => text.to_owned(),
    }
}

impl<'t> Pulled<'t> {
    fn new(table: &'t Found, taken: &mut Names) -> Self {
        let entity = taken.take(&table.name);
        let mut names = Names::of_fields(&entity);
        let fields = table.columns.iter().map(|column| names.take(&column.name)).collect();
        let unfit = if names::usable(&table.name) { columns::no_key(table) } else { Some(UNUSABLE.to_owned()) };
        Pulled { table, entity, unfit, fields }
    }

    fn write(&self, all: &ByName<'t>, text: &mut String) {
        let lists = sql::lists(&self.table.sql);
        if !self.table.triggers.is_empty() {
            let names: Vec<_> = self.table.triggers.iter().map(|name| shown(name)).collect();
            let _ = write!(text, "\n// What is written here also starts triggers of the database: {}.", names.join(", "));
        }
        let _ = write!(text, "\nentity {} table {} {{\n", self.entity, quoted(&self.table.name));
        let mut ends = String::new();
        let mut kept = vec![false; self.table.columns.len()];
        let mut count = self.table.keys.first().map_or(0, Vec::len);
        for (position, kept) in kept.iter_mut().enumerate() {
            let Some(place) = self.place(position, &lists, all) else { continue };
            match self.typed(&place, count) {
                Ok(typed) => {
                    *kept = true;
                    count += usize::from(!place.key);
                    write_field(&place, typed, text, &mut ends);
                }
                Err(why) => {
                    let _ = writeln!(text, "// The column {} is left out: {why}.", shown(&place.column.name));
                }
            }
        }
        self.write_keys(&kept, text);
        for link in self.table.links.iter().filter(|link| link.columns.len() > 1) {
            let names: Vec<_> =
                link.columns.iter().filter_map(|column| self.table.columns.get(*column)).map(|column| shown(&column.name)).collect();
            let _ = writeln!(text, "// {} refer to {} together, which no lookup can.", names.join(" and "), shown(&link.table));
        }
        let _ = writeln!(text, "{ends}}}");
    }

    /// A column with what is known of it.
    fn place<'a>(&'a self, position: usize, lists: &'a [(String, Vec<Literal>)], all: &ByName<'a>) -> Option<Place<'a>> {
        let column = self.table.columns.get(position)?;
        let list = lists.iter().find(|(name, _)| name.eq_ignore_ascii_case(&column.name)).map(|(_, values)| values.as_slice());
        Some(Place {
            name: self.fields.get(position)?,
            column,
            key: self.table.keys.first().is_some_and(|key| key.contains(&position)),
            list,
            link: self.link(position, all),
        })
    }

    /// The type of its field, where so many are there already; else why it can have none.
    fn typed(&self, place: &Place<'_>, count: usize) -> Result<columns::Typed, &'static str> {
        if !names::usable(&place.column.name) {
            return Err(UNUSABLE);
        }
        if !place.key && count == MAX_FIELDS {
            return Err("an entity has no more fields than that");
        }
        if let Some((target, _)) = &place.link {
            return Ok((format!("lookup {target}"), None));
        }
        let (ty, note) = columns::typed(place.column, place.list, place.key)?;
        // A lone key that is declared so is the number that SQLite itself gives a row: it has 64 bits, whatever the rows hold so far.
        let alone = place.key && self.table.keys.first().is_some_and(|key| key.len() == 1);
        let wide = alone && ty == "integer" && place.column.declared.eq_ignore_ascii_case("INTEGER");
        Ok((if wide { "bigint".to_owned() } else { ty }, note))
    }

    fn write_keys(&self, kept: &[bool], text: &mut String) {
        for key in self.table.keys.iter().filter(|key| key.iter().all(|column| kept.get(*column) == Some(&true))) {
            let names: Vec<&str> = key.iter().filter_map(|column| self.fields.get(*column)).map(String::as_str).collect();
            let _ = writeln!(text, "key ({})", names.join(", "));
        }
    }

    /// The entity that a column refers to, where one column can: by the only column of that entity's key, which is no lookup itself.
    fn link<'a>(&'a self, position: usize, all: &ByName<'a>) -> Option<(&'a str, &'a Link)> {
        let link = self.table.links.iter().find(|link| link.columns == [position])?;
        let target = all.get(&link.table.to_ascii_lowercase()).filter(|other| other.unfit.is_none())?;
        let [key] = target.table.keys.first()?.as_slice() else { return None };
        let named = link.to.first().is_none_or(|to| target.table.position(to) == Some(*key));
        let plain = !target.table.links.iter().any(|link| link.columns == [*key]);
        let same = columns::same_class(self.table.columns.get(position)?, target.table.columns.get(*key)?);
        (named && plain && same).then_some((target.entity.as_str(), link))
    }
}

/// The line of a field, with what there is to say about it above; what follows from it for the end of the entity goes to `ends`.
fn write_field(place: &Place<'_>, (ty, note): columns::Typed, text: &mut String, ends: &mut String) {
    let Place { name, column, key, list, link } = place;
    let default = if link.is_some() && column.default.is_some() { Err(()) } else { columns::default(column, &ty, *list) };
    if let Some(note) = note {
        let _ = writeln!(text, "// {} {note}.", shown(&column.name));
    }
    if default.is_err() {
        let written = shown(column.default.as_deref().unwrap_or_default());
        let _ = writeln!(text, "// Where {} isn't given, the database puts in its own default: {written}.", shown(&column.name));
    }
    let required = *key || column.not_null && default.is_ok();
    let _ = write!(text, "{name} {ty}{}", if required { " required" } else { "" });
    if **name != column.name {
        let _ = write!(text, " column {}", quoted(&column.name));
    }
    if let Ok(Some(default)) = default {
        let _ = write!(text, " = {default}");
    }
    text.push('\n');
    if let Some((_, rule)) = link {
        ends.extend(columns::on_delete(&rule.on_delete, required).map(|word| format!("on delete of {name}: {word}\n")));
    }
}
