//! Conditions as jumps: the right side of an `and` or `or` is skipped where the left one decides.

use crate::bytecode::{Asks, In, Kind, Op, When};
use crate::check::ir::{Comparison, Containment, Expr, ExprKind};
use crate::value::{Type, Value};

use super::body::Body;
use super::builder::Label;

impl Body<'_> {
    /// Jumps to the label where the condition is true (`when`), or where it is not; goes on behind otherwise.
    pub(super) fn branch(&mut self, e: &Expr, when: bool, label: Label) {
        let mark = self.b.mark();
        let outer = std::mem::replace(&mut self.b.span, e.span);
        match &e.kind {
            ExprKind::Constant(value) => {
                if (*value == Value::Boolean(true)) == when {
                    self.b.jump(label, |to| Op::Jump { to });
                }
            }
            ExprKind::Not(inner) => match &inner.kind {
                ExprKind::IsEmpty(of) if inner.span == e.span => self.emptiness(of, !when, Asks::IsNot, label),
                _ => self.branch(inner, !when, label),
            },
            ExprKind::And(left, right) => self.both(left, right, when, label),
            ExprKind::Or(left, right) => self.either(left, right, when, label),
            ExprKind::Compare { comparison, left, right } => self.compare(*comparison, left, right, when, label),
            ExprKind::Contains { test, left, right } => self.containment(*test, left, right, when, label),
            ExprKind::In { value, list } => self.one_of(value, list, when, label),
            ExprKind::Between { value, low, high } => self.between(value, low, high, when, label),
            ExprKind::IsEmpty(of) => self.emptiness(of, when, Asks::Is, label),
            ExprKind::Changed(slot) => {
                let field = self.b.field(self.entity, *slot);
                self.b.test(Asks::Is, label, |to| Op::JumpChanged { field, when: When(when), to });
            }
            _ => {
                let condition = self.value(e);
                self.b.test(Asks::Is, label, |to| Op::JumpTrue { condition, when: When(when), to });
            }
        }
        self.b.span = outer;
        self.b.release(mark);
    }

    /// Jumps where two registers hold the same, or where they don't; both are of the one type.
    fn equal(&mut self, (left, right): (In, In), ty: &Type, asks: Asks, when: bool, label: Label) {
        let when = When(when);
        self.b.test(asks, label, |to| match Kind::of_type(ty) {
            Kind::Integer => Op::JumpEqualInteger { left, right, when, to },
            Kind::Decimal => Op::JumpEqualDecimal { left, right, when, to },
            Kind::Text => Op::JumpEqualText { left, right, when, to },
            Kind::Choice => Op::JumpEqualChoice { left, right, when, to },
            Kind::Duration => Op::JumpEqualDuration { left, right, when, to },
            _ => Op::JumpEqual { left, right, when, to },
        });
    }

    /// Jumps where a register holds a constant, or where it doesn't.
    pub(super) fn equal_constant(&mut self, value: In, constant: &Value, ty: &Type, asks: Asks, when: bool, label: Label) {
        if constant.is_empty() {
            self.b.test(asks, label, |to| Op::JumpEmpty { value, when: When(when), to });
        } else {
            let constant = self.b.constant(constant);
            self.equal((value, constant), ty, asks, when, label);
        }
    }

    fn emptiness(&mut self, of: &Expr, when: bool, asks: Asks, label: Label) {
        let value = self.value(of);
        self.b.test(asks, label, |to| Op::JumpEmpty { value, when: When(when), to });
    }

    fn both(&mut self, left: &Expr, right: &Expr, when: bool, label: Label) {
        if when {
            let past = self.b.label();
            self.branch(left, false, past);
            self.branch(right, true, label);
            self.b.bind(past);
        } else {
            self.branch(left, false, label);
            self.branch(right, false, label);
        }
    }

    fn either(&mut self, left: &Expr, right: &Expr, when: bool, label: Label) {
        if when {
            self.branch(left, true, label);
            self.branch(right, true, label);
        } else {
            let past = self.b.label();
            self.branch(left, true, past);
            self.branch(right, false, label);
            self.b.bind(past);
        }
    }

    fn compare(&mut self, comparison: Comparison, left: &Expr, right: &Expr, when: bool, label: Label) {
        let asks = if comparison == Comparison::NotEqual { Asks::IsNot } else { Asks::Is };
        let same = when == (comparison == Comparison::Equal);
        match (comparison, &left.kind, &right.kind) {
            (Comparison::Equal | Comparison::NotEqual, _, ExprKind::Constant(constant)) => {
                let value = self.value(left);
                self.equal_constant(value, constant, &left.ty, asks, same, label);
            }
            (Comparison::Equal | Comparison::NotEqual, ExprKind::Constant(constant), _) => {
                let value = self.value(right);
                self.equal_constant(value, constant, &right.ty, asks, same, label);
            }
            _ => {
                let (one, two) = (self.value(left), self.value(right));
                match comparison {
                    Comparison::Equal | Comparison::NotEqual => self.equal((one, two), &left.ty, asks, same, label),
                    Comparison::Less => self.less(one, two, &left.ty, when, label),
                    Comparison::Greater => self.less(two, one, &left.ty, when, label),
                    Comparison::LessOrEqual => self.at_most(one, two, &left.ty, when, label),
                    Comparison::GreaterOrEqual => self.at_most(two, one, &left.ty, when, label),
                }
            }
        }
    }

    fn less(&mut self, left: In, right: In, ty: &Type, when: bool, label: Label) {
        let when = When(when);
        self.b.test(Asks::Is, label, |to| match Kind::of_type(ty) {
            Kind::Integer => Op::JumpLessInteger { left, right, when, to },
            Kind::Decimal => Op::JumpLessDecimal { left, right, when, to },
            Kind::Float => Op::JumpLessFloat { left, right, when, to },
            Kind::Date => Op::JumpLessDate { left, right, when, to },
            Kind::DateTime => Op::JumpLessDateTime { left, right, when, to },
            Kind::LocalDateTime => Op::JumpLessLocal { left, right, when, to },
            Kind::Duration => Op::JumpLessDuration { left, right, when, to },
            _ => Op::JumpLessText { left, right, when, to },
        });
    }

    fn at_most(&mut self, left: In, right: In, ty: &Type, when: bool, label: Label) {
        let when = When(when);
        self.b.test(Asks::Is, label, |to| match Kind::of_type(ty) {
            Kind::Integer => Op::JumpAtMostInteger { left, right, when, to },
            Kind::Decimal => Op::JumpAtMostDecimal { left, right, when, to },
            Kind::Float => Op::JumpAtMostFloat { left, right, when, to },
            Kind::Date => Op::JumpAtMostDate { left, right, when, to },
            Kind::DateTime => Op::JumpAtMostDateTime { left, right, when, to },
            Kind::LocalDateTime => Op::JumpAtMostLocal { left, right, when, to },
            Kind::Duration => Op::JumpAtMostDuration { left, right, when, to },
            _ => Op::JumpAtMostText { left, right, when, to },
        });
    }

    fn containment(&mut self, test: Containment, left: &Expr, right: &Expr, when: bool, label: Label) {
        let (text, part) = (self.value(left), self.value(right));
        let (when, set) = (When(when), Kind::of_type(&left.ty) == Kind::Choices);
        self.b.test(Asks::Is, label, |to| match test {
            Containment::Contains if set => Op::JumpHasOption { set: text, option: part, when, to },
            Containment::Contains => Op::JumpContains { text, part, when, to },
            Containment::StartsWith => Op::JumpStartsWith { text, part, when, to },
            Containment::EndsWith => Op::JumpEndsWith { text, part, when, to },
        });
    }

    fn one_of(&mut self, value: &Expr, list: &[Expr], when: bool, label: Label) {
        let found = if when { label } else { self.b.label() };
        let register = self.value(value);
        for item in list {
            let mark = self.b.mark();
            match &item.kind {
                ExprKind::Constant(constant) => self.equal_constant(register, constant, &value.ty, Asks::Is, true, found),
                _ => {
                    let item = self.value(item);
                    self.equal((register, item), &value.ty, Asks::Is, true, found);
                }
            }
            self.b.release(mark);
        }
        if !when {
            self.b.jump(label, |to| Op::Jump { to });
            self.b.bind(found);
        }
    }

    fn between(&mut self, value: &Expr, low: &Expr, high: &Expr, when: bool, label: Label) {
        let register = self.value(value);
        let low = self.value(low);
        let past = if when { self.b.label() } else { label };
        self.at_most(low, register, &value.ty, false, past);
        let high = self.value(high);
        self.at_most(register, high, &value.ty, when, label);
        if when {
            self.b.bind(past);
        }
    }
}
