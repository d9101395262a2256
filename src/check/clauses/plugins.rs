//! From the clauses of a declared plug-in to its head.

use super::super::declare::Declare;
use super::{Actions, Owner, collect, effects, entity, events, rank, via, words};
use crate::bytecode::{Mode, PluginCode, PluginHead, Stage, Trigger};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;

/// The rank of a plug-in that says none.
const RANK: i32 = 1;

/// The head of a plug-in, and what it declares to do; nothing where its entity or its code isn't there.
pub(super) fn head(plugin: &ast::Plugin, actions: &Actions, declare: &mut Declare) -> Option<PluginCode> {
    let entity = entity(&plugin.entity, declare)?;
    let clauses = collect(Owner::Plugin, &plugin.clauses, declare);
    let mode = clauses.mode.and_then(|(name, _)| words::mode(name, declare)).unwrap_or(Mode::RealTime);
    let events = events::read(Owner::Plugin, &plugin.name, entity, mode, (&clauses, actions), declare);
    if let (Mode::Background, Some((name, _))) = (mode, clauses.mode) {
        background(&events.triggers, name.span, declare);
    }
    let rank = clauses.rank.map_or(RANK, |(number, _)| rank(number, declare));
    let effects = effects::read(Owner::Plugin, Some(entity), &clauses, actions, declare);
    let via = via::read(&clauses, declare);
    if clauses.via.is_none() {
        declare.report(
            Diagnostic::new(Code::E0342, plugin.name.span, format!("nothing says where the code of `{}` is", plugin.name.text))
                .help("write `via host`, `via command \"…\"` or `via webhook \"https://…\"`"),
        );
    }
    let head = PluginHead { name: plugin.name.text.clone(), entity, mode, triggers: events.triggers, rank, via: via? };
    Some(PluginCode { head, effects, span: plugin.name.span })
}

/// A plug-in in the background runs after the operation, at no other stage.
fn background(triggers: &[Trigger], word: Span, declare: &mut Declare) {
    if triggers.iter().any(|trigger| trigger.stage != Stage::PostOperation) {
        declare.report(
            Diagnostic::new(Code::E0349, word, "a plug-in in the background runs in post-operation")
                .help("leave the stage out, or write `stage post-operation`"),
        );
    }
}
