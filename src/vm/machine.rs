//! The registers of a run, and what can go wrong between them. Knows no operation.
//!
//! Every access is checked, because nothing here is `unsafe`; that it never fails is the verifier's work, so a miss is
//! [`Trap::Broken`] and not a case that anybody has to think about.

use smol_str::{SmolStr, SmolStrBuilder};

use crate::bytecode::{Code, FieldIx, In, Out, Run};
use crate::value::text::MAX_TEXT;
use crate::value::{Decimal, Duration, Failure, Reference, Value};

use super::host::Interrupt;
use super::queries::Cursor;

/// The registers of a run, kept from one run to the next so that none allocates.
#[derive(Debug, Default)]
pub struct Frame {
    registers: Vec<Value>,
    /// The place in its code at which the last run ended.
    pub(super) ended: usize,
}

impl Frame {
    /// The place in its code at which the last run ended, however it did.
    pub fn ended(&self) -> usize {
        self.ended
    }
}

/// A run's view of its code and registers.
pub(super) struct Machine<'a> {
    pub code: &'a Code,
    registers: &'a mut [Value],
    /// The queries that are open, the innermost last.
    pub cursors: Vec<Cursor<'a>>,
    text_built: u64,
    /// The bytes that were taken up since they were last measured, and those that were found then.
    held: u64,
}

/// Why an operation has no result.
#[derive(Debug)]
pub(super) enum Trap {
    /// A computation failed.
    Failure(Failure),
    /// A value that may not be empty is; it may be a field's.
    Empty(Option<FieldIx>),
    /// A text grew too long.
    TextTooLong,
    /// The run holds more bytes than this.
    TooLarge(u64),
    /// A loop without a limit has more records to visit than this.
    TooMany(u64),
    /// A record of another entity than the operation is for: the one thing about a value that isn't proven beforehand.
    Foreign,
    /// What the verifier had proven didn't hold.
    Broken,
    /// The host ended it.
    Host(Box<Interrupt>),
}

const _: () = assert!(size_of::<Trap>() <= 16, "every operation hands it back");

/// For `ok_or_else`: a trap that is made only where it is needed has not to be dropped elsewhere.
#[cold]
pub(super) fn broken() -> Trap {
    Trap::Broken
}

impl From<Failure> for Trap {
    fn from(failure: Failure) -> Self {
        Trap::Failure(failure)
    }
}

impl From<Interrupt> for Trap {
    /// Out of the way of the paths that go well, which would carry an interrupt's bytes along otherwise.
    #[cold]
    #[inline(never)]
    fn from(interrupt: Interrupt) -> Self {
        Trap::Host(Box::new(interrupt))
    }
}

impl<'a> Machine<'a> {
    /// The registers of a code, with the inputs in the first of them; an input that isn't given is empty.
    pub fn new(code: &'a Code, frame: &'a mut Frame, inputs: &[Value]) -> Self {
        let needed = code.registers as usize;
        if frame.registers.len() < needed {
            frame.registers.resize(needed, Value::Empty);
        }
        let registers = frame.registers.as_mut_slice();
        for (index, register) in registers.iter_mut().take(code.inputs as usize).enumerate() {
            *register = inputs.get(index).cloned().unwrap_or(Value::Empty);
        }
        Machine { code, registers, cursors: Vec::new(), text_built: 0, held: 0 }
    }

    /// What a register holds.
    #[inline(always)]
    pub fn get(&self, register: In) -> Result<&Value, Trap> {
        match register.constant() {
            None => self.registers.get(register.0 as usize).ok_or_else(broken),
            Some(index) => self.code.constants.get(index).ok_or_else(broken),
        }
    }

    /// Gives a register a value.
    #[inline(always)]
    pub fn put(&mut self, register: Out, value: Value) -> Result<(), Trap> {
        *self.registers.get_mut(register.0 as usize).ok_or_else(broken)? = value;
        Ok(())
    }

    /// Gives a register a decimal, written over the one that it held in the run before.
    #[inline(always)]
    pub fn put_decimal(&mut self, register: Out, number: Decimal) -> Result<(), Trap> {
        match self.registers.get_mut(register.0 as usize).ok_or_else(broken)? {
            Value::Decimal(place) => *place = number,
            place => *place = Value::Decimal(number),
        }
        Ok(())
    }

    /// Gives a register a copy of a value from elsewhere.
    #[inline(always)]
    pub fn put_copy(&mut self, register: Out, value: &Value) -> Result<(), Trap> {
        self.registers.get_mut(register.0 as usize).ok_or_else(broken)?.assign(value);
        Ok(())
    }

    /// Gives a register a copy of what another holds.
    #[inline(always)]
    pub fn copy(&mut self, from: In, to: Out) -> Result<(), Trap> {
        if let Some(index) = from.constant() {
            let code = self.code;
            return self.put_copy(to, code.constants.get(index).ok_or_else(broken)?);
        }
        let (from, to) = (from.0 as usize, to.0 as usize);
        match self.registers.get_disjoint_mut([from, to]) {
            Ok([from, to]) => to.assign(from),
            Err(_) if from == to => {}
            Err(_) => return Err(Trap::Broken),
        }
        Ok(())
    }

    /// What consecutive registers hold.
    pub fn run(&self, first: Run, count: usize) -> Result<&[Value], Trap> {
        let (row, start) = match In(first.0).constant() {
            None => (&*self.registers, first.0 as usize),
            Some(index) => (self.code.constants.as_slice(), index),
        };
        row.get(start..).and_then(|rest| rest.get(..count)).ok_or_else(broken)
    }

    /// Notes that a text of so many bytes is about to be built. All that one run builds counts, let go or not: it bounds the work too.
    pub fn build_text(&mut self, bytes: usize, most: u64) -> Result<(), Trap> {
        self.text_built = self.text_built.saturating_add(bytes as u64);
        match bytes > MAX_TEXT {
            true => Err(Trap::TextTooLong),
            false if self.text_built > most => Err(Trap::TooLarge(most)),
            false => Ok(()),
        }
    }

    /// Notes bytes that a register or a query takes up. What a run holds is measured only where it has taken up more than it may hold
    /// since it was last measured, so that what was let go again counts no more.
    pub fn take_up(&mut self, bytes: u64, most: u64) -> Result<(), Trap> {
        self.held = self.held.saturating_add(bytes);
        if self.held > most {
            let texts: u64 = self.registers.iter().map(|value| text_of(value).len() as u64).sum();
            self.held = self.cursors.iter().map(Cursor::size).sum::<u64>().saturating_add(texts);
        }
        if self.held > most { Err(Trap::TooLarge(most)) } else { Ok(()) }
    }

    /// How many records the innermost loop has still to visit.
    pub fn visits(&self) -> usize {
        self.cursors.last().map_or(0, Cursor::visits)
    }

    /// The texts of consecutive registers, one after the other; an empty value is nothing.
    pub fn concat(&mut self, first: Run, count: usize, most: u64) -> Result<SmolStr, Trap> {
        let bytes = self.run(first, count)?.iter().fold(0, |sum: usize, part| sum.saturating_add(text_of(part).len()));
        self.build_text(bytes, most)?;
        let mut text = SmolStrBuilder::new();
        self.run(first, count)?.iter().for_each(|part| text.push_str(text_of(part)));
        Ok(text.finish())
    }
}

fn text_of(value: &Value) -> &str {
    if let Value::Text(text) = value { text } else { "" }
}

macro_rules! getters {
    ($($name:ident $variant:ident $type:ty,)*) => {
        impl Machine<'_> {
            $(#[doc = concat!("The `", stringify!($variant), "` in a register.")]
            #[inline(always)]
            pub fn $name(&self, register: In) -> Result<$type, Trap> {
                if let Value::$variant(value) = self.get(register)? { Ok(*value) } else { Err(Trap::Broken) }
            })*
        }
    };
}

getters! {
    integer Integer i64,
    decimal Decimal Decimal,
    float Float f64,
    date Date jiff::civil::Date,
    datetime DateTime jiff::Timestamp,
    local LocalDateTime jiff::civil::DateTime,
    duration Duration Duration,
    reference Reference Reference,
}

impl Machine<'_> {
    /// The text in a register.
    pub fn text(&self, register: In) -> Result<SmolStr, Trap> {
        if let Value::Text(text) = self.get(register)? { Ok(text.clone()) } else { Err(Trap::Broken) }
    }
}
