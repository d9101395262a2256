//! Orders as pictures: whatever a project holds, the SVG is well-formed, its texts stand apart and within the page, and the Mermaid
//! text keeps to a small grammar that is a flowchart's.

use std::fs;
use std::process::Command;

use weir::exchange::{order_mermaid, order_svg};
use weir::pipeline::order::{Ask, Order};
use weir::project::Project;

use super::generate::{Dice, project};

/// Texts that mean something in one picture or the other.
const HOSTILE: &str = r##"
entity account { name text(100) size integer }
entity note { text text(10) }
flow Grow on account {
  trigger create, update(name)
  stage   pre-operation
  when    name == "<b>\"]; --> & %% `x` #quot; ]]> </text> 漢字" or name contains "\u{202e}$$1"
  set size = 3
}
flow OnSize on account {
  trigger update(size)
  start Chain on this
  create note { text = name }
}
flow Chain on account { trigger child create note { text = "x" } start Link on this }
flow Link on account { trigger child create note { text = "y" } }
flow On on note { trigger create log "x" }
"##;

#[test]
fn pictures_are_well_formed_and_their_texts_apart() {
    let mut told = 0;
    for seed in 0..40 {
        let text = project(&mut Dice::new(seed), seed % 3 == 0);
        let Ok(compiled) = Project::from_text("generated.flow", text.as_str()).compile() else { continue };
        for (entity, message) in [("thing", "Create"), ("thing", "Update"), ("thing", "Delete"), ("-", "Global"), ("thing", "Child0")] {
            let ask = Ask { entity: entity.into(), message: message.into(), fields: None };
            if let Ok(order) = compiled.order(&ask) {
                hold(&order);
                told += 1;
            }
        }
    }
    assert!(told > 100, "{told} orders");
    let compiled = Project::from_text("hostile.flow", HOSTILE).compile().unwrap();
    for (entity, message) in [("account", "Update"), ("account", "Upsert"), ("note", "Delete"), ("account", "Chain")] {
        hold(&compiled.order(&Ask { entity: entity.into(), message: message.into(), fields: None }).unwrap());
    }
}

fn hold(order: &Order) {
    hold_svg(&order_svg(order));
    hold_mermaid(&order_mermaid(order));
}

fn hold_svg(svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    let number = |node: roxmltree::Node<'_, '_>, name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
    let root = document.root_element();
    let (width, height) = (number(root, "width"), number(root, "height"));
    assert!(width <= 960.0, "wider than a page");
    let texts: Vec<_> = root.descendants().filter(|node| node.has_tag_name("text")).collect();
    assert!(!texts.is_empty());
    // Every line of text has a height of its own, so none can lie on another; and by the widths of wide letters it ends within the page.
    for pair in texts.windows(2) {
        assert!(number(pair[1], "y") - number(pair[0], "y") >= 14.0, "two texts lie on each other\n{svg}");
    }
    for text in &texts {
        let room = 730.0 - number(*text, "x");
        let letters = text.text().unwrap_or("").chars().count() as f64;
        assert!(letters * 12.0 * 0.36 <= room && number(*text, "y") < height, "{:?} runs out\n{svg}", text.text());
    }
    for link in root.descendants().filter(|node| node.has_tag_name("a")) {
        let id = link.attribute("href").unwrap().strip_prefix('#').unwrap();
        assert!(root.descendants().any(|node| node.attribute("id") == Some(id)), "a link to `{id}` leads nowhere");
    }
}

fn hold_mermaid(chart: &str) {
    let mut lines = chart.lines();
    assert_eq!(lines.next(), Some("flowchart TD"));
    let (mut open, mut ids, mut arrows) = (0, Vec::new(), Vec::new());
    let is_id = |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    for line in lines.map(str::trim) {
        let quoted: Vec<&str> = line.split('"').collect();
        match quoted.as_slice() {
            ["end"] => open -= 1,
            ["direction TB"] => assert_eq!(open, 1),
            [chain] => assert!(chain.split(" --> ").all(is_id), "{line}"),
            [before, label, after] => {
                let plain = |letter: char| !"<>`\\%$".contains(letter) && !letter.is_control();
                assert!(label.replace("<br>", "").chars().all(plain), "{line}");
                let (head, mark) = before.split_at(before.find([' ', '[', '(']).unwrap());
                match (mark, *after) {
                    (" -->|", to) => arrows.extend([head.to_owned(), to.trim_start_matches("| ").to_owned()]),
                    (" e", _) | ("[", "]") | ("([", "])") | ("[/", "/]") => ids.push(head.to_owned()),
                    _ => {
                        let id =
                            before.strip_prefix("subgraph ").and_then(|rest| rest.strip_suffix('[')).unwrap_or_else(|| panic!("{line}"));
                        assert!(is_id(id) && *after == "]", "{line}");
                        ids.push(id.to_owned());
                        open += 1;
                    }
                }
            }
            _ => panic!("{line}"),
        }
    }
    assert_eq!(open, 0);
    assert!(arrows.iter().all(|id| ids.contains(id)), "an arrow leads nowhere\n{chart}");
}

#[test]
fn pictures_are_written_to_a_file_or_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.flow"), HOSTILE).unwrap();
    let weir = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        let output = command.args(["order", "a.flow", "account", "Update"]).args(arguments).current_dir(folder.path()).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap(), output.status.code())
    };
    let (svg, words, code) = weir(&["--format", "svg"]);
    assert_eq!((words.as_str(), code), ("", Some(0)));
    hold_svg(&svg);
    assert_eq!(weir(&["--format", "svg", "-o", "order.svg"]), (String::new(), String::new(), Some(0)));
    assert_eq!(fs::read_to_string(folder.path().join("order.svg")).unwrap(), svg);
    let (chart, ..) = weir(&["--format", "mermaid"]);
    hold_mermaid(&chart);
    let (_, words, code) = weir(&["--format", "mermaid", "-o", "nowhere/order.mmd"]);
    assert!(words.starts_with("error: `nowhere/order.mmd` can't be written: "), "{words}");
    assert_eq!(code, Some(4));
}
