//! What a newcomer meets first, through the real binary: a new project, pages in a browser, completions, manual pages.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn weir(folder: &TempDir, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments.split(' ')).current_dir(folder.path()).env("NO_COLOR", "1").output().unwrap()
}

fn told(output: &Output) -> (String, i32) {
    (String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap(), output.status.code().unwrap())
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_project_checks_tests_and_runs_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (text, code) = told(&weir(&folder, "new shop"));
    assert!(text.starts_with("shop is there:\n") && text.contains("  weir test shop ") && code == 0, "{text}");
    assert_eq!(files(&folder.path().join("shop")), ["orders.csv", "orders.flow", "tests.flow", "weir.toml"]);
    assert_eq!(told(&weir(&folder, "check shop")), ("no problems in 2 files\n".to_owned(), 0));
    assert_eq!(told(&weir(&folder, "fmt shop --check")).1, 0, "it is laid out");
    let (text, code) = told(&weir(&folder, "test shop"));
    assert!(text.ends_with("3 passed, 0 failed\n") && code == 0, "{text}");
    let (text, code) = told(&weir(&folder, "run shop"));
    assert!(text.contains("Order A-1 has a negative total.") && code == 3, "{text}");
    let (text, code) = told(&weir(&folder, "run shop --ops shop/orders.csv --entity order"));
    assert!(
        text.contains("shop/orders.csv:3: stopped by NoNegativeTotals") && text.contains("2 committed, 1 stopped") && code == 3,
        "{text}"
    );
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(told(&weir(&folder, "new empty")).1, 0);
    let before = fs::read_to_string(folder.path().join("empty/orders.flow")).unwrap();
    fs::write(folder.path().join("empty/orders.flow"), before.clone() + "// mine\n").unwrap();
    let (text, code) = told(&weir(&folder, "new empty"));
    assert!(text.contains("`empty` isn't empty") && code == 2, "{text}");
    assert!(fs::read_to_string(folder.path().join("empty/orders.flow")).unwrap().ends_with("// mine\n"));
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(told(&weir(&folder, "new file")).1, 4);
    assert_eq!(told(&weir(&folder, "new")).1, 2);
}

#[test]
fn shells_complete_commands_and_options() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, sign) in [
        ("bash", "complete -F _weir"),
        ("zsh", "#compdef weir"),
        ("fish", "complete -c weir"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let (text, code) = told(&weir(&folder, &format!("completions {shell}")));
        assert!(text.contains(sign) && text.contains("stop-on-error") && code == 0, "{shell}: {text}");
    }
    assert_eq!(told(&weir(&folder, "completions tcl")).1, 2);
    // The shell itself completes with it.
    let script = "source /dev/stdin; COMP_WORDS=(weir run --res); COMP_CWORD=2; _weir weir --res run; echo \"${COMPREPLY[@]}\"";
    let text = weir(&folder, "completions bash").stdout;
    fs::write(folder.path().join("weir.bash"), text).unwrap();
    let bash = Command::new("bash").args(["-c", &script.replace("/dev/stdin", "./weir.bash")]).current_dir(folder.path()).output();
    if let Ok(bash) = bash {
        assert_eq!(String::from_utf8_lossy(&bash.stdout).trim(), "--resume");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let (text, code) = told(&weir(&folder, "man"));
    assert!(text.contains(".TH weir 1") && text.contains("weir\\-run(1)") && code == 0, "{text}");
    let (text, _) = told(&weir(&folder, "man run"));
    assert!(text.contains("\\-\\-stop\\-on\\-error"), "{text}");
    assert_eq!(told(&weir(&folder, "man nothing")).1, 2);
    assert_eq!(told(&weir(&folder, "man -o pages")).1, 0);
    let pages = files(&folder.path().join("pages"));
    assert!(["weir.1", "weir-check.1", "weir-run.1", "weir-doc.1"].iter().all(|page| pages.iter().any(|name| name == page)), "{pages:?}");
}

const SHOP: &str = r#"//! Rules of a shop. <script>alert("file")</script>

/// Who buys. <script>alert(1)</script> & `code < more`
entity customer {
  /// As on the door.
  name "Name <b>bold</b>" text(100) required
  orders integer = 0
}

entity order {
  number text(20) required
  customer lookup customer required
  parent lookup order
  size choice Size
  note text(50) = "</pre><img src=x>"
  on delete of customer: cascade
}

choice Size { small = 1 "Small", large = 2 "Large" }

/// Counts what a customer has ordered.
flow Count on order {
  trigger create
  update customer { orders = (customer.orders ?? 0) + 1 }
}

flow Check on order {
  trigger create, update(number)
  stage pre-operation
  rank -5
  when number == "<i>"
  set note = "</code><script>alert(2)</script>"
}
"#;

#[test]
fn pages_tell_fields_flows_and_their_order() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("shop.flow"), SHOP).unwrap();
    let (text, code) = told(&weir(&folder, "doc shop.flow -o pages"));
    assert_eq!((text.as_str(), code), ("3 pages written: open pages/index.html\n", 0));
    let read = |name: &str| fs::read_to_string(folder.path().join("pages").join(name)).unwrap();
    let (index, customer, order) = (read("index.html"), read("entities/customer.html"), read("entities/order.html"));
    assert!(index.contains("<svg") && index.contains("<title>order.customer → customer</title>"), "{index}");
    assert!(index.contains("href=\"entities/order.html#Count\"") && index.contains("id=\"choice-Size\""), "{index}");
    assert!(customer.contains("Who buys.") && customer.contains("As on the door.") && customer.contains("<code>code &lt; more</code>"));
    assert!(customer.contains("<a href=\"order.html#Count\">Count</a>"), "who writes `orders`: {customer}");
    assert!(customer.contains("referred to by <a href=\"order.html\">order</a>"), "{customer}");
    let place = |text: &str| order.find(text).unwrap_or_else(|| panic!("{text} in {order}"));
    let create = place("<h3>Create</h3>");
    assert!(create < place("20 pre-operation") && place("20 pre-operation") < place("30 core operation: the record is created"));
    assert!(place("30 core operation: the record is created") < place("40 post-operation"), "{order}");
    assert!(order.contains("Counts what a customer has ordered.") && order.contains("on delete of customer: cascade"));
    // Nothing of the project is taken for a tag, and nothing comes from elsewhere.
    for page in [&index, &customer, &order] {
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<i>") && !page.contains("<b>bold"), "{page}");
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("src=\""), "{page}");
        assert!(page.contains("prefers-color-scheme: dark") && page.contains("<meta charset=\"utf-8\">"));
    }
    // Every link leads somewhere.
    for (page, dir) in [(&index, ""), (&customer, "entities/"), (&order, "entities/")] {
        for link in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.to_string() } else { read(&format!("{dir}{file}")) };
            assert!(anchor.is_empty() || target.contains(&format!("id=\"{anchor}\"")), "{link}");
        }
    }
}

#[test]
fn pages_need_a_sound_project_and_a_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.flow"), "entity a { b nothing }\n").unwrap();
    assert_eq!(told(&weir(&folder, "doc bad.flow -o pages")).1, 1);
    assert!(!folder.path().join("pages").exists());
    fs::write(folder.path().join("good.flow"), "entity a { b text(9) }\n").unwrap();
    assert_eq!(told(&weir(&folder, "doc good.flow -o good.flow/x")).1, 4);
}
