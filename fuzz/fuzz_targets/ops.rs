//! Operations from outside: any line and any table is read to its end, and what can be read can be done.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weir::exchange::{Format, Reader, told};
use weir::pipeline::{Message, Settings};
use weir::project::Compiled;
use weir_fuzz::rules;

static RULES: LazyLock<Compiled> = LazyLock::new(rules);

fuzz_target!(|data: (u8, &[u8])| {
    let (way, text) = data;
    let csv = |message| Format::Csv { entity: "account".into(), message };
    let format = match way % 4 {
        0 => csv(Message::Create),
        1 => csv(Message::Update),
        _ => Format::JsonLines,
    };
    let Ok((reader, _)) = Reader::new(text, &format, &RULES.schema, &RULES.program) else { return };
    let mut pipeline = RULES.open("sqlite::memory:", Settings::fixed()).expect("a store in memory");
    for (line, request) in reader.take(50).enumerate() {
        match request {
            Ok(request) => drop(told(line as u64, &pipeline.execute(request.operation, None), None)),
            Err(problem) => drop(problem.at("fuzz")),
        }
    }
});
