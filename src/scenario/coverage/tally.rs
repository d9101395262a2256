//! What the counted operations of one code say of its statements and conditions.
//!
//! An operation knows from where in the source it comes, a test what it asks: that is all there is to work it out of. A condition of several
//! parts is several tests, and how often it was true as a whole follows from how often its parts were.

use std::collections::BTreeMap;

use crate::bytecode::{Asks, Code, Op, Operand, When};
use crate::check::ir::{Expr, ExprKind};
use crate::source::Span;
use crate::value::Value;
use crate::vm::Hits;

/// How often a condition was true, and how often it wasn't.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub holds: u64,
    pub fails: u64,
}

/// One code with its counts.
pub(super) struct Tally<'a> {
    code: &'a Code,
    hits: &'a [Hits],
    /// The tests by the place of what they ask, in the order of the code.
    tests: BTreeMap<Span, Vec<Test>>,
    /// The operations by the places that they come from.
    places: Vec<(Span, usize)>,
}

#[derive(Clone, Copy)]
struct Test {
    op: Op,
    asks: Asks,
    seen: Seen,
}

impl<'a> Tally<'a> {
    pub fn new(code: &'a Code, hits: &'a [Hits]) -> Self {
        let mut places: Vec<(Span, usize)> = code.spans.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let mut tally = Tally { code, hits, tests: BTreeMap::new(), places };
        for test in &code.tests {
            let at = usize::from(test.at);
            if let (Some(op), Some(span)) = (code.ops.get(at), code.span(at)) {
                let seen = seen(*op, tally.hits(at), test.asks);
                tally.tests.entry(span).or_default().push(Test { op: *op, asks: test.asks, seen });
            }
        }
        tally
    }

    fn hits(&self, at: usize) -> Hits {
        self.hits.get(at).copied().unwrap_or_default()
    }

    /// How often the code was run.
    pub fn runs(&self) -> u64 {
        self.hits(0).ran
    }

    /// How often a statement was begun: its first operation. None where nothing was made of it.
    pub fn statement(&self, span: Span) -> Option<u64> {
        let begins = |place: &(Span, usize)| (place.0.file, place.0.start) < (span.file, span.start);
        let from = self.places.partition_point(begins);
        let inside = self.places.iter().skip(from).take_while(|(inner, _)| inner.file == span.file && inner.start <= span.end);
        inside.filter(|(inner, _)| inner.end <= span.end).map(|(_, at)| *at).min().map(|at| self.hits(at).ran)
    }

    /// How often an activity's record was there, and how often it was left out.
    pub fn record(&self, span: Span) -> Seen {
        let mut placed = self.code.ops.iter().zip(&self.code.spans).enumerate();
        let found = placed.find(|(_, (op, place))| matches!(op, Op::SkipIfEmpty { .. }) && **place == span);
        let Hits { ran, jumped } = found.map(|(at, _)| self.hits(at)).unwrap_or_default();
        Seen { holds: ran.saturating_sub(jumped), fails: jumped }
    }

    /// How often a branch of a wait was the one that had come.
    pub fn came(&self, span: Span, branch: usize) -> u64 {
        let mut placed = self.code.ops.iter().zip(&self.code.spans);
        let wait = placed.find_map(|(op, place)| if let Op::Wait { wait, .. } = op { (*place == span).then_some(*wait) } else { None });
        let place = wait.and_then(|wait| Hits::of_branch(self.code, usize::from(wait.0), branch));
        place.map_or(0, |place| self.hits(place).ran)
    }

    /// Every condition that is not made of others, by its place.
    pub fn conditions(&self) -> impl Iterator<Item = (Span, Seen)> + '_ {
        let asked = |tests: &[Test]| tests.iter().all(|test| test.asks != Asks::Match);
        self.tests.iter().filter(move |(_, tests)| asked(tests)).map(|(span, tests)| (*span, together(tests)))
    }

    /// How often the value of a `match` was the one at this place among those that its arms name.
    pub fn option(&self, subject: Span, place: usize) -> u64 {
        self.options(subject).nth(place).map_or(0, |seen| seen.holds)
    }

    /// How often it was none of them.
    pub fn no_option(&self, subject: Span) -> u64 {
        self.options(subject).last().map_or(0, |seen| seen.fails)
    }

    fn options(&self, subject: Span) -> impl Iterator<Item = Seen> + '_ {
        self.tests.get(&subject).into_iter().flatten().filter(|test| test.asks == Asks::Match).map(|test| test.seen)
    }

    /// How often a whole condition was true, of so many times that it was asked.
    pub fn condition(&self, asked: &Expr, times: u64) -> Seen {
        match &asked.kind {
            ExprKind::Constant(value) if *value == Value::Boolean(true) => Seen { holds: times, fails: 0 },
            ExprKind::Constant(_) => Seen { holds: 0, fails: times },
            ExprKind::And(left, right) if left.span != asked.span => {
                let left = self.condition(left, times);
                let right = self.condition(right, left.holds);
                Seen { holds: right.holds, fails: left.fails.saturating_add(right.fails) }
            }
            ExprKind::Or(left, right) if left.span != asked.span => {
                let left = self.condition(left, times);
                let right = self.condition(right, left.fails);
                Seen { holds: left.holds.saturating_add(right.holds), fails: right.fails }
            }
            ExprKind::Not(inner) if inner.span != asked.span => {
                let inner = self.condition(inner, times);
                Seen { holds: inner.fails, fails: inner.holds }
            }
            // What is written as one is told as one: `is not empty`, `changed` of several fields.
            _ => self.tests.get(&asked.span).map(|tests| together(tests)).unwrap_or_default(),
        }
    }
}

/// What one test has seen, as the condition says it.
fn seen(op: Op, hits: Hits, asks: Asks) -> Seen {
    let mut jumps_where_true = true;
    op.visit(|_, operand| {
        if let Operand::When(When(when)) = operand {
            jumps_where_true = when;
        }
    });
    let stayed = hits.ran.saturating_sub(hits.jumped);
    match jumps_where_true == (asks != Asks::IsNot) {
        true => Seen { holds: hits.jumped, fails: stayed },
        false => Seen { holds: stayed, fails: hits.jumped },
    }
}

/// What the tests of one condition say together: `between` holds where its last test does, `in` where any does.
fn together(tests: &[Test]) -> Seen {
    let sum = |of: fn(&Seen) -> u64| tests.iter().fold(0u64, |sum, test| sum.saturating_add(of(&test.seen)));
    let Some(last) = tests.last() else { return Seen::default() };
    if last.op.name().starts_with("JumpAtMost") {
        Seen { holds: last.seen.holds, fails: sum(|seen| seen.fails) }
    } else {
        Seen { holds: sum(|seen| seen.holds), fails: last.seen.fails }
    }
}
