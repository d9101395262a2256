//! One value of a line, by the type of its field, with the code that it is told by.

use crate::diagnostic::Code;
use crate::schema::json::{self, Raw};
use crate::schema::{Field, Schema};
use crate::value::Value;

/// What is wrong with a part of a line: its code and its words.
pub(super) type Wrong = (Code, String);

/// The value for a field.
pub(super) fn decode(raw: &Raw<'_>, field: &Field, schema: &Schema) -> Result<Value, Wrong> {
    json::read(raw, &field.ty, schema).map_err(|wrong| (Code::O0107, format!("`{}`: {wrong}", field.name)))
}
