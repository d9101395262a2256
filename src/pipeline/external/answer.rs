//! What code outside answers: nothing, or a JSON object that says what to set, what to give, what to note, or why to stop.

use std::marker::PhantomData;

use indexmap::IndexMap;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use crate::bytecode::Input;
use crate::diagnostic::nearest;
use crate::schema::json::{self, Raw};
use crate::value::{Value, text::quoted};

use super::super::context::PluginContext;
use super::super::plugin::Refusal;
use super::failed;

/// An answer, every part of which is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Answer<'a> {
    /// Refuses, with a reason.
    stop: Option<String>,
    /// Fields of the record with their new values.
    #[serde(borrow, default, deserialize_with = "members")]
    set: IndexMap<String, &'a RawValue>,
    /// Inputs of the action, before its body.
    #[serde(borrow, default, deserialize_with = "members")]
    inputs: IndexMap<String, &'a RawValue>,
    /// Outputs of the action.
    #[serde(borrow, default, deserialize_with = "members")]
    outputs: IndexMap<String, &'a RawValue>,
    /// What later steps of the operation get to know.
    #[serde(default, deserialize_with = "members")]
    shared: IndexMap<String, serde_json::Value>,
    /// Lines for the trace.
    #[serde(default)]
    log: Vec<String>,
}

/// The members of an object, each of which is there once.
fn members<'de, D: Deserializer<'de>, V: Deserialize<'de>>(deserializer: D) -> Result<IndexMap<String, V>, D::Error> {
    struct Members<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
        type Value = IndexMap<String, V>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = IndexMap::new();
            while let Some((name, value)) = map.next_entry::<String, V>()? {
                if members.contains_key(&name) {
                    return Err(Error::custom(format_args!("{} is there twice", quoted(&name))));
                }
                members.insert(name, value);
            }
            Ok(members)
        }
    }

    deserializer.deserialize_map(Members(PhantomData))
}

/// Does what an answer says.
pub(super) fn apply(context: &mut PluginContext<'_>, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let unread = |error: &dyn std::fmt::Display| failed(context, &format!("the answer can't be read: {error}"));
    if !text.trim_start().starts_with('{') {
        return Err(unread(&"it is no JSON object"));
    }
    let answer: Answer<'_> = serde_json::from_str(text).map_err(|error| unread(&error))?;
    answer.log.iter().for_each(|line| context.log(line));
    if let Some(reason) = answer.stop {
        return Err(Refusal::new(reason));
    }
    let values =
        answer.set.iter().map(|(name, raw)| Ok((name.as_str(), field(context, name, raw)?))).collect::<Result<Vec<_>, Refusal>>()?;
    if !values.is_empty() {
        context.set_all(&values)?;
    }
    for (name, raw) in &answer.inputs {
        let value = declared(context, "input", context.part.inputs, name, raw)?;
        context.set_input(name, value)?;
    }
    for (name, raw) in &answer.outputs {
        let value = declared(context, "output", context.part.outputs, name, raw)?;
        context.set_output(name, value)?;
    }
    answer.shared.into_iter().for_each(|(name, value)| context.share(name, value));
    Ok(())
}

fn field(context: &PluginContext<'_>, name: &str, raw: &RawValue) -> Result<Value, Refusal> {
    let schema = &context.engine.schema;
    let entity = schema.entity(context.scene.record.entity).filter(|_| !context.part.global);
    let found = entity.and_then(|entity| entity.fields.get(name));
    match found {
        Some(field) => value(context, name, raw, &field.ty),
        None => Err(unknown(context, "field", name, entity.into_iter().flat_map(|entity| entity.fields.keys()))),
    }
}

fn declared(context: &PluginContext<'_>, what: &str, declared: &[Input], name: &str, raw: &RawValue) -> Result<Value, Refusal> {
    match declared.iter().find(|declared| declared.name == name) {
        Some(declared) => value(context, name, raw, &declared.ty),
        None => Err(unknown(context, what, name, declared.iter().map(|declared| &declared.name))),
    }
}

fn value(context: &PluginContext<'_>, name: &str, raw: &RawValue, ty: &crate::value::Type) -> Result<Value, Refusal> {
    let read = Raw::json(raw).and_then(|raw| json::read(&raw, ty, &context.engine.schema));
    read.map_err(|wrong| failed(context, &format!("the answer's `{name}` can't be taken: {wrong}")))
}

fn unknown<'n>(context: &PluginContext<'_>, what: &str, name: &str, known: impl Iterator<Item = &'n SmolStr>) -> Refusal {
    let near = if name.len() > 200 { None } else { nearest(name, known.map(SmolStr::as_str)) };
    let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    failed(context, &format!("the answer names {}, which is no {what}{meant}", quoted(name)))
}
