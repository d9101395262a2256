//! Expressions as values in registers. A constant, an input and a `let` are where they are; all else goes to a register on the way.

use crate::bytecode::{Count, In, Kind, Op, Out, Run, Sign, When};
use crate::check::ir::{Expr, ExprKind, Operator};
use crate::value::{EntityId, Evaluation, Slot, Type, Value};

use super::body::Body;

impl Body<'_> {
    /// The register that holds the value.
    pub(super) fn value(&mut self, e: &Expr) -> In {
        match &e.kind {
            ExprKind::Constant(value) => self.b.constant(value),
            ExprKind::Input(position) if e.optional || !self.input_optional(*position) => self.b.input(*position),
            ExprKind::Local(local) if e.optional || !self.local_optional(*local) => self.b.local(local.0).into(),
            ExprKind::Convert(inner) if !becomes_decimal(&inner.ty, &e.ty) => self.value(inner),
            _ => {
                let out = self.b.temporary();
                self.into(e, out);
                out.into()
            }
        }
    }

    /// Puts the value into a register.
    pub(super) fn into(&mut self, e: &Expr, out: Out) {
        let mark = self.b.mark();
        let outer = std::mem::replace(&mut self.b.span, e.span);
        self.compute(e, out);
        self.b.span = outer;
        self.b.release(mark);
    }

    /// The values in consecutive registers.
    pub(super) fn run<'e>(&mut self, values: impl ExactSizeIterator<Item = &'e Expr>) -> Run {
        let mut values = values;
        if values.len() == 1 {
            return values.next().map_or(Run(0), |only| Run(self.value(only).0));
        }
        let first = self.b.temporaries(values.len());
        for (place, value) in values.enumerate() {
            self.into(value, Out(first.0.saturating_add(place as u16)));
        }
        Run(first.0)
    }

    fn compute(&mut self, e: &Expr, out: Out) {
        match &e.kind {
            ExprKind::This => self.b.op(Op::This { out }),
            ExprKind::Caller => self.b.op(Op::Caller { out }),
            ExprKind::Now => self.b.op(Op::Now { out }),
            ExprKind::Today => self.b.op(Op::Today { out }),
            ExprKind::Field(slot) => self.field(*slot, e.optional, out),
            ExprKind::Old(slot) => {
                let field = self.b.field(self.entity, *slot);
                self.b.op(Op::Old { field, out });
                self.require(e, out);
            }
            ExprKind::Related { record, entity, slot } => self.related(e, record, (*entity, *slot), out),
            ExprKind::Row { entity, slot } => self.row_field(e, (*entity, *slot), out),
            ExprKind::Query { aggregate, query, field } => self.query(*aggregate, field.clone(), query, out),
            ExprKind::ByKey { entity, values } => self.by_key(*entity, values, out),
            ExprKind::Constant(_) | ExprKind::Input(_) | ExprKind::Local(_) => self.register(e, out),
            ExprKind::Require(inner) => match &inner.kind {
                ExprKind::Field(slot) => self.field(*slot, false, out),
                _ => {
                    let value = self.value(inner);
                    self.b.op(Op::Require { value, out });
                }
            },
            ExprKind::Convert(inner) if becomes_decimal(&inner.ty, &e.ty) => {
                let value = self.value(inner);
                self.b.op(Op::ToDecimal { value, out });
            }
            ExprKind::Convert(inner) => self.into(inner, out),
            ExprKind::Coalesce(left, right) => self.coalesce(left, right, out),
            ExprKind::Arithmetic { operator, left, right } => self.arithmetic(*operator, &e.ty, left, right, out),
            ExprKind::WithOption { operator, set, option } => {
                let (set, option) = (self.value(set), self.value(option));
                self.b.op(match operator {
                    Operator::Subtract => Op::RemoveOption { set, option, out },
                    _ => Op::AddOption { set, option, out },
                });
            }
            ExprKind::Negate(inner) => self.negate(inner, out),
            ExprKind::Shift { operator, left, right } => self.shift(*operator, left, right, out),
            ExprKind::Elapsed { later, earlier } => self.elapsed(later, earlier, out),
            ExprKind::Call { function, arguments } if matches!(function.evaluation, Evaluation::AsText) => {
                arguments.iter().for_each(|argument| self.text(argument, out));
            }
            ExprKind::Call { function, arguments } => {
                let (arguments, count) = (self.run(arguments.iter()), arguments.len());
                let function = self.b.call(function, count);
                self.b.op(Op::Call { function, arguments, out });
            }
            ExprKind::Concat(parts) => {
                let (run, count) = (self.run(parts.iter()), Count(self.b.count(parts.len())));
                self.b.op(Op::Concat { parts: run, count, out });
            }
            ExprKind::ToText(inner) => self.text(inner, out),
            _ => self.truth(e, out),
        }
    }

    fn text(&mut self, inner: &Expr, out: Out) {
        let (value, ty) = (self.value(inner), self.b.ty(&inner.ty));
        self.b.op(Op::ToText { value, ty, out });
    }

    /// A constant, an input or a `let` in another register.
    fn register(&mut self, e: &Expr, out: Out) {
        let (value, may_be_empty) = match &e.kind {
            ExprKind::Constant(value) => (self.b.constant(value), false),
            ExprKind::Input(position) => (self.b.input(*position), self.input_optional(*position)),
            ExprKind::Local(local) => (self.b.local(local.0).into(), self.local_optional(*local)),
            _ => return,
        };
        self.b.op(if may_be_empty && !e.optional { Op::Require { value, out } } else { Op::Copy { value, out } });
    }

    fn field(&mut self, slot: Slot, optional: bool, out: Out) {
        let field = self.b.field(self.entity, slot);
        self.b.op(if optional { Op::Field { field, out } } else { Op::RequireField { field, out } });
    }

    fn related(&mut self, e: &Expr, record: &Expr, (entity, slot): (EntityId, Slot), out: Out) {
        let record = self.value(record);
        let field = self.b.field(entity, slot);
        self.b.op(Op::Related { record, field, out });
        self.require(e, out);
    }

    /// Holds what was just read against the promise that it is not empty.
    pub(super) fn require(&mut self, e: &Expr, out: Out) {
        if !e.optional {
            self.b.op(Op::Require { value: out.into(), out });
        }
    }

    fn coalesce(&mut self, left: &Expr, right: &Expr, out: Out) {
        if matches!(right.kind, ExprKind::Constant(_)) {
            let (left, right) = (self.value(left), self.value(right));
            self.b.op(Op::Coalesce { left, right, out });
            return;
        }
        let end = self.b.label();
        self.into(left, out);
        self.b.jump(end, |to| Op::JumpEmpty { value: out.into(), when: When(false), to });
        self.into(right, out);
        self.b.bind(end);
    }

    /// A condition as a value.
    fn truth(&mut self, e: &Expr, out: Out) {
        let end = self.b.label();
        let no = self.b.constant(&Value::Boolean(false));
        let yes = self.b.constant(&Value::Boolean(true));
        self.b.op(Op::Copy { value: no, out });
        self.branch(e, false, end);
        self.b.op(Op::Copy { value: yes, out });
        self.b.bind(end);
    }

    fn arithmetic(&mut self, operator: Operator, ty: &Type, left: &Expr, right: &Expr, out: Out) {
        let (left, right) = (self.operand(left, ty), self.operand(right, ty));
        self.b.op(match (operator, ty) {
            (Operator::Add, Type::Integer) => Op::AddInteger { left, right, out },
            (Operator::Subtract, Type::Integer) => Op::SubtractInteger { left, right, out },
            (Operator::Multiply, Type::Integer) => Op::MultiplyInteger { left, right, out },
            (Operator::Add, Type::BigInt) => Op::AddBigInt { left, right, out },
            (Operator::Subtract, Type::BigInt) => Op::SubtractBigInt { left, right, out },
            (Operator::Multiply, Type::BigInt) => Op::MultiplyBigInt { left, right, out },
            (Operator::Remainder, _) => Op::Remainder { left, right, out },
            (Operator::Add, Type::Float) => Op::AddFloat { left, right, out },
            (Operator::Subtract, Type::Float) => Op::SubtractFloat { left, right, out },
            (Operator::Multiply, Type::Float) => Op::MultiplyFloat { left, right, out },
            (Operator::Divide, Type::Float) => Op::DivideFloat { left, right, out },
            (Operator::Add, _) => Op::AddDecimal { left, right, out },
            (Operator::Subtract, _) => Op::SubtractDecimal { left, right, out },
            (Operator::Multiply, _) => Op::MultiplyDecimal { left, right, out },
            (Operator::Divide, _) => Op::DivideDecimal { left, right, out },
        });
    }

    /// An operand of arithmetic that gives a type: a whole number becomes a decimal where the result is one.
    fn operand(&mut self, e: &Expr, ty: &Type) -> In {
        let value = self.value(e);
        if !becomes_decimal(&e.ty, ty) {
            return value;
        }
        let out = self.b.temporary();
        self.b.op(Op::ToDecimal { value, out });
        out.into()
    }

    fn negate(&mut self, inner: &Expr, out: Out) {
        let value = self.value(inner);
        let op = match inner.ty {
            Type::Integer => Op::NegateInteger { value, out },
            Type::BigInt => Op::NegateBigInt { value, out },
            Type::Float => Op::NegateFloat { value, out },
            Type::Duration | Type::Period => Op::ScaleDuration { value, times: self.b.constant(&Value::Integer(-1)), out },
            _ => Op::NegateDecimal { value, out },
        };
        self.b.op(op);
    }

    fn shift(&mut self, operator: Operator, left: &Expr, right: &Expr, out: Out) {
        let (mut value, mut by) = (self.value(left), self.value(right));
        let mut kind = Kind::of_type(&left.ty);
        let swapped = match operator {
            Operator::Multiply => kind == Kind::Integer,
            _ => kind == Kind::Duration && Kind::of_type(&right.ty) != Kind::Duration,
        };
        if swapped {
            std::mem::swap(&mut value, &mut by);
            kind = Kind::of_type(&right.ty);
        }
        let sign = Sign(operator != Operator::Subtract);
        self.b.op(match (operator, kind) {
            (Operator::Multiply, _) => Op::ScaleDuration { value, times: by, out },
            (_, Kind::Date) => Op::ShiftDate { value, sign, by, out },
            (_, Kind::DateTime) => Op::ShiftDateTime { value, sign, by, out },
            (_, Kind::LocalDateTime) => Op::ShiftLocal { value, sign, by, out },
            _ => Op::AddDuration { value, sign, by, out },
        });
    }

    fn elapsed(&mut self, later: &Expr, earlier: &Expr, out: Out) {
        let local = later.ty == Type::LocalDateTime;
        let (later, earlier) = (self.value(later), self.value(earlier));
        self.b.op(if local { Op::ElapsedLocal { later, earlier, out } } else { Op::Elapsed { later, earlier, out } });
    }
}

fn becomes_decimal(from: &Type, to: &Type) -> bool {
    Kind::of_type(from) == Kind::Integer && Kind::of_type(to) == Kind::Decimal
}
