//! The parts of a JSON object and of a list of objects, each as it was written. Bounded: so many parts, so many in a list.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use crate::diagnostic::Code;
use crate::exchange::decode::Wrong;
use crate::value::text::quoted;

/// How many parts an object may have: more than any entity has fields.
const MOST_PARTS: usize = 2_000;

/// How many targets one operation may have.
pub(super) const MOST_TARGETS: usize = 1_000;

/// The parts of an object in order, each name once.
#[derive(Default)]
pub(super) struct Object<'a>(pub Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// A part by name.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(part, _)| part == name).map(|(_, raw)| *raw)
    }

    /// A part that has to be there and a text.
    pub fn text(&self, name: &str) -> Result<SmolStr, Wrong> {
        let raw = self.get(name).ok_or_else(|| (Code::O0101, format!("`{name}` is missing")))?;
        serde_json::from_str(raw.get()).map_err(|_| (Code::O0101, format!("`{name}` has to be a text")))
    }
}

/// A text that holds an object.
pub(super) fn object(text: &str) -> Result<Object<'_>, Wrong> {
    serde_json::from_str(text).map_err(|error| {
        // The line is the file's, not the one line that was parsed; of the place, the column is left.
        (Code::O0101, format!("{} (column {})", words(&error), error.column()))
    })
}

/// The objects of `targets`.
pub(super) fn targets(raw: &RawValue) -> Result<Vec<&RawValue>, Wrong> {
    if !raw.get().starts_with('[') {
        return Err((Code::O0101, "`targets` has to be a list of objects".to_owned()));
    }
    match serde_json::from_str(raw.get()) {
        Ok(Targets(targets)) if targets.is_empty() => Err((Code::O0101, "`targets` is empty".to_owned())),
        Ok(Targets(targets)) => Ok(targets),
        Err(error) => Err((Code::O0101, words(&error))),
    }
}

/// What is wrong with a text, without the place.
fn words(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words.split(" at line ").next().unwrap_or("it can't be read").to_owned()
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
                let mut parts: indexmap::IndexMap<String, &'de RawValue> = indexmap::IndexMap::new();
                while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    if parts.contains_key(&name) {
                        return Err(M::Error::custom(format!("{} is there twice", quoted(&name))));
                    }
                    if parts.len() == MOST_PARTS {
                        return Err(M::Error::custom(format!("an object has more than {MOST_PARTS} parts")));
                    }
                    parts.insert(name, raw);
                }
                Ok(Object(parts.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(Parts)
    }
}

/// The members of a list, not so many that they would fill the memory.
struct Targets<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Targets<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Targets<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Targets<'de>, S::Error> {
                let mut members = Vec::new();
                while let Some(member) = list.next_element::<&'de RawValue>()? {
                    if members.len() == MOST_TARGETS {
                        return Err(S::Error::custom(format!(
                            "there are more than {MOST_TARGETS} `targets`; divide them into several operations"
                        )));
                    }
                    members.push(member);
                }
                Ok(Targets(members))
            }
        }
        deserializer.deserialize_seq(Members)
    }
}
