//! The listing: every flow with its source lines and beneath each what it became. For people; nothing reads it back.
//!
//! The words of an operation come from its line in the table of operations; here its operands get their names: registers
//! those of inputs and `let`s (`r0`, `r1` … on the way), constants their literals, fields and flows their names, jumps their labels.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::operand::{In, Operand};
use super::{
    ActionCode, Awaited, Code, Effects, FlowCode, FlowHead, Input, Mode, Op, Out, PluginCode, Program, QueryRef, Run, RunAs, Serial, Stage,
    Trigger, Via, WaitList,
};
use crate::schema::select::{Aggregate, Test};
use crate::schema::{FieldSet, Level, Schema};
use crate::source::{FileId, Sources, Span};
use crate::value::{EntityId, Type, Value, text};

/// The listing of a program: its flows, its actions, its plug-ins.
pub fn listing(program: &Program, schema: &Schema, sources: &Sources) -> String {
    let flows = program.flows.iter().map(|flow| flow_listing(flow, schema, sources));
    let actions = program.actions.iter().map(|action| action_listing(action, schema, sources));
    let plugins = program.plugins.iter().map(|plugin| plugin_listing(plugin, schema, sources));
    flows.chain(actions).chain(plugins).collect::<Vec<_>>().join("\n")
}

/// The listing of one flow.
pub fn flow_listing(flow: &FlowCode, schema: &Schema, sources: &Sources) -> String {
    let declared = format!("flow {} on {}", flow.head.name, entity_name(flow.head.entity, schema));
    let mut lines = vec![clauses(&flow.head, schema)];
    lines.extend(effects(&flow.effects, Some(flow.head.entity), schema));
    let mut text = heading(&declared, flow.span, &lines, sources);
    if let Some(when) = &flow.when {
        text.push_str("\n  condition\n");
        Printer::new(when, schema, sources).print(&mut text);
    }
    text.push_str("\n  statements\n");
    Printer::new(&flow.body, schema, sources).print(&mut text);
    for (index, condition) in flow.conditions.iter().enumerate() {
        let _ = writeln!(text, "\n  condition {} of its waits", index + 1);
        Printer::new(condition, schema, sources).print(&mut text);
    }
    text
}

/// The listing of one action.
pub fn action_listing(action: &ActionCode, schema: &Schema, sources: &Sources) -> String {
    let head = &action.head;
    let on = head.entity.map(|entity| format!(" on {}", entity_name(entity, schema))).unwrap_or_default();
    let mut parts = vec![if head.rollback { "rollback on".to_owned() } else { "rollback off".to_owned() }];
    parts.extend(head.inputs.iter().map(taken));
    parts.extend(head.outputs.iter().map(|output| format!("output {} {}", output.name, output.ty)));
    parts.extend(head.via.as_ref().map(via));
    let mut lines = vec![parts.join("; ")];
    lines.extend(effects(&action.effects, head.entity, schema));
    let mut text = heading(&format!("action {}{on}", head.name), action.span, &lines, sources);
    if let Some(body) = &action.body {
        text.push_str("\n  statements\n");
        Printer::new(body, schema, sources).print(&mut text);
    }
    text
}

/// The listing of one declared plug-in.
pub fn plugin_listing(plugin: &PluginCode, schema: &Schema, sources: &Sources) -> String {
    let head = &plugin.head;
    let background = head.mode == Mode::Background;
    let mut parts = vec![head.mode.name().to_owned()];
    parts.extend(head.triggers.iter().map(|trigger| event(trigger, (!background).then_some(trigger.stage), head.entity, schema)));
    parts.push(format!("rank {}", head.rank));
    parts.push(via(&head.via));
    let mut lines = vec![parts.join("; ")];
    lines.extend(effects(&plugin.effects, Some(head.entity), schema));
    heading(&format!("plugin {} on {}", head.name, entity_name(head.entity, schema)), plugin.span, &lines, sources)
}

/// The first line, with the place in the source, and the lines about clauses and effects.
fn heading(declared: &str, span: Span, lines: &[String], sources: &Sources) -> String {
    let place = sources.position(span);
    let file = sources.get(span.file).map_or("", |file| &file.name);
    let place = if file.is_empty() { String::new() } else { format!("    // {file}:{}", place.line) };
    let mut text = String::new();
    let _ = writeln!(text, "{declared}{place}");
    lines.iter().for_each(|line| {
        let _ = writeln!(text, "  {line}");
    });
    text
}

fn via(via: &Via) -> String {
    match via {
        Via::Host => "via host".to_owned(),
        Via::Command(command) => format!("via command {:?}", command.as_str()),
        Via::Webhook(address) => format!("via webhook {:?}", address.as_str()),
    }
}

/// An event, with the stage that it is at.
fn event(trigger: &Trigger, stage: Option<Stage>, entity: EntityId, schema: &Schema) -> String {
    let event = trigger.event.written(entity, schema);
    stage.map_or_else(|| event.clone(), |stage| format!("{event} at {}", stage.name()))
}

fn clauses(head: &FlowHead, schema: &Schema) -> String {
    let background = head.mode == Mode::Background;
    let mut parts = vec![head.mode.name().to_owned()];
    parts.extend(head.triggers.iter().map(|trigger| event(trigger, (!background).then_some(trigger.stage), head.entity, schema)));
    parts.extend(head.on_demand.then(|| "on demand".to_owned()));
    parts.extend(head.child.then(|| "child".to_owned()));
    parts.push(format!("rank {}", head.rank));
    parts.push(if head.run_as == RunAs::Owner { "run as owner".to_owned() } else { "run as caller".to_owned() });
    parts.extend(head.owner.as_ref().map(|owner| format!("owner {:?}", owner.as_str())));
    parts.extend((head.scope != Level::Organization).then(|| format!("scope {}", head.scope.name())));
    parts.extend(head.inputs.iter().map(taken));
    parts.extend(head.serial.map(|serial| match serial {
        Serial::Record => "serial".to_owned(),
        Serial::Field(slot) => format!("serial by {}", schema.field(head.entity, slot).map_or("?", |field| field.name.as_str())),
    }));
    let present = [(head.log_errors, "log errors"), (head.allow_cycle, "allow cycle"), (head.draft, "draft")];
    parts.extend(present.into_iter().filter(|(present, _)| *present).map(|(_, words)| words.to_owned()));
    parts.join("; ")
}

/// An input, as a clause writes it.
fn taken(input: &Input) -> String {
    format!("input {} {}{}", input.name, input.ty, if input.required { " required" } else { "" })
}

fn effects(effects: &Effects, entity: Option<EntityId>, schema: &Schema) -> Vec<String> {
    let own = |fields: &FieldSet| entity.map_or(String::new(), |entity| names(fields, entity, schema));
    let entities = |ids: &BTreeSet<EntityId>| ids.iter().map(|id| entity_name(*id, schema)).collect::<Vec<_>>().join(", ");
    let of = |(id, fields): (&EntityId, &FieldSet)| {
        let of = if fields.is_empty() { "" } else { " of " };
        format!("{}{of}{}", names(fields, *id, schema), entity_name(*id, schema))
    };
    let fields = |fields: &BTreeMap<EntityId, FieldSet>| fields.iter().map(of).collect::<Vec<_>>().join("; ");
    let list = |flows: &BTreeSet<SmolStr>| flows.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    let lines = [
        ("reads", own(&effects.reads)),
        ("reads over lookups", fields(&effects.related)),
        ("looks for records by", fields(&effects.queries)),
        ("reads as it was before", own(&effects.old)),
        ("sets", own(&effects.sets)),
        ("creates", entities(&effects.creates)),
        ("updates", fields(&effects.updates)),
        ("deletes", entities(&effects.deletes)),
        ("starts", list(&effects.starts)),
        ("queues", list(&effects.queues)),
        ("performs", list(&effects.performs)),
    ];
    let mut told: Vec<String> =
        lines.into_iter().filter(|(_, what)| !what.is_empty()).map(|(verb, what)| format!("{verb} {what}")).collect();
    let may = [(effects.may_stop, "may stop"), (effects.may_wait, "may wait"), (effects.unknown, "effects unknown")];
    told.extend(may.into_iter().filter(|(may, _)| *may).map(|(_, words)| words.to_owned()));
    told
}

fn names(fields: &FieldSet, entity: EntityId, schema: &Schema) -> String {
    let mut names: Vec<&str> = fields.iter().map(|slot| schema.field(entity, slot).map_or("?", |field| field.name.as_str())).collect();
    names.sort_unstable();
    names.join(", ")
}

fn entity_name(id: EntityId, schema: &Schema) -> &str {
    schema.entity(id).map_or("?", |entity| &entity.name)
}

struct Printer<'a> {
    code: &'a Code,
    schema: &'a Schema,
    sources: &'a Sources,
    labels: BTreeMap<usize, usize>,
    /// What the registers hold as far as it is a field's value, so that options get their names.
    types: FxHashMap<u16, Type>,
}

impl<'a> Printer<'a> {
    fn new(code: &'a Code, schema: &'a Schema, sources: &'a Sources) -> Self {
        let back = |op: &Op| if let Op::Loop { to } = op { Some(to.0 as usize) } else { None };
        let aims = code.ops.iter().flat_map(|op| [op.target().map(|target| target.0 as usize), back(op)]);
        let targets: BTreeSet<usize> = aims.flatten().collect();
        let labels = targets.into_iter().zip(1..).collect();
        Printer { code, schema, sources, labels, types: FxHashMap::default() }
    }

    fn print(mut self, text: &mut String) {
        let mut shown: Option<(FileId, usize)> = None;
        for (at, op) in self.code.ops.iter().enumerate() {
            shown = self.source(at, shown, text);
            if let Some(label) = self.labels.get(&at) {
                let _ = writeln!(text, "        L{label}:");
            }
            let _ = writeln!(text, "          {}", self.words(op));
            self.remember(op);
        }
    }

    /// The source lines up to the one that an operation comes from, as far as they haven't been shown.
    fn source(&self, at: usize, shown: Option<(FileId, usize)>, text: &mut String) -> Option<(FileId, usize)> {
        let span = self.code.span(at)?;
        let line = self.sources.position(span).line;
        let first = match shown {
            Some((file, last)) if file == span.file => last + 1,
            _ => line,
        };
        let file = self.sources.get(span.file)?;
        for number in first..=line {
            let source = file.line(number).unwrap_or("");
            if !source.trim().is_empty() {
                let _ = writeln!(text, "{number:>5} | {source}");
            }
        }
        Some((span.file, line.max(first.saturating_sub(1))))
    }

    /// An operation in its words.
    fn words(&self, op: &Op) -> String {
        let mut words = op.words().to_owned();
        let mut operands = Vec::new();
        op.visit(|name, operand| operands.push((name, operand)));
        for (name, operand) in &operands {
            let shown = self.operand(op, *operand, &operands);
            // An operand's text may have braces of its own, which must not be taken for a place.
            words = words.replacen(&format!("{{{name}}}"), &shown.replace('{', "\u{1}").replace('}', "\u{2}"), 1);
        }
        words.replace("{{", "{").replace("}}", "}").replace('\u{1}', "{").replace('\u{2}', "}")
    }

    fn operand(&self, op: &Op, operand: Operand, all: &[(&'static str, Operand)]) -> String {
        let ix = |index: u16| index as usize;
        match operand {
            Operand::In(register, _) => self.register(register, self.beside(register, all)),
            Operand::Out(register, _) => self.register(register.into(), None),
            Operand::Run(first) => self.run(op, first),
            Operand::Count(count) => count.0.to_string(),
            Operand::Target(target) => self.labels.get(&ix(target.0)).map_or(String::new(), |label| format!("L{label}")),
            Operand::When(when) => if when.0 { "if" } else { "unless" }.to_owned(),
            Operand::Sign(sign) => if sign.0 { "+" } else { "-" }.to_owned(),
            Operand::Field(field) => {
                let row = self.code.fields.get(ix(field.0));
                row.and_then(|row| self.schema.field(row.entity, row.slot)).map_or("?".to_owned(), |field| field.name.to_string())
            }
            Operand::Write(write) => self.code.writes.get(ix(write.0)).map_or("?", |list| entity_name(list.entity, self.schema)).to_owned(),
            Operand::Start(start) => self.code.starts.get(ix(start.0)).map_or("?".to_owned(), |start| start.flow.to_string()),
            Operand::Perform(perform) => self.code.performs.get(ix(perform.0)).map_or("?".to_owned(), |perform| perform.action.to_string()),
            Operand::Output(output) => self.code.outputs.get(ix(output.0)).map_or("?".to_owned(), |name| name.to_string()),
            Operand::Call(call) => self.code.calls.get(ix(call.0)).map_or("?", |call| call.function.name).to_owned(),
            // What it waits for stands with the values.
            Operand::Type(_) | Operand::Wait(_) => String::new(),
            Operand::Query(query) => {
                self.code.queries.get(ix(query.0)).map_or("?", |query| entity_name(query.entity, self.schema)).to_owned()
            }
            Operand::Back(back) => self.labels.get(&ix(back.0)).map_or(String::new(), |label| format!("L{label}")),
        }
    }

    /// The values of a run: with their fields where they are written, plainly elsewhere.
    fn run(&self, op: &Op, first: Run) -> String {
        if let Op::Open { query, .. } = op {
            return self.code.queries.get(query.0 as usize).map(|query| self.asked(query, first)).unwrap_or_default();
        }
        let count = self.code.run(op).map_or(0, |(_, count)| count);
        if let Op::Wait { wait, .. } = op {
            return self.awaited(self.code.waits.get(wait.0 as usize), first);
        }
        let list = match op {
            Op::Set { fields, .. } | Op::Create { fields, .. } | Op::Update { fields, .. } | Op::Find { fields, .. } => {
                self.code.writes.get(fields.0 as usize)
            }
            _ => None,
        };
        let value = |offset: usize| {
            let register = In(first.0.saturating_add(offset as u16));
            let field = list.and_then(|list| self.schema.field(list.entity, *list.slots.get(offset)?));
            match field {
                Some(field) => format!("{} = {}", field.name, self.register(register, Some(&field.ty))),
                None => self.register(register, None),
            }
        };
        (0..count).map(value).collect::<Vec<_>>().join(", ")
    }

    /// What a wait waits for, branch by branch.
    fn awaited(&self, wait: Option<&WaitList>, first: Run) -> String {
        let mut values = (0..).map(|offset| self.register(In(first.0.saturating_add(offset)), None));
        let branch = |branch: &Awaited| match branch {
            Awaited::Moment => format!("until {}", values.next().unwrap_or_default()),
            Awaited::After => format!("after {}", values.next().unwrap_or_default()),
            Awaited::Condition(index) => format!("until condition {} holds", usize::from(*index) + 1),
        };
        wait.map_or_else(|| "?".to_owned(), |wait| wait.branches.iter().map(branch).collect::<Vec<_>>().join(", or "))
    }

    /// What a query asks: ` where name == "a" order by name limit 3`, and what for.
    fn asked(&self, query: &QueryRef, first: Run) -> String {
        let field = |slot| self.schema.field(query.entity, slot);
        let name = |slot| field(slot).map_or("?", |field| field.name.as_str());
        let value = |offset: usize, ty| self.register(In(first.0.saturating_add(offset as u16)), ty);
        let conditions: Vec<String> = query
            .conditions
            .iter()
            .enumerate()
            .map(|(at, (slot, test))| {
                let sign = match test {
                    Test::Equal => "==",
                    Test::NotEqual => "!=",
                    Test::Less => "<",
                    Test::AtMost => "<=",
                    Test::Greater => ">",
                    Test::AtLeast => ">=",
                };
                format!("{} {sign} {}", name(*slot), value(at, field(*slot).map(|field| &field.ty)))
            })
            .collect();
        let order: Vec<String> =
            query.order.iter().map(|order| format!("{}{}", name(order.slot), if order.descending { " descending" } else { "" })).collect();
        let mut text = String::new();
        for (word, parts) in [(" where ", conditions.join(" and ")), (" order by ", order.join(", "))] {
            if !parts.is_empty() {
                text.push_str(word);
                text.push_str(&parts);
            }
        }
        if query.limited {
            text.push_str(&format!(" limit {}", value(query.conditions.len(), None)));
        }
        text.push_str(&match query.aggregate.as_ref().map(|(aggregate, _)| *aggregate) {
            None => String::new(),
            Some(Aggregate::Count) => ", to count".to_owned(),
            Some(Aggregate::Exists) => ", whether there is any".to_owned(),
            Some(Aggregate::Sum(slot)) => format!(", the sum of {}", name(slot)),
            Some(Aggregate::Min(slot)) => format!(", the least {}", name(slot)),
            Some(Aggregate::Max(slot)) => format!(", the greatest {}", name(slot)),
            Some(Aggregate::Average(slot)) => format!(", the average of {}", name(slot)),
        });
        text
    }

    fn register(&self, register: In, ty: Option<&Type>) -> String {
        match register.constant() {
            Some(index) => self.code.constants.get(index).map_or("?".to_owned(), |value| self.literal(value, ty)),
            None => match self.code.names.get(register.0 as usize) {
                Some(name) => name.to_string(),
                None => format!("r{}", register.0 as usize - self.code.names.len()),
            },
        }
    }

    fn literal(&self, value: &Value, ty: Option<&Type>) -> String {
        match (value, ty) {
            (Value::Empty, _) => "empty".to_owned(),
            (Value::Text(text), _) => format!("{:?}", text.as_str()),
            (Value::Choice(code), Some(Type::Choice(choice) | Type::Choices(choice))) => {
                let option = self.schema.choice(*choice).and_then(|choice| choice.by_code(*code));
                option.map_or_else(|| format!("option {code}"), |option| option.name.to_string())
            }
            (Value::Choices(codes), Some(Type::Choices(_))) => {
                let names: Vec<String> = codes.iter().map(|code| self.literal(&Value::Choice(*code), ty)).collect();
                names.join(" + ")
            }
            (Value::Choices(codes), _) => {
                let (word, shown) = (if codes.len() == 1 { "option" } else { "options" }, text::display(value));
                format!("{word} {shown}")
            }
            (Value::Choice(code), _) => format!("option {code}"),
            _ => text::display(value).to_string(),
        }
    }

    /// The type of what a constant is compared with.
    fn beside(&self, register: In, all: &[(&'static str, Operand)]) -> Option<&Type> {
        register.constant()?;
        all.iter().find_map(|(_, other)| match other {
            Operand::In(other, _) if *other != register => self.types.get(&other.0),
            _ => None,
        })
    }

    /// Keeps in mind what a register holds from here.
    fn remember(&mut self, op: &Op) {
        let mut out: Option<Out> = None;
        let mut ty = None;
        op.visit(|_, operand| match operand {
            Operand::Out(register, _) => out = Some(register),
            Operand::Field(field) => {
                let row = self.code.fields.get(field.0 as usize);
                ty = row.and_then(|row| self.schema.field(row.entity, row.slot)).map(|field| field.ty.clone());
            }
            Operand::In(register, _) if ty.is_none() => ty = self.types.get(&register.0).cloned(),
            _ => {}
        });
        match (out, ty) {
            (Some(out), Some(ty)) => drop(self.types.insert(out.0, ty)),
            (Some(out), None) => drop(self.types.remove(&out.0)),
            _ => {}
        }
    }
}
