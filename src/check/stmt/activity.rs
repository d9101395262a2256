//! Activities: `create`, `update`, and `start` of a child flow.

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::bytecode::{FlowHead, Input};
use crate::check::context::Context;
use crate::check::ir;
use crate::check::unborn::runs_before_create;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Default, Entity, system};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{EntityId, Slot, Type};

use super::names::unknown;

/// A flow that is begun by hand: its name, the inputs that it is given, its record.
type Begun = (SmolStr, Vec<(u16, ir::Expr)>, ir::Record);

impl Context<'_> {
    /// Checks a create; its record goes into a `let` where there is a name for it.
    pub(in crate::check) fn create(&mut self, name: &ast::Name, values: &[ast::Write], into: Option<&ast::Name>) -> Option<ir::StmtKind> {
        let found = self.schema.entity_id(&name.text).and_then(|id| Some((id, self.schema.entity(id)?)));
        let Some((id, entity)) = found else {
            let entities = self.schema.entities.keys().map(|entity| entity.as_str());
            self.report_unknown(&name.text, unknown(Code::E0401, name, format!("there is no entity `{}`", name.text), entities));
            self.broken.extend(into.map(|into| into.text.clone()));
            return None;
        };
        if !self.may_write(id, name.span) {
            self.broken.extend(into.map(|into| into.text.clone()));
            return None;
        }
        let (writes, given) = self.writes(values, id);
        self.missing(id, entity, name, &given);
        let mut unborn = false;
        for (write, source) in writes.iter().flatten().zip(values) {
            if self.needs_unborn(&write.value) {
                self.report_unborn(source.name.span.to(source.value.span), "no other record can point at `this`");
                unborn = true;
            }
        }
        self.facts.reread();
        let into = match into {
            Some(into) => Some(self.introduce(into, Type::Lookup([id].into()), false)?),
            None => None,
        };
        let values = writes.filter(|_| !unborn)?;
        Some(ir::StmtKind::Create { entity: id, values, into })
    }

    /// In a flow, a required field that is given no value and that nothing can fill is an error; a test may try it.
    fn missing(&mut self, id: EntityId, entity: &Entity, name: &ast::Name, given: &FxHashMap<Slot, Span>) {
        let by_platform = [system::OWNER, system::STATE, system::STATUS];
        let missing: Vec<String> = entity
            .fields()
            .filter(|(slot, field)| field.required && field.default == Default::None && !given.contains_key(slot))
            .filter(|(slot, field)| *slot != crate::schema::PRIMARY_KEY && !field.read_only && !by_platform.contains(&field.name.as_str()))
            .map(|(_, field)| format!("`{}`", field.name))
            .collect();
        let filled = |(head, _): &(FlowHead, Span)| head.entity == id && runs_before_create(head);
        if missing.is_empty() || self.flow().is_none() || self.named.completed.contains(&id) || self.heads.values().flatten().any(filled) {
            return;
        }
        let what = if missing.len() == 1 { "field" } else { "fields" };
        let message = format!("`{}` is created without its required {what} {}", entity.name, missing.join(", "));
        self.report(Diagnostic::new(Code::E0612, name.span, message).help("give it a value here, or a default in its entity"));
    }

    pub(in crate::check) fn update(&mut self, record: &ast::RecordExpr, values: &[ast::Write]) -> Option<ir::StmtKind> {
        let target = self.written(record)?;
        if self.needs_unborn(&target.reference) {
            self.report_unborn(record.expr.span, "`this` can't be updated");
            return None;
        }
        let (values, named) = self.writes(values, target.entity);
        self.facts.reread();
        if !self.keeps_identity(target.entity, &named) {
            return None;
        }
        Some(ir::StmtKind::Update { record: target, values: values? })
    }

    pub(in crate::check) fn start(&mut self, flow: &ast::Name, arguments: &[ast::Write], record: &ast::RecordExpr) -> Option<ir::StmtKind> {
        let (arguments, record) = self.begin(flow, arguments, record, Self::startable)?;
        Some(ir::StmtKind::Start { flow: flow.text.clone(), arguments, record })
    }

    /// Checks a run on demand, which only tests and scenarios have.
    pub(in crate::check) fn run(&mut self, flow: &ast::Name, arguments: &[ast::Write], record: &ast::RecordExpr) -> Option<Begun> {
        let (arguments, record) = self.begin(flow, arguments, record, Self::runs_on_demand)?;
        Some((flow.text.clone(), arguments, record))
    }

    /// Checks what begins a flow on a record; `may` says whether this flow can be begun in this way.
    fn begin(
        &mut self,
        flow: &ast::Name,
        arguments: &[ast::Write],
        record: &ast::RecordExpr,
        may: fn(&mut Self, &ast::Name, &FlowHead, Span) -> bool,
    ) -> Option<(Vec<(u16, ir::Expr)>, ir::Record)> {
        let target = self.record(record);
        let heads = self.heads;
        let Some(found) = heads.get(&flow.text) else {
            let children = heads.values().flatten().filter(|(head, _)| head.child || head.on_demand).map(|(head, _)| head.name.as_str());
            self.report_unknown(&flow.text, unknown(Code::E0401, flow, format!("there is no flow `{}`", flow.text), children));
            return None;
        };
        let (child, place) = found.as_ref()?;
        let arguments = self.inputs_given(flow, &child.inputs, arguments);
        self.facts.reread();
        let may = may(self, flow, child, *place);
        let target = target?;
        if target.entity != child.entity {
            let entity = |id| self.schema.entity(id).map_or("", |entity: &Entity| entity.name.as_str());
            let (is, wants) = (entity(target.entity), entity(child.entity));
            self.report(
                Diagnostic::new(
                    Code::E0614,
                    record.expr.span,
                    format!("`{}` runs on `{wants}`, and this is a record of `{is}`", flow.text),
                )
                .also(*place, "its declaration"),
            );
            return None;
        }
        if self.needs_unborn(&target.reference) {
            self.report_unborn(record.expr.span, "no flow can be started on `this`");
            return None;
        }
        Some((arguments.filter(|_| may)?, target))
    }

    /// Whether a flow may be run by a user.
    fn runs_on_demand(&mut self, flow: &ast::Name, head: &FlowHead, place: Span) -> bool {
        if !head.on_demand {
            let problem = Diagnostic::new(Code::E0712, flow.span, format!("`{}` doesn't run on demand", flow.text));
            let help = "add `on demand` to its `trigger`";
            let help = if head.child { format!("{help}, or write `start {}`", flow.text) } else { help.to_owned() };
            self.report(problem.also(place, "its declaration").help(help));
        } else if head.draft {
            self.draft(flow, place);
        }
        head.on_demand && !head.draft
    }

    fn draft(&mut self, flow: &ast::Name, place: Span) {
        self.report(
            Diagnostic::new(Code::E0615, flow.span, format!("`{}` is a draft", flow.text))
                .also(place, "its declaration")
                .help("a draft is checked, but never runs; take `draft` out of it"),
        );
    }

    /// Whether a flow may be started by another one.
    fn startable(&mut self, flow: &ast::Name, child: &FlowHead, place: Span) -> bool {
        if !child.child {
            self.report(
                Diagnostic::new(Code::E0613, flow.span, format!("`{}` can't be started by another flow", flow.text))
                    .also(place, "its declaration")
                    .help("add `child` to its `trigger`"),
            );
        } else if child.draft {
            self.draft(flow, place);
        }
        child.child && !child.draft
    }

    /// Holds the arguments of a `start` or `perform` against the inputs of the flow or action.
    pub(super) fn inputs_given(&mut self, flow: &ast::Name, inputs: &[Input], arguments: &[ast::Write]) -> Option<Vec<(u16, ir::Expr)>> {
        let mut checked = Some(Vec::with_capacity(arguments.len()));
        let mut given = FxHashSet::default();
        for argument in arguments {
            let one = self.input_given(flow, inputs, argument, &mut given);
            checked = checked.zip(one).map(|(mut all, one)| {
                all.push(one);
                all
            });
        }
        let missing: Vec<String> = (0u16..)
            .zip(inputs)
            .filter(|(index, input)| input.required && !given.contains(index))
            .map(|(_, input)| format!("`{}`", input.name))
            .collect();
        if missing.is_empty() {
            return checked;
        }
        let message = format!("`{}` needs {}", flow.text, missing.join(", "));
        let help = format!("write `{}({} = …)`", flow.text, missing.join(" = …, ").replace('`', ""));
        self.report(Diagnostic::new(Code::E0616, flow.span, message).help(help));
        None
    }

    fn input_given(
        &mut self,
        flow: &ast::Name,
        inputs: &[Input],
        argument: &ast::Write,
        given: &mut FxHashSet<u16>,
    ) -> Option<(u16, ir::Expr)> {
        let name = &argument.name;
        let Some((index, input)) = (0u16..).zip(inputs).find(|(_, input)| input.name == name.text) else {
            let inputs = inputs.iter().map(|input| input.name.as_str());
            self.report_unknown(&name.text, unknown(Code::E0401, name, format!("`{}` has no input `{}`", flow.text, name.text), inputs));
            return None;
        };
        if !given.insert(index) {
            self.report(
                Diagnostic::new(Code::E0610, name.span, format!("`{}` is given twice", name.text)).help("an input takes one value"),
            );
            return None;
        }
        let value = self.value_given(&argument.value, &input.field())?;
        if self.needs_unborn(&value) {
            self.report_unborn(argument.value.span, "nothing else can be given `this`");
            return None;
        }
        Some((index, value))
    }
}
