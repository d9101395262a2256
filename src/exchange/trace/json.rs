//! A trace as JSON: a list of objects, each with its `level` and its `kind`. It is documented in `docs/commands.md` and stable: what is
//! added stands beside what there is. A list and not objects within objects, because a cascade is as deep as the data is, and readers of JSON
//! refuse what is nested deeply.

use serde_json::{Map, Value as Json, json};

use super::Reader;
use crate::exchange::outcome::{extended, micros};
use crate::pipeline::{Actor, Happening, Named, Outcome, StepVerdict, TraceEntry};
use crate::schema::{Schema, json as values};
use crate::source::{Sources, Span};
use crate::value::{Reference, text};

/// An outcome's object with its trace, where there is one; `timed` says whether it tells how long things took.
pub fn with_trace(told: &str, outcome: &Outcome, schema: &Schema, sources: &Sources, timed: bool) -> String {
    let reader = Reader { schema, sources };
    let entries: Vec<Json> = outcome.trace.iter().map(|entry| reader.entry(entry, timed)).collect();
    extended(told, "trace", &Json::Array(entries))
}

impl Reader<'_> {
    fn entry(&self, entry: &TraceEntry, timed: bool) -> Json {
        let mut object = Map::new();
        object.insert("level".into(), json!(entry.level));
        let (kind, Json::Object(members)) = self.members(&entry.what) else { return Json::Null };
        object.insert("kind".into(), json!(kind));
        object.extend(members);
        if timed && has_parts(&entry.what) {
            object.insert("micros".into(), json!(micros(entry.took)));
        }
        Json::Object(object)
    }

    fn members(&self, what: &Happening) -> (&'static str, Json) {
        match what {
            Happening::Operation { message, name, entity, record, acting, depth, values } => (
                "operation",
                json!({
                    "message": message, "name": name.as_deref(), "entity": entity.as_deref(), "id": record.map(id),
                    "as": actor(acting), "depth": depth, "values": self.object(values),
                }),
            ),
            Happening::Step { kind, name, stage, rank, span, record, verdict } => ("step", {
                let mut step = json!({
                    "step": kind.name(), "name": name.as_str(), "stage": stage.map(|stage| stage as u8), "rank": rank,
                    "verdict": verdict_word(verdict),
                });
                if let (Json::Object(members), Json::Object(reason)) = (&mut step, reason(verdict)) {
                    members.extend(reason);
                    if let Some((entity, record)) = record {
                        members.extend([("entity".to_owned(), json!(entity.as_str())), ("id".to_owned(), json!(id(*record)))]);
                    }
                }
                span.map_or_else(|| step.clone(), |span| self.placed(span, step.clone()))
            }),
            Happening::Condition { span, is_match, holds, because } => (if *is_match { "match" } else { "condition" }, {
                self.placed(*span, json!({ "text": self.slice(*span), "holds": holds, "because": self.object(because) }))
            }),
            Happening::Read(values) => ("read", json!({ "values": self.object(values) })),
            Happening::Query(value) => ("query", json!({ "values": self.object(std::slice::from_ref(value)) })),
            Happening::Input(value) => ("input", json!({ "values": self.change_object(std::slice::from_ref(value)) })),
            Happening::Shared(name, value) => {
                let value = serde_json::from_str::<Json>(value).unwrap_or_else(|_| json!(value));
                ("shared", json!({ "name": name.as_str(), "value": value }))
            }
            Happening::Output(value) => ("output", json!({ "values": self.object(std::slice::from_ref(value)) })),
            Happening::Loop { span, records } => ("loop", self.placed(*span, json!({ "text": self.head(*span), "records": records }))),
            Happening::Turn { entity, record } => ("turn", json!({ "entity": entity.as_str(), "id": id(*record) })),
            Happening::Set(values) => ("set", json!({ "values": self.change_object(values) })),
            Happening::Core { what, entity, records, values } => (
                "core",
                json!({ "stage": 30, "what": what, "entity": entity.as_str(), "records": records, "values": self.change_object(values) }),
            ),
            other => self.other_members(other),
        }
    }

    fn other_members(&self, what: &Happening) -> (&'static str, Json) {
        match what {
            Happening::Log(text) => ("log", json!({ "text": text.as_str() })),
            Happening::Group(title) => ("group", json!({ "title": title.as_str() })),
            Happening::Skipped(span) => ("skipped", self.placed(*span, json!({ "text": self.slice(*span) }))),
            Happening::Call { via, to } => ("call", json!({ "via": via, "to": to.as_str() })),
            Happening::Finished(note) => ("finished", json!({ "note": note.as_str() })),
            Happening::Stopped { by, reason } => ("stopped", json!({ "by": by.as_str(), "reason": reason.as_str() })),
            Happening::Failed { code, message, span } => {
                let told = json!({ "code": code.name(), "message": message });
                ("failed", span.map_or_else(|| told.clone(), |span| self.placed(span, told.clone())))
            }
            Happening::Transaction(border) => ("transaction", json!({ "what": border.name() })),
            Happening::Note(text) => ("note", json!({ "text": text })),
            _ => ("note", json!({})),
        }
    }

    /// Members with the place that they are about before them.
    fn placed(&self, span: Span, members: Json) -> Json {
        let Some((file, line)) = self.place(span) else { return members };
        let mut placed = Map::from_iter([("file".to_owned(), json!(file)), ("line".to_owned(), json!(line))]);
        if let Json::Object(members) = members {
            placed.extend(members);
        }
        Json::Object(placed)
    }

    fn object(&self, values: &[Named]) -> Json {
        values.iter().map(|named| (self.name(&named.name), self.json(named, &named.value))).collect::<Map<_, _>>().into()
    }

    /// Each with what was there before, where that is known.
    fn change_object(&self, values: &[Named]) -> Json {
        let change = |named: &Named| {
            let new = self.json(named, &named.value);
            match &named.old {
                Some(old) => json!({ "old": self.json(named, old), "new": new }),
                None => json!({ "new": new }),
            }
        };
        values.iter().map(|named| (self.name(&named.name), change(named))).collect::<Map<_, _>>().into()
    }

    fn json(&self, named: &Named, value: &crate::value::Value) -> Json {
        use crate::value::Value;
        match (&named.ty, value) {
            (Some(ty), value) => values::write(value, ty, self.schema),
            (None, Value::Empty) => Json::Null,
            (None, Value::Boolean(truth)) => json!(truth),
            (None, Value::Integer(number)) => json!(number),
            (None, value) => json!(text::display(value).as_str()),
        }
    }
}

/// Whether other entries are parts of it.
fn has_parts(what: &Happening) -> bool {
    match what {
        Happening::Step { verdict, .. } => *verdict == StepVerdict::Ran,
        Happening::Operation { .. } | Happening::Loop { .. } | Happening::Turn { .. } | Happening::Group(_) => true,
        _ => false,
    }
}

fn verdict_word(verdict: &StepVerdict) -> &'static str {
    match verdict {
        StepVerdict::Ran => "ran",
        StepVerdict::Queued => "queued",
        _ => "left out",
    }
}

fn reason(verdict: &StepVerdict) -> Json {
    match verdict {
        StepVerdict::Ran | StepVerdict::Queued => json!({}),
        StepVerdict::SameStage(fields) => {
            let fields: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
            json!({ "reason": "fields set in the same stage", "fields": fields })
        }
        StepVerdict::NotSubmitted(fields) => {
            let fields: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
            json!({ "reason": "fields not submitted", "fields": fields })
        }
        StepVerdict::When => json!({ "reason": "when is false" }),
        StepVerdict::Scope { level, of, owner } => {
            json!({ "reason": "out of scope", "scope": level, "flowOwner": actor(of), "recordOwner": actor(owner) })
        }
    }
}

fn actor(actor: &Actor) -> Json {
    if actor.name.is_empty() { json!(id(actor.record)) } else { json!(actor.name.as_str()) }
}

fn id(record: Reference) -> String {
    record.id.to_string()
}
