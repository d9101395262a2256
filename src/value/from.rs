//! Values from what Rust programs hold: so that a plug-in writes `set("revenue", 3)`.

use smol_str::SmolStr;

use super::{Decimal, Reference, Uuid, Value};

macro_rules! from {
    ($($source:ty => $variant:ident,)*) => {
        $(impl From<$source> for Value {
            fn from(value: $source) -> Self {
                Value::$variant(value.into())
            }
        })*
    };
}

from! {
    bool => Boolean,
    i32 => Integer,
    i64 => Integer,
    Decimal => Decimal,
    &str => Text,
    String => Text,
    SmolStr => Text,
    jiff::civil::Date => Date,
    jiff::Timestamp => DateTime,
    jiff::civil::DateTime => LocalDateTime,
    Reference => Reference,
    Uuid => Uuid,
}
