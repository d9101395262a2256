//! One rule on one record: the VM beside the same rule in native Rust with exact decimals behind a dynamic call,
//! and beside rhai with decimals. Every competitor reads its inputs and sets its outputs for each record; answers are compared.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a bench ends at the first failure")]

#[expect(dead_code, reason = "not every bench uses all of it")]
mod support;

use rhai::{AST, Dynamic, Engine, Scope};
use smol_str::SmolStr;
use support::{Competitor, compare, target, timed};
use weir::bytecode::Code;
use weir::project::{Compiled, Project};
use weir::schema::select::{Aggregate, Selection};
use weir::schema::{FieldSet, Row};
use weir::source::Span;
use weir::value::{Decimal, EntityId, Reference, Slot, Type, Uuid, Value};
use weir::vm::{self, Exit, Frame, Host, Interrupt};

const RECORDS: usize = 1024;
const PASSES: usize = 200;

const PROJECT: &str = r#"
entity deal {
  revenue  money(2) required
  industry text(40)
  region   text(40)
  rating   text(1)
  discount money(4)
}

flow Rate on deal {
  trigger update(revenue)
  stage pre-operation

  if revenue > 1_000_000 and industry == "bank" {
    set rating = "A", discount = revenue * 0.05
  } else if region is empty {
    set rating = "C", discount = 0
  } else {
    set rating = "B", discount = revenue * 0.01
  }
}
"#;

/// What every competitor is given and has to fill.
#[derive(Clone)]
struct Deal {
    revenue: Decimal,
    industry: &'static str,
    region: Option<&'static str>,
    rating: &'static str,
    discount: Decimal,
}

/// The call that every competitor stands behind.
trait Rule {
    fn apply(&mut self, index: usize);
    fn answer(&self, index: usize) -> (String, Decimal);
}

struct Native {
    deals: Vec<Deal>,
    rate: (Decimal, Decimal, Decimal),
}

impl Rule for Native {
    fn apply(&mut self, index: usize) {
        let deal = &mut self.deals[index];
        let (limit, high, low) = self.rate;
        if deal.revenue > limit && deal.industry == "bank" {
            (deal.rating, deal.discount) = ("A", deal.revenue * high);
        } else if deal.region.is_none() {
            (deal.rating, deal.discount) = ("C", Decimal::ZERO);
        } else {
            (deal.rating, deal.discount) = ("B", deal.revenue * low);
        }
    }

    fn answer(&self, index: usize) -> (String, Decimal) {
        (self.deals[index].rating.into(), self.deals[index].discount)
    }
}

struct Rhai {
    engine: Engine,
    ast: AST,
    scope: Scope<'static>,
    deals: Vec<Deal>,
    inputs: Vec<(Dynamic, Dynamic)>,
}

impl Rule for Rhai {
    fn apply(&mut self, index: usize) {
        let (industry, region) = self.inputs[index].clone();
        self.scope.set_value("revenue", self.deals[index].revenue);
        self.scope.set_value("industry", industry);
        self.scope.set_value("region", region);
        self.engine.run_ast_with_scope(&mut self.scope, &self.ast).unwrap();
        let rating: rhai::ImmutableString = self.scope.get_value("rating").unwrap();
        self.deals[index].rating = match rating.as_str() {
            "A" => "A",
            "B" => "B",
            _ => "C",
        };
        self.deals[index].discount = self.scope.get_value("discount").unwrap();
    }

    fn answer(&self, index: usize) -> (String, Decimal) {
        (self.deals[index].rating.into(), self.deals[index].discount)
    }
}

const RHAI: &str = r#"
if revenue > million && industry == "bank" { rating = "A"; discount = revenue * high; }
else if region == () { rating = "C"; discount = zero; }
else { rating = "B"; discount = revenue * low; }
"#;

fn deals() -> Vec<Deal> {
    let deal = |index: usize| Deal {
        revenue: Decimal::new((index as i64 * 7_919_317) % 250_000_000, 2),
        industry: ["bank", "retail", "mining"][index % 3],
        region: [None, Some("north"), Some("south"), Some("west")][index / 3 % 4],
        rating: "",
        discount: Decimal::ZERO,
    };
    (0..RECORDS).map(deal).collect()
}

fn rhai() -> Rhai {
    let engine = Engine::new();
    let ast = engine.compile(RHAI).unwrap();
    let mut scope = Scope::new();
    scope
        .push("million", Decimal::from(1_000_000))
        .push("high", Decimal::new(5, 2))
        .push("low", Decimal::new(1, 2))
        .push("zero", Decimal::ZERO);
    scope.push("revenue", Decimal::ZERO).push("industry", "").push("region", ()).push("rating", "").push("discount", Decimal::ZERO);
    let deals = deals();
    let text = |text: Option<&'static str>| text.map_or(Dynamic::UNIT, Dynamic::from);
    let inputs = deals.iter().map(|deal| (text(Some(deal.industry)), text(deal.region))).collect();
    Rhai { engine, ast, scope, deals, inputs }
}

/// The VM over a record in flight, as the pipeline runs it.
struct Weir<'a> {
    code: &'a Code,
    frame: Frame,
    records: Vec<Record>,
    slots: [Slot; 5],
}

/// A record in flight.
struct Record {
    row: Row,
    empty: Value,
    zone: jiff::tz::TimeZone,
}

impl Rule for Weir<'_> {
    fn apply(&mut self, index: usize) {
        let exit = vm::run(self.code, &mut self.frame, &[], &mut self.records[index]);
        assert!(matches!(exit, Ok(Exit::Done)));
    }

    fn answer(&self, index: usize) -> (String, Decimal) {
        let row = &self.records[index].row;
        match (row.get(self.slots[3]), row.get(self.slots[4])) {
            (Some(Value::Text(rating)), Some(Value::Decimal(discount))) => (rating.to_string(), *discount),
            other => panic!("no answer: {other:?}"),
        }
    }
}

fn weir(compiled: &Compiled) -> Weir<'_> {
    let entity = compiled.schema.entities.get("deal").unwrap();
    let slots = ["revenue", "industry", "region", "rating", "discount"].map(|name| entity.slot(name).unwrap());
    let record = |deal: Deal| {
        let mut row = Row::new(entity.fields.len());
        row.set(slots[0], Value::Decimal(deal.revenue));
        row.set(slots[1], Value::Text(deal.industry.into()));
        row.set(slots[2], deal.region.map_or(Value::Empty, |region| Value::Text(region.into())));
        Record { row, empty: Value::Empty, zone: jiff::tz::TimeZone::UTC }
    };
    let code = &compiled.program.flow("Rate").unwrap().body;
    Weir { code, frame: Frame::default(), records: deals().into_iter().map(record).collect(), slots }
}

impl Host for Record {
    fn this(&self) -> Reference {
        Reference { entity: EntityId(0), id: Uuid::nil() }
    }
    fn field(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        Ok(self.row.get(slot).unwrap_or(&self.empty))
    }
    fn set(&mut self, slots: &[Slot], values: &[Value]) -> Result<(), Interrupt> {
        for (slot, value) in slots.iter().zip(values) {
            self.row.assign(*slot, value);
        }
        Ok(())
    }
    fn old(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        self.field(slot)
    }
    fn changed(&mut self, _: Slot) -> Result<bool, Interrupt> {
        Ok(false)
    }
    fn related(&mut self, _: Reference, _: Slot) -> Result<Value, Interrupt> {
        Ok(Value::Empty)
    }
    fn select(&mut self, _: &Selection, _: &FieldSet) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        Ok(Vec::new())
    }
    fn aggregate(&mut self, _: &Selection, _: Aggregate) -> Result<Value, Interrupt> {
        Ok(Value::Empty)
    }
    fn find(&mut self, entity: EntityId, _: &[Slot], _: &[Value]) -> Result<Reference, Interrupt> {
        Ok(Reference { entity, id: Uuid::nil() })
    }
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
    fn zone(&self) -> &jiff::tz::TimeZone {
        &self.zone
    }
    fn caller(&self) -> Reference {
        self.this()
    }
    fn text(&mut self, _: &Value, _: &Type) -> Result<SmolStr, Interrupt> {
        Ok(SmolStr::default())
    }
    fn create(&mut self, _: EntityId, _: Row) -> Result<Reference, Interrupt> {
        Ok(self.this())
    }
    fn update(&mut self, _: Reference, _: Row) -> Result<(), Interrupt> {
        Ok(())
    }
    fn delete(&mut self, _: Reference) -> Result<(), Interrupt> {
        Ok(())
    }
    fn start(&mut self, _: &str, _: Reference, _: Vec<Value>) -> Result<(), Interrupt> {
        Ok(())
    }
    fn perform(&mut self, _: &str, _: Option<Reference>, _: Vec<Value>) -> Result<Vec<Value>, Interrupt> {
        Ok(Vec::new())
    }
    fn set_output(&mut self, _: u16, _: Value) {}
    fn log(&mut self, _: SmolStr) {}
    fn enter_step(&mut self, _: SmolStr) {}
    fn leave_step(&mut self) {}
    fn skipped(&mut self, _: Span) {}
}

/// Runs a rule over all records, behind a call that the compiler can't see through.
fn pass(rule: &mut dyn Rule) {
    for _ in 0..PASSES {
        for index in 0..RECORDS {
            rule.apply(std::hint::black_box(index));
        }
    }
}

fn main() {
    let compiled = Project::from_text("deal.flow", PROJECT).compile().unwrap();
    let (ten, five, one) = (Decimal::from(1_000_000), Decimal::new(5, 2), Decimal::new(1, 2));
    let mut native: Box<dyn Rule> = Box::new(Native { deals: deals(), rate: (ten, five, one) });
    let mut weir: Box<dyn Rule + '_> = Box::new(weir(&compiled));
    let mut rhai: Box<dyn Rule> = Box::new(rhai());
    let competitors: Vec<Competitor<'_>> = vec![
        timed("native Rust, rust_decimal", || pass(native.as_mut())),
        timed("Weir", || pass(weir.as_mut())),
        timed("rhai, decimals", || pass(rhai.as_mut())),
    ];
    let medians = compare("one rule on one record", RECORDS * PASSES, 11, competitors);
    target("Weir against native", medians[1] / medians[0], 4.0, true);
    target("rhai against Weir", medians[2] / medians[1], 8.0, false);
    for index in 0..RECORDS {
        assert_eq!(native.answer(index), weir.answer(index), "record {index}");
        assert_eq!(native.answer(index), rhai.answer(index), "record {index}");
    }
}
