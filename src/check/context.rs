//! What is known while a body is checked: where it stands, which names it sees, what is known not to be empty.

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::bytecode::{ActionHead, Effects, FlowHead, Input};
use crate::check::ir;
use crate::diagnostic::Diagnostic;
use crate::schema::{Entity, Schema};
use crate::source::Span;
use crate::value::EntityId;

use super::narrow::Facts;

/// The heads of all flows by name, with the place of the name: what `start` may name. Nothing is known of a flow on an
/// entity that isn't there.
pub(super) type Heads = FxHashMap<SmolStr, Option<(FlowHead, Span)>>;

/// The heads of all actions by name, with the place of the name: what `perform` may name.
pub(super) type Actions = FxHashMap<SmolStr, Option<(ActionHead, Span)>>;

/// What can be named in a project that was checked: for statements that are checked afterwards, against the same project.
#[derive(Debug, Default)]
pub struct Names {
    pub(super) heads: Heads,
    pub(super) named: Named,
    pub(super) undeclared: FxHashSet<SmolStr>,
}

/// What can be named in the whole project, beside what the schema has.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The actions.
    pub actions: Actions,
    /// The plug-ins and actions whose code is outside the language, with what they declare to do.
    pub elsewhere: FxHashMap<SmolStr, (Elsewhere, Effects)>,
    /// The entities of whose records some plug-in may fill fields before they are created.
    pub completed: FxHashSet<EntityId>,
}

/// A declaration whose code is outside the language.
#[derive(Debug)]
pub(super) enum Elsewhere {
    /// A plug-in, as the flow that would stand at its place.
    Plugin(FlowHead),
    /// An action.
    Action(ActionHead),
}

/// The state of checking one flow's body, one test or one scenario.
pub(super) struct Context<'a> {
    /// The project's schema, whole.
    pub schema: &'a Schema,
    /// All flows of the project.
    pub heads: &'a Heads,
    /// All actions and plug-ins of the project.
    pub named: &'a Named,
    /// Names whose declaration has an error that keeps them out of the schema.
    pub undeclared: &'a FxHashSet<SmolStr>,
    /// Where the body stands.
    pub site: Site<'a>,
    /// The `let`s so far, in order of their [`ir::LocalId`]s.
    pub locals: Vec<ir::Local>,
    /// The `let`s in sight, innermost last, with the place where each was named.
    pub visible: Vec<(SmolStr, ir::LocalId, Span)>,
    /// The `let`s that hold what an action gave, by the first of their outputs: the action.
    pub results: FxHashMap<ir::LocalId, SmolStr>,
    /// Whether a `let` may take a name that another has.
    pub anew: bool,
    /// Names whose `let` has an error: a use of one has been reported with it, and says nothing more.
    pub broken: FxHashSet<SmolStr>,
    /// The `let`s that something has read, with the place of each reading, which begins with the name.
    pub reads: Vec<(Span, ir::LocalId)>,
    /// The `let`s that stand in braces which have ended and whose statements run once: in sight, but another may take the name.
    pub faded: FxHashSet<ir::LocalId>,
    /// The entity whose records a query looks at here: bare names are its fields.
    pub row: Option<EntityId>,
    /// What the loop calls that record whose `where` or `order by` is checked, which has no name there yet.
    pub row_name: Option<SmolStr>,
    /// How many `for each` are around.
    pub loops: usize,
    /// What is known not to be empty here.
    pub facts: Facts,
    /// How many waits there are so far.
    pub waits: u16,
    /// What there is to say so far.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where a body stands.
#[derive(Clone, Copy)]
pub(super) enum Site<'a> {
    /// In a flow.
    Flow(&'a FlowHead),
    /// In an action; a global one has no record.
    Action(&'a ActionHead),
    /// In a test or scenario: there is no triggering record, and emptiness is checked when it runs.
    Scenario,
}

impl<'a> Context<'a> {
    /// A fresh state.
    pub fn new(schema: &'a Schema, heads: &'a Heads, named: &'a Named, undeclared: &'a FxHashSet<SmolStr>, site: Site<'a>) -> Self {
        Context {
            schema,
            heads,
            named,
            results: FxHashMap::default(),
            undeclared,
            site,
            locals: Vec::new(),
            visible: Vec::new(),
            anew: false,
            broken: FxHashSet::default(),
            reads: Vec::new(),
            faded: FxHashSet::default(),
            row: None,
            row_name: None,
            loops: 0,
            facts: Facts::default(),
            waits: 0,
            diagnostics: Vec::new(),
        }
    }

    /// The flow that is checked, where it is one.
    pub fn flow(&self) -> Option<&'a FlowHead> {
        match self.site {
            Site::Flow(head) => Some(head),
            Site::Action(_) | Site::Scenario => None,
        }
    }

    /// The action that is checked, where it is one.
    pub fn action(&self) -> Option<&'a ActionHead> {
        match self.site {
            Site::Action(head) => Some(head),
            Site::Flow(_) | Site::Scenario => None,
        }
    }

    /// The entity of the body's own record, where there is one.
    pub fn entity(&self) -> Option<(EntityId, &'a Entity)> {
        let id = match self.site {
            Site::Flow(head) => head.entity,
            Site::Action(head) => head.entity?,
            Site::Scenario => return None,
        };
        Some((id, self.schema.entity(id)?))
    }

    /// What the body is given.
    pub fn inputs(&self) -> &'a [Input] {
        match self.site {
            Site::Flow(head) => &head.inputs,
            Site::Action(head) => &head.inputs,
            Site::Scenario => &[],
        }
    }

    /// Whether a name's declaration or `let` has an error: that has been reported, and a use of the name says nothing more.
    pub fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name) || self.undeclared.contains(name)
    }

    /// Says that a name isn't there, unless it is broken.
    pub fn report_unknown(&mut self, name: &str, diagnostic: Diagnostic) {
        if !self.is_broken(name) {
            self.report(diagnostic);
        }
    }

    /// Says something.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}
