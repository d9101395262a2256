//! Within a longer transaction an operation that is stopped or ends in a fault gives back the state before it, and the rest goes on:
//! a sequence of operations comes to the same, to the last id, whether each has a transaction of its own or several share one.

use weir::pipeline::{Ending, Happening, Outcome};

use crate::world::{World, differences, everything};
use crate::{Random, seed, sequence, wanted};

/// An outcome without what its trace says of transactions and savepoints, in which the two ways differ.
fn within(mut outcome: Outcome) -> Outcome {
    outcome.trace.retain(|entry| !matches!(entry.what, Happening::Transaction(_)));
    outcome
}

#[test]
fn operations_come_to_the_same_in_one_transaction_and_in_many() {
    let (sequences, length) = (wanted("WEIR_SEQUENCES", 60), 25);
    let (mut ends, mut transactions) = ([0; 3], 0);
    for round in seed()..seed() + sequences {
        let (mut alone, mut together) = (World::new(), World::new());
        let mut random = Random(round);
        let mut open = false;
        for number in 1..=length {
            if !open && random.one_in(3) {
                together.pipeline.begin().unwrap();
                (open, transactions) = (true, transactions + 1);
            }
            let one = within(sequence::play(&mut alone, round, number, &sequence::ACTIONS));
            let other = within(sequence::play(&mut together, round, number, &sequence::ACTIONS));
            assert_eq!(one, other, "seed {round}, operation {number}");
            ends[match one.ending {
                Ending::Committed => 0,
                Ending::Stopped { .. } => 1,
                Ending::Fault(_) => 2,
            }] += 1;
            if open && (number == length || random.one_in(6)) {
                together.pipeline.commit().unwrap();
                open = false;
            }
        }
        // The log too: what was stopped within a transaction is told as part of it.
        let (one, other) = (everything(&mut alone.pipeline), everything(&mut together.pipeline));
        assert!(one == other, "seed {round}:\n{}", differences(&one, &other));
    }
    println!(
        "{sequences} sequences, {transactions} longer transactions: {} operations committed, {} stopped, {} faults",
        ends[0], ends[1], ends[2]
    );
    assert!(ends.iter().all(|count| *count as u64 > sequences), "{ends:?}");
}
