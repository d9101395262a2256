//! From the clauses of an action to its head.

use rustc_hash::FxHashMap;

use super::super::declare::{Declare, Typed, twice};
use super::{Actions, Clauses, Owner, collect, effects, entity, inputs, via, words};
use crate::bytecode::{ActionHead, Effects, Input};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast;

/// The head of an action, and what it declares to do; nothing where its entity isn't there.
pub(super) fn head(action: &ast::Action, actions: &Actions, declare: &mut Declare) -> Option<(ActionHead, Effects)> {
    let on = match &action.entity {
        Some(name) => Some(entity(name, declare)?),
        None => None,
    };
    let clauses = collect(Owner::Action, &action.clauses, declare);
    let inputs = inputs::list(on, &clauses, false, declare);
    let outputs = outputs(&clauses, &inputs, declare);
    let rollback = clauses.rollback.and_then(|(name, _)| words::rollback(name, declare)).unwrap_or(true);
    let via = via::read(&clauses, declare);
    let effects = effects::read(Owner::Action, on, &clauses, actions, declare);
    report_mixture(action, &clauses, declare);
    let head = ActionHead { name: action.name.text.clone(), entity: on, inputs, outputs, rollback, via };
    Some((head, effects))
}

/// Code in two places, or effects of code that is in the statements.
fn report_mixture(action: &ast::Action, clauses: &Clauses, declare: &mut Declare) {
    let Some((_, via)) = clauses.via else {
        let declared = clauses.unknown.map(|(_, span)| span).or_else(|| clauses.effects.first().map(|(word, _)| word.span));
        if let Some(span) = declared {
            declare.report(
                Diagnostic::new(Code::E0340, span, "an action with statements has no clause about its effects")
                    .help("what it reads and writes is worked out from its statements; only code that `via` names declares it"),
            );
        }
        return;
    };
    if let Some(first) = action.body.statements.first() {
        declare.report(
            Diagnostic::new(Code::E0343, first.span, format!("the action `{}` has statements and a `via`", action.name.text))
                .also(via, "its code is elsewhere")
                .help("keep one of the two"),
        );
    }
    if let Some((name, span)) = clauses.rollback.filter(|(name, _)| name.text == "off") {
        let problem = Diagnostic::new(Code::E0340, name.span, "code outside the language has no steps that could commit alone");
        declare.report(problem.help("leave `rollback off` out").fix(span, ""));
    }
}

fn outputs(clauses: &Clauses, inputs: &[Input], declare: &mut Declare) -> Vec<Input> {
    let mut outputs = Vec::with_capacity(clauses.outputs.len());
    let mut seen: FxHashMap<&str, &ast::Name> = FxHashMap::default();
    for field in &clauses.outputs {
        if let Some(first) = seen.insert(&field.name.text, &field.name) {
            declare.report(twice("output", &field.name, first));
            continue;
        }
        if inputs.iter().any(|input| input.name == field.name.text) {
            declare.report(
                Diagnostic::new(Code::E0344, field.name.span, format!("`{}` is an input already", field.name.text))
                    .help("a name that means two things would make both hard to tell apart: give it another"),
            );
        }
        outputs.extend(output(field, declare));
    }
    outputs
}

fn output(field: &ast::Field, declare: &mut Declare) -> Option<Input> {
    if let Some(modifier) = field.modifiers.first() {
        declare.report(
            Diagnostic::new(Code::E0344, modifier.span, format!("an output can't be `{}`", modifier.text))
                .help("an output that nothing sets is empty; take the word away")
                .fix(modifier.span, ""),
        );
    }
    if let Some(default) = &field.default {
        let help = format!("set it at the start: `set output {} = …`", field.name.text);
        declare.report(Diagnostic::new(Code::E0344, default.span, "an output has no default").help(help));
    }
    let Some(Typed { ty, range, max_length }) = declare.input_type(&field.ty) else {
        declare.broken.insert(field.name.text.clone());
        return None;
    };
    Some(Input { name: field.name.text.clone(), ty, range, max_length, required: false })
}
