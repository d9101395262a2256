//! Actions that perform themselves, straight or through the actions and flows that they call: every flow ends, so none may.

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use super::ir::{Action, Block, Flow, StmtKind};
use super::walk::{self, Part};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// So many cycles are told; who mends these finds the others.
const MOST: usize = 20;

/// Who calls whom, and where.
type Calls<'a> = FxHashMap<&'a SmolStr, Vec<(&'a SmolStr, Span)>>;

/// Says which actions perform themselves.
pub(super) fn cycles(flows: &[Flow], actions: &[Action]) -> Vec<Diagnostic> {
    let mut calls: Calls = FxHashMap::default();
    for flow in flows {
        visit(&flow.body, calls.entry(&flow.head.name).or_default());
    }
    for action in actions {
        let called = calls.entry(&action.head.name).or_default();
        visit(&action.body, called);
        if action.head.via.is_some() {
            called.extend(action.effects.performs.iter().map(|name| (name, action.span)));
        }
    }
    keep_cyclic(&mut calls);
    let mut told: FxHashSet<&SmolStr> = FxHashSet::default();
    let mut found = Vec::new();
    for action in actions.iter().filter(|action| calls.contains_key(&action.head.name)).take(MOST) {
        if told.contains(&action.head.name) {
            continue;
        }
        if let Some(path) = way_back(&action.head.name, &calls) {
            told.extend(path.iter().map(|(name, _)| *name));
            found.push(diagnostic(action, &path));
        }
    }
    found
}

fn diagnostic(action: &Action, path: &[(&SmolStr, Span)]) -> Diagnostic {
    let name = &action.head.name;
    let through: Vec<String> = path.iter().filter(|(other, _)| *other != name).map(|(other, _)| format!("`{other}`")).collect();
    let message = match through.as_slice() {
        [] => format!("`{name}` performs itself"),
        _ => format!("`{name}` performs itself, through {}", through.join(", ")),
    };
    let diagnostic = Diagnostic::new(Code::E0630, action.span, message);
    let told = path.iter().fold(diagnostic, |diagnostic, (called, span)| diagnostic.also(*span, format!("`{called}` is called here")));
    told.help("it would never end: take one of the calls out")
}

/// Takes away, again and again, whatever calls nothing that is left.
fn keep_cyclic(calls: &mut Calls) {
    let mut callers: FxHashMap<&SmolStr, Vec<&SmolStr>> = FxHashMap::default();
    let mut left: FxHashMap<&SmolStr, usize> = FxHashMap::default();
    for (caller, called) in &*calls {
        let known: FxHashSet<&SmolStr> = called.iter().map(|(name, _)| *name).filter(|name| calls.contains_key(*name)).collect();
        left.insert(caller, known.len());
        known.into_iter().for_each(|name| callers.entry(name).or_default().push(caller));
    }
    let mut ending: Vec<&SmolStr> = left.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    while let Some(name) = ending.pop() {
        calls.remove(name);
        for caller in callers.get(name).into_iter().flatten() {
            if let Some(count) = left.get_mut(*caller) {
                *count -= 1;
                if *count == 0 {
                    ending.push(caller);
                }
            }
        }
    }
}

/// The shortest way from a name back to it, each step with what it calls and where.
fn way_back<'a>(name: &'a SmolStr, calls: &Calls<'a>) -> Option<Vec<(&'a SmolStr, Span)>> {
    let mut from: FxHashMap<&SmolStr, (&SmolStr, Span)> = FxHashMap::default();
    let mut open = std::collections::VecDeque::from([name]);
    while let Some(caller) = open.pop_front() {
        for (called, span) in calls.get(caller).into_iter().flatten().filter(|(called, _)| calls.contains_key(*called)) {
            if !from.contains_key(*called) {
                from.insert(called, (caller, *span));
                open.push_back(called);
            }
        }
        if from.contains_key(name) {
            break;
        }
    }
    let mut path = Vec::new();
    let mut at = name;
    loop {
        let (caller, span) = from.get(at).copied()?;
        path.push((at, span));
        at = caller;
        if at == name {
            path.reverse();
            return Some(path);
        }
    }
}

/// The flows and actions that a block calls.
fn visit<'a>(block: &'a Block, found: &mut Vec<(&'a SmolStr, Span)>) {
    for statement in block {
        match &statement.kind {
            StmtKind::Start { flow: called, .. } | StmtKind::Perform { action: called, .. } => found.push((called, statement.span)),
            _ => {}
        }
        walk::each_of(&statement.kind, &mut |part| {
            if let Part::Body(body) = part {
                visit(body, found);
            }
        });
    }
}
