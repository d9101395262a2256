//! Declarations: entities, choices, flows, actions, plug-ins, roles, tests and scenarios.

use super::{Builder, Node, Nodes, Rule, next, parts, take};
use crate::source::Span;
use crate::syntax::ast::{
    Action, Block, Choice, ChoiceOption, Clause, Entity, Field, Flow, Item, Member, Name, Plugin, Privilege, Role, Scenario, StatusBlock,
};
use smol_str::SmolStr;

/// What stands before the brace of a declaration.
struct Head {
    doc: Option<SmolStr>,
    name: Name,
    /// A label or an entity.
    second: Option<Name>,
    /// The table of an entity.
    table: Option<Name>,
    span: Span,
}

impl Builder<'_> {
    pub(super) fn declaration(&mut self, node: Node) -> Option<Item> {
        let span = self.span(&node);
        let rule = node.as_rule();
        let mut inner = node.into_inner();
        let head = self.head(next(&mut inner)?, span)?;
        let body = next(&mut inner)?;
        Some(match rule {
            Rule::entity => Item::Entity(self.entity(head, body)),
            Rule::choice => {
                let Head { doc, name, second, span, .. } = head;
                Item::Choice(Choice { doc, name, label: second, options: self.options(body), span })
            }
            Rule::flow => self.flow(head, body)?,
            Rule::action => {
                let (clauses, body) = self.flow_body(body);
                let Head { doc, name, second, span, .. } = head;
                Item::Action(Action { doc, name, entity: second, clauses, body, span })
            }
            Rule::plugin => {
                let clauses = self.flow_body(body).0;
                let Head { doc, name, second, span, .. } = head;
                Item::Plugin(Plugin { doc, name, entity: second?, clauses, span })
            }
            Rule::role => {
                let privileges = parts(body).map(|part| self.privilege(part)).collect();
                Item::Role(Role { doc: head.doc, name: head.name, privileges, span })
            }
            _ => {
                let scenario = Scenario { doc: head.doc, name: head.name, body: self.block(body), span };
                match rule {
                    Rule::test => Item::Test(scenario),
                    Rule::given => Item::Given(scenario),
                    _ => Item::Scenario(scenario),
                }
            }
        })
    }

    fn head(&mut self, node: Node, span: Span) -> Option<Head> {
        let mut inner = node.into_inner();
        let name = self.name(&next(&mut inner)?);
        let mut table = take(&mut inner, Rule::mapped_table);
        let second = if table.is_none() { next(&mut inner) } else { None }.map(|node| self.name(&node));
        table = table.or_else(|| take(&mut inner, Rule::mapped_table));
        let table = table.and_then(|node| parts(node).next()).map(|node| self.name(&node));
        Some(Head { doc: self.doc_before(span.start), name, second, table, span })
    }

    fn flow(&mut self, head: Head, body: Node) -> Option<Item> {
        let (clauses, body) = self.flow_body(body);
        let Head { doc, name, second, span, .. } = head;
        Some(Item::Flow(Flow { doc, name, entity: second?, clauses, body, span }))
    }

    fn flow_body(&mut self, node: Node) -> (Vec<Clause>, Block) {
        let span = self.span(&node);
        let (mut clauses, mut statements) = (Vec::new(), Vec::new());
        for part in node.into_inner() {
            if part.as_rule() <= Rule::effects_clause {
                clauses.extend(self.clause(part));
            } else {
                statements.extend(self.statement(part));
            }
        }
        (clauses, Block { statements, span })
    }

    fn entity(&mut self, head: Head, body: Node) -> Entity {
        let members = parts(body).filter_map(|part| self.member(part)).collect();
        Entity { doc: head.doc, name: head.name, label: head.second, table: head.table, members, span: head.span }
    }

    fn member(&mut self, node: Node) -> Option<Member> {
        let span = self.span(&node);
        match node.as_rule() {
            Rule::field => self.field(node).map(Member::Field),
            Rule::status_block => {
                let mut block = StatusBlock { active: Vec::new(), inactive: Vec::new(), span };
                for group in parts(node) {
                    let active = group.as_rule() == Rule::active_group;
                    let options = parts(group).next().map(|options| self.options(options)).unwrap_or_default();
                    if active { block.active.extend(options) } else { block.inactive.extend(options) }
                }
                Some(Member::Status(block))
            }
            Rule::key_member => Some(Member::Key(parts(node).map(|part| self.name(&part)).collect(), span)),
            Rule::on_delete => {
                let mut inner = node.into_inner();
                Some(Member::OnDelete(self.name(&next(&mut inner)?), self.name(&next(&mut inner)?), span))
            }
            Rule::audit_on => Some(Member::Audit(span)),
            _ => Some(Member::OwnedBy(self.name(&parts(node).next()?), span)),
        }
    }

    pub(super) fn field(&mut self, node: Node) -> Option<Field> {
        let span = self.span(&node);
        let mut inner: Nodes = node.into_inner();
        let name = self.name(&next(&mut inner)?);
        let label = take(&mut inner, Rule::plain).map(|node| self.name(&node));
        let ty = self.type_expr(next(&mut inner)?)?;
        let mut modifiers = Vec::new();
        while let Some(modifier) = take(&mut inner, Rule::modifier) {
            modifiers.push(self.name(&modifier));
        }
        let column = take(&mut inner, Rule::mapped_column).and_then(|node| parts(node).next()).map(|node| self.name(&node));
        let default = match next(&mut inner) {
            Some(node) => Some(self.constant(node)?),
            None => None,
        };
        Some(Field { doc: self.doc_before(span.start), name, label, ty, modifiers, column, default, span })
    }

    pub(super) fn options(&mut self, node: Node) -> Vec<ChoiceOption> {
        parts(node).filter_map(|part| self.option(part)).collect()
    }

    fn option(&mut self, node: Node) -> Option<ChoiceOption> {
        let mut inner = node.into_inner();
        let name = self.name(&next(&mut inner)?);
        let code = self.signed(&next(&mut inner)?)?;
        let label = next(&mut inner).map(|node| self.name(&node));
        Some(ChoiceOption { name, code, label })
    }

    fn privilege(&mut self, node: Node) -> Privilege {
        let mut privilege = Privilege { rights: Vec::new(), entities: Vec::new(), level: None, span: self.span(&node) };
        for part in parts(node) {
            match part.as_rule() {
                Rule::right => {
                    let span = self.span(&part);
                    let words: Vec<_> = parts(part).map(|word| self.name(&word).text).collect();
                    privilege.rights.push(Name { text: SmolStr::new(words.join(" ")), span });
                }
                Rule::privilege_on => privilege.entities = parts(part).map(|name| self.name(&name)).collect(),
                _ => privilege.level = parts(part).next().map(|level| self.name(&level)),
            }
        }
        privilege
    }
}
