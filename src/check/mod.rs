//! The checker: from trees to a schema and a typed IR. Every error that a user can make is found here.
//!
//! The way through it: `declare` makes the schema of entities and choices, `clauses` makes the heads of the flows,
//! and only then are bodies, tests and scenarios checked, each by itself, against the whole schema and all heads.
//! Then `effects` says what each flow reads and does, with the children that it starts; it walks through each with `may`,
//! which knows what values may be. Last, `across` looks at all flows together.

mod across;
mod calls;
mod clauses;
mod context;
mod declare;
mod effects;
mod expr;
pub mod ir;
mod lines;
mod may;
mod narrow;
mod scenario;
mod stmt;
mod table;
mod unborn;
pub(crate) mod walk;

use rustc_hash::FxHashMap;

use crate::bytecode::Effects;
use crate::diagnostic::{Diagnostic, Severity};
use crate::schema::{self, Schema};
use crate::source::Sources;
use crate::syntax::{self, ast};

use crate::bytecode::{Event, PluginCode};
pub use clauses::clause_words;
use clauses::{Declared, Headed, HeadedAction};
pub use context::Names;
use context::{Context, Elsewhere, Heads, Named, Site};
use declare::Declare;
pub use expr::{QUERIES, SOMETIMES_QUERIES};
pub use lines::Lines;

/// What checking a project gives. With an error among the diagnostics the rest is what could be made of it.
#[derive(Debug, Default)]
pub struct Checked {
    /// The entities and choices, the built-in ones first.
    pub schema: Schema,
    /// The flows by name (code point order).
    pub flows: Vec<ir::Flow>,
    /// The actions by name (code point order).
    pub actions: Vec<ir::Action>,
    /// The declared plug-ins by name (code point order).
    pub plugins: Vec<PluginCode>,
    /// The tests and scenarios in the order of the files.
    pub scenarios: Vec<ir::Scenario>,
    /// What there is to say, in the order of its places; nothing is said twice.
    pub diagnostics: Vec<Diagnostic>,
    /// What can be named, for [`Lines`].
    pub names: Names,
}

/// The tree of the built-in entities, which is the first file of every project.
pub fn built_in(sources: &mut Sources) -> ast::File {
    let file = sources.add("<built-in>", schema::BUILT_IN);
    syntax::parse(sources, file).0
}

/// Checks the files of a project together. The first is the one that [`built_in`] gave; the order of the others doesn't matter.
pub fn check(files: &[ast::File]) -> Checked {
    let mut diagnostics = Vec::new();
    let mut declare = Declare::new(files, &mut diagnostics);
    let declared = clauses::heads(files, &mut declare);
    let Declare { schema, broken, .. } = declare;
    let heads = by_name(&declared.flows);
    let named = named(&declared);
    let context = |site| Context::new(&schema, &heads, &named, &broken, site);
    let mut flows = Vec::with_capacity(declared.flows.len());
    for Headed { flow, head } in &declared.flows {
        // Without a head it is on an entity that isn't there, which has been said; nothing sensible could be said of its body.
        let Some(head) = head else { continue };
        let (when, body, locals, said) = stmt::flow_body(context(Site::Flow(head)), flow);
        diagnostics.extend(said);
        flows.push(ir::Flow { head: head.clone(), span: flow.name.span, when, body, locals, effects: Effects::default() });
    }
    flows.sort_by(|one, other| one.head.name.cmp(&other.head.name));
    let mut actions = Vec::with_capacity(declared.actions.len());
    for HeadedAction { action, head } in &declared.actions {
        let Some((head, effects)) = head else { continue };
        let (body, locals, said) = stmt::action_body(context(Site::Action(head)), action);
        diagnostics.extend(said);
        actions.push(ir::Action { head: head.clone(), span: action.name.span, body, locals, effects: effects.clone() });
    }
    actions.sort_by(|one, other| one.head.name.cmp(&other.head.name));
    let mut plugins: Vec<PluginCode> = declared.plugins;
    plugins.sort_by(|one, other| one.head.name.cmp(&other.head.name));
    diagnostics.extend(calls::cycles(&flows, &actions));
    let own = flows.len();
    let (found, stages) = effects::fill(&schema, &mut flows, &mut actions, &mut plugins);
    let mut scenarios = Vec::new();
    let mut givens = scenario::Givens::new(files);
    for (source, kind) in files.iter().flat_map(scenarios_of) {
        let (scenario, said) = scenario::scenario(context(Site::Scenario), source, kind, &mut givens);
        diagnostics.extend(said);
        scenarios.extend(scenario);
    }
    // Of flows that are not whole nothing sure can be said together.
    if diagnostics.iter().all(|diagnostic| diagnostic.severity() != Severity::Error) {
        let world = effects::world(&schema, &flows, &actions, &stages);
        let said = across::across(&world, &flows, own, &found, &diagnostics);
        diagnostics.extend(said);
    }
    effects::give_back(&mut flows, &mut actions, &mut plugins);
    let names = Names { heads, named, undeclared: broken };
    Checked { schema, flows, actions, plugins, scenarios, diagnostics: in_order(diagnostics), names }
}

/// The tests and scenarios of a file, and what they have in common.
fn scenarios_of(file: &ast::File) -> impl Iterator<Item = (&ast::Scenario, scenario::Kind)> {
    file.items.iter().filter_map(|item| match item {
        ast::Item::Test(source) => Some((source, scenario::Kind::Test)),
        ast::Item::Scenario(source) => Some((source, scenario::Kind::Scenario)),
        ast::Item::Given(source) => Some((source, scenario::Kind::Given)),
        _ => None,
    })
}

/// What a `start` may name; of two flows with one name, the first.
fn by_name(headed: &[Headed]) -> Heads {
    let mut heads: Heads = FxHashMap::default();
    for Headed { flow, head } in headed {
        // What starts it can't be said where a clause of it can't be read.
        let read = !flow.clauses.iter().any(|clause| matches!(clause.kind, ast::ClauseKind::Unread(_)));
        let known = || head.clone().filter(|_| read).map(|head| (head, flow.name.span));
        heads.entry(flow.name.text.clone()).or_insert_with(known);
    }
    heads
}

/// What a `perform` may name; of two actions with one name, the first.
fn named(declared: &Declared) -> Named {
    let mut named = Named::default();
    for HeadedAction { action, head } in &declared.actions {
        let known = || head.clone().map(|(head, _)| (head, action.name.span));
        named.actions.entry(action.name.text.clone()).or_insert_with(known);
    }
    let fills = |plugin: &&PluginCode| {
        let early = plugin.head.triggers.iter().any(|trigger| trigger.event == Event::Create && trigger.stage.is_before());
        early && (plugin.effects.unknown || !plugin.effects.sets.is_empty())
    };
    named.completed = declared.plugins.iter().filter(fills).map(|plugin| plugin.head.entity).collect();
    let plugins =
        declared.plugins.iter().map(|plugin| (&plugin.head.name, Elsewhere::Plugin(effects::as_flow(&plugin.head)), &plugin.effects));
    let actions = declared.actions.iter().filter_map(|action| action.head.as_ref()).filter(|(head, _)| head.via.is_some());
    let actions = actions.map(|(head, effects)| (&head.name, Elsewhere::Action(head.clone()), effects));
    named.elsewhere = plugins.chain(actions).map(|(name, head, effects)| (name.clone(), (head, effects.clone()))).collect();
    named
}

/// The diagnostics by place, without exact repetitions.
fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by(|one, other| {
        let key = |diagnostic: &Diagnostic| (diagnostic.span(), diagnostic.severity(), diagnostic.code);
        key(one).cmp(&key(other)).then_with(|| one.message.cmp(&other.message))
    });
    diagnostics.dedup();
    diagnostics
}
