//! A sound program whose operations were tampered with is refused or runs.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use weir::bytecode::{Op, verify};
use weir::project::Compiled;
use weir_fuzz::{rules, run};

static RULES: LazyLock<Compiled> = LazyLock::new(rules);

/// Where, what is done there, and the bytes of an operation.
type Change = (u8, u8, u8, Vec<u8>);

fuzz_target!(|changes: Vec<Change>| {
    let mut program = (*RULES.program).clone();
    for (flow, at, way, bytes) in changes.iter().take(8) {
        let count = program.flows.len();
        let Some(flow) = program.flows.get_mut(usize::from(*flow) % count) else { return };
        let code = match &mut flow.when {
            Some(when) if way & 0x80 != 0 => when,
            _ => &mut flow.body,
        };
        let at = usize::from(*at) % code.ops.len().max(1);
        match (way % 4, postcard::from_bytes::<Op>(bytes)) {
            (0, Ok(op)) if at < code.ops.len() => code.ops[at] = op,
            (1, Ok(op)) if at < code.ops.len() => {
                code.ops.insert(at, op);
                code.spans.insert(at, code.spans[at]);
            }
            (2, _) if at < code.ops.len() => {
                code.ops.remove(at);
                code.spans.remove(at);
            }
            (3, _) => code.registers = u16::from(bytes.first().copied().unwrap_or_default()),
            _ => {}
        }
    }
    if verify(&program, &RULES.schema).is_ok() {
        run(&Compiled { program: Arc::new(program), ..RULES.clone() });
    }
});
