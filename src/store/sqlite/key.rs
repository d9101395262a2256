//! The ids of rows in somebody's own tables. Everything above the store names a record by 128 bits; such a table names it
//! by an integer, a text, or several columns. The two are translated here, at the door of the store, and nowhere else.
//!
//! The decision: an id *is* the key, packed into a uuid of version 8, wherever the key has room in 15 bytes. So no table
//! has to be kept in step with what other programs insert, rename or delete, two programs that see one row have one id for
//! it, an id says the same after a restart, and the ids of packed keys sort as the keys do. A longer key has a digest for an
//! id, and the keys that digests stand for are kept in `weir_row`, written when they are first met, whatever becomes of
//! the transaction. A key that
//! is one uuid is the id itself. Rejected: SQLite's own row numbers, which `VACUUM` may change and `WITHOUT ROWID` lacks;
//! random ids with a table that maps all rows, which is a second copy of the key that every foreign write makes stale.
//!
//! What follows: a key never changes through Weir (it would be another record), and where another program changes one, ids
//! that were kept elsewhere (a job, an audit row, a lookup of Weir's own table) name a row that is gone, as after a delete.

use std::fmt;
use std::sync::{Arc, Mutex};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use super::failure::failure;
use crate::store::StoreError;
use crate::value::Uuid;

/// How many bytes of a key an id has room for.
const ROOM: usize = 15;

/// The last two bits of an id: its key is packed in it, or kept elsewhere.
const PACKED: u128 = 0;
const DIGEST: u128 = 1;

/// What a packed text begins with. A number begins with 16 and how many bytes it has, less them where it is negative.
const TEXT: u8 = 0x20;
const NUMBER: u8 = 0x10;

/// The table in which long keys are kept.
pub(super) const LONG_KEYS: &str = "CREATE TABLE IF NOT EXISTS weir_row (entity TEXT NOT NULL, id BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY (entity, id)) STRICT, WITHOUT ROWID";

const KEEP: &str = "INSERT OR IGNORE INTO weir_row VALUES (?1, ?2, ?3)";

/// What a column of a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Integer,
    Text,
    Uuid,
}

/// A value in a column of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cell {
    Integer(i64),
    Text(SmolStr),
    Uuid([u8; 16]),
}

/// Long keys whose ids were given out in the transaction that is open. Where it is undone, they are kept nevertheless: whoever
/// has such an id may come back with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Met(Arc<Mutex<Vec<LongKey>>>);

/// Its entity, its id, and itself as it is kept.
type LongKey = (SmolStr, Uuid, Vec<u8>);

/// The key of a mapped entity.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The entity's name.
    pub entity: SmolStr,
    /// Its columns.
    pub classes: Vec<Class>,
    /// The store's.
    pub met: Met,
}

impl Met {
    /// Keeps them again after something was undone. `all`: the transaction is over.
    pub(super) fn keep(&self, connection: &Connection, all: bool) -> Result<(), StoreError> {
        let Ok(mut met) = self.0.lock() else { return Ok(()) };
        if met.is_empty() {
            return Ok(());
        }
        // A transaction that made the tables has taken them with it.
        let mut there = connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'weir_row'").map_err(failure)?;
        if there.exists([]).map_err(failure)? {
            let mut statement = connection.prepare_cached(KEEP).map_err(failure)?;
            for (entity, id, key) in met.iter() {
                statement.execute((entity.as_str(), id.as_bytes(), key)).map_err(failure)?;
            }
        }
        if all {
            met.clear();
        }
        Ok(())
    }

    /// The transaction has made them last.
    pub(super) fn forget(&self) {
        if let Ok(mut met) = self.0.lock() {
            met.clear();
        }
    }
}

impl Key {
    /// The id of the row with this key.
    pub(super) fn id(&self, connection: &Connection, cells: &[Cell]) -> Result<Uuid, StoreError> {
        if let [Cell::Uuid(bytes)] = cells {
            return Ok(Uuid::from_bytes(*bytes));
        }
        match pack(cells) {
            Some(id) => Ok(id),
            None => self.keep(connection, cells),
        }
    }

    /// The key of a row's id; none where no row can have that id.
    pub(super) fn cells(&self, connection: &Connection, id: Uuid) -> Result<Option<Vec<Cell>>, StoreError> {
        if self.classes == [Class::Uuid] {
            return Ok(Some(vec![Cell::Uuid(*id.as_bytes())]));
        }
        let cells = match payload(id) {
            Some((bytes, PACKED)) => unpack(&bytes).filter(|cells| pack(cells) == Some(id)),
            Some((_, DIGEST)) => self.kept(connection, id)?,
            _ => None,
        };
        let fits = |cells: &Vec<Cell>| cells.iter().map(Cell::class).eq(self.classes.iter().copied());
        Ok(cells.filter(fits))
    }

    fn keep(&self, connection: &Connection, cells: &[Cell]) -> Result<Uuid, StoreError> {
        let key = postcard::to_stdvec(cells).map_err(|_| StoreError::Failed("a key can't be written down".to_owned()))?;
        let mut bytes = [0; ROOM];
        bytes.iter_mut().zip(Sha256::digest(&key)).for_each(|(place, byte)| *place = byte);
        let id = uuid(bytes, DIGEST);
        let mut statement = connection.prepare_cached(KEEP).map_err(failure)?;
        if statement.execute((self.entity.as_str(), id.as_bytes(), &key)).map_err(failure)? > 0 {
            if let Ok(mut met) = self.met.0.lock() {
                met.push((self.entity.clone(), id, key));
            }
        } else if self.kept(connection, id)?.as_deref() != Some(cells) {
            return Err(StoreError::Unusable(format!("two keys of `{}` have the same digest", self.entity)));
        }
        Ok(id)
    }

    fn kept(&self, connection: &Connection, id: Uuid) -> Result<Option<Vec<Cell>>, StoreError> {
        let mut statement = connection.prepare_cached("SELECT key FROM weir_row WHERE entity = ?1 AND id = ?2").map_err(failure)?;
        let key: Option<Vec<u8>> =
            statement.query_row((self.entity.as_str(), id.as_bytes()), |row| row.get(0)).optional().map_err(failure)?;
        Ok(key.and_then(|key| postcard::from_bytes(&key).ok()))
    }
}

impl Cell {
    /// What a column of a key holds, if it is of its class.
    pub(super) fn read(class: Class, cell: ValueRef<'_>) -> Option<Cell> {
        match (class, cell) {
            (Class::Integer, ValueRef::Integer(number)) => Some(Cell::Integer(number)),
            (Class::Text, ValueRef::Text(text)) => Some(Cell::Text(SmolStr::new(str::from_utf8(text).ok()?))),
            (Class::Uuid, ValueRef::Blob(bytes)) => Some(Cell::Uuid(bytes.try_into().ok()?)),
            _ => None,
        }
    }

    fn class(&self) -> Class {
        match self {
            Cell::Integer(_) => Class::Integer,
            Cell::Text(_) => Class::Text,
            Cell::Uuid(_) => Class::Uuid,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Integer(number) => write!(f, "{number}"),
            Cell::Text(text) => f.write_str(&crate::value::text::quoted(text)),
            Cell::Uuid(bytes) => write!(f, "{}", Uuid::from_bytes(*bytes)),
        }
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Uuid(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// The key in an id, where it has room. Its bytes sort as the keys do.
fn pack(cells: &[Cell]) -> Option<Uuid> {
    let mut bytes = Vec::with_capacity(ROOM);
    for cell in cells {
        match cell {
            Cell::Integer(number) => {
                let magnitude = number.unsigned_abs().to_be_bytes();
                let digits = magnitude.iter().skip_while(|byte| **byte == 0);
                let length = digits.clone().count() as u8;
                if *number < 0 {
                    bytes.push(NUMBER - length);
                    bytes.extend(digits.map(|byte| !byte));
                } else {
                    bytes.push(NUMBER + length);
                    bytes.extend(digits);
                }
            }
            Cell::Text(text) if text.len() < ROOM && !text.contains('\0') => {
                bytes.push(TEXT);
                bytes.extend(text.bytes());
                if bytes.len() < ROOM {
                    bytes.push(0);
                }
            }
            Cell::Text(_) | Cell::Uuid(_) => return None,
        }
    }
    if bytes.len() > ROOM {
        return None;
    }
    bytes.resize(ROOM, 0);
    Some(uuid(bytes.try_into().ok()?, PACKED))
}

fn unpack(bytes: &[u8]) -> Option<Vec<Cell>> {
    let mut cells = Vec::new();
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first().filter(|(first, _)| **first != 0) {
        if *first == TEXT {
            let end = behind.iter().position(|byte| *byte == 0).unwrap_or(behind.len());
            cells.push(Cell::Text(SmolStr::new(str::from_utf8(behind.get(..end)?).ok()?)));
            rest = behind.get(end + 1..).unwrap_or_default();
        } else {
            let length = usize::from(first.abs_diff(NUMBER));
            let negative = *first < NUMBER;
            let digits = behind.get(..length).filter(|_| length <= 8)?;
            let magnitude = digits.iter().fold(0, |number: u64, byte| number << 8 | u64::from(if negative { !byte } else { *byte }));
            let number = i128::from(magnitude);
            cells.push(Cell::Integer(i64::try_from(if negative { -number } else { number }).ok()?));
            rest = behind.get(length..)?;
        }
    }
    Some(cells)
}

/// A uuid of version 8 around 120 bits and two more.
fn uuid(bytes: [u8; ROOM], tag: u128) -> Uuid {
    let bits = bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte)) << 2 | tag;
    let (high, middle, low) = (bits >> 74, bits >> 62 & 0xfff, bits & (u128::MAX >> 66));
    Uuid::from_u128(high << 80 | 0x8 << 76 | middle << 64 | 0b10 << 62 | low)
}

/// The 120 bits of such a uuid, and the two more; none of another kind of uuid.
fn payload(id: Uuid) -> Option<([u8; ROOM], u128)> {
    let whole = id.as_u128();
    let bits = (whole >> 80) << 74 | (whole >> 64 & 0xfff) << 62 | whole & (u128::MAX >> 66);
    let mut bytes = [0; ROOM];
    bytes.iter_mut().rev().enumerate().for_each(|(place, byte)| *byte = (bits >> 2 >> (8 * place)) as u8);
    (uuid(bytes, bits & 0b11) == id).then_some((bytes, bits & 0b11))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell() -> impl Strategy<Value = Cell> {
        prop_oneof![
            any::<i64>().prop_map(Cell::Integer),
            (-300..70_000_i64).prop_map(Cell::Integer),
            "[ -~é\u{0}]{0,18}".prop_map(|text| Cell::Text(text.into())),
            any::<[u8; 16]>().prop_map(Cell::Uuid),
        ]
    }

    fn key_of(cells: &[Cell]) -> Key {
        Key { entity: "thing".into(), classes: cells.iter().map(Cell::class).collect(), met: Met::default() }
    }

    proptest! {
        #[test]
        fn an_id_is_the_way_back_to_its_key(cells in prop::collection::vec(cell(), 1..4)) {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(LONG_KEYS).unwrap();
            let key = key_of(&cells);
            let id = key.id(&connection, &cells).unwrap();
            prop_assert_eq!(key.id(&connection, &cells).unwrap(), id);
            prop_assert_eq!(key.cells(&connection, id).unwrap(), Some(cells));
        }

        #[test]
        fn packed_ids_sort_as_their_keys_do(one in any::<(i64, i32)>(), other in any::<(i64, i32)>(), text in "[a-z]{0,14}", next in "[a-z]{0,14}") {
            let number = |number: i64| pack(&[Cell::Integer(number)]).unwrap();
            prop_assert_eq!(number(one.0).cmp(&number(other.0)), one.0.cmp(&other.0));
            let named = |text: &str| pack(&[Cell::Text(text.into())]).unwrap();
            prop_assert_eq!(named(&text).cmp(&named(&next)), text.cmp(&next));
        }

        #[test]
        fn a_uuid_from_anywhere_is_a_key_or_nothing(bits in any::<u128>()) {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(LONG_KEYS).unwrap();
            let key = Key { entity: "thing".into(), classes: vec![Class::Integer], met: Met::default() };
            let id = Uuid::from_u128(bits);
            if let Some(cells) = key.cells(&connection, id).unwrap() {
                prop_assert_eq!(key.id(&connection, &cells).unwrap(), id);
            }
        }
    }

    #[test]
    fn a_text_is_no_number_and_an_id_of_another_entity_none_of_this() {
        let connection = Connection::open_in_memory().unwrap();
        let (five, text) = (pack(&[Cell::Integer(5)]).unwrap(), pack(&[Cell::Text("5".into())]).unwrap());
        let key = Key { entity: "thing".into(), classes: vec![Class::Integer], met: Met::default() };
        assert_ne!(five, text);
        assert_eq!(key.cells(&connection, text).unwrap(), None);
        assert_eq!((five.get_version_num(), text.get_version_num()), (8, 8));
    }
}
