//! The layout of declarations: entities, choices, flows with their clauses, actions, plug-ins, roles, tests and scenarios.

use super::columns::Row;
use super::sheet::{Before, Sheet};
use crate::syntax::ast::{
    Block, ChoiceOption, Clause, ClauseKind, Entity, Field, File, Item, Member, Number, Privilege, StatusBlock, Trigger, TypeExpr, TypeKind,
};
use crate::syntax::token::Token;

impl Sheet<'_> {
    pub(super) fn file(&mut self, file: &File) {
        for item in &file.items {
            self.item(item);
        }
        self.brackets();
    }

    fn item(&mut self, item: &Item) {
        let span = match item {
            Item::Entity(entity) => entity.span,
            Item::Choice(choice) => choice.span,
            Item::Flow(flow) => flow.span,
            Item::Action(action) => action.span,
            Item::Plugin(plugin) => plugin.span,
            Item::Role(role) => role.span,
            Item::Test(scenario) | Item::Scenario(scenario) | Item::Given(scenario) => scenario.span,
        };
        self.before(self.at(span.start), Before::Apart);
        let last = self.last(span);
        match item {
            Item::Choice(choice) => return self.options(&choice.options),
            Item::Entity(entity) => self.entity(entity),
            Item::Flow(flow) => self.clauses(&flow.clauses, Some(&flow.body)),
            Item::Action(action) => self.clauses(&action.clauses, Some(&action.body)),
            Item::Plugin(plugin) => self.clauses(&plugin.clauses, None),
            Item::Role(role) => role.privileges.iter().for_each(|privilege| self.privilege(privilege)),
            Item::Test(scenario) | Item::Scenario(scenario) | Item::Given(scenario) => self.statements(&scenario.body),
        }
        self.block(last, false);
    }

    fn entity(&mut self, entity: &Entity) {
        let mut rows = Vec::new();
        for member in &entity.members {
            let span = match member {
                Member::Field(field) => field.span,
                Member::Status(status) => status.span,
                Member::Key(_, span) | Member::OnDelete(_, _, span) | Member::OwnedBy(_, span) | Member::Audit(span) => *span,
                Member::Unread(_) => continue,
            };
            let first = self.at(span.start);
            self.before(first, Before::Line);
            match member {
                Member::Field(field) => rows.push(self.field(field)),
                Member::Status(status) => self.status(status, first, self.last(span)),
                Member::Key(..) => self.place(first + 1, |place| place.list = true),
                Member::OnDelete(..) | Member::OwnedBy(..) | Member::Audit(_) | Member::Unread(_) => {}
            }
        }
        self.columns(&rows);
    }

    /// A field; gives its row: name, label, type.
    fn field(&mut self, field: &Field) -> Row {
        let cell = |sheet: &Self, span| Some((sheet.at(span), sheet.at(span)));
        self.type_expr(&field.ty);
        if let Some(default) = &field.default {
            self.expr(default);
        }
        let label = field.label.as_ref().map(|label| (self.at(label.span.start), self.last(label.span)));
        vec![cell(self, field.name.span.start), label, cell(self, field.ty.span.start)]
    }

    fn type_expr(&mut self, ty: &TypeExpr) {
        let open = self.at(ty.span.start) + 1;
        let numbers: [Option<&Number>; 2] = match &ty.kind {
            TypeKind::Integer { low, high, .. } => [low.as_ref(), high.as_ref()],
            TypeKind::Decimal(size) | TypeKind::Money(size) | TypeKind::Text(size) | TypeKind::Memo(size) => [size.as_ref(), None],
            TypeKind::InlineChoice { options, .. } => return self.options(options),
            TypeKind::Word(_) | TypeKind::DateTime { .. } | TypeKind::Choice { .. } | TypeKind::Lookup(_) => return,
        };
        if self.kind(open) == Some(Token::ParenOpen) {
            self.before(open, Before::Touching);
        }
        numbers.into_iter().flatten().for_each(|number| self.number(number.span));
    }

    fn options(&mut self, options: &[ChoiceOption]) {
        options.iter().for_each(|option| self.number(option.code.span));
    }

    /// The groups of a status block, each a word and its options.
    fn status(&mut self, status: &StatusBlock, first: usize, last: usize) {
        let (mut rows, mut at) = (Vec::new(), first + 2);
        while at < last {
            self.before(at, Before::Line);
            rows.push(vec![Some((at, at)), Some((at + 1, at + 1))]);
            at = self.closing(at + 1).unwrap_or(last) + 1;
        }
        self.columns(&rows);
        self.block(last, false);
        self.options(&status.active);
        self.options(&status.inactive);
    }

    /// The clauses of a head, in columns, and the statements behind them.
    fn clauses(&mut self, clauses: &[Clause], body: Option<&Block>) {
        let words: Vec<usize> = clauses.iter().map(words).collect();
        let named = |(clause, words): (&Clause, &usize)| {
            let first = self.at(clause.span.start);
            (first + words <= self.last(clause.span)).then(|| self.width(first, first + words - 1) + 1)
        };
        let indent = clauses.iter().zip(&words).filter_map(named).max().unwrap_or_default();
        let mut rows = Vec::new();
        for (clause, words) in clauses.iter().zip(&words) {
            let first = self.at(clause.span.start);
            self.before(first, Before::Line);
            let mut row = self.clause(clause, indent);
            if row.is_empty() && first + words <= self.last(clause.span) {
                row.push(Some((first + words, first + words)));
            }
            row.insert(0, Some((first, first + words - 1)));
            rows.push(row);
        }
        self.columns(&rows);
        let Some(body) = body else { return };
        self.statements(body);
        if let Some((statement, _)) = body.statements.first().zip(clauses.first()) {
            self.before(self.at(statement.span.start), Before::Apart);
        }
    }

    /// What stands behind the words of a clause; gives the cells of an input or output.
    fn clause(&mut self, clause: &Clause, indent: usize) -> Row {
        let last = self.last(clause.span);
        match &clause.kind {
            ClauseKind::Trigger(triggers) => self.triggers(triggers, last, indent),
            ClauseKind::Effects(_, names) => self.names(names.iter().map(|name| name.span), last, indent),
            ClauseKind::Rank(rank) => self.number(rank.span),
            ClauseKind::When(condition) => {
                self.group(self.at(condition.span.start), last, indent);
                self.chain(condition, 0);
            }
            ClauseKind::Input(field) | ClauseKind::Output(field) => return self.field(field),
            ClauseKind::Mode(_)
            | ClauseKind::Stage(_)
            | ClauseKind::RunAs(_)
            | ClauseKind::Owner(_)
            | ClauseKind::Scope(_)
            | ClauseKind::LogErrors
            | ClauseKind::Serial(_)
            | ClauseKind::AllowCycle
            | ClauseKind::Draft
            | ClauseKind::Rollback(_)
            | ClauseKind::Via(..)
            | ClauseKind::EffectsUnknown
            | ClauseKind::Unread(_) => {}
        }
        Row::new()
    }

    fn triggers(&mut self, triggers: &[Trigger], last: usize, indent: usize) {
        self.names(triggers.iter().map(|trigger| trigger.span), last, indent);
        for trigger in triggers.iter().filter(|trigger| trigger.fields.is_some()) {
            self.arguments(self.last(trigger.event.span) + 1);
        }
    }

    fn privilege(&mut self, privilege: &Privilege) {
        self.before(self.at(privilege.span.start), Before::Line);
        let rights = privilege.rights.iter().map(|right| right.span);
        let spans: Vec<_> = rights.chain(privilege.entities.iter().map(|name| name.span)).collect();
        self.names(spans, self.last(privilege.span), 4);
    }
}

/// How many words come before the value of a clause.
fn words(clause: &Clause) -> usize {
    match clause.kind {
        ClauseKind::RunAs(_) | ClauseKind::LogErrors | ClauseKind::AllowCycle | ClauseKind::EffectsUnknown => 2,
        _ => 1,
    }
}
