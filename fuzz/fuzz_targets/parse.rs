//! Any text is checked to its end, and what has no error compiles and is verified.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::project::Project;

fuzz_target!(|text: &[u8]| {
    let project = Project::from_text("fuzz.flow", text);
    if project.has_errors() {
        return;
    }
    match project.compile() {
        Ok(compiled) => drop(compiled.snapshots()),
        Err(errors) => assert!(errors.0.iter().all(|error| error.code.name() == "E0805"), "{errors}"),
    }
});
