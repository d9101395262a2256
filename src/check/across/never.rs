//! What never comes to run: a flow whose condition can't hold, a child that nobody starts, a branch that is never taken.

use rustc_hash::FxHashSet;

use crate::check::ir::Flow;
use crate::check::may::{Decided, Found, Operation};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

pub(super) fn report(flows: &[Flow], own: usize, found: &[Found], said: &[Diagnostic]) -> Vec<Diagnostic> {
    let started: FxHashSet<&str> = found
        .iter()
        .flat_map(|found| &found.sites)
        .filter_map(|site| if let Operation::Start(name) = &site.operation { Some(name.as_str()) } else { None })
        .collect();
    let mut diagnostics = Vec::new();
    for (at, (flow, found)) in flows.iter().zip(found).enumerate() {
        let head = &flow.head;
        if let (false, Some(when)) = (found.runs, &flow.when) {
            let message = format!("`{}` never runs: its `when` can't hold", head.name);
            diagnostics.push(Diagnostic::new(Code::W1004, when.span, message).help("no record can meet this condition; look at its parts"));
        }
        let only_child = at < own && head.triggers.is_empty() && head.child && !head.on_demand && !head.draft;
        if only_child && !started.contains(head.name.as_str()) {
            let message = format!("`{}` never runs: no flow starts it", head.name);
            let help = "let a flow start it, give it an event, or make it a `draft`";
            diagnostics.push(Diagnostic::new(Code::W1004, flow.span, message).help(help));
        }
        let news =
            |decided: &&Decided| decided.matters && !said.iter().any(|other| other.span().is_some_and(|span| meets(span, decided.span)));
        diagnostics.extend(found.decided.iter().filter(news).map(branch));
    }
    diagnostics
}

fn branch(decided: &Decided) -> Diagnostic {
    let (message, help) = match decided.holds {
        true => ("this always holds here, so what follows `else` is never done", "take the condition away, or look at the tests before it"),
        false => ("this never holds here, so the branch is never taken", "take the branch away, or look at the tests before it"),
    };
    Diagnostic::new(Code::W1005, decided.span, message).help(help)
}

fn meets(one: Span, other: Span) -> bool {
    one.file == other.file && one.start < other.end && other.start < one.end
}
