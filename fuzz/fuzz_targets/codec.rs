//! Any bytes are refused or give a program that is written as it was read and that runs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::project::Compiled;
use weir_fuzz::{run, sealed};

fuzz_target!(|payload: &[u8]| {
    let _ = Compiled::from_bytes(payload);
    let Ok(compiled) = Compiled::from_bytes(&sealed(payload)) else { return };
    let bytes = compiled.to_bytes().expect("it was in a file already");
    let again = Compiled::from_bytes(&bytes).expect("what was written can be read");
    assert_eq!((&again.program, &again.schema), (&compiled.program, &compiled.schema));
    drop(compiled.snapshots());
    run(&compiled);
});
