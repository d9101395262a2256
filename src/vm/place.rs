//! Where a run by steps stands between two of them: all that it takes to go on, in this process or another.

use std::sync::Arc;

use crate::bytecode::{Code, Op};
use crate::value::{Uuid, Value};

use super::machine::{Frame, Machine, Trap, broken};
use super::queries::Cursor;

/// A place between two steps of a run.
///
/// After a step that wrote, the run goes on behind it; at a wait, it goes on with the statement of that wait, from its beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The step: see [`Code::step_number`].
    pub step: u16,
    /// The inputs and the `let`s.
    pub values: Vec<Value>,
    /// The loops that the run is in, outermost first.
    pub loops: Vec<LoopPlace>,
}

/// A loop over records that were fixed when it began.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopPlace {
    /// The query, by its position in the code.
    pub query: u16,
    /// Its records.
    pub records: Arc<[Uuid]>,
    /// How many of them had their turn.
    pub done: usize,
}

impl Machine<'_> {
    /// The place at or behind the step at an operation.
    pub fn place(&self, at: usize) -> Result<Place, Trap> {
        let values = self.run(crate::bytecode::Run(0), self.code.names.len())?.to_vec();
        let loops = self.cursors.iter().map(|cursor| cursor.place(self.code).ok_or_else(broken)).collect::<Result<_, _>>()?;
        Ok(Place { step: self.code.step_number(at), values, loops })
    }
}

/// A machine at a place, and the operation with which it goes on.
pub(super) fn machine_at<'a>(code: &'a Code, frame: &'a mut Frame, place: &Place) -> Result<(Machine<'a>, usize), Trap> {
    let mut machine = Machine::new(code, frame, &[]);
    if place.values.len() != code.names.len() {
        return Err(Trap::Broken);
    }
    for (register, value) in (0u16..).zip(&place.values) {
        machine.put_copy(crate::bytecode::Out(register), value)?;
    }
    for place in &place.loops {
        machine.cursors.push(Cursor::at(code, place).ok_or_else(broken)?);
    }
    let at = code.step_place(place.step).ok_or_else(broken)?;
    let goes_on = if matches!(code.ops.get(at), Some(Op::Wait { .. })) { code.statement_start(at) } else { at + 1 };
    Ok((machine, goes_on))
}
