//! CSV: a line of column names, then a record a row. Strict about quotes (RFC 4180), since a guess there turns one record
//! into many or many into one.
//!
//! A column is a field by its logical name or its label, case ignored. An empty cell isn't submitted when a record is
//! created, so that its default applies; in an update or upsert it empties the field. A column `#rejected` tells people why a row
//! was rejected before, and is passed over.

use std::io::BufRead;

use super::decode::{Find, Named, Scope};
use super::json::entity;
use super::lines::{LONGEST, Lines};
use super::{Problem, Request, RowMessage};
use crate::diagnostic::{Code, render::counted, render::several};
use crate::pipeline::Operation;
use crate::schema::json::Raw;
use crate::schema::{self, Entity, Field, FieldSet, PRIMARY_KEY, Row, Schema, system};
use crate::value::text::quoted;
use crate::value::{EntityId, Reference, Slot, Uuid, Value};

/// The column that says why a row was rejected.
const REJECTED: &str = "#rejected";

/// How many columns a table may have: more than any entity has fields.
const MOST_COLUMNS: usize = 4_096;

/// How many unknown columns are named.
const MOST: usize = 20;

/// Reads operations.
pub(super) struct Reader<'a, R> {
    table: Table<R>,
    schema: &'a Schema,
    id: EntityId,
    entity: &'a Entity,
    message: RowMessage,
    /// What each column is; nothing for one that is left out.
    columns: Vec<Option<Slot>>,
    /// The columns that say which record is meant, where it is one that may be there.
    key: FieldSet,
    /// The names of the columns, as they are written.
    names: Vec<String>,
    /// Whether the row that was read last could not be divided into cells.
    broken: bool,
}

impl<'a, R: BufRead> Reader<'a, R> {
    /// Reads the column names; columns that match no field are a warning.
    pub fn new(input: R, name: &str, message: RowMessage, schema: &'a Schema) -> Result<(Self, Vec<Problem>), Problem> {
        let (id, entity) = entity(name, schema).map_err(|(code, words)| Problem::new(1, code, words))?;
        let mut table = Table { lines: Lines::new(input), cells: Vec::new(), used: 0 };
        match table.next() {
            None => return Err(Problem::new(1, Code::O0111, "there is no line of column names")),
            Some(Err(problem)) => return Err(Problem { message: problem.message + no_csv(table.lines.line()), ..problem }),
            Some(Ok(_)) => {}
        }
        let line = table.lines.number;
        let columns: Vec<Option<Slot>> = table.cells().iter().map(|cell| column(cell, entity)).collect();
        let hint = if let ([only], [None]) = (table.cells(), columns.as_slice()) { divided_otherwise(only) } else { "" };
        let wrong = |(code, words): (Code, String)| Problem::new(line, code, words + hint);
        held(table.cells(), &columns, entity, message).map_err(wrong)?;
        let key = if message == RowMessage::Create { FieldSet::default() } else { key(&columns, entity, message).map_err(wrong)? };
        let unknown: Vec<String> = table
            .cells()
            .iter()
            .zip(&columns)
            .filter(|(cell, slot)| slot.is_none() && *cell != REJECTED)
            .map(|(cell, _)| quoted(cell))
            .collect();
        let warnings = match unknown.as_slice() {
            [] => Vec::new(),
            [one] => vec![wrong((Code::O0109, format!("the column {one} is no field of `{}` and is left out", entity.name)))],
            many => {
                let names = several(many, MOST);
                vec![Problem::new(line, Code::O0109, format!("the columns {names} are no fields of `{}` and are left out", entity.name))]
            }
        };
        let names = table.cells().to_vec();
        Ok((Reader { table, schema, id, entity, message, columns, key, names, broken: false }, warnings))
    }

    /// The lines that are read.
    pub fn lines(&mut self) -> &mut Lines<R> {
        &mut self.table.lines
    }

    /// The line of column names for rows that were rejected.
    pub fn rejected_names(&self) -> Vec<u8> {
        self.row(&self.names, REJECTED)
    }

    /// The row that was read last, with the reason in a column more. What can't be divided into cells stays as it is.
    pub fn rejected(&self, reason: &str) -> Vec<u8> {
        if self.broken {
            return [self.table.lines.line(), b",", cell(reason).as_bytes(), b"\n"].concat();
        }
        self.row(self.table.cells(), reason)
    }

    /// Cells as a row, with another one in the column of reasons.
    fn row(&self, cells: &[String], reason: &str) -> Vec<u8> {
        let kept = cells.iter().enumerate().filter(|(index, _)| self.names.get(*index).is_none_or(|name| name != REJECTED));
        let cells: Vec<String> = kept.map(|(_, text)| cell(text)).chain([cell(reason)]).collect();
        (cells.join(",") + "\n").into_bytes()
    }

    /// The next operation.
    pub fn next(&mut self, find: &Find<'_>) -> Option<Result<Request, Problem>> {
        let line = match self.table.next()? {
            Ok(line) => line,
            Err(problem) => {
                self.broken = true;
                return Some(Err(problem));
            }
        };
        self.broken = false;
        let read = self.operation(Scope::new(self.schema, find)).map(|operation| Request { line, operation, user: None });
        Some(read.map_err(|(code, words)| Problem::new(line, code, words)))
    }

    fn operation(&self, scope: Scope<'_>) -> Result<Operation, (Code, String)> {
        let cells = self.table.cells();
        if cells.len() != self.columns.len() {
            return Err((
                Code::O0112,
                format!("the row has {} where there are {}", counted(cells.len(), "cell"), counted(self.columns.len(), "column")),
            ));
        }
        let mut values = Row::new(self.entity.fields.len());
        let mut named: Option<Named> = None;
        for (cell, slot) in cells.iter().zip(&self.columns) {
            let Some((slot, field)) = slot.and_then(|slot| self.entity.field(slot).map(|field| (slot, field))) else { continue };
            match (slot == PRIMARY_KEY, cell.is_empty()) {
                (true, true) => {}
                (true, false) => named = Some(scope.named(&Raw::Cell(cell), self.entity)?),
                (false, true) if self.message == RowMessage::Create => {}
                (false, true) => values.set(slot, Value::Empty),
                (false, false) => values.set(slot, scope.decode(&Raw::Cell(cell), field)?),
            }
        }
        let empty = || (Code::O0108, "the id is empty".to_owned());
        let key = match named {
            None if self.key.contains(PRIMARY_KEY) => return Err(empty()),
            None => Named::Key(values.split(&self.key)),
            Some(named) => named,
        };
        match (self.message, key) {
            (RowMessage::Create, Named::Key(key)) if !key.present().is_empty() => {
                Err((Code::O0108, "a new record's id has to be a uuid: the value of a key goes into its own column".to_owned()))
            }
            (RowMessage::Create, Named::Key(_)) => Ok(Operation::Create { entity: self.id, values }),
            (RowMessage::Create, Named::Id(id)) => {
                values.set(PRIMARY_KEY, Value::Uuid(id));
                Ok(Operation::Create { entity: self.id, values })
            }
            (RowMessage::Upsert, Named::Id(id)) => {
                Ok(Operation::Upsert { entity: self.id, key: [(PRIMARY_KEY, Value::Uuid(id))].into_iter().collect(), values })
            }
            (RowMessage::Upsert, Named::Key(key)) => Ok(Operation::Upsert { entity: self.id, key, values }),
            (_, Named::Id(id)) => Ok(self.on(id, values)),
            (_, Named::Key(key)) => Ok(Operation::Keyed { key, operation: Box::new(self.on(Uuid::nil(), values)) }),
        }
    }

    /// The update or delete of a record.
    fn on(&self, id: Uuid, values: Row) -> Operation {
        let record = Reference { entity: self.id, id };
        if self.message == RowMessage::Delete { Operation::Delete { record } } else { Operation::Update { record, values } }
    }
}

/// What a line of column names may be instead, where it can't be read.
fn no_csv(line: &[u8]) -> &'static str {
    if line.starts_with(b"{") { "; with an entity this is read as a CSV: JSON lines name theirs themselves, without --entity" } else { "" }
}

/// What a single column may be that isn't known.
fn divided_otherwise(name: &str) -> &'static str {
    match name {
        _ if name.starts_with('{') => no_csv(name.as_bytes()),
        _ if name.contains(';') => "; the names are divided by `;` here, and a CSV divides by `,`: save it with commas",
        _ if name.contains('\t') => "; the names are divided by tabs here, and a CSV divides by `,`: save it with commas",
        _ => "",
    }
}

/// A cell as it is written.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// The field that a column is about: by logical name, by `id`, by label.
fn column(cell: &str, entity: &Entity) -> Option<Slot> {
    let name = cell.trim().to_lowercase();
    let by = |of: fn(&Field) -> &str| entity.fields().find(|(_, field)| of(field).to_lowercase() == name).map(|(slot, _)| slot);
    by(|field| &field.name).or_else(|| (name == "id").then_some(PRIMARY_KEY)).or_else(|| by(|field| &field.label))
}

/// Whether the columns are enough for the message, and each is there once.
fn held(cells: &[String], columns: &[Option<Slot>], entity: &Entity, message: RowMessage) -> Result<(), (Code, String)> {
    for (index, (cell, slot)) in cells.iter().zip(columns).enumerate() {
        let before = columns.get(..index).unwrap_or_default();
        if let Some(field) = slot.filter(|_| before.contains(slot)).and_then(|slot| entity.field(slot)) {
            return Err((
                Code::O0111,
                format!("the column {} is the field `{}`, which another column is already", quoted(cell), field.name),
            ));
        }
    }
    let has = |slot: Slot| columns.contains(&Some(slot));
    if message != RowMessage::Create {
        return Ok(());
    }
    let missing: Vec<String> =
        entity.fields().filter(|(slot, field)| needed(*slot, field) && !has(*slot)).map(|(_, field)| format!("`{}`", field.name)).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err((Code::O0110, format!("the required field {one} has no column"))),
        many => Err((Code::O0110, format!("the required fields {} have no columns", several(many, MOST)))),
    }
}

/// What says which record is meant: its id, or the fields of the first key all of which have columns.
fn key(columns: &[Option<Slot>], entity: &Entity, message: RowMessage) -> Result<FieldSet, (Code, String)> {
    let has = |slot| columns.contains(&Some(slot));
    if has(PRIMARY_KEY) {
        return Ok([PRIMARY_KEY].into_iter().collect());
    }
    if let Some(key) = entity.key_of(has) {
        return Ok(key.fields.iter().copied().collect());
    }
    let keys = entity.written_keys();
    let keys = if keys.is_empty() { String::new() } else { format!(", or columns for a key of `{}`: {}", entity.name, keys.join(" or ")) };
    let id = entity.field(PRIMARY_KEY).map_or("id", |field| field.name.as_str());
    let who = if message == RowMessage::Delete {
        "a delete"
    } else if message == RowMessage::Update {
        "an update"
    } else {
        "an upsert"
    };
    Err((Code::O0110, format!("{who} wants a column `id` or `{id}` to say which records are meant{keys}")))
}

/// Whether a new record needs the field from outside.
fn needed(slot: Slot, field: &Field) -> bool {
    let given = [system::OWNER, system::STATE, system::STATUS].contains(&field.name.as_str());
    field.required && field.default == schema::Default::None && !field.read_only && !given && slot != PRIMARY_KEY
}

/// Rows of cells.
struct Table<R> {
    lines: Lines<R>,
    cells: Vec<String>,
    used: usize,
}

impl<R: BufRead> Table<R> {
    /// The cells of the row that was read last.
    fn cells(&self) -> &[String] {
        self.cells.get(..self.used).unwrap_or_default()
    }

    /// Reads a row and gives the line on which it starts; empty lines are passed over.
    fn next(&mut self) -> Option<Result<u64, Problem>> {
        self.used = 0;
        let mut state = State::Start;
        let mut start = 0;
        let mut size = 0;
        loop {
            let line = match self.lines.next() {
                None if state == State::Quoted => {
                    return Some(Err(Problem::new(start, Code::O0112, "the quote that opens in this row is never closed").last()));
                }
                None => return None,
                Some(Err(problem)) if state == State::Quoted => {
                    let words =
                        format!("the quote that opens in this row isn't closed before line {}, where {}", problem.line, problem.message);
                    return Some(Err(Problem { line: start, message: words, last: true, ..problem }));
                }
                Some(Err(problem)) => return Some(Err(problem)),
                Some(Ok(line)) => line,
            };
            if state == State::Quoted {
                if let Some(cell) = self.used.checked_sub(1).and_then(|last| self.cells.get_mut(last)) {
                    cell.push('\n');
                }
            } else if line.is_empty() {
                continue;
            }
            size += line.len();
            let row = Cells { cells: &mut self.cells, used: &mut self.used };
            let ended = row.take(line, state);
            let number = self.lines.number;
            if start == 0 {
                start = number;
            }
            match ended {
                // In a row of several lines nobody knows which of them begins the next row; going on would be a guess.
                Err(words) if number != start => {
                    return Some(Err(Problem::new(start, Code::O0112, format!("on line {number} of this row {words}")).last()));
                }
                Err(words) => return Some(Err(Problem::new(number, Code::O0112, words))),
                Ok(State::Quoted) if size > LONGEST => {
                    return Some(Err(Problem::new(start, Code::O0102, "a quote opens in this row and isn't closed within 16 MiB").last()));
                }
                Ok(State::Quoted) => state = State::Quoted,
                Ok(_) => return Some(Ok(start)),
            }
        }
    }
}

/// Where in a cell the reading is.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Before its first character.
    Start,
    /// In one without quotes.
    Plain,
    /// Between its quotes.
    Quoted,
    /// After a quote that closes it, unless another quote follows.
    Closed,
}

/// The cells of a row that is being read; their texts are used again for the next row.
struct Cells<'a> {
    cells: &'a mut Vec<String>,
    used: &'a mut usize,
}

impl Cells<'_> {
    /// Takes in a line, and says how it ends.
    fn take(mut self, line: &str, mut state: State) -> Result<State, &'static str> {
        if state == State::Start {
            self.open()?;
        }
        for letter in line.chars() {
            state = match (state, letter) {
                (State::Start, '"') => State::Quoted,
                (State::Quoted, '"') => State::Closed,
                (State::Quoted, other) => self.push(other, State::Quoted),
                (_, '\r') => return Err("there is a carriage return that ends no line (lines end with LF or CR LF)"),
                (State::Closed, '"') => self.push('"', State::Quoted),
                (_, ',') => {
                    self.open()?;
                    State::Start
                }
                (State::Closed, _) => return Err("there is something between a closing quote and the next comma"),
                (State::Plain, '"') => return Err("there is a quote within a cell that isn't quoted (write `\"\"` in a quoted one)"),
                (State::Start | State::Plain, other) => self.push(other, State::Plain),
            };
        }
        Ok(state)
    }

    fn open(&mut self) -> Result<(), &'static str> {
        if *self.used == MOST_COLUMNS {
            return Err("there are more than 4,096 cells");
        }
        match self.cells.get_mut(*self.used) {
            Some(cell) => cell.clear(),
            None => self.cells.push(String::new()),
        }
        *self.used += 1;
        Ok(())
    }

    fn push(&mut self, letter: char, state: State) -> State {
        if let Some(cell) = self.used.checked_sub(1).and_then(|last| self.cells.get_mut(last)) {
            cell.push(letter);
        }
        state
    }
}
