//! The loop: one operation after the other until an end. What the operations do is told family by family beside it.

use smol_str::SmolStr;

use crate::bytecode::{Code, Op};
use crate::diagnostic::Code as Diagnostic;
use crate::value::text::MAX_TEXT;
use crate::value::{Failure, Value};

use super::host::{Fault, Host, Interrupt};
use super::machine::{Frame, Machine, Trap};
use super::place::{self, Place};
use super::watch::Watch;
use super::{arithmetic, jumps, moves, records};

/// How a run ended that nothing interrupted.
#[derive(Clone, Debug, PartialEq)]
pub enum Exit {
    /// At the end of the flow.
    Done,
    /// By `finish`, with its note.
    Finished(Option<SmolStr>),
    /// By `stop`, with its reason.
    Stopped(SmolStr),
    /// With the value of an expression.
    Value(Value),
    /// In a wait: the number that it has among the waits of its flow.
    Suspended(u16),
    /// Behind a step that wrote, or at a wait, where the host takes a run step by step.
    Stepped(Place),
}

/// Runs a verified code. The inputs are in their declared order; one that is missing is empty.
///
/// It ends: jumps go forward, but for loops over records that were fixed before. What it executes is counted against [`Host::spend`] before every operation on
/// records and at the end.
pub fn run<H: Host + ?Sized>(code: &Code, frame: &mut Frame, inputs: &[Value], host: &mut H) -> Result<Exit, Interrupt> {
    let mut at = 0;
    let exit = go_on(&mut Machine::new(code, frame, inputs), &mut at, 0, host);
    frame.ended = at;
    exit.map_err(|trap| interrupt(trap, code, at))
}

/// Goes on with a run of a verified code from a place at which it stood, by itself or in an earlier process. A place of another code
/// is a fault, or gives what that code gives there: a place belongs to its code.
pub fn resume<H: Host + ?Sized>(code: &Code, frame: &mut Frame, place: &Place, host: &mut H) -> Result<Exit, Interrupt> {
    let mut at = 0;
    let exit = place::machine_at(code, frame, place).and_then(|(mut machine, from)| {
        at = from;
        // A wait that is looked at again is none that the run comes to again.
        let again = code.step_place(place.step).filter(|step| from <= *step).map_or(0, |step| step + 1);
        go_on(&mut machine, &mut at, again, host)
    });
    frame.ended = at;
    exit.map_err(|trap| interrupt(trap, code, at))
}

fn go_on<H: Host + ?Sized>(machine: &mut Machine<'_>, at: &mut usize, again: usize, host: &mut H) -> Result<Exit, Trap> {
    if !host.traced() && !host.counts() {
        return execute::<H, false>(machine, at, host, &mut Watch::default());
    }
    let code = machine.code;
    let mut watch = Watch::new(code, host, again);
    let exit = execute::<H, true>(machine, at, host, &mut watch);
    watch.end(code, host);
    exit
}

/// The loop. Watched or not is known when it is compiled, and asked as such: a tracer that may or may not be there, and never is, made a run
/// that isn't traced take 8 instructions more for each 100.
fn execute<H: Host + ?Sized, const WATCHED: bool>(
    machine: &mut Machine<'_>,
    at: &mut usize,
    host: &mut H,
    watch: &mut Watch,
) -> Result<Exit, Trap> {
    let code = machine.code;
    let mut spent = 0;
    while let Some(op) = code.ops.get(*at).copied() {
        spent += 1;
        if WATCHED {
            watch.before(*at);
        }
        let jump = if let Some(jump) = jumps::step(op, machine, host)? {
            jump
        } else if moves::step(op, machine, host)? || arithmetic::step(op, machine, host)? {
            None
        } else if let Op::Jump { to } = op {
            Some(to)
        } else {
            spend(host, &mut spent)?;
            if let Op::Wait { .. } = op
                && let Some(number) = records::wait(op, machine, host)?
            {
                return if host.by_steps() { machine.place(*at).map(Exit::Stepped) } else { Ok(Exit::Suspended(number)) };
            }
            if let Op::End {} | Op::Return { .. } | Op::Stop { .. } | Op::Finish { .. } = op {
                return end(op, machine);
            }
            let jump = records::step(op, machine, host, code.span(*at))?;
            if op.is_step() && host.by_steps() && !matches!(op, Op::Wait { .. }) {
                return machine.place(*at).map(Exit::Stepped);
            }
            jump
        };
        if WATCHED {
            watch.after(op, *at, jump, machine, host);
        }
        *at = jump.map_or(*at + 1, |to| to.0 as usize);
    }
    Err(Trap::Broken)
}

fn end(op: Op, machine: &Machine<'_>) -> Result<Exit, Trap> {
    Ok(match op {
        Op::End {} => Exit::Done,
        Op::Return { value } => Exit::Value(machine.get(value)?.clone()),
        Op::Stop { reason } => Exit::Stopped(machine.text(reason)?),
        Op::Finish { note } => Exit::Finished(match machine.get(note)? {
            Value::Empty => None,
            _ => Some(machine.text(note)?),
        }),
        _ => return Err(Trap::Broken),
    })
}

fn spend<H: Host + ?Sized>(host: &mut H, spent: &mut u64) -> Result<(), Trap> {
    Ok(host.spend(std::mem::take(spent))?)
}

#[cold]
fn interrupt(trap: Trap, code: &Code, at: usize) -> Interrupt {
    let (fault, message) = match trap {
        Trap::Host(interrupt) => return *interrupt,
        Trap::Failure(Failure::DivisionByZero) => (Diagnostic::F01, "division by zero".to_owned()),
        Trap::Failure(Failure::Inexact) => (Diagnostic::F02, "the exact result has more than 28 digits".to_owned()),
        Trap::Failure(Failure::Overflow) => (Diagnostic::F03, "the result is larger than its type".to_owned()),
        Trap::Failure(Failure::OutOfRange) => (
            Diagnostic::F03,
            "the result is outside the years 1 to 9999, too long a duration, or rounded to less than no decimals".to_owned(),
        ),
        Trap::Empty(Some(field)) => {
            let name = code.fields.get(field.0 as usize).map_or("a field", |field| field.name.as_str());
            (Diagnostic::F05, format!("`{name}` is empty"))
        }
        Trap::Empty(None) => (Diagnostic::F05, "a value that is needed here is empty".to_owned()),
        Trap::TextTooLong | Trap::Failure(Failure::TooLong) => {
            (Diagnostic::F14, format!("a text grew beyond the {MAX_TEXT} bytes that one may have on the way"))
        }
        Trap::TooLarge(most) => {
            (Diagnostic::F12, format!("a run builds or holds more than {most} bytes of texts and records (the limit `memory`)"))
        }
        Trap::TooMany(most) => (
            Diagnostic::F18,
            format!(
                "there are more than {most} records to go through: a `limit` says how many are meant, the setting `loop_records` how many may be"
            ),
        ),
        Trap::Foreign => (Diagnostic::F15, "an operation met a record of another entity than it is for".to_owned()),
        Trap::Broken => (Diagnostic::F15, format!("an operation met what its verification excludes (operation {at})")),
    };
    Interrupt::Fault(Box::new(Fault { code: fault, message, span: code.span(at), chain: Vec::new() }))
}
