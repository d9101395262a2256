//! A code in the making: operations, tables, labels and registers. Knows nothing of expressions or statements.
//!
//! Registers lie in the frame as inputs, `let`s, and above them a stack of what is on the way. A table that outgrows its
//! 16 bits is noted, not refused: whoever finishes the code gets to know.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::bytecode::{
    Asks, Awaited, Back, CONSTANT, CallIx, CallRef, Code, FieldIx, FieldRef, In, MAX_CELLS, MAX_REGISTERS, Op, Out, PerformIx, PerformRef,
    QueryIx, QueryRef, StartIx, StartRef, Target, TestRef, TypeIx, WaitIx, WaitList, WriteIx, WriteList,
};
use crate::schema::{FieldSet, Schema};
use crate::source::Span;
use crate::value::{EntityId, Function, Slot, Type, Value};

/// A place in the code that is jumped to, known before the place is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

/// A code that outgrew what its numbers can count.
#[derive(Debug)]
pub(super) struct TooLarge;

/// A code in the making.
pub(super) struct Builder<'a> {
    code: Code,
    schema: Option<&'a Schema>,
    constants: FxHashMap<Vec<u8>, u16>,
    fields: FxHashMap<(EntityId, Slot), u16>,
    labels: Vec<Option<usize>>,
    jumps: Vec<(usize, Label)>,
    bound: usize,
    locals: usize,
    next: usize,
    highest: usize,
    too_large: bool,
    /// Where the next operations come from.
    pub span: Span,
    /// How many named groups are open.
    pub steps: usize,
    /// The fields that the filter in the making looks at.
    pub looked_at: FieldSet,
    /// Whether what is made is the filter of a query: nobody is told what it asks of each record.
    pub filters: bool,
}

impl<'a> Builder<'a> {
    /// Nothing yet, with so many inputs and then the `let`s.
    pub fn new(schema: Option<&'a Schema>, inputs: &[SmolStr], locals: impl IntoIterator<Item = SmolStr>) -> Self {
        let names: Vec<SmolStr> = inputs.iter().cloned().chain(locals).collect();
        let next = names.len();
        let code = Code { inputs: u16::try_from(inputs.len()).unwrap_or(u16::MAX), names, ..Code::default() };
        Builder {
            code,
            schema,
            constants: FxHashMap::default(),
            fields: FxHashMap::default(),
            labels: Vec::new(),
            jumps: Vec::new(),
            bound: 0,
            locals: inputs.len(),
            next,
            highest: next,
            too_large: false,
            span: Span::default(),
            steps: 0,
            looked_at: FieldSet::default(),
            filters: false,
        }
    }

    /// Adds an operation.
    pub fn op(&mut self, op: Op) {
        self.code.ops.push(op);
        self.code.spans.push(self.span);
    }

    /// Adds an operation that may jump to a label.
    pub fn jump(&mut self, label: Label, op: impl FnOnce(Target) -> Op) {
        self.jumps.push((self.code.ops.len(), label));
        self.op(op(Target(0)));
    }

    /// Adds a test that jumps to a label, and decides a condition.
    pub fn test(&mut self, asks: Asks, label: Label, op: impl FnOnce(Target) -> Op) {
        if !self.filters {
            let at = self.narrow(self.code.ops.len(), u16::MAX.into());
            self.code.tests.push(TestRef { at, asks });
        }
        self.jump(label, op);
    }

    /// Adds what belongs to the operation before, and comes from where that does.
    pub fn same_place(&mut self, add: impl FnOnce(&mut Self)) {
        let span = self.code.spans.last().copied().unwrap_or(self.span);
        let outer = std::mem::replace(&mut self.span, span);
        add(self);
        self.span = outer;
    }

    /// A place that isn't known yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The place is here.
    pub fn bind(&mut self, label: Label) {
        let here = self.code.ops.len();
        if let Some(place) = self.labels.get_mut(label.0) {
            *place = Some(here);
            self.bound = here;
        }
    }

    /// The place here, to come back to at the end of a loop.
    pub fn here(&mut self) -> Back {
        Back(self.narrow(self.code.ops.len(), u16::MAX.into()))
    }

    /// Whether what comes next can't be reached: the last operation ends, and nothing jumps here.
    pub fn unreachable(&self) -> bool {
        let here = self.code.ops.len();
        self.code.ops.last().is_some_and(Op::is_terminal) && self.bound != here
    }

    /// The register of an input.
    pub fn input(&self, position: u16) -> In {
        In(position)
    }

    /// The register of a `let`.
    pub fn local(&mut self, position: u16) -> Out {
        Out(self.narrow(self.locals + position as usize, MAX_REGISTERS))
    }

    /// A register for a value on the way.
    pub fn temporary(&mut self) -> Out {
        self.temporaries(1)
    }

    /// The first of consecutive registers.
    pub fn temporaries(&mut self, count: usize) -> Out {
        let first = self.next;
        self.next += count;
        self.highest = self.highest.max(self.next);
        Out(self.narrow(first, MAX_REGISTERS))
    }

    /// How many registers are taken; for [`Builder::release`].
    pub fn mark(&self) -> usize {
        self.next
    }

    /// Frees the registers that were taken since the mark.
    pub fn release(&mut self, mark: usize) {
        self.next = mark;
    }

    /// The register of a constant.
    pub fn constant(&mut self, value: &Value) -> In {
        let key = postcard::to_allocvec(value).unwrap_or_default();
        if let Some(index) = self.constants.get(&key) {
            return In(*index);
        }
        let index = self.narrow(self.code.constants.len(), MAX_REGISTERS) | CONSTANT;
        self.code.constants.push(value.clone());
        self.constants.insert(key, index);
        In(index)
    }

    /// A field in its table.
    pub fn field(&mut self, entity: EntityId, slot: Slot) -> FieldIx {
        if let Some(index) = self.fields.get(&(entity, slot)) {
            return FieldIx(*index);
        }
        let name = self.schema.and_then(|schema| schema.field(entity, slot)).map(|field| field.name.clone()).unwrap_or_default();
        let index = self.narrow(self.code.fields.len(), u16::MAX.into());
        self.code.fields.push(FieldRef { entity, slot, name });
        self.fields.insert((entity, slot), index);
        FieldIx(index)
    }

    /// Fields that are written together, in their table.
    pub fn write(&mut self, entity: EntityId, slots: Vec<Slot>) -> WriteIx {
        let index = self.narrow(self.code.writes.len(), u16::MAX.into());
        self.code.writes.push(WriteList { entity, slots });
        WriteIx(index)
    }

    /// The place of the next query in its table.
    pub fn next_query(&mut self) -> QueryIx {
        QueryIx(self.narrow(self.code.queries.len(), u16::MAX.into()))
    }

    /// A query, in its table.
    pub fn query(&mut self, query: QueryRef) -> QueryIx {
        let index = self.next_query();
        self.code.queries.push(query);
        index
    }

    /// A start of a child flow, in its table.
    pub fn start(&mut self, flow: SmolStr, inputs: Vec<u16>) -> StartIx {
        let index = self.narrow(self.code.starts.len(), u16::MAX.into());
        self.code.starts.push(StartRef { flow, inputs });
        StartIx(index)
    }

    /// A wait, in its table.
    pub fn wait(&mut self, number: u16, branches: Vec<Awaited>) -> WaitIx {
        let index = self.narrow(self.code.waits.len(), u16::MAX.into());
        self.code.waits.push(WaitList { number, branches });
        WaitIx(index)
    }

    /// Notes that something that belongs to it is too large.
    pub fn outgrown(&mut self) {
        self.too_large = true;
    }

    /// An action that is performed, in its table.
    pub fn perform(&mut self, perform: PerformRef) -> PerformIx {
        let index = self.narrow(self.code.performs.len(), u16::MAX.into());
        self.code.performs.push(perform);
        PerformIx(index)
    }

    /// Names the outputs of the action whose body it is.
    pub fn outputs(&mut self, names: Vec<SmolStr>) {
        self.code.outputs = names;
    }

    /// A call, in its table.
    pub fn call(&mut self, function: &'static Function, arguments: usize) -> CallIx {
        let call = CallRef { function, arguments: self.narrow(arguments, u16::MAX.into()) };
        let known = self.code.calls.iter().position(|other| *other == call);
        let index = self.narrow(known.unwrap_or(self.code.calls.len()), u16::MAX.into());
        if known.is_none() {
            self.code.calls.push(call);
        }
        CallIx(index)
    }

    /// A type, in its table.
    pub fn ty(&mut self, ty: &Type) -> TypeIx {
        let known = self.code.types.iter().position(|other| other == ty);
        let index = self.narrow(known.unwrap_or(self.code.types.len()), u16::MAX.into());
        if known.is_none() {
            self.code.types.push(ty.clone());
        }
        TypeIx(index)
    }

    /// The count as a 16-bit number; noted where it is none.
    pub fn count(&mut self, count: usize) -> u16 {
        self.narrow(count, u16::MAX.into())
    }

    /// The finished code, with its jumps aimed.
    pub fn finish(mut self) -> Result<Code, TooLarge> {
        for (at, label) in std::mem::take(&mut self.jumps) {
            let place = self.labels.get(label.0).copied().flatten().unwrap_or(usize::MAX);
            let target = Target(self.narrow(place, u16::MAX.into()));
            if let Some(op) = self.code.ops.get_mut(at) {
                op.retarget(target);
            }
        }
        self.code.registers = self.narrow(self.highest, MAX_REGISTERS);
        self.narrow(self.code.ops.len(), u16::MAX.into());
        self.too_large |= self.code.ops.len() * self.highest > MAX_CELLS;
        if self.too_large { Err(TooLarge) } else { Ok(self.code) }
    }

    fn narrow(&mut self, number: usize, limit: usize) -> u16 {
        match u16::try_from(number) {
            Ok(small) if number < limit => small,
            _ => {
                self.too_large = true;
                0
            }
        }
    }
}
