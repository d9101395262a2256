//! The statements of a flow, one after the other; and the frame that expressions are compiled in.

use smol_str::SmolStr;

use crate::bytecode::{Asks, Code, In, Input, Op, Out, OutputIx, PerformRef, Run, WriteIx};
use crate::check::ir::{Action, Arm, Block, Expr, ExprKind, Flow, Local, LocalId, Record, Stmt, StmtKind, Write};
use crate::schema::Schema;
use crate::value::{EntityId, Value};

use super::builder::{Builder, TooLarge};
use super::queries::ForEach;

/// Statements or an expression in the making.
pub(super) struct Body<'a> {
    /// What has been made.
    pub b: Builder<'a>,
    /// The entity of the triggering record.
    pub entity: EntityId,
    inputs: &'a [Input],
    locals: &'a [Local],
    schema: Option<&'a Schema>,
    /// All actions.
    actions: Actions<'a>,
    /// The conditions of its waits.
    pub conditions: Vec<Code>,
}

/// All actions, by name in code point order.
pub(super) type Actions<'a> = &'a [Action];

/// Compiles the statements of a flow, and the conditions of its waits.
pub(super) fn flow(schema: &Schema, actions: Actions<'_>, flow: &Flow) -> Result<(Code, Vec<Code>), TooLarge> {
    let mut body = Body { actions, ..Body::new(schema, flow) };
    body.b.span = flow.span;
    body.block(&flow.body);
    body.b.same_place(|b| b.op(Op::End {}));
    Ok((body.b.finish()?, body.conditions))
}

/// Compiles the statements of an action.
pub(super) fn action(schema: &Schema, actions: Actions<'_>, action: &Action) -> Result<Code, TooLarge> {
    let head = &action.head;
    // Nothing in the statements of a global action is about a record of its own.
    let entity = head.entity.unwrap_or(EntityId(0));
    let mut body = Body { actions, ..Body::of(Some(schema), entity, &head.inputs, &action.locals) };
    body.b.outputs(head.outputs.iter().map(|output| output.name.clone()).collect());
    body.b.span = action.span;
    body.block(&action.body);
    body.b.same_place(|b| b.op(Op::End {}));
    body.b.finish()
}

/// Compiles the condition of a flow: a test, whatever it is made of, so that what it comes to is counted and told.
pub(super) fn condition(schema: &Schema, flow: &Flow, condition: &Expr) -> Result<Code, TooLarge> {
    Body::new(schema, flow).test(condition)
}

/// Compiles an expression that sees `let`s only; they are its inputs.
pub(super) fn expression(expr: &Expr, locals: &[Local]) -> Result<Code, TooLarge> {
    let code = Body::of(None, EntityId(0), &[], locals).give(expr)?;
    let inputs = u16::try_from(locals.len()).map_err(|_| TooLarge)?;
    Ok(Code { inputs, ..code })
}

/// Compiles a statement that sees `let`s only; they are its inputs.
pub(super) fn statement(statement: &Stmt, locals: &[Local]) -> Result<Code, TooLarge> {
    let mut body = Body::of(None, EntityId(0), &[], locals);
    body.b.span = statement.span;
    body.statement(statement);
    body.b.same_place(|b| b.op(Op::End {}));
    let inputs = u16::try_from(locals.len()).map_err(|_| TooLarge)?;
    Ok(Code { inputs, ..body.b.finish()? })
}

/// Whether an expression is made of jumps anyway, so that its two ends can give the two values.
fn is_test(expr: &Expr) -> bool {
    use ExprKind::{And, Between, Changed, Compare, Contains, In, IsEmpty, Not, Or};
    matches!(expr.kind, Not(_) | And(..) | Or(..) | Compare { .. } | Contains { .. } | In { .. } | Between { .. } | IsEmpty(_) | Changed(_))
}

impl<'a> Body<'a> {
    fn new(schema: &'a Schema, flow: &'a Flow) -> Self {
        Body::of(Some(schema), flow.head.entity, &flow.head.inputs, &flow.locals)
    }

    fn of(schema: Option<&'a Schema>, entity: EntityId, inputs: &'a [Input], locals: &'a [Local]) -> Self {
        let names: Vec<SmolStr> = inputs.iter().map(|input| input.name.clone()).collect();
        let b = Builder::new(schema, &names, locals.iter().map(|local| local.name.clone()));
        Body { b, entity, inputs, locals, schema, actions: &[], conditions: Vec::new() }
    }

    /// Another one that sees the same.
    pub(super) fn beside(&self) -> Self {
        Body::of(self.schema, self.entity, self.inputs, self.locals)
    }

    pub(super) fn give(mut self, expr: &Expr) -> Result<Code, TooLarge> {
        if is_test(expr) {
            return self.test(expr);
        }
        self.b.span = expr.span;
        let value = self.value(expr);
        self.b.op(Op::Return { value });
        self.b.finish()
    }

    /// Gives whether a condition is true.
    pub(super) fn test(mut self, condition: &Expr) -> Result<Code, TooLarge> {
        self.b.span = condition.span;
        let no = self.b.label();
        self.branch(condition, false, no);
        let value = self.b.constant(&Value::Boolean(true));
        self.b.op(Op::Return { value });
        self.b.bind(no);
        let value = self.b.constant(&Value::Boolean(false));
        self.b.op(Op::Return { value });
        self.b.finish()
    }

    /// Whether an input may be empty.
    pub(super) fn input_optional(&self, position: u16) -> bool {
        self.inputs.get(position as usize).is_none_or(|input| !input.required)
    }

    /// Whether a `let` may be empty.
    pub(super) fn local_optional(&self, local: LocalId) -> bool {
        self.locals.get(local.0 as usize).is_none_or(|local| local.optional)
    }

    pub(super) fn block(&mut self, block: &Block) {
        for statement in block {
            let mark = self.b.mark();
            let outer = std::mem::replace(&mut self.b.span, statement.span);
            self.statement(statement);
            self.b.span = outer;
            self.b.release(mark);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match &statement.kind {
            StmtKind::Set(writes) => {
                let (fields, values) = self.writes(self.entity, writes);
                self.b.op(Op::Set { fields, values });
            }
            StmtKind::Stop(reason) => {
                let reason = self.value(reason);
                self.b.op(Op::Stop { reason });
            }
            StmtKind::Finish(note) => self.finish(note.as_ref()),
            StmtKind::Let { local, value } => {
                let out = self.b.local(local.0);
                self.into(value, out);
            }
            StmtKind::Create { entity, values, into } => {
                let (fields, values) = self.writes(*entity, values);
                let out = match into {
                    Some(local) => self.b.local(local.0),
                    None => self.b.temporary(),
                };
                self.b.op(Op::Create { fields, values, out });
            }
            StmtKind::Update { .. } | StmtKind::Delete { .. } | StmtKind::Start { .. } => self.activity(&statement.kind),
            StmtKind::Perform { action, arguments, record, into } => self.perform(action, arguments, record.as_ref(), *into),
            StmtKind::SetOutput(values) => self.set_outputs(values),
            StmtKind::If { arms, otherwise } => self.conditional(arms, otherwise),
            StmtKind::Match { subject, arms, otherwise } => self.choice(subject, arms, otherwise),
            StmtKind::Wait { number, branches } => self.wait(*number, branches),
            StmtKind::ForEach { query, order, limit, local, body } => {
                self.for_each(&ForEach { query, order, limit: limit.as_ref(), local: *local, body });
            }
            StmtKind::Log(text) => {
                let text = self.value(text);
                self.b.op(Op::Log { text });
            }
            StmtKind::Step { title, body } => {
                let title = self.value(title);
                self.b.op(Op::EnterStep { title });
                self.b.steps += 1;
                self.block(body);
                self.b.steps -= 1;
                if !self.b.unreachable() {
                    self.b.same_place(|b| b.op(Op::LeaveStep {}));
                }
            }
        }
    }

    /// An activity on a record, left out where that may be empty and is.
    fn activity(&mut self, kind: &StmtKind) {
        let (StmtKind::Update { record, .. } | StmtKind::Delete { record } | StmtKind::Start { record, .. }) = kind else { return };
        let Record { reference, skip_if_empty, .. } = record;
        let register = self.value(reference);
        let end = self.b.label();
        if *skip_if_empty {
            self.b.jump(end, |to| Op::SkipIfEmpty { record: register, to });
        }
        match kind {
            StmtKind::Update { record, values } => {
                let (fields, values) = self.writes(record.entity, values);
                self.b.op(Op::Update { record: register, fields, values });
            }
            StmtKind::Start { flow, arguments, .. } => {
                let inputs = self.run(arguments.iter().map(|(_, value)| value));
                let flow = self.b.start(flow.clone(), arguments.iter().map(|(position, _)| *position).collect());
                self.b.op(Op::Start { record: register, flow, inputs });
            }
            _ => self.b.op(Op::Delete { record: register }),
        }
        self.b.bind(end);
    }

    /// An action. Where it is left out because its record is empty, so are its outputs.
    fn perform(&mut self, name: &SmolStr, arguments: &[(u16, Expr)], record: Option<&Record>, into: Option<LocalId>) {
        let index = self.actions.binary_search_by(|action| action.head.name.as_str().cmp(name)).ok();
        let count = index.and_then(|index| self.actions.get(index)).map_or(0, |action| action.head.outputs.len());
        let end = self.b.label();
        let out = match into {
            Some(local) => self.b.local(local.0),
            None => self.b.temporaries(count.max(1)),
        };
        let values = match record {
            Some(record) => {
                let first = self.b.temporaries(arguments.len() + 1);
                self.into(&record.reference, first);
                if record.skip_if_empty {
                    let nothing = self.b.constant(&Value::Empty);
                    let outputs = into.map_or(0, |_| count);
                    (0..outputs).for_each(|place| self.b.op(Op::Copy { value: nothing, out: Out(out.0.saturating_add(place as u16)) }));
                    self.b.jump(end, |to| Op::SkipIfEmpty { record: first.into(), to });
                }
                for (place, (_, value)) in (1u16..).zip(arguments) {
                    self.into(value, Out(first.0.saturating_add(place)));
                }
                Run(first.0)
            }
            None => self.run(arguments.iter().map(|(_, value)| value)),
        };
        let inputs = arguments.iter().map(|(position, _)| *position).collect();
        let outputs = self.b.count(count);
        let action = self.b.perform(PerformRef { action: name.clone(), on_record: record.is_some(), inputs, outputs });
        self.b.op(Op::Perform { action, values, out });
        self.b.bind(end);
    }

    /// Outputs get their values once all of them are computed.
    fn set_outputs(&mut self, values: &[(u16, Expr)]) {
        let first = self.run(values.iter().map(|(_, value)| value));
        for (place, (output, _)) in (0u16..).zip(values) {
            self.b.op(Op::SetOutput { output: OutputIx(*output), value: In(first.0.saturating_add(place)) });
        }
    }

    fn writes(&mut self, entity: EntityId, writes: &[Write]) -> (WriteIx, Run) {
        let values = self.run(writes.iter().map(|write| &write.value));
        (self.b.write(entity, writes.iter().map(|write| write.slot).collect()), values)
    }

    fn finish(&mut self, note: Option<&Expr>) {
        let note = match note {
            Some(note) => self.value(note),
            None => self.b.constant(&Value::Empty),
        };
        for _ in 0..self.b.steps {
            self.b.op(Op::LeaveStep {});
        }
        self.b.op(Op::Finish { note });
    }

    fn conditional(&mut self, arms: &[(Expr, Block)], otherwise: &Block) {
        let end = self.b.label();
        for (index, (condition, body)) in arms.iter().enumerate() {
            let next = self.b.label();
            self.branch(condition, false, next);
            self.block(body);
            if (index + 1 < arms.len() || !otherwise.is_empty()) && !self.b.unreachable() {
                self.b.same_place(|b| b.jump(end, |to| Op::Jump { to }));
            }
            self.b.bind(next);
        }
        self.block(otherwise);
        self.b.bind(end);
    }

    fn choice(&mut self, subject: &Expr, arms: &[Arm], otherwise: &Block) {
        let (value, end) = (self.value(subject), self.b.label());
        for (index, arm) in arms.iter().enumerate() {
            let Some((last, others)) = arm.values.split_last() else { continue };
            let (body, next) = (self.b.label(), self.b.label());
            let outer = std::mem::replace(&mut self.b.span, subject.span);
            for constant in others {
                self.equal_constant(value, constant, &subject.ty, Asks::Match, true, body);
            }
            self.equal_constant(value, last, &subject.ty, Asks::Match, false, next);
            self.b.span = outer;
            self.b.bind(body);
            self.block(&arm.body);
            if (index + 1 < arms.len() || !otherwise.is_empty()) && !self.b.unreachable() {
                self.b.same_place(|b| b.jump(end, |to| Op::Jump { to }));
            }
            self.b.bind(next);
        }
        self.block(otherwise);
        self.b.bind(end);
    }
}
