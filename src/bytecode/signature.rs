//! Effect signatures with names in them, for people and for programs: what each flow of a program reads and does at most,
//! how it can fail, and what its operations set off.
//!
//! What a flow sets off follows from its operations and from the events of all flows: the real-time flows on those events,
//! and what those set off in turn. What they do is theirs; how they can fail is the flow's as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::cost::{Cost, costs};
use super::{ActionCode, Cause, Effects, Event, FlowCode, Mode, Program, Stage, Trigger};
use crate::schema::{DeleteBehaviour, FieldSet, Schema};
use crate::source::Sources;
use crate::value::{EntityId, Type};

/// What a flow reads and does at most, in names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// The flow.
    pub flow: String,
    /// The entity that it is about.
    pub entity: String,
    /// Its file.
    pub file: String,
    /// The line of its name.
    pub line: usize,
    /// Fields of its record that it reads.
    pub reads: Vec<String>,
    /// Fields whose value before the operation it looks at.
    pub old: Vec<String>,
    /// Fields of other records that it reads over lookups, by entity.
    pub related: BTreeMap<String, Vec<String>>,
    /// Fields by which it looks for records and that it reads of those, by entity.
    pub queries: BTreeMap<String, Vec<String>>,
    /// Fields of its record that it sets.
    pub sets: Vec<String>,
    /// Entities that it creates records of.
    pub creates: Vec<String>,
    /// Fields of named records that it updates, by entity.
    pub updates: BTreeMap<String, Vec<String>>,
    /// Entities that it deletes records of.
    pub deletes: Vec<String>,
    /// Flows that it starts inline.
    pub starts: Vec<String>,
    /// Flows that it puts in the queue.
    pub queues: Vec<String>,
    /// Actions that it performs.
    pub performs: Vec<String>,
    /// Whether it may stop.
    pub may_stop: bool,
    /// Whether it may wait.
    pub may_wait: bool,
    /// Whether code on the way may do anything.
    pub unknown: bool,
    /// What its user must be allowed to do.
    pub needs: Vec<String>,
    /// How it can fail by itself.
    pub faults: Vec<FaultLine>,
    /// The real-time flows that its operations set off.
    pub sets_off: Vec<String>,
    /// How those can fail, beside what it can fail in by itself.
    pub nested_faults: Vec<FaultLine>,
    /// What a run costs at most, its inline children counted in.
    pub cost: Option<CostLine>,
}

/// What a run, or a turn of a loop, costs at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CostLine {
    /// Operations of the machine.
    pub instructions: u64,
    /// Statements that read records.
    pub reads: u64,
    /// Statements that write records.
    pub writes: u64,
    /// What comes to it for each record that is gone through, by its entity.
    #[serde(rename = "perRow", skip_serializing_if = "BTreeMap::is_empty")]
    pub per_row: BTreeMap<String, CostLine>,
}

/// A way to fail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FaultLine {
    /// The code of the fault.
    pub code: &'static str,
    /// What it is, in a few words.
    pub cause: String,
    /// The field, entity or input that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// The signatures of a program's flows, in its order.
pub fn signatures(program: &Program, schema: &Schema, sources: &Sources) -> Vec<Signature> {
    let events = Events::new(program);
    let costs = costs(program);
    let names = Names { schema, sources };
    program
        .flows
        .iter()
        .map(|flow| Signature { cost: costs.get(&flow.head.name).map(|cost| names.cost(cost)), ..names.signature(flow, &events) })
        .collect()
}

/// The causes of a flow, an action or a plug-in, and of everything that its operations set off, in a program; none where code
/// on the way may do anything.
pub fn all_causes(program: &Program, schema: &Schema, name: &str) -> Option<BTreeSet<Cause>> {
    let events = Events::new(program);
    let acting = events.all.iter().find(|acting| acting.name == name);
    let (entity, effects, early) = match (acting, program.action(name)) {
        (Some(acting), _) => (Some(acting.entity), acting.effects, acting.early),
        (None, Some(action)) => (action.head.entity, &action.effects, false),
        _ => return None,
    };
    let others: Vec<&Effects> = events.set_off(schema, entity, effects, early).into_iter().map(|other| other.effects).collect();
    let unknown = effects.unknown || others.iter().any(|other| other.unknown);
    let nested = others.iter().flat_map(|other| other.causes.iter().cloned());
    (!unknown).then(|| effects.causes.iter().cloned().chain(nested).collect())
}

/// A flow or a declared plug-in.
struct Acting<'a> {
    name: &'a str,
    entity: EntityId,
    triggers: &'a [Trigger],
    effects: &'a Effects,
    /// Whether it changes only what is about to be written.
    early: bool,
}

/// What acts on events.
struct Events<'a> {
    all: Vec<Acting<'a>>,
    /// The active real-time ones by the entity whose events start them.
    on: FxHashMap<EntityId, Vec<usize>>,
    /// The entities that actions are on.
    actions: FxHashMap<&'a str, EntityId>,
}

/// What happens to records of an entity.
enum Happening<'a> {
    Create,
    /// These fields are written; only flows after the operation see it where it is so early.
    Update(&'a FieldSet, bool),
    Delete,
    /// This action is performed.
    Perform(&'a str),
}

impl<'a> Events<'a> {
    fn new(program: &'a Program) -> Events<'a> {
        let flows = program.flows.iter().map(|flow| {
            let (head, effects) = (&flow.head, &flow.effects);
            Acting { name: &head.name, entity: head.entity, triggers: &head.triggers, effects, early: only_early(flow) }
        });
        let plugins = program.plugins.iter().map(|plugin| {
            let early = plugin.head.triggers.iter().all(|trigger| trigger.stage.is_before());
            Acting { name: &plugin.head.name, entity: plugin.head.entity, triggers: &plugin.head.triggers, effects: &plugin.effects, early }
        });
        let all: Vec<Acting<'a>> = flows.chain(plugins).collect();
        let mut on: FxHashMap<EntityId, Vec<usize>> = FxHashMap::default();
        for (at, acting) in all.iter().enumerate() {
            let active = program.flows.get(at).is_none_or(|flow| flow.head.mode == Mode::RealTime && !flow.head.draft);
            if active && !acting.triggers.is_empty() {
                on.entry(acting.entity).or_default().push(at);
            }
        }
        let entity = |action: &'a ActionCode| Some((action.head.name.as_str(), action.head.entity?));
        Events { all, on, actions: program.actions.iter().filter_map(entity).collect() }
    }

    /// Those that the operations of such effects set off, straight or through others.
    fn set_off(&self, schema: &Schema, entity: Option<EntityId>, effects: &Effects, early: bool) -> Vec<&Acting<'a>> {
        let mut found = BTreeSet::new();
        let mut open = vec![(entity, effects, early)];
        while let Some((own, effects, early)) = open.pop() {
            let mut take = |entity: EntityId, happening: Happening<'_>| {
                for at in self.on.get(&entity).into_iter().flatten() {
                    if let Some(other) = self.all.get(*at).filter(|other| runs_on(other, &happening))
                        && found.insert(*at)
                    {
                        open.push((Some(other.entity), other.effects, other.early));
                    }
                }
            };
            let Effects { creates, updates, deletes, sets, .. } = effects;
            creates.iter().for_each(|entity| take(*entity, Happening::Create));
            updates.iter().for_each(|(entity, fields)| take(*entity, Happening::Update(fields, false)));
            if let Some(own) = own.filter(|_| !sets.is_empty()) {
                take(own, Happening::Update(sets, early));
            }
            for entity in deletes {
                gone(schema, *entity).into_iter().for_each(|entity| take(entity, Happening::Delete));
            }
            for (entity, action) in effects.performs.iter().filter_map(|action| Some((*self.actions.get(action.as_str())?, action))) {
                take(entity, Happening::Perform(action));
            }
        }
        found.into_iter().filter_map(|at| self.all.get(at)).collect()
    }
}

/// Whether a flow changes only what is about to be written.
fn only_early(flow: &FlowCode) -> bool {
    let started = flow.head.child || flow.head.on_demand || flow.head.mode == Mode::Background;
    !started && flow.head.triggers.iter().all(|trigger| trigger.stage.is_before())
}

fn runs_on(acting: &Acting<'_>, happening: &Happening<'_>) -> bool {
    acting.triggers.iter().any(|trigger| match (&trigger.event, happening) {
        (Event::Create, Happening::Create) | (Event::Delete, Happening::Delete) => true,
        (Event::Update(fields), Happening::Update(written, late)) => {
            let stage = !late || trigger.stage == Stage::PostOperation;
            stage && fields.as_ref().is_none_or(|fields| fields.intersects(written))
        }
        (Event::Perform(action), Happening::Perform(performed)) => action == performed,
        _ => false,
    })
}

/// An entity and those whose records go with its own.
fn gone(schema: &Schema, entity: EntityId) -> Vec<EntityId> {
    let mut gone = vec![entity];
    let mut at = 0;
    while let Some(next) = gone.get(at).copied() {
        for (id, other) in schema.entities() {
            let cascades = other.fields().any(|(_, field)| {
                field.on_delete == DeleteBehaviour::Cascade && matches!(&field.ty, Type::Lookup(targets) if targets.contains(&next))
            });
            if cascades && !gone.contains(&id) {
                gone.push(id);
            }
        }
        at += 1;
    }
    gone
}

struct Names<'a> {
    schema: &'a Schema,
    sources: &'a Sources,
}

impl Names<'_> {
    fn signature(&self, flow: &FlowCode, events: &Events<'_>) -> Signature {
        let (head, effects) = (&flow.head, &flow.effects);
        let set_off = events.set_off(self.schema, Some(head.entity), effects, only_early(flow));
        let nested: BTreeSet<&Cause> = set_off.iter().flat_map(|other| &other.effects.causes).collect();
        let names = |names: &BTreeSet<smol_str::SmolStr>| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        Signature {
            flow: head.name.to_string(),
            entity: self.entity(head.entity),
            file: self.sources.get(flow.span.file).map(|file| file.name.to_string()).unwrap_or_default(),
            line: self.sources.position(flow.span).line,
            reads: self.fields(head.entity, &effects.reads),
            old: self.fields(head.entity, &effects.old),
            related: self.by_entity(&effects.related),
            queries: self.by_entity(&effects.queries),
            sets: self.fields(head.entity, &effects.sets),
            creates: self.entities(&effects.creates),
            updates: self.by_entity(&effects.updates),
            deletes: self.entities(&effects.deletes),
            starts: names(&effects.starts),
            queues: names(&effects.queues),
            performs: names(&effects.performs),
            may_stop: effects.may_stop,
            may_wait: effects.may_wait,
            unknown: effects.unknown || set_off.iter().any(|other| other.effects.unknown),
            needs: self.needs(flow),
            faults: effects.causes.iter().map(|cause| self.fault(cause)).collect(),
            sets_off: set_off.iter().map(|other| other.name.to_owned()).collect(),
            nested_faults: nested.into_iter().filter(|cause| !effects.causes.contains(cause)).map(|cause| self.fault(cause)).collect(),
            cost: None,
        }
    }

    /// What the user as whom the flow runs must be allowed to do, beside what its event took.
    fn needs(&self, flow: &FlowCode) -> Vec<String> {
        let effects = &flow.effects;
        let own = [flow.head.entity];
        let read: BTreeSet<EntityId> = effects.related.keys().chain(effects.queries.keys()).copied().collect();
        let writes_this = !effects.sets.is_empty() && !only_early(flow);
        let write: BTreeSet<EntityId> = effects.updates.keys().chain(own.iter().filter(|_| writes_this)).copied().collect();
        let rights = [("create", &effects.creates), ("read", &read), ("write", &write), ("delete", &effects.deletes)];
        rights.into_iter().flat_map(|(right, entities)| entities.iter().map(move |id| format!("{right} {}", self.entity(*id)))).collect()
    }

    fn fault(&self, cause: &Cause) -> FaultLine {
        let of = match cause {
            Cause::Column(entity, slot) | Cause::Empty(entity, slot) => {
                let field = self.schema.field(*entity, *slot).map_or("?", |field| field.name.as_str());
                Some(format!("{}.{field}", self.entity(*entity)))
            }
            Cause::Gone(entity) | Cause::Restricted(entity) | Cause::Duplicate(entity) => Some(self.entity(*entity)),
            Cause::Key(entity) | Cause::Records(entity) | Cause::Kept(entity) => Some(self.entity(*entity)),
            Cause::Input(of, name) | Cause::Output(of, name) | Cause::Missing(of, name) => Some(format!("{of}({name})")),
            Cause::Undeclared(of) | Cause::NotAllowed(of) | Cause::Outside(of) => Some(of.to_string()),
            Cause::Broken(of) | Cause::Misused(of) => Some(of.to_string()),
            Cause::Privilege(right, entity) => Some(format!("{} {}", right.name(), self.entity(*entity))),
            _ => None,
        };
        FaultLine { code: cause.code().name(), cause: cause.words().to_owned(), of }
    }

    fn cost(&self, cost: &Cost) -> CostLine {
        let per_row = cost.rows.iter().map(|(entity, row)| (self.entity(*entity), self.cost(row))).collect();
        CostLine { instructions: cost.instructions, reads: cost.reads, writes: cost.writes, per_row }
    }

    fn entity(&self, id: EntityId) -> String {
        self.schema.entity(id).map_or("?", |entity| entity.name.as_str()).to_owned()
    }

    fn entities(&self, ids: &BTreeSet<EntityId>) -> Vec<String> {
        ids.iter().map(|id| self.entity(*id)).collect()
    }

    fn fields(&self, entity: EntityId, fields: &FieldSet) -> Vec<String> {
        fields.iter().map(|slot| self.schema.field(entity, slot).map_or("?", |field| field.name.as_str()).to_owned()).collect()
    }

    fn by_entity(&self, fields: &BTreeMap<EntityId, FieldSet>) -> BTreeMap<String, Vec<String>> {
        fields.iter().map(|(entity, fields)| (self.entity(*entity), self.fields(*entity, fields))).collect()
    }
}

impl fmt::Display for FaultLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.cause)?;
        self.of.as_ref().map_or(Ok(()), |of| write!(f, ": {of}"))
    }
}

impl fmt::Display for Signature {
    /// A block of lines, without what the flow doesn't do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}  ({}:{})", self.flow, self.entity, self.file, self.line)?;
        let old = self.old.iter().map(|name| format!("old.{name}"));
        let of = |fields: &BTreeMap<String, Vec<String>>| {
            fields.iter().flat_map(|(entity, fields)| fields.iter().map(move |field| format!("{entity}.{field}"))).collect::<Vec<_>>()
        };
        line(f, "reads", &self.reads.iter().cloned().chain(old).chain(of(&self.related)).collect::<Vec<_>>())?;
        line(f, "looks for", &of(&self.queries))?;
        line(f, "sets", &self.sets)?;
        line(f, "creates", &self.creates)?;
        line(f, "updates", &of(&self.updates))?;
        line(f, "deletes", &self.deletes)?;
        line(f, "starts", &self.starts)?;
        line(f, "queues", &self.queues)?;
        line(f, "performs", &self.performs)?;
        let may = [(self.may_stop, "stop"), (self.may_wait, "wait"), (self.unknown, "do anything: effects unknown")];
        line(f, "may", &may.iter().filter(|(may, _)| *may).map(|(_, words)| (*words).to_owned()).collect::<Vec<_>>())?;
        line(f, "needs", &self.needs)?;
        line(f, "sets off", &self.sets_off)?;
        faults(f, "fails in", &self.faults)?;
        faults(f, "and there", &self.nested_faults)?;
        match &self.cost {
            Some(cost) => {
                writeln!(f, "  costs      at most {cost}")?;
                cost.per_row.iter().try_for_each(|(entity, row)| rows(f, entity, row, 1))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for CostLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} instructions, {} reads, {} writes", self.instructions, self.reads, self.writes)
    }
}

/// What comes to a cost for each record, and within it.
fn rows(f: &mut fmt::Formatter<'_>, entity: &str, row: &CostLine, depth: usize) -> fmt::Result {
    writeln!(f, "  {:<10} {}and for each `{entity}` {row}", "", "  ".repeat(depth - 1))?;
    row.per_row.iter().try_for_each(|(entity, row)| rows(f, entity, row, depth + 1))
}

fn line(f: &mut fmt::Formatter<'_>, what: &str, names: &[String]) -> fmt::Result {
    if names.is_empty() { Ok(()) } else { writeln!(f, "  {what:<10} {}", names.join(", ")) }
}

/// Ways to fail, those of one kind in one line.
fn faults(f: &mut fmt::Formatter<'_>, what: &str, faults: &[FaultLine]) -> fmt::Result {
    let mut kinds: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for fault in faults {
        kinds.entry((fault.code, &fault.cause)).or_default().extend(fault.of.as_deref());
    }
    for (index, ((code, cause), of)) in kinds.into_iter().enumerate() {
        let colon = if of.is_empty() { "" } else { ": " };
        writeln!(f, "  {:<10} {code} {cause}{colon}{}", if index == 0 { what } else { "" }, of.join(", "))?;
    }
    Ok(())
}
