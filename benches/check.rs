//! `check` of a generated project of 1 MB beside pest's own time for that text: the same grammar, pairs only, no tree.

#![expect(missing_docs, clippy::indexing_slicing, reason = "pest makes the rules; a bench ends at the first failure")]

#[expect(dead_code, reason = "not every bench uses all of it")]
mod support;

use std::fmt::Write;

use pest::Parser;
use support::{compare, target, timed};
use weir::project::Project;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/flow.pest"]
struct Grammar;

/// A project with so many bytes at least: an entity and three flows, again and again.
fn project(bytes: usize) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < bytes {
        number += 1;
        let _ = write!(text, "{}", PART.replace('@', &number.to_string()));
    }
    text
}

const PART: &str = r#"
/// A customer company, number @.
entity account@ "Account @" {
  name        text(160) required
  revenue     money
  creditlimit money(2) = 1_000
  onhold      boolean = false
  industry    choice { banking = 1 "Banking", retail = 2, other = 9 }
  parent      lookup account@
  reviewedon  datetime
}

/// Puts a bank on hold when its exposure outgrows the limit.
flow CreditHold@ on account@ {
  trigger  create, update(revenue, creditlimit)
  stage    pre-operation
  rank     @

  let exposure = (revenue ?? 0) - (creditlimit ?? 0)
  if exposure > 5_000_000 {
    stop "Exposure {exposure} of {name} is over the limit."
  } else if exposure > 1_000_000 and industry == banking {
    set onhold = true, reviewedon = now
  } else if parent is not empty and (parent.revenue > 10_000 or not (parent.onhold == true)) {
    log "The parent {parent.name} carries it."
  }
}

flow Complete@ on account@ {
  trigger  create
  stage    pre-operation
  when     industry is empty or name starts with "A"

  match industry {
    banking => { set creditlimit = 5_000 }
    retail, other => { set creditlimit += 250.75 }
    empty => { set industry = other, creditlimit = 1.5 * 2 }
  }
}

flow Tell@ on account@ {
  trigger  update(onhold) at post-operation

  step "Tell the parent" {
    if changed(onhold) and parent is not empty {
      update parent { reviewedon = now + 3 days, revenue = (parent.revenue ?? 0) * 2 }
    }
  }
}
"#;

fn main() {
    let text = project(1_000_000);
    assert!(!Project::from_text("big.flow", text.as_str()).has_errors(), "the generated project is well-typed");
    let medians = compare(
        "check of a project, for each byte",
        text.len(),
        9,
        vec![
            timed("pest alone, pairs only", || {
                let pairs = Grammar::parse(Rule::file_entry, &text);
                assert!(pairs.is_ok());
            }),
            timed("weir check", || assert!(!Project::from_text("big.flow", text.as_str()).has_errors())),
        ],
    );
    target("check against pest", medians[1] / medians[0], 2.0, true);
}
