//! From the typed IR to bytecode. What the checker promises (see `check::ir`) is relied on; the one thing that can still
//! be said about a checked flow is that it is too large to be counted in 16 bits.
//!
//! `body.rs` has the statements, `value.rs` and `condition.rs` the expressions, `builder.rs` what they are made into.

mod body;
mod builder;
mod condition;
mod queries;
mod value;
mod wait;

use crate::bytecode::{self, ActionCode, Code, FlowCode, Program, VerifyError};
use crate::check::Checked;
use crate::check::ir::{Action, Expr, Fake, Flow, Local, Stmt};
use crate::diagnostic::{self, Diagnostic};
use crate::schema::Schema;
use crate::source::Span;

/// Compiles the flows of a project that was checked without errors.
pub fn program(checked: &Checked) -> Result<Program, Diagnostic> {
    let mut flows: Vec<&Flow> = checked.flows.iter().collect();
    flows.sort_by(|one, two| one.head.name.cmp(&two.head.name));
    let mut actions = checked.actions.clone();
    actions.sort_by(|one, two| one.head.name.cmp(&two.head.name));
    let mut program = Program::default();
    for flow in &flows {
        let compiled = compile(&checked.schema, &actions, flow);
        program.flows.push(compiled.map_err(|_| too_large(&flow.head.name, flow.span))?);
    }
    for action in &actions {
        let Action { head, span, effects, .. } = action;
        let body = match head.via {
            Some(_) => None,
            None => Some(body::action(&checked.schema, &actions, action).map_err(|_| too_large(&head.name, *span))?),
        };
        program.actions.push(ActionCode { head: head.clone(), span: *span, body, effects: effects.clone() });
    }
    program.plugins.clone_from(&checked.plugins);
    bytecode::verify(&program, &checked.schema).map_err(|error| mistake(&error))?;
    Ok(program)
}

/// Compiles an expression of a test or scenario: its inputs are the `let`s in their order, its exit is its value.
/// One that is too large to compile gives a code without operations, which faults when it is run.
pub fn expression(expr: &Expr, locals: &[Local]) -> Code {
    body::expression(expr, locals).unwrap_or_default()
}

/// Compiles a statement that sees `let`s only; they are its inputs. What is too large to compile faults when it is run.
pub fn statement(statement: &Stmt, locals: &[Local]) -> Code {
    body::statement(statement, locals).unwrap_or_default()
}

/// Compiles what a test puts in the place of code outside the language. What is too large to compile faults when it is run.
pub fn fake(schema: &Schema, fake: &Fake) -> Code {
    let code = match fake {
        Fake::Plugin(flow) => body::flow(schema, &[], flow).map(|(code, _)| code),
        Fake::Action(action) => body::action(schema, &[], action),
    };
    code.unwrap_or_default()
}

fn compile(schema: &Schema, actions: body::Actions<'_>, flow: &Flow) -> Result<FlowCode, builder::TooLarge> {
    let when = flow.when.as_ref().map(|when| body::condition(schema, flow, when)).transpose()?;
    let (body, conditions) = body::flow(schema, actions, flow)?;
    Ok(FlowCode { head: flow.head.clone(), span: flow.span, when, body, conditions, effects: flow.effects.clone() })
}

fn mistake(error: &VerifyError) -> Diagnostic {
    Diagnostic::unplaced(diagnostic::Code::E0806, format!("what was compiled can't be run safely: {error}"))
        .help("this is a mistake of the compiler, not of the flow: please report it")
}

fn too_large(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(diagnostic::Code::E0805, span, format!("`{name}` is too large to be compiled"))
        .help("divide it into flows that it starts as children")
}
