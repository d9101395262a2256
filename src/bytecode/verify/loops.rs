//! The shape of loops: each begins at a head, ends at the one operation that goes back to it, and is left by its head
//! alone; no jump leads in or out past the head, and loops lie within one another or side by side.

use super::{Found, Problem};
use crate::bytecode::{Code, Op};

/// How deep loops may nest.
const MAX_LOOPS: usize = 64;

/// Where each loop ends, by its head.
pub(super) fn ends(code: &Code) -> Result<Vec<Option<usize>>, Found> {
    let mut ends = vec![None; code.ops.len()];
    for (at, op) in code.ops.iter().enumerate() {
        let Op::Loop { to } = op else { continue };
        let head = to.0 as usize;
        let sound = head < at && matches!(code.ops.get(head), Some(Op::NextRow { .. } | Op::NextRecord { .. }));
        match ends.get_mut(head) {
            Some(end @ None) if sound => *end = Some(at),
            _ => return Err((Some(at), Problem::Loop)),
        }
    }
    Ok(ends)
}

pub(super) fn check(code: &Code) -> Result<(), Found> {
    let ends = ends(code)?;
    // The head of the loop that an operation is in; the head itself is outside.
    let mut within = vec![None; code.ops.len()];
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (at, op) in code.ops.iter().enumerate() {
        let wrong = Err((Some(at), Problem::Loop));
        if let Some(place) = within.get_mut(at) {
            *place = open.last().map(|(head, _)| *head);
        }
        if matches!(op, Op::NextRow { .. } | Op::NextRecord { .. }) {
            let Some(end) = ends.get(at).copied().flatten() else { return wrong };
            let inside = open.last().is_none_or(|(_, outer)| end < *outer);
            let left = op.target().is_some_and(|target| target.0 as usize == end + 1);
            if !inside || !left || open.len() >= MAX_LOOPS {
                return wrong;
            }
            open.push((at, end));
        }
        if matches!(op, Op::Loop { .. }) {
            match open.pop() {
                Some((_, end)) if end == at => {}
                _ => return wrong,
            }
        }
    }
    for (at, op) in code.ops.iter().enumerate() {
        if let Some(target) = op.target()
            && within.get(at) != within.get(target.0 as usize)
        {
            return Err((Some(at), Problem::Loop));
        }
    }
    Ok(())
}
