//! Whatever a generated project does, its record replays to the last bit; with other flows, and with bytes that somebody changed, a replay says so
//! and never fails in another way.

use std::io::Write;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use weir::exchange::{Difference, difference_lines};
use weir::pipeline::{Outcome, Settings};
use weir::project::record::Record;
use weir::project::{Compiled, Project};

use super::generate::{Dice, project};
use super::{bind, operation};

/// A file in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn compiled(seed: u64, more: &str) -> Option<Compiled> {
    let text = project(&mut Dice::new(seed), seed.is_multiple_of(3));
    Project::from_text("generated.flow", format!("{text}{more}")).compile().ok()
}

/// A run that was recorded: its bytes, and what became of its operations.
fn recorded(compiled: &Compiled, seed: u64) -> (Vec<u8>, Vec<Outcome>) {
    let (memory, mut ticks) = (Memory::default(), 0);
    let stopwatch = Box::new(move || {
        ticks += 7;
        std::time::Duration::from_micros(ticks)
    });
    let settings = Settings { max_instructions: 6_000, stopwatch, ..Settings::fixed() };
    let (mut pipeline, recorder) = compiled.open_recorded("sqlite::memory:", settings, memory.clone()).unwrap();
    bind(&mut pipeline, compiled, seed);
    let (mut dice, mut outcomes, mut longer) = (Dice::new(seed + 77), Vec::new(), false);
    for _ in 0..14 {
        if dice.often(1, 4) {
            match longer {
                false => pipeline.begin().unwrap(),
                true if dice.often(1, 2) => pipeline.rollback().unwrap(),
                true => drop(pipeline.commit()),
            }
            longer = !longer;
        }
        if let Some((_, operation)) = operation(&mut pipeline, &mut dice) {
            outcomes.push(pipeline.execute(operation, None));
        }
    }
    assert_eq!(recorder.finish().unwrap(), outcomes.len() as u64);
    let bytes = memory.0.lock().unwrap().clone();
    (bytes, outcomes)
}

#[test]
fn every_operation_replays_to_the_last_bit() {
    let (mut operations, mut nested, mut failed) = (0, 0, 0);
    for seed in 0..40 {
        let Some(compiled) = compiled(seed, "") else { continue };
        let (bytes, outcomes) = recorded(&compiled, seed);
        let mut record = Record::open(bytes.as_slice()).unwrap();
        let mut player = record.player().unwrap();
        bind(player.pipeline(), &compiled, seed);
        for (index, outcome) in outcomes.iter().enumerate() {
            let taken = record.next_operation().unwrap().unwrap();
            let played = player.play(&taken);
            let told = || format!("seed {seed}, operation {}: {:?}\n{outcome:#?}\n{:#?}", index + 1, taken.operation, played.outcome);
            assert_eq!(taken.number, index as u64 + 1);
            assert_eq!(&played.outcome, outcome, "{}", told());
            assert!(played.same, "{}", told());
            operations += 1;
            nested += usize::from(outcome.depth > 1);
            failed += usize::from(outcome.ending != weir::pipeline::Ending::Committed);
        }
        assert!(record.next_operation().is_none());
    }
    assert!(operations > 200 && nested > 50 && failed > 20, "{operations} operations, {nested} nested, {failed} failed");
}

#[test]
fn the_same_flows_in_another_text_differ_in_nothing_and_others_are_told() {
    let (mut different, mut unknown) = (0, 0);
    for seed in 0..24 {
        let (Some(before), Some(same)) =
            (compiled(seed, ""), compiled(seed, "\n// a remark\nflow Draft on part { draft trigger create log \"x\" }\n"))
        else {
            continue;
        };
        let (bytes, _) = recorded(&before, seed);
        let others = (0..40).filter(|other| *other != seed).filter_map(|other| compiled(other, "")).take(3);
        for (index, flows) in std::iter::once(same).chain(others).enumerate() {
            let mut record = Record::open(bytes.as_slice()).unwrap();
            let flows = flows.onto(&record.compiled.schema).unwrap();
            let (mut player, mut changed) = (record.player().unwrap(), record.player_of(&flows).unwrap());
            bind(player.pipeline(), &before, seed);
            bind(changed.pipeline(), &flows, seed);
            while let Some(taken) = record.next_operation() {
                let taken = taken.unwrap();
                let (was, now) = (player.play(&taken), changed.play(&taken));
                assert!(was.same, "seed {seed}");
                let difference = Difference::between((&was, &before), (&now, &flows));
                let lines = difference_lines(&difference, 100);
                assert_eq!(difference.is_none(), lines.is_empty(), "{difference:#?}");
                assert!(index > 0 || difference.is_none(), "seed {seed}: {difference:#?}");
                different += usize::from(!difference.is_none());
                unknown += usize::from(difference.unrecorded.is_some());
            }
        }
    }
    assert!(different > 100 && unknown > 10 && unknown < different, "{different} different, {unknown} unknown");
}

/// Reads a record and replays what can be read; how many operations that was, and whether the end was reached.
fn survives(bytes: &[u8], compiled: &Compiled, seed: u64) -> (usize, bool) {
    let Ok(mut record) = Record::open(bytes) else { return (0, false) };
    let Ok(mut player) = record.player() else { return (0, false) };
    if record.compiled.program == compiled.program {
        bind(player.pipeline(), compiled, seed);
    }
    let mut count = 0;
    while let Some(taken) = record.next_operation() {
        let Ok(taken) = taken else { return (count, false) };
        player.play(&taken);
        count += 1;
    }
    (count, true)
}

#[test]
fn damaged_and_hostile_records_are_refused_or_replayed() {
    let seed = 3;
    let compiled = (seed..).find_map(|seed| compiled(seed, "")).unwrap();
    let (bytes, outcomes) = recorded(&compiled, seed);
    let mut dice = Dice::new(5);
    for _ in 0..150 {
        // A bit that fell over, or an end that is missing: what is told is no more than what was.
        let mut damaged = bytes.clone();
        let at = dice.below(bytes.len());
        if dice.often(1, 3) {
            damaged.truncate(at);
        } else {
            damaged[at] ^= 1 << dice.below(8);
        }
        let (count, whole) = survives(&damaged, &compiled, seed);
        assert!(count <= outcomes.len() && (!whole || count < outcomes.len()), "damage at {at} isn't seen");
    }
    // Somebody who knows how checksums are made.
    for _ in 0..150 {
        let (mut hostile, mut rest, mut number) = (bytes[..13].to_vec(), &bytes[13..], 0_u64);
        while !rest.is_empty() {
            let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
            let mut contents = rest[12..12 + length].to_vec();
            if number > 0 && dice.often(1, 20) {
                let at = dice.below(contents.len());
                contents[at] = dice.below(256) as u8;
            }
            let sum = Sha256::new().chain_update(number.to_le_bytes()).chain_update(&contents).finalize();
            hostile.extend((contents.len() as u32).to_le_bytes());
            hostile.extend(&sum[..8]);
            hostile.extend(&contents);
            rest = &rest[12 + length..];
            number += 1;
        }
        survives(&hostile, &compiled, seed);
    }
}
