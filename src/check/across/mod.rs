//! What can only be seen of all flows together: circles of triggers, writes that meet or are in vain, flows and branches
//! that never run, required fields that nobody fills.
//!
//! It works on heads, the typed tree and what the walk through each flow found, and only where the project has no errors:
//! of half a flow nothing sure can be said. What is reported is proven, or, for circles, can't be excluded.

mod cycles;
mod graph;
mod never;
mod overlap;
mod starts;

use crate::diagnostic::{Code, Diagnostic};
use crate::schema::FieldSet;

use super::ir::Flow;
use super::may::{Found, Operation, World, unfilled};
use super::unborn::runs_before_create;

/// Looks at the flows of a project together, the first so many of which are flows and the others actions and plug-ins; `said` is what has been said of them one by one.
pub(super) fn across(world: &World<'_>, flows: &[Flow], own: usize, found: &[Found], said: &[Diagnostic]) -> Vec<Diagnostic> {
    let (mut diagnostics, recursive) = starts::recursions(flows, found);
    diagnostics.extend(cycles::Cycles::new(world, flows, found, recursive).report());
    diagnostics.extend(overlap::report(world, flows, found));
    diagnostics.extend(never::report(flows, own, found, said));
    diagnostics.extend(incomplete(world, flows, found));
    diagnostics
}

/// Creates that leave out a required field which none of the flows before the create fills. Without such flows the checker
/// has said so at once.
fn incomplete(world: &World<'_>, flows: &[Flow], found: &[Found]) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for site in found.iter().flat_map(|found| &found.sites) {
        let Operation::Create(id) = site.operation else { continue };
        let Some(entity) = world.schema.entity(id) else { continue };
        if !flows.iter().any(|flow| flow.head.entity == id && runs_before_create(&flow.head)) {
            continue;
        }
        let given: FieldSet = site.writes.iter().map(|(slot, _)| *slot).collect();
        let filled = |slot: &_| world.completed.get(&id).is_some_and(|fields| fields.contains(*slot));
        let missing: Vec<String> = unfilled(entity, &given)
            .filter(|slot| !filled(slot))
            .filter_map(|slot| entity.field(slot))
            .map(|field| format!("`{}`", field.name))
            .collect();
        if !missing.is_empty() {
            let what = if missing.len() == 1 { "field" } else { "fields" };
            let message = format!("`{}` is created without its required {what} {}", entity.name, missing.join(", "));
            said.push(
                Diagnostic::new(Code::E0612, site.span, message)
                    .help("give it a value here, a default in its entity, or set it in a flow before the create; none does"),
            );
        }
    }
    said
}
