//! What the command writes, for people and for programs, and how it ends.

use std::fs;
use std::process::Command;

use insta::assert_snapshot;
use weir::pipeline::order::Ask;
use weir::project::Project;

const ACCOUNTS: &str = r#"entity account {
  name     text(100) required
  revenue  money
  size     integer
  reviews  integer
  parent   lookup account
  on delete of parent: cascade
}

entity review {
  title  text(100)
  about  lookup account required
}

plugin Bureau on account {
  trigger update(revenue)
  stage   pre-operation
  rank    5
  reads   revenue
  sets    size
  via     host
}

flow Grow on account {
  trigger create, update(name)
  stage   pre-operation
  rank    5
  when    revenue > 3_000 and
          name contains "//Ltd"    // a comment

  set size = 3
}

flow OnSize on account {
  trigger update(size)
  rank    2

  create review { title = name, about = this }
  start Mark on this
  start Later on this
}

flow Sweep on account {
  trigger update(revenue, name) at post-operation
  run as  owner
  scope   user

  for each review r where about == this {
    update r { title = "swept" }
    delete r
  }
}

flow Mark on account {
  trigger child
  set reviews = 1
}

flow Later on account {
  mode    background
  trigger child, update(size)
  log "later"
}

flow Count on review {
  trigger create, update(title)
  allow cycle
  update about { reviews = 4, ownerid = about.ownerid }
  perform Approve() on this
}

action Approve on review {
  set title = "approved"
}

plugin Watch on review {
  trigger perform(Approve) at pre-validation
  via     host
}

flow Gone on account {
  trigger delete
  log "gone"
}

flow Tried on account {
  draft
  trigger update(name)
  log "tried"
}
"#;

/// What the command writes about the accounts, and how it ends.
fn told(arguments: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("accounts.flow"), ACCOUNTS).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    let output = command.arg("order").args(arguments.split(' ')).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(arguments.contains("json") || text.lines().all(|line| line.chars().count() <= 100), "{text}");
    format!("$ weir order {arguments}\n{text}--- exit code {}\n", output.status.code().unwrap())
}

#[test]
fn for_people() {
    let asked = [
        ". account Update --fields revenue,name",
        "accounts.flow account update",
        ". account Upsert --fields size",
        ". account Delete",
        ". account Assign",
        ". account SetState",
        ". review CreateMultiple",
        ". review Approve",
        ". account Mark",
        ". note Create",
    ];
    assert_snapshot!(asked.map(told).join("\n"));
}

#[test]
fn for_programs() {
    let text = told(". account Update --fields name --format json");
    let object: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_snapshot!(serde_json::to_string_pretty(&object).unwrap());
}

#[test]
fn what_is_not_there_is_told_with_what_may_be_meant() {
    let asked = [
        ". acount Update",
        ". account Updat",
        ". account Updaet --format json",
        ". account Update --fields revenu",
        ". account Update --fields createdon",
        ". account Delete --fields name",
        ". account Assign --fields ownerid",
        ". businessunit Assign",
        ". account Approve",
        ". account OnSize",
        ". account Later",
        ". - Create",
        ". - Approve",
        "nowhere account Create",
    ];
    assert_snapshot!(asked.map(told).join(""));
}

#[test]
fn hundreds_of_flows_that_set_each_other_off_are_listed_once_each() {
    let count = 300;
    let mut text = String::from("entity thing {\n");
    (0..count).for_each(|index| text += &format!("  f{index} integer\n"));
    text += "}\n";
    for index in 0..count {
        let writes: String = (0..count).step_by(30).map(|other| format!("  set f{} = 1\n", (index + other) % count)).collect();
        text += &format!("flow F{index} on thing {{\n  trigger update(f{index})\n  allow cycle\n{writes}  start C{index} on this\n}}\n");
        let next = if index + 1 < count { format!("  start C{} on this\n", index + 1) } else { String::new() };
        text += &format!("flow C{index} on thing {{\n  trigger child\n  allow cycle\n  set f{index} = 2\n{next}}}\n");
    }
    let compiled = Project::from_text("many.flow", text).compile().unwrap();
    let ask = |message: &str| Ask { entity: "thing".into(), message: message.into(), fields: None };
    let order = compiled.order(&ask("Update")).unwrap();
    assert!(order.complete && order.events.len() <= count + 3, "{} events", order.events.len());
    assert_eq!((order.bounds.depth, order.bounds.operations.is_some()), (8, true));
    let shown = weir::exchange::order_text(&order, 100);
    assert!(shown.lines().count() < 20_000, "{} lines", shown.lines().count());
    assert!(serde_json::to_string(&order).unwrap().len() < 8_000_000);
}
