//! What a name reads: fields of the record, `let`s, inputs, paths over lookups, and the words `this`, `old`, `now`, ….

use smol_str::SmolStr;

use crate::bytecode::Event;
use crate::check::context::{Context, Site};
use crate::check::ir::{Expr, ExprKind, LocalId};
use crate::check::unborn::runs_before_create;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::schema::Field;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Kind};
use crate::syntax::keywords::is_reserved;
use crate::value::{EntityId, Function, Slot, Type};

use super::{required, typed};

/// What a bare name stands for, options aside.
enum Meaning {
    Row(EntityId, Slot),
    Field(Slot),
    Local(LocalId),
    Input(u16),
}

impl Context<'_> {
    /// A bare name: an option of the expected choice, else a field of the record, else a `let` or an input.
    pub(super) fn name(&mut self, name: &SmolStr, span: Span, expected: Option<&Type>) -> Option<Expr> {
        if let Some(option) = self.expected_option(name, span, expected) {
            return Some(option);
        }
        match self.meaning(name) {
            Some(Meaning::Row(entity, slot)) => self.field_of_row(entity, slot, name, span),
            Some(Meaning::Field(slot)) => self.field_here(slot, span),
            Some(Meaning::Local(id)) if self.results.contains_key(&id) => self.whole_result(name, id, span),
            Some(Meaning::Local(id)) => {
                self.reads.push((span, id));
                let local = self.locals.get(id.0 as usize)?;
                let expr = Expr { kind: ExprKind::Local(id), ty: local.ty.clone(), optional: local.optional, span };
                Some(self.narrowed(expr))
            }
            Some(Meaning::Input(position)) => {
                let input = self.inputs().get(position as usize)?;
                let expr = Expr { kind: ExprKind::Input(position), ty: input.ty.clone(), optional: !input.required, span };
                Some(self.narrowed(expr))
            }
            None => {
                self.unknown_name(name, span, expected);
                None
            }
        }
    }

    /// `this`, `now`, `today`, `caller`, and an `old` that no field follows.
    pub(super) fn word(&mut self, e: &ast::Expr) -> Option<Expr> {
        let span = e.span;
        match e.kind {
            Kind::This => {
                let Some((id, _)) = self.entity() else { return self.no_record("this", span) };
                Some(typed(ExprKind::This, Type::Lookup([id].into()), span))
            }
            Kind::Now => Some(typed(ExprKind::Now, Type::DateTime, span)),
            Kind::Today => Some(typed(ExprKind::Today, Type::Date, span)),
            Kind::Caller => {
                let user = self.schema.entity_id("systemuser")?;
                Some(typed(ExprKind::Caller, Type::Lookup([user].into()), span))
            }
            _ => {
                let help = "write `old.field`: the value of a field before the operation";
                self.report(Diagnostic::new(Code::E0423, span, "`old` stands before a field").help(help));
                None
            }
        }
    }

    /// `base.name`: the long form of an option, an old value, or a field of the record that `base` refers to.
    pub(super) fn field_of(&mut self, base: &ast::Expr, name: &ast::Name, span: Span) -> Option<Expr> {
        match &base.kind {
            Kind::Old => return self.old(name, span),
            Kind::This => {
                let Some((id, _)) = self.entity() else { return self.no_record("this", base.span) };
                let slot = self.slot_of(id, name)?;
                return self.field_here(slot, span);
            }
            Kind::Name(text) if self.result_named(text).is_some() => return self.output_of(text, name, span),
            Kind::Name(_) | Kind::Field { .. } => {
                if let Some(choice) = self.named_choice(base) {
                    return self.option_of(choice, name, span);
                }
            }
            _ => {}
        }
        let record = self.expression(base, None)?;
        self.hop(record, name, span)
    }

    /// A field of the record that an expression refers to.
    fn hop(&mut self, record: Expr, name: &ast::Name, span: Span) -> Option<Expr> {
        let Type::Lookup(entities) = &record.ty else {
            let what = self.describe(&record.ty);
            let message = format!("this is {what}, which has no field `{}`", name.text);
            let diagnostic = Diagnostic::new(Code::E0402, name.span, message).also(record.span, what);
            self.report(match Function::find(&name.text) {
                Some(function) => diagnostic.help(format!("a function stands before its value: `{}(…)`", function.name)),
                None => diagnostic,
            });
            return None;
        };
        let [entity] = entities[..] else {
            let names = self.entity_names(entities);
            let message = format!("this may be a record of {names}, so its fields can't be read");
            let help = "compare it with another record, or keep a lookup to each entity";
            self.report(Diagnostic::new(Code::E0404, record.span, message).help(help));
            return None;
        };
        let slot = self.slot_of(entity, name)?;
        let field = self.schema.field(entity, slot)?;
        let (ty, optional) = (field.ty.clone(), record.optional || !field.required);
        let record = Box::new(record);
        Some(self.narrowed(Expr { kind: ExprKind::Related { record, entity, slot }, ty, optional, span }))
    }

    /// A field of the triggering record. A required one is never empty, except before its record is created.
    fn field_here(&mut self, slot: Slot, span: Span) -> Option<Expr> {
        let (id, _) = self.entity()?;
        let field = self.schema.field(id, slot)?;
        let optional = !field.required || self.flow().is_some_and(runs_before_create);
        Some(self.narrowed(Expr { kind: ExprKind::Field(slot), ty: field.ty.clone(), optional, span }))
    }

    /// A field of the record that a query looks at. A name that means something else as well is refused: whoever reads
    /// it would have to know which of the two wins.
    fn field_of_row(&mut self, entity: EntityId, slot: Slot, name: &str, span: Span) -> Option<Expr> {
        let field = self.schema.field(entity, slot)?;
        if self.named(name).is_some() {
            let queried = self.entity_names(&[entity]);
            let message = format!("`{name}` is a field of {queried}, and also a name in this flow");
            self.report_unknown(
                name,
                Diagnostic::new(Code::E0430, span, message).help(
                    "in a query a bare name is a field of the records that it asks about; give the `let`, input or alias another name",
                ),
            );
            self.broken.insert(name.into());
            return None;
        }
        let expr = Expr { kind: ExprKind::Row { entity, slot }, ty: field.ty.clone(), optional: !field.required, span };
        Some(self.narrowed(expr))
    }

    fn old(&mut self, name: &ast::Name, span: Span) -> Option<Expr> {
        if let Some(diagnostic) = self.nothing_before("old", span) {
            self.report(diagnostic);
            return None;
        }
        let Some(head) = self.flow() else { return self.no_record("old", span) };
        let unread = head.triggers.is_empty() && !head.child && !head.on_demand;
        if !unread && !head.triggers.iter().any(|trigger| trigger.event != Event::Create) {
            let help = "`old` is the record before an update or a delete; add such an event to `trigger`, or read the field itself";
            self.report(Diagnostic::new(Code::E0423, span, "nothing was there before this flow's operation").help(help));
            return None;
        }
        let slot = self.slot_of(head.entity, name)?;
        let field = self.schema.field(head.entity, slot)?;
        let also_without = head.child || head.on_demand || head.triggers.iter().any(|trigger| trigger.event == Event::Create);
        let expr = Expr { kind: ExprKind::Old(slot), ty: field.ty.clone(), optional: also_without || !field.required, span };
        Some(self.narrowed(expr))
    }

    /// `changed(field)`.
    pub(super) fn changed(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        if let Some(diagnostic) = self.nothing_before("changed", span) {
            self.report(diagnostic);
            return None;
        }
        let Some((id, _)) = self.entity() else { return self.no_record("changed", span) };
        let name = match arguments {
            [ast::Expr { kind: Kind::Name(text), span }] => ast::Name { text: text.clone(), span: *span },
            [ast::Expr { kind: Kind::Field { base, name }, .. }] if base.kind == Kind::This => name.clone(),
            _ => {
                let help = "write `changed(field)`, with a field of this record";
                self.report(Diagnostic::new(Code::E0407, span, "`changed` takes one field of the record").help(help));
                return None;
            }
        };
        let slot = self.slot_of(id, &name)?;
        Some(typed(ExprKind::Changed(slot), Type::Boolean, span))
    }

    /// The type that an expression has by itself, where that can be said without a look at what stands around it.
    pub(super) fn natural(&self, e: &ast::Expr) -> Option<Type> {
        match &e.kind {
            Kind::Name(name) => match self.meaning(name)? {
                Meaning::Row(entity, slot) => Some(self.field_type(entity, slot)?.ty.clone()),
                Meaning::Field(slot) => Some(self.field_type(self.entity()?.0, slot)?.ty.clone()),
                Meaning::Local(id) => Some(self.locals.get(id.0 as usize)?.ty.clone()),
                Meaning::Input(position) => Some(self.inputs().get(position as usize)?.ty.clone()),
            },
            Kind::Field { base, name } => {
                let entity = match &base.kind {
                    Kind::Name(result) if self.result_named(result).is_some() => return self.output_type(result, name),
                    Kind::This | Kind::Old => self.entity()?.0,
                    _ => match self.natural(base) {
                        Some(Type::Lookup(entities)) => *entities.first().filter(|_| entities.len() == 1)?,
                        _ => return self.named_choice(base).map(Type::Choice),
                    },
                };
                Some(self.schema.field(entity, self.schema.entity(entity)?.slot(&name.text)?)?.ty.clone())
            }
            Kind::Binary { operator: ast::BinaryOperator::Coalesce, left, right, .. } => self.natural(left).or_else(|| self.natural(right)),
            Kind::Binary { operator: ast::BinaryOperator::Add | ast::BinaryOperator::Subtract, left, .. } => {
                self.natural(left).filter(|ty| matches!(ty, Type::Choices(_)))
            }
            Kind::This => Some(Type::Lookup([self.entity()?.0].into())),
            Kind::Text(_) => Some(Type::Text),
            Kind::Boolean(_) => Some(Type::Boolean),
            _ => None,
        }
    }

    fn field_type(&self, entity: EntityId, slot: Slot) -> Option<&Field> {
        self.schema.field(entity, slot)
    }

    fn meaning(&self, name: &str) -> Option<Meaning> {
        match self.row {
            Some(queried) => {
                if let Some(slot) = self.schema.entity(queried).and_then(|entity| entity.slot(name)) {
                    return Some(Meaning::Row(queried, slot));
                }
            }
            None => {
                if let Some(slot) = self.entity().and_then(|(_, entity)| entity.slot(name)) {
                    return Some(Meaning::Field(slot));
                }
            }
        }
        self.named(name)
    }

    /// A `let`, the name of a `for each`, or an input.
    fn named(&self, name: &str) -> Option<Meaning> {
        if let Some((_, local, _)) = self.visible.iter().rev().find(|(visible, ..)| visible == name) {
            return Some(Meaning::Local(*local));
        }
        let position = self.inputs().iter().position(|input| input.name == name)?;
        Some(Meaning::Input(position as u16))
    }

    /// Whether a bare name stands for something, options aside.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.meaning(name).is_some() || self.is_broken(name)
    }

    pub(super) fn slot_of(&mut self, id: EntityId, name: &ast::Name) -> Option<Slot> {
        let entity = self.schema.entity(id)?;
        if let Some(slot) = entity.slot(&name.text) {
            return Some(slot);
        }
        let message = format!("`{}` has no field `{}`", entity.name, name.text);
        let near = nearest(&name.text, entity.fields.keys().map(SmolStr::as_str));
        self.report_unknown(&name.text, suggest(Diagnostic::new(Code::E0402, name.span, message), name.span, near));
        None
    }

    fn unknown_name(&mut self, name: &SmolStr, span: Span, expected: Option<&Type>) {
        if self.is_broken(name) {
            return;
        }
        if let Some(Type::Choice(id) | Type::Choices(id)) = expected {
            let near = self.near_option(*id, name).or_else(|| self.near_name(name));
            let message = format!("`{name}` is neither an option of `{}` nor a name that is known here", self.choice_name(*id));
            let options = self.option_names(*id);
            let diagnostic = suggest(Diagnostic::new(Code::E0421, span, message), span, near).help(format!("its options are {options}"));
            self.report(diagnostic);
            return;
        }
        let mut diagnostic = Diagnostic::new(Code::E0401, span, format!("there is nothing called `{name}` here"));
        if self.row.is_some() && self.entity().is_some_and(|(_, entity)| entity.slot(name).is_some()) {
            let help = format!("it is a field of the flow's own record, which a query reaches with `this.{name}`");
            self.report(diagnostic.help(help).fix(span, format!("this.{name}")));
            return;
        }
        let looked_at = self.row.and_then(|row| self.schema.entity(row)).map(|entity| &entity.name);
        if looked_at.is_some_and(|entity| entity == name || self.row_name.as_ref() == Some(name)) {
            let help = format!("the fields of the records that are looked for stand here by their bare names: leave `{name}.` out");
            self.report(diagnostic.help(help));
            return;
        }
        let foreign = habit(name);
        if foreign.is_none() && self.schema.entity_id(name).is_none() {
            diagnostic = suggest(diagnostic, span, self.near_name(name));
        }
        if let Some((meant, exact)) = foreign {
            diagnostic = diagnostic.help(meant);
            diagnostic = exact.iter().fold(diagnostic, |diagnostic, word| diagnostic.fix(span, *word));
        } else if let Some(holder) = self.let_with_field(name) {
            diagnostic = Diagnostic::new(Code::E0401, span, diagnostic.message)
                .help(format!("it is a field of the record in `{holder}`: write `{holder}.{name}`"))
                .fix(span, format!("{holder}.{name}"));
        } else if self.schema.entity_id(name).is_some() {
            let here = if self.in_scenario() { "a `let` that holds it" } else { "`this`, or a lookup to it" };
            diagnostic = diagnostic.help(format!("`{name}` is an entity; name one of its records: {here}"));
        } else if let Some(choice) = self.choice_with(name) {
            diagnostic = diagnostic.help(format!("`{name}` is an option of `{choice}`: write `{choice}.{name}`"));
        } else if self.locals.iter().any(|local| local.name == *name) {
            diagnostic = diagnostic.help("a `let` of that name ends with the braces that it stands in; move it before them");
        } else if self.in_scenario() && diagnostic.help.is_empty() {
            diagnostic = diagnostic.help(format!("give a record or value that name first: `let {name} = …`"));
        }
        self.report(diagnostic);
    }

    /// In a test, the only `let` whose record has a field of that name.
    fn let_with_field(&self, name: &str) -> Option<&str> {
        let holds = |id: LocalId| match &self.locals.get(id.0 as usize)?.ty {
            Type::Lookup(entities) if entities.len() == 1 => self.schema.entity(*entities.first()?)?.slot(name),
            _ => None,
        };
        let mut holders = self.visible.iter().filter(|(_, id, _)| self.in_scenario() && holds(*id).is_some());
        let (only, ..) = holders.next()?;
        holders.next().is_none().then_some(only.as_str())
    }

    fn near_name(&self, name: &str) -> Option<&str> {
        let entity = match self.row {
            Some(queried) => self.schema.entity(queried),
            None => self.entity().map(|(_, entity)| entity),
        };
        let fields = entity.into_iter().flat_map(|entity| entity.fields.keys());
        let lets = self.visible.iter().map(|(name, ..)| name);
        let inputs = self.inputs().iter().map(|input| &input.name);
        let words = ["true", "false", "empty", "now", "today", "caller", "this"];
        nearest(name, fields.chain(lets).chain(inputs).map(SmolStr::as_str).chain(words))
    }

    fn no_record<T>(&mut self, word: &str, span: Span) -> Option<T> {
        let (message, help) = match self.action() {
            Some(_) => (
                format!("`{word}` is about the record of an action, and a global action has none"),
                "declare it `on` an entity, or give it the record as an input",
            ),
            None => (
                format!("`{word}` is about the record of a flow, and here is none"),
                "name the record with a `let`, and read its fields: `acme.name`",
            ),
        };
        self.report(Diagnostic::new(Code::E0426, span, message).help(help));
        None
    }

    /// Entities in words: `account` or `contact`.
    pub(super) fn entity_names(&self, entities: &[EntityId]) -> String {
        let names: Vec<String> =
            entities.iter().filter_map(|id| self.schema.entity(*id)).map(|entity| format!("`{}`", entity.name)).collect();
        names.join(" or ")
    }

    /// In a test a value that may be empty is looked at when it runs; in a flow it stays what it is.
    pub(super) fn in_scenario(&self) -> bool {
        matches!(self.site, Site::Scenario)
    }

    /// The value as one that is looked at when it runs.
    pub(in crate::check) fn looked_at(&self, expr: Expr) -> Expr {
        if expr.optional { required(expr) } else { expr }
    }
}

/// Adds a near miss as help and fix.
pub(super) fn suggest(diagnostic: Diagnostic, span: Span, near: Option<&str>) -> Diagnostic {
    match near {
        Some(near) if is_reserved(near) => diagnostic.help(format!("did you mean `{near}`?")),
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(span, near),
        None => diagnostic,
    }
}

/// What people are used to from elsewhere, and what it is here; a word that takes its place where there is one.
fn habit(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match name {
        "null" | "nil" | "none" | "undefined" | "NULL" | "None" => ("what is missing is called `empty`", Some("empty")),
        "yes" | "TRUE" | "True" => ("write `true`", Some("true")),
        "no" | "FALSE" | "False" => ("write `false`", Some("false")),
        "new" | "target" | "Target" | "self" | "record" | "me" => {
            ("the record is `this`, and its fields are read by their bare names", Some("this"))
        }
        "preimage" | "PreImage" | "previous" => ("the record before the operation is `old`: `old.field`", None),
        "user" | "currentuser" => ("the user who started it is `caller`", Some("caller")),
        _ => return None,
    })
}

/// A name or path as it was written.
pub(super) fn written(e: &ast::Expr) -> Option<String> {
    match &e.kind {
        Kind::Name(name) => Some(name.to_string()),
        Kind::This => Some("this".to_owned()),
        Kind::Old => Some("old".to_owned()),
        Kind::Field { base, name } => Some(format!("{}.{}", written(base)?, name.text)),
        _ => None,
    }
}
