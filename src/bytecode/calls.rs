//! Calls of built-in functions: the function itself in memory, its name on disk.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smol_str::SmolStr;

use crate::value::Function;

/// A function, called with so many arguments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRef {
    /// Which.
    #[serde(serialize_with = "write_name", deserialize_with = "read_name")]
    pub function: &'static Function,
    /// How many arguments.
    pub arguments: u16,
}

fn write_name<S: Serializer>(function: &&'static Function, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(function.name)
}

fn read_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Function, D::Error> {
    let name = SmolStr::deserialize(deserializer)?;
    Function::find(&name).ok_or_else(|| de::Error::custom("an unknown function"))
}
