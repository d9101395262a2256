//! A small world for both engines: one record, its parent, other records that queries find, and a list of what was done.

use smol_str::SmolStr;
use weir::bytecode::{Awaited, Code, WaitList};
use weir::diagnostic;
use weir::schema::select::{Accumulator, Aggregate, Numbers, Selection, compare_records};
use weir::schema::{FieldSet, PRIMARY_KEY, Row, Schema};
use weir::source::Span;
use weir::value::{EntityId, Failure, Reference, Slot, Type, Uuid, Value, text};
use weir::vm::{self, Exit, Fault, Frame, Host, Interrupt, Waited};

use super::reference::{Ahead, Waits};

/// The world.
#[derive(Clone)]
pub struct World<'a> {
    pub schema: &'a Schema,
    pub this: Reference,
    pub parent: Reference,
    pub record: Row,
    pub old: Row,
    pub parent_row: Row,
    /// What queries find, by their ids ascending.
    pub others: Vec<(Uuid, Row)>,
    pub done: Vec<String>,
    /// The conditions of the flow's waits, where the VM runs it.
    pub conditions: Vec<Code>,
    pub zone: jiff::tz::TimeZone,
    pub empty: Value,
}

impl World<'_> {
    fn note(&mut self, what: String) {
        self.done.push(what);
    }

    fn row(&self, record: Reference) -> &Row {
        let other = self.others.iter().find(|(id, _)| *id == record.id);
        match other {
            Some((_, row)) => row,
            None if record == self.this => &self.record,
            None => &self.parent_row,
        }
    }
}

impl Host for World<'_> {
    fn this(&self) -> Reference {
        self.this
    }
    fn field(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        Ok(self.record.get(slot).unwrap_or(&self.empty))
    }
    fn old(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        Ok(self.old.get(slot).unwrap_or(&self.empty))
    }
    fn changed(&mut self, slot: Slot) -> Result<bool, Interrupt> {
        Ok(self.record.get(slot) != self.old.get(slot))
    }
    fn related(&mut self, record: Reference, slot: Slot) -> Result<Value, Interrupt> {
        Ok(self.row(record).get(slot).cloned().unwrap_or_default())
    }
    fn select(&mut self, selection: &Selection, _: &FieldSet) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        let value =
            |id: Uuid, row: &Row, slot| if slot == PRIMARY_KEY { Value::Uuid(id) } else { row.get(slot).cloned().unwrap_or_default() };
        let mut found = self.others.clone();
        found.retain(|(id, row)| selection.conditions.iter().all(|condition| condition.holds(&value(*id, row, condition.slot))));
        found.retain(|(id, _)| !matches!(selection.after, Some(Value::Uuid(after)) if *id <= after));
        found.sort_by(|(one, row), (two, other)| compare_records(&selection.order, (*one, row), (*two, other)));
        found.truncate(selection.limit.unwrap_or(u64::MAX) as usize);
        Ok(found)
    }
    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, Interrupt> {
        let rows = self.select(selection, &FieldSet::default())?;
        let field = aggregate.slot().and_then(|slot| self.schema.field(selection.entity, slot));
        let mut accumulator = Accumulator::new(aggregate, field.map_or(Numbers::None, |field| Numbers::of(&field.ty)));
        let added =
            rows.iter().try_for_each(|(_, row)| accumulator.add(aggregate.slot().and_then(|slot| row.get(slot)).unwrap_or(&Value::Empty)));
        added
            .and_then(|()| accumulator.finish())
            .map_err(|failure| fault(if failure == Failure::Inexact { diagnostic::Code::F02 } else { diagnostic::Code::F03 }))
    }
    fn find(&mut self, entity: EntityId, fields: &[Slot], values: &[Value]) -> Result<Reference, Interrupt> {
        let selection = fields.iter().zip(values).fold(Selection::all(entity), |all, (slot, value)| all.with(*slot, value.clone()));
        match self.select(&selection, &FieldSet::default())?.as_slice() {
            [(id, _)] => Ok(Reference { entity, id: *id }),
            _ => Err(fault(diagnostic::Code::F17)),
        }
    }
    fn max_visited(&self) -> u64 {
        4
    }
    fn now(&self) -> jiff::Timestamp {
        "2026-03-29T00:30:00Z".parse().unwrap()
    }
    fn zone(&self) -> &jiff::tz::TimeZone {
        &self.zone
    }
    fn caller(&self) -> Reference {
        self.parent
    }
    fn text(&mut self, value: &Value, ty: &Type) -> Result<SmolStr, Interrupt> {
        Ok(match (value, ty) {
            (Value::Choice(code), Type::Choice(choice)) => {
                self.schema.choice(*choice).and_then(|choice| choice.by_code(*code)).map(|option| option.label.clone()).unwrap()
            }
            (Value::Reference(reference), _) => {
                let slot = self.schema.entity(reference.entity).and_then(|entity| entity.primary_name).unwrap();
                text::display(self.row(*reference).get(slot).unwrap_or(&Value::Empty))
            }
            (value, _) => text::display(value),
        })
    }
    fn set(&mut self, slots: &[Slot], values: &[Value]) -> Result<(), Interrupt> {
        for (slot, value) in slots.iter().zip(values) {
            self.record.set(*slot, value.clone());
        }
        self.note(format!("set {slots:?} {values:?}"));
        Ok(())
    }
    fn create(&mut self, entity: EntityId, values: Row) -> Result<Reference, Interrupt> {
        self.note(format!("create {entity:?} {values:?}"));
        Ok(self.parent)
    }
    fn update(&mut self, record: Reference, values: Row) -> Result<(), Interrupt> {
        self.note(format!("update {record:?} {values:?}"));
        Ok(())
    }
    fn delete(&mut self, record: Reference) -> Result<(), Interrupt> {
        self.note(format!("delete {record:?}"));
        self.others.retain(|(id, _)| *id != record.id);
        Ok(())
    }
    fn start(&mut self, flow: &str, record: Reference, inputs: Vec<Value>) -> Result<(), Interrupt> {
        self.note(format!("start {flow} {record:?} {inputs:?}"));
        Ok(())
    }
    fn wait(&mut self, wait: &WaitList, values: &[Value], inputs: &[Value]) -> Result<Waited, Interrupt> {
        let mut values = values.iter().cloned();
        let mut ahead = Vec::new();
        for branch in &wait.branches {
            ahead.push(match branch {
                Awaited::Moment => Ahead::Moment(values.next().unwrap()),
                Awaited::After => Ahead::After(values.next().unwrap()),
                Awaited::Condition(index) => {
                    let condition = self.conditions[usize::from(*index)].clone();
                    let exit = vm::run(&condition, &mut Frame::default(), inputs, self)?;
                    Ahead::Condition(exit == Exit::Value(Value::Boolean(true)))
                }
            });
        }
        Ok(self.choose(wait.number, &ahead))
    }
    /// Gives the sum of its whole numbers, and nothing where it is on a record.
    fn perform(&mut self, action: &str, record: Option<Reference>, inputs: Vec<Value>) -> Result<Vec<Value>, Interrupt> {
        self.note(format!("perform {action} {record:?} {inputs:?}"));
        let sum = inputs.iter().map(|value| if let Value::Integer(number) = value { *number } else { 0 }).fold(0, i64::wrapping_add);
        Ok(vec![if record.is_some() { Value::Empty } else { Value::Integer(sum) }, Value::Boolean(sum % 2 == 0)])
    }
    fn set_output(&mut self, output: u16, value: Value) {
        self.note(format!("output {output} {value:?}"));
    }
    fn log(&mut self, text: SmolStr) {
        self.note(format!("log {text}"));
    }
    fn enter_step(&mut self, title: SmolStr) {
        self.note(format!("step {title}"));
    }
    fn leave_step(&mut self) {
        self.note("end of step".into());
    }
    fn skipped(&mut self, span: Span) {
        self.note(format!("skipped {span:?}"));
    }
}

impl Waits for World<'_> {
    /// The first condition that holds wins, else what the number of the wait says.
    fn choose(&mut self, number: u16, branches: &[Ahead]) -> Waited {
        let shown = branches.iter().map(|ahead| match ahead {
            Ahead::Moment(moment) => format!("until {moment:?}"),
            Ahead::After(length) => format!("after {length:?}"),
            Ahead::Condition(holds) => format!("until {holds}"),
        });
        self.note(format!("wait {number} {}", shown.collect::<Vec<_>>().join(", ")));
        let timed = |ahead: &Ahead| !matches!(ahead, Ahead::Condition(_));
        let held = branches.iter().position(|ahead| matches!(ahead, Ahead::Condition(true)));
        let won = held.or_else(|| branches.iter().position(timed).filter(|_| number % 4 != 3));
        won.map_or(Waited::Suspended, |branch| Waited::Branch(branch as u16))
    }
}

fn fault(code: diagnostic::Code) -> Interrupt {
    Interrupt::Fault(Box::new(Fault { code, message: String::new(), span: None, chain: Vec::new() }))
}
