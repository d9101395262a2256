//! Running code that is outside the language: the function of a plug-in, or the process or endpoint of a plug-in or action.
//!
//! Whatever it does goes through its [`PluginContext`]; the first thing of it that failed is how it ended, whether it passes that on or not.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::bytecode::{ActionCode, Via};
use crate::diagnostic::Code;
use crate::vm::Interrupt;

use super::context::{Part, PluginContext};
use super::engine::Engine;
use super::external;
use super::fault::{fault, one_line};
use super::plugin::{Handler, Refusal, RefusalKind, Registered, Work};
use super::target::Scene;

/// Runs a plug-in on the record of an operation, or around an action.
pub(super) fn run(engine: &mut Engine, scene: &mut Scene, plugin: &Registered) -> Result<(), Interrupt> {
    let program = Arc::clone(&engine.program);
    let action = scene.action.as_ref().and_then(|action| program.action(action));
    let part = Part {
        name: &plugin.name,
        what: "plug-in",
        global: plugin.global,
        effects: plugin.effects.as_ref(),
        inputs: action.map_or(&[], |action| &action.head.inputs),
        outputs: action.map_or(&[], |action| &action.head.outputs),
    };
    match &plugin.work {
        Work::Rust(handler) => call(engine, scene, part, handler),
        Work::Via(via) => call_via(engine, scene, part, via),
    }
}

/// Runs an action whose code is elsewhere.
pub(super) fn run_action(engine: &mut Engine, scene: &mut Scene, action: &ActionCode, via: &Via) -> Result<(), Interrupt> {
    let ActionCode { head, effects, .. } = action;
    let effects = (!effects.unknown).then_some(effects);
    let global = head.entity.is_none();
    let part = Part { name: &head.name, what: "action", global, effects, inputs: &head.inputs, outputs: &head.outputs };
    call_via(engine, scene, part, via)
}

fn call_via(engine: &mut Engine, scene: &mut Scene, part: Part<'_>, via: &Via) -> Result<(), Interrupt> {
    engine.called_out = true;
    let bound = engine.bound.get(part.name).map(Arc::clone);
    if bound.is_none() && *via != Via::Host {
        let mut context = PluginContext { engine, scene, part, failed: OnceCell::new() };
        let result = external::call(&mut context, via);
        return ended(result, context.failed, part.name);
    }
    let Some(handler) = bound else {
        let what =
            format!("no function is bound to the {} `{}`, which the embedding program does with `Pipeline::bind`", part.what, part.name);
        return Err(fault(Code::F10, what));
    };
    call(engine, scene, part, &handler)
}

fn call(engine: &mut Engine, scene: &mut Scene, part: Part<'_>, handler: &Handler) -> Result<(), Interrupt> {
    engine.called_out = true;
    let began = (engine.settings.stopwatch)();
    let mut context = PluginContext { engine, scene, part, failed: OnceCell::new() };
    let result = catch_unwind(AssertUnwindSafe(|| handler(&mut context)));
    let (took, most) = ((context.engine.settings.stopwatch)().saturating_sub(began), context.engine.settings.limits.time);
    let failed = |what: String| Err(fault(Code::F10, format!("the {} `{}` {what}", part.what, part.name)).into());
    let result = match result {
        // A function can't be ended from outside: what it did is undone once it comes back.
        Ok(_) if took > most => failed(format!("took longer than {} seconds (the limit `plugin_time`)", most.as_secs_f64())),
        Ok(result) => result,
        Err(panic) => failed(format!("panicked: {}", panic_message(&*panic))),
    };
    ended(result, context.failed, part.name)
}

/// The end of code outside: what failed in it before everything else.
fn ended(result: Result<(), Refusal>, failed: OnceCell<Interrupt>, name: &SmolStr) -> Result<(), Interrupt> {
    match (failed.into_inner(), result) {
        (Some(first), _) => Err(first),
        (None, Ok(())) => Ok(()),
        (None, Err(Refusal(RefusalKind::Reason(reason)))) => Err(Interrupt::Stop { flow: name.clone(), reason: one_line(reason) }),
        (None, Err(Refusal(RefusalKind::Passed(interrupt)))) => Err(*interrupt),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
