//! A plain tree-walking evaluator of the typed IR: slow, obvious, and never changed for speed.
//!
//! It shares no evaluation code with the VM. Arithmetic on decimals is the library's own (`value::decimal`), which is
//! held against another oracle (Python's `decimal`); built-in functions are the table's own.

use smol_str::SmolStr;
use weir::check::ir::{Arm, Block, Comparison, Containment, Expr, ExprKind, Flow, LocalId, Operator, Query, Stmt, StmtKind, Until, Write};
use weir::diagnostic::Code;
use weir::schema::select::{Aggregate, Order, Selection, Test};
use weir::schema::{FieldSet, PRIMARY_KEY, Row};
use weir::source::Span;
use weir::value::{Decimal, Environment, Failure, Reference, Slot, Type, Uuid, Value, decimal, time};
use weir::vm::{Host, Interrupt, Waited};

/// How a flow ended.
#[derive(Debug, PartialEq)]
pub enum End {
    Done,
    Finished(Option<SmolStr>),
    Stopped(SmolStr),
    /// In a wait: its number.
    Suspended(u16),
    /// With the place, unless the host itself failed.
    Fault(Code, Option<Span>),
}

/// What a branch of a wait waits for, as it is when the wait begins.
pub enum Ahead {
    Moment(Value),
    After(Value),
    Condition(bool),
}

/// A host that says which branch of a wait wins.
pub trait Waits: Host {
    fn choose(&mut self, number: u16, branches: &[Ahead]) -> Waited;
}

/// Runs a flow's body on a host.
pub fn run(flow: &Flow, inputs: &[Value], host: &mut impl Waits) -> End {
    let mut walker = Walker { inputs, locals: vec![Value::Empty; flow.locals.len()], asked: Row::default(), host };
    match walker.block(&flow.body) {
        Ok(()) => End::Done,
        Err(end) => end,
    }
}

/// Evaluates a flow's `when`.
pub fn holds(flow: &Flow, inputs: &[Value], host: &mut impl Waits) -> Result<bool, End> {
    let mut walker = Walker { inputs, locals: Vec::new(), asked: Row::default(), host };
    flow.when.as_ref().map_or(Ok(true), |when| walker.truth(when))
}

struct Walker<'a, H: Waits> {
    inputs: &'a [Value],
    locals: Vec<Value>,
    /// The record that a query's filter is asked about.
    asked: Row,
    host: &'a mut H,
}

fn interrupted(interrupt: Interrupt) -> End {
    match interrupt {
        Interrupt::Stop { reason, .. } => End::Stopped(reason),
        Interrupt::Fault(fault) => End::Fault(fault.code, fault.span),
    }
}

/// What a value could not be computed for, as the end of the flow at the expression.
fn failed(expr: &Expr) -> impl Fn(Failure) -> End {
    let span = expr.span;
    move |failure| {
        let code = match failure {
            Failure::DivisionByZero => Code::F01,
            Failure::Inexact => Code::F02,
            Failure::Overflow | Failure::OutOfRange => Code::F03,
            Failure::TooLong => Code::F14,
        };
        End::Fault(code, Some(span))
    }
}

impl<H: Waits> Walker<'_, H> {
    fn block(&mut self, block: &Block) -> Result<(), End> {
        block.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt) -> Result<(), End> {
        match &statement.kind {
            StmtKind::Set(writes) => {
                let row = self.row(writes)?;
                let (slots, values): (Vec<Slot>, Vec<Value>) =
                    writes.iter().map(|write| (write.slot, row.get(write.slot).unwrap().clone())).unzip();
                self.host.set(&slots, &values).map_err(interrupted)
            }
            StmtKind::Stop(reason) => Err(End::Stopped(self.words(reason)?)),
            StmtKind::Finish(None) => Err(End::Finished(None)),
            StmtKind::Finish(Some(note)) => Err(End::Finished(Some(self.words(note)?))),
            StmtKind::Let { local, value } => {
                self.locals[local.0 as usize] = self.value(value)?;
                Ok(())
            }
            StmtKind::Create { entity, values, into } => {
                let row = self.row(values)?;
                let reference = self.host.create(*entity, row).map_err(interrupted)?;
                if let Some(local) = into {
                    self.locals[local.0 as usize] = Value::Reference(reference);
                }
                Ok(())
            }
            StmtKind::Update { record, values } => match self.value(&record.reference)? {
                Value::Reference(reference) => {
                    let row = self.row(values)?;
                    self.host.update(reference, row).map_err(interrupted)
                }
                _ => {
                    self.host.skipped(statement.span);
                    Ok(())
                }
            },
            StmtKind::Delete { record } => match self.value(&record.reference)? {
                Value::Reference(reference) => self.host.delete(reference).map_err(interrupted),
                _ => {
                    self.host.skipped(statement.span);
                    Ok(())
                }
            },
            StmtKind::Perform { action, arguments, record, into } => {
                let record = match record.as_ref().map(|record| self.value(&record.reference)).transpose()? {
                    None => None,
                    Some(Value::Reference(reference)) => Some(reference),
                    Some(_) => {
                        self.host.skipped(statement.span);
                        return Ok(());
                    }
                };
                let mut inputs = Vec::new();
                for (position, value) in arguments {
                    let (value, position) = (self.value(value)?, *position as usize);
                    inputs.resize(inputs.len().max(position + 1), Value::Empty);
                    inputs[position] = value;
                }
                let outputs = self.host.perform(action, record, inputs).map_err(interrupted)?;
                if let Some(first) = into {
                    for (local, value) in (first.0 as usize..).zip(outputs) {
                        self.locals[local] = value;
                    }
                }
                Ok(())
            }
            StmtKind::SetOutput(values) => {
                let computed = values.iter().map(|(output, value)| Ok((*output, self.value(value)?))).collect::<Result<Vec<_>, End>>()?;
                computed.into_iter().for_each(|(output, value)| self.host.set_output(output, value));
                Ok(())
            }
            StmtKind::Start { .. } => panic!("child flows are the pipeline's: not generated here"),
            StmtKind::If { arms, otherwise } => {
                for (condition, body) in arms {
                    if self.truth(condition)? {
                        return self.block(body);
                    }
                }
                self.block(otherwise)
            }
            StmtKind::Match { subject, arms, otherwise } => {
                let subject = self.value(subject)?;
                let arm = arms.iter().find(|arm: &&Arm| arm.values.iter().any(|value| same(value, &subject)));
                self.block(arm.map_or(otherwise, |arm| &arm.body))
            }
            StmtKind::Wait { number, branches } => {
                // Moments and lengths are computed first; then the conditions are looked at.
                let mut values = Vec::new();
                for branch in branches.iter().filter(|branch| !matches!(branch.until, Until::Condition(_))) {
                    values.push(self.value(branch.until.value())?);
                }
                let mut values = values.into_iter();
                let mut ahead = Vec::new();
                for branch in branches {
                    ahead.push(match &branch.until {
                        Until::Moment(_) => Ahead::Moment(values.next().unwrap()),
                        Until::After(_) => Ahead::After(values.next().unwrap()),
                        Until::Condition(condition) => Ahead::Condition(self.truth(condition)?),
                    });
                }
                match self.host.choose(*number, &ahead) {
                    Waited::Suspended => Err(End::Suspended(*number)),
                    Waited::Branch(branch) => self.block(&branches[usize::from(branch)].body),
                }
            }
            StmtKind::ForEach { query, order, limit, local, body } => {
                let visited = self.visited(query, order, limit.as_ref(), statement.span)?;
                visited.into_iter().try_for_each(|id| self.visit(query, id, *local, body))
            }
            StmtKind::Log(text) => {
                let text = self.words(text)?;
                self.host.log(text);
                Ok(())
            }
            StmtKind::Step { title, body } => {
                let title = self.words(title)?;
                self.host.enter_step(title);
                let ended = self.block(body);
                // A group that `finish` leaves has ended all the same; a stop or a fault leaves the trace as it is.
                if matches!(ended, Ok(()) | Err(End::Finished(_))) {
                    self.host.leave_step();
                }
                ended
            }
        }
    }

    /// The records of which everything holds, by id, as long as more of them are wanted.
    fn taken(&mut self, query: &Query, wanted: &mut dyn FnMut(usize) -> Result<bool, End>) -> Result<Vec<(Uuid, Row)>, End> {
        let mut conditions = Vec::new();
        for condition in &query.conditions {
            conditions.push((condition.slot, comparison(condition.test), self.value(&condition.value)?));
        }
        let everything: FieldSet = (0..64).map(Slot).collect();
        let rows = self.host.select(&Selection::all(query.entity), &everything).map_err(interrupted)?;
        let mut taken = Vec::new();
        for (id, row) in rows {
            if !wanted(taken.len())? {
                break;
            }
            let field = |slot: &Slot| row.get(*slot).cloned().unwrap_or_default();
            let mut holds = conditions.iter().all(|(slot, test, value)| compare(*test, &field(slot), value));
            if let Some(filter) = query.filter.as_ref().filter(|_| holds) {
                self.asked = row.clone();
                holds = self.truth(filter)?;
            }
            if holds {
                taken.push((id, row));
            }
        }
        wanted(taken.len())?;
        Ok(taken)
    }

    fn visited(&mut self, query: &Query, order: &[Order], limit: Option<&Expr>, span: Span) -> Result<Vec<Uuid>, End> {
        let most = self.host.max_visited() as usize;
        // The limit is known before the first record, and after the values of the conditions: neither has an effect.
        let limit = match limit.map(|limit| self.value(limit)).transpose()? {
            Some(Value::Integer(limit)) => Some(usize::try_from(limit).unwrap_or(0)),
            _ => None,
        };
        let mut taken = self.taken(query, &mut |taken| match limit {
            None if taken > most => Err(End::Fault(Code::F18, Some(span))),
            Some(limit) => Ok(limit > 0 && (!order.is_empty() || taken < limit)),
            None => Ok(true),
        })?;
        taken.sort_by(|(_, one), (_, two)| {
            let mut decided = std::cmp::Ordering::Equal;
            for Order { slot, descending } in order {
                let (one, two) = (one.get(*slot).unwrap(), two.get(*slot).unwrap());
                let ascending = (!one.is_empty()).cmp(&!two.is_empty()).then_with(|| {
                    let less = |one: &Value, two: &Value| compare(Comparison::Less, one, two);
                    less(two, one).cmp(&less(one, two))
                });
                decided = decided.then(if *descending { ascending.reverse() } else { ascending });
            }
            decided
        });
        Ok(taken.into_iter().map(|(id, _)| id).take(limit.unwrap_or(usize::MAX)).collect())
    }

    fn visit(&mut self, query: &Query, id: Uuid, local: LocalId, body: &Block) -> Result<(), End> {
        let itself = Selection::all(query.entity).with(PRIMARY_KEY, Value::Uuid(id));
        if self.host.select(&itself, &FieldSet::default()).map_err(interrupted)?.is_empty() {
            return Ok(());
        }
        self.locals[local.0 as usize] = Value::Reference(Reference { entity: query.entity, id });
        self.block(body)
    }

    fn worked_out(&mut self, aggregate: Aggregate, query: &Query, expr: &Expr) -> Result<Value, End> {
        let taken = self.taken(query, &mut |taken| Ok(aggregate != Aggregate::Exists || taken == 0))?;
        let values: Vec<Value> = match aggregate.slot() {
            Some(slot) => taken.iter().map(|(_, row)| row.get(slot).unwrap().clone()).filter(|value| !value.is_empty()).collect(),
            None => Vec::new(),
        };
        let number = Decimal::from(values.len());
        let best = |wanted| values.iter().cloned().reduce(|best, value| if compare(wanted, &value, &best) { value } else { best });
        Ok(match aggregate {
            Aggregate::Count => Value::Integer(taken.len() as i64),
            Aggregate::Exists => Value::Boolean(!taken.is_empty()),
            Aggregate::Min(_) => best(Comparison::Less).unwrap_or_default(),
            Aggregate::Max(_) => best(Comparison::Greater).unwrap_or_default(),
            Aggregate::Average(_) if values.is_empty() => Value::Empty,
            Aggregate::Average(_) => match sum(&values, &expr.ty) {
                Value::Float(sum) => finite(sum / values.len() as f64).ok_or(End::Fault(Code::F03, Some(expr.span)))?,
                Value::Decimal(sum) => Value::Decimal(decimal::divide(sum, number).map_err(failed(expr))?),
                other => panic!("{other:?} is no sum"),
            },
            Aggregate::Sum(_) => match sum(&values, &expr.ty) {
                Value::Float(sum) => finite(sum).ok_or(End::Fault(Code::F03, Some(expr.span)))?,
                Value::Decimal(sum) if expr.ty == Type::BigInt => {
                    let whole = i64::try_from(sum).map_err(|_| End::Fault(Code::F03, Some(expr.span)))?;
                    Value::Integer(whole)
                }
                sum => sum,
            },
        })
    }

    fn row(&mut self, writes: &[Write]) -> Result<Row, End> {
        let mut row = Row::default();
        for write in writes {
            let value = self.value(&write.value)?;
            row.set(write.slot, value);
        }
        Ok(row)
    }

    fn truth(&mut self, condition: &Expr) -> Result<bool, End> {
        Ok(self.value(condition)? == Value::Boolean(true))
    }

    fn words(&mut self, text: &Expr) -> Result<SmolStr, End> {
        match self.value(text)? {
            Value::Text(text) => Ok(text),
            Value::Empty => Ok(SmolStr::default()),
            other => panic!("{other:?} is no text"),
        }
    }

    fn value(&mut self, expr: &Expr) -> Result<Value, End> {
        let value = self.any(expr)?;
        if value.is_empty() && !expr.optional { Err(End::Fault(Code::F05, Some(expr.span))) } else { Ok(value) }
    }

    fn any(&mut self, expr: &Expr) -> Result<Value, End> {
        let value = match &expr.kind {
            ExprKind::Constant(value) => value.clone(),
            ExprKind::This => Value::Reference(self.host.this()),
            ExprKind::Field(slot) => self.host.field(*slot).map_err(interrupted)?.clone(),
            ExprKind::Old(slot) => self.host.old(*slot).map_err(interrupted)?.clone(),
            ExprKind::Changed(slot) => Value::Boolean(self.host.changed(*slot).map_err(interrupted)?),
            ExprKind::Related { record, slot, .. } => match self.value(record)? {
                Value::Reference(reference) => self.host.related(reference, *slot).map_err(interrupted)?,
                _ => Value::Empty,
            },
            ExprKind::Row { slot, .. } => self.asked.get(*slot).cloned().unwrap_or_default(),
            ExprKind::Query { aggregate, query, .. } => self.worked_out(*aggregate, query, expr)?,
            ExprKind::ByKey { entity, values } => {
                let (slots, values): (Vec<Slot>, Vec<&Expr>) = values.iter().map(|(slot, value)| (*slot, value)).unzip();
                let values = values.into_iter().map(|value| self.value(value)).collect::<Result<Vec<_>, _>>()?;
                let found = self.host.find(*entity, &slots, &values);
                Value::Reference(found.map_err(|_| End::Fault(Code::F17, Some(expr.span)))?)
            }
            ExprKind::Local(local) => self.locals[local.0 as usize].clone(),
            ExprKind::Input(index) => self.inputs[*index as usize].clone(),
            ExprKind::Now => Value::DateTime(self.host.now()),
            ExprKind::Today => Value::Date(self.host.now().to_zoned(self.host.zone().clone()).date()),
            ExprKind::Caller => Value::Reference(self.host.caller()),
            ExprKind::Require(inner) => self.value(inner)?,
            ExprKind::Convert(inner) => match self.value(inner)? {
                Value::Integer(number) => Value::Decimal(Decimal::from(number)),
                other => other,
            },
            ExprKind::Not(inner) => Value::Boolean(!self.truth(inner)?),
            ExprKind::And(left, right) => Value::Boolean(self.truth(left)? && self.truth(right)?),
            ExprKind::Or(left, right) => Value::Boolean(self.truth(left)? || self.truth(right)?),
            ExprKind::Compare { comparison, left, right } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Value::Boolean(compare(*comparison, &left, &right))
            }
            ExprKind::Contains { test, left, right } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Value::Boolean(contains(*test, &left, &right))
            }
            ExprKind::In { value, list } => {
                let value = self.value(value)?;
                let mut found = false;
                for item in list {
                    if same(&value, &self.value(item)?) {
                        found = true;
                        break;
                    }
                }
                Value::Boolean(found)
            }
            ExprKind::Between { value, low, high } => {
                let (value, low) = (self.value(value)?, self.value(low)?);
                Value::Boolean(
                    compare(Comparison::LessOrEqual, &low, &value) && compare(Comparison::LessOrEqual, &value, &self.value(high)?),
                )
            }
            ExprKind::IsEmpty(inner) => Value::Boolean(self.value(inner)?.is_empty()),
            ExprKind::Coalesce(left, right) => match self.value(left)? {
                Value::Empty => self.value(right)?,
                other => other,
            },
            ExprKind::Arithmetic { operator, left, right } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                arithmetic(*operator, &left, &right, &expr.ty).map_err(failed(expr))?
            }
            ExprKind::WithOption { operator, set, option } => {
                let mut codes = match self.value(set)? {
                    Value::Choices(codes) => codes.to_vec(),
                    _ => Vec::new(),
                };
                if let Value::Choice(code) = self.value(option)? {
                    codes.retain(|other| *other != code);
                    codes.extend((*operator == Operator::Add).then_some(code));
                    codes.sort_unstable();
                }
                if codes.is_empty() { Value::Empty } else { Value::Choices(codes.into()) }
            }
            ExprKind::Negate(inner) => match self.value(inner)? {
                Value::Integer(number) => whole(number.checked_neg(), &expr.ty).map_err(failed(expr))?,
                Value::Float(number) => Value::Float(-number),
                Value::Decimal(number) => Value::Decimal(-number),
                Value::Duration(length) => Value::Duration(time::multiply(length, -1).map_err(failed(expr))?),
                other => panic!("{other:?} has no negative"),
            },
            ExprKind::Shift { operator, left, right } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                shift(*operator, left, right, self.host).map_err(failed(expr))?
            }
            ExprKind::Elapsed { later, earlier } => {
                let (later, earlier) = (self.value(later)?, self.value(earlier)?);
                match (later, earlier) {
                    (Value::DateTime(later), Value::DateTime(earlier)) => Value::Duration(time::between(later, earlier)),
                    (Value::LocalDateTime(later), Value::LocalDateTime(earlier)) => Value::Duration(time::between_local(later, earlier)),
                    other => panic!("{other:?} are no datetimes"),
                }
            }
            ExprKind::Call { function, arguments } => {
                let arguments = arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
                function
                    .call(&arguments, &Environment { zone: self.host.zone(), address: &|record| self.host.address(record) })
                    .map_err(failed(expr))?
            }
            ExprKind::Concat(parts) => {
                let mut all = String::new();
                for part in parts {
                    all.push_str(&self.words(part)?);
                }
                Value::Text(all.into())
            }
            ExprKind::ToText(inner) => {
                let value = self.value(inner)?;
                Value::Text(self.host.text(&value, &inner.ty).map_err(interrupted)?)
            }
        };
        Ok(value)
    }
}

fn comparison(test: Test) -> Comparison {
    match test {
        Test::Equal => Comparison::Equal,
        Test::NotEqual => Comparison::NotEqual,
        Test::Less => Comparison::Less,
        Test::AtMost => Comparison::LessOrEqual,
        Test::Greater => Comparison::Greater,
        Test::AtLeast => Comparison::GreaterOrEqual,
    }
}

/// The sum of a few numbers, whole ones as a decimal.
fn sum(values: &[Value], ty: &Type) -> Value {
    let zero = match ty {
        Type::Float => Value::Float(0.0),
        Type::Decimal(scale) | Type::Money(scale) => Value::Decimal(Decimal::new(0, u32::from(*scale))),
        _ => Value::Decimal(Decimal::ZERO),
    };
    values.iter().fold(zero, |sum, value| match (sum, value) {
        (Value::Float(sum), Value::Float(number)) => Value::Float(sum + number),
        (Value::Decimal(sum), Value::Decimal(number)) => Value::Decimal(decimal::add(sum, *number).unwrap()),
        (Value::Decimal(sum), Value::Integer(number)) => Value::Decimal(decimal::add(sum, Decimal::from(*number)).unwrap()),
        other => panic!("{other:?} can't be added"),
    })
}

fn finite(number: f64) -> Option<Value> {
    number.is_finite().then_some(Value::Float(number))
}

fn shift(operator: Operator, left: Value, right: Value, host: &impl Host) -> Result<Value, Failure> {
    if operator == Operator::Multiply {
        return match (left, right) {
            (Value::Duration(length), Value::Integer(times)) | (Value::Integer(times), Value::Duration(length)) => {
                time::multiply(length, times).map(Value::Duration)
            }
            other => panic!("{other:?} can't be multiplied"),
        };
    }
    let (left, by) = match (left, right) {
        (left, Value::Duration(by)) => (left, by),
        (Value::Duration(by), right) => (right, by),
        other => panic!("{other:?} can't be shifted"),
    };
    let by = time::multiply(by, if operator == Operator::Subtract { -1 } else { 1 })?;
    match left {
        Value::Date(date) => time::add_to_date(date, by).map(Value::Date),
        Value::DateTime(instant) => time::add_to_datetime(instant, by, host.zone()).map(Value::DateTime),
        Value::LocalDateTime(local) => time::add_to_local(local, by).map(Value::LocalDateTime),
        Value::Duration(length) => time::add(length, by).map(Value::Duration),
        other => panic!("{other:?} can't be shifted"),
    }
}

/// Equality of two values, empty being equal to empty only.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Integer(left), Value::Decimal(right)) => Decimal::from(*left) == *right,
        (Value::Decimal(left), Value::Integer(right)) => *left == Decimal::from(*right),
        _ => left == right,
    }
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match (left, right) {
        _ if comparison == Comparison::Equal => return same(left, right),
        _ if comparison == Comparison::NotEqual => return !same(left, right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Decimal(left), Value::Decimal(right)) => left.cmp(right),
        (Value::Float(left), Value::Float(right)) => left.total_cmp(right),
        (Value::Text(left), Value::Text(right)) => left.chars().cmp(right.chars()),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::DateTime(left), Value::DateTime(right)) => left.cmp(right),
        (Value::LocalDateTime(left), Value::LocalDateTime(right)) => left.cmp(right),
        (Value::Duration(left), Value::Duration(right)) => {
            let length = |d: &weir::value::Duration| (d.months, i128::from(d.days) * 86_400_000_000 + i128::from(d.micros));
            length(left).cmp(&length(right))
        }
        (Value::Empty, _) | (_, Value::Empty) => return false,
        other => panic!("{other:?} have no order"),
    };
    match comparison {
        Comparison::Less => order == Less,
        Comparison::LessOrEqual => order != Greater,
        Comparison::Greater => order == Greater,
        Comparison::GreaterOrEqual => order != Less,
        Comparison::Equal | Comparison::NotEqual => order == Equal,
    }
}

fn contains(test: Containment, left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Text(whole), Value::Text(part)) => match test {
            Containment::Contains => whole.contains(part.as_str()),
            Containment::StartsWith => whole.starts_with(part.as_str()),
            Containment::EndsWith => whole.ends_with(part.as_str()),
        },
        (Value::Choices(all), Value::Choice(one)) => all.contains(one),
        _ => false,
    }
}

fn whole(number: Option<i64>, ty: &Type) -> Result<Value, Failure> {
    let fits = |number: &i64| *ty != Type::Integer || i32::try_from(*number).is_ok();
    number.filter(fits).map(Value::Integer).ok_or(Failure::Overflow)
}

fn arithmetic(operator: Operator, left: &Value, right: &Value, ty: &Type) -> Result<Value, Failure> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => match operator {
            Operator::Add => whole(left.checked_add(*right), ty),
            Operator::Subtract => whole(left.checked_sub(*right), ty),
            Operator::Multiply => whole(left.checked_mul(*right), ty),
            Operator::Remainder if *right == 0 => Err(Failure::DivisionByZero),
            // The one quotient that doesn't fit leaves nothing over.
            Operator::Remainder => Ok(Value::Integer(left.checked_rem(*right).unwrap_or(0))),
            Operator::Divide => decimal::divide(Decimal::from(*left), Decimal::from(*right)).map(Value::Decimal),
        },
        (Value::Decimal(left), Value::Decimal(right)) => match operator {
            Operator::Add => decimal::add(*left, *right),
            Operator::Subtract => decimal::subtract(*left, *right),
            Operator::Multiply => decimal::multiply(*left, *right),
            Operator::Divide => decimal::divide(*left, *right),
            Operator::Remainder => decimal::remainder(*left, *right),
        }
        .map(Value::Decimal),
        (Value::Float(_), Value::Float(right)) if operator == Operator::Divide && *right == 0.0 => Err(Failure::DivisionByZero),
        (Value::Float(left), Value::Float(right)) => {
            let number = match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide | Operator::Remainder => left / right,
            };
            if number.is_finite() { Ok(Value::Float(number)) } else { Err(Failure::Overflow) }
        }
        other => panic!("{other:?} are no numbers"),
    }
}

/// The reference of a host's record, for hosts that hand out one.
pub fn reference(entity: u16, id: u128) -> Reference {
    Reference { entity: weir::value::EntityId(entity), id: weir::value::Uuid::from_u128(id) }
}
