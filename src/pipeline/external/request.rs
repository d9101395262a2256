//! What code outside gets to know: the operation as a JSON object. Of the record it shows what the code declares to read, and no more.

use serde_json::{Map, Value as Json, json};

use crate::bytecode::Input;
use crate::schema::{FieldSet, PRIMARY_KEY, json};
use crate::value::{Slot, Value};

use super::super::context::PluginContext;
use super::super::operation::Message;
use super::super::plugin::Refusal;

/// The request of a plug-in or an action, on one line; `key` is what the call is known by where a job makes it.
pub(super) fn of(context: &mut PluginContext<'_>, key: Option<&str>) -> Result<String, Refusal> {
    let (message, entity) = (context.scene.message, context.scene.record.entity);
    let fields = read_by(context);
    let target =
        message.map_or(Ok(Json::Null), |_| image(context, &fields, |context, slot| Ok(context.scene.target.get(slot).cloned())))?;
    let before = match message {
        Some(Message::Create) => Json::Null,
        Some(_) => image(context, &fields, |context, slot| Ok(Some(context.scene.old(context.engine, slot)?.clone())))?,
        None if context.part.global => Json::Null,
        None => image(context, &fields, |context, slot| Ok(Some(context.scene.field(context.engine, slot)?.clone())))?,
    };
    let has_after = message.is_some_and(|message| message != Message::Delete) && !context.scene.stage.is_before();
    let after = match has_after {
        true => image(context, &fields, |context, slot| Ok(Some(context.scene.field(context.engine, slot)?.clone())))?,
        false => Json::Null,
    };
    let engine = &mut *context.engine;
    let correlation = engine.correlation();
    let shared: Map<String, Json> = engine.shared.iter().flatten().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let name = engine.schema.entity(entity).map(|entity| entity.name.as_str()).filter(|_| !context.part.global);
    let request = json!({
        "message": message.map_or_else(|| context.scene.action.clone().unwrap_or_default(), |message| message.name().into()),
        "name": context.part.name.as_str(),
        "entity": name,
        "id": name.map(|_| context.scene.record.id.to_string()),
        "stage": if context.part.what == "action" { 30 } else { context.scene.stage as u8 },
        "depth": context.scene.depth,
        "user": context.scene.acting.id.to_string(),
        "initiatingUser": engine.caller.id.to_string(),
        "correlation": correlation.to_string(),
        "job": engine.calls.as_ref().map(|calls| calls.job.to_string()),
        "idempotencyKey": key,
        "time": engine.now.to_string(),
        "target": target,
        "preImage": before,
        "postImage": after,
        "inputs": given(context, context.part.inputs, &context.scene.inputs),
        "outputs": given(context, context.part.outputs, &context.scene.outputs),
        "shared": shared,
    });
    Ok(request.to_string())
}

/// The fields that it declares to read; all where it may read all.
fn read_by(context: &PluginContext<'_>) -> FieldSet {
    match context.part.effects {
        Some(effects) => effects.reads.clone(),
        None => {
            let entity = context.engine.schema.entity(context.scene.record.entity);
            entity.into_iter().flat_map(|entity| entity.fields()).map(|(slot, _)| slot).filter(|slot| *slot != PRIMARY_KEY).collect()
        }
    }
}

/// Fields with their values; one without a value is left out, an empty one is `null`.
fn image(
    context: &mut PluginContext<'_>,
    fields: &FieldSet,
    mut value: impl FnMut(&mut PluginContext<'_>, Slot) -> Result<Option<Value>, Refusal>,
) -> Result<Json, Refusal> {
    let mut image = Map::new();
    for slot in fields.iter() {
        let Some(value) = value(context, slot)? else { continue };
        let schema = &context.engine.schema;
        if let Some(field) = schema.field(context.scene.record.entity, slot) {
            image.insert(field.name.to_string(), json::write(&value, &field.ty, schema));
        }
    }
    Ok(Json::Object(image))
}

/// Inputs or outputs with their values.
fn given(context: &PluginContext<'_>, declared: &[Input], values: &[Value]) -> Json {
    let written = |(input, value): (&Input, &Value)| (input.name.to_string(), json::write(value, &input.ty, &context.engine.schema));
    Json::Object(declared.iter().zip(values).map(written).collect())
}
