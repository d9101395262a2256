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

/// The names of the commands that a help lists.
fn commands(folder: &TempDir, of: &str) -> Vec<String> {
    let (help, _) = told(&weir(folder, format!("{of} --help").trim()));
    let Some((_, listed)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = listed.lines().take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let names = commands(&folder, "");
    assert!(names.len() >= 20 && names.iter().any(|name| name == "doc"), "{names:?}");
    assert_eq!(told(&weir(&folder, "man -o pages")).1, 0);
    let mut expected = vec!["weir.1".to_owned()];
    for name in &names {
        let (text, code) = told(&weir(&folder, &format!("man {name}")));
        assert!(text.contains(&format!(".TH weir-{name} 1")) && code == 0, "{text}");
        assert_eq!(text, fs::read_to_string(folder.path().join(format!("pages/weir-{name}.1"))).unwrap(), "the same page in both ways");
        expected.push(format!("weir-{name}.1"));
        expected.extend(commands(&folder, name).iter().map(|below| format!("weir-{name}-{below}.1")));
    }
    expected.sort();
    assert_eq!(files(&folder.path().join("pages")), expected);
    let (text, code) = told(&weir(&folder, "man"));
    assert!(text.contains(".TH weir 1") && text.contains("weir\\-run(1)") && code == 0, "{text}");
    assert_eq!(told(&weir(&folder, "man nothing")).1, 2);
}

#[test]
fn manual_pages_tell_options_exit_codes_and_environment() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(told(&weir(&folder, "man -o pages")).1, 0);
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md")).unwrap();
    let (_, table) = docs.split_once("## Exit codes\n\n| code | |\n|---|---|\n").unwrap();
    let codes: Vec<(&str, &str)> = table.lines().map_while(|row| row.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")).collect();
    assert_eq!(codes.len(), 6, "the pages of the documentation and of the manual have one table");
    for name in files(&folder.path().join("pages")) {
        let page = fs::read_to_string(folder.path().join("pages").join(&name)).unwrap().replace("\\-", "-");
        let (_, exits) = page.split_once(".SH \"EXIT STATUS\"").unwrap_or_else(|| panic!("{name}: {page}"));
        for (code, words) in &codes {
            assert!(exits.contains(&format!(".TP\n\\fB{code}\\fR\n{words}\n")), "{name} has {code}: {exits}");
        }
        let (_, environment) = exits.split_once(".SH ENVIRONMENT").unwrap();
        assert!(["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"].iter().all(|name| environment.contains(name)), "{name}: {environment}");
        let command = name.trim_start_matches("weir").trim_end_matches(".1").replace('-', " ");
        let twins = told(&weir(&folder, format!("{command} --help").trim())).0.matches("[env:").count();
        assert_eq!(environment.matches("\\fBWEIR_").count(), twins, "{name}: {page}");
    }
    let run = told(&weir(&folder, "man run")).0.replace("\\-", "-");
    assert!(run.contains("--stop-on-error") && run.contains("\\fBWEIR_STORE\\fR\nwhat stands in for --store"), "{run}");
    // Whoever formats pages finds nothing wrong with it.
    if let Ok(checked) = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z", "pages/weir-run.1"]).current_dir(folder.path()).output()
    {
        assert_eq!(String::from_utf8_lossy(&checked.stderr), "");
    }
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
    links_lead_somewhere(&folder.path().join("pages"));
}

/// Every link of every page leads to a page that is there, and to something in it. Gives the pages.
fn links_lead_somewhere(site: &Path) -> Vec<(String, String)> {
    let below = files(&site.join("entities")).into_iter().map(|name| format!("entities/{name}"));
    let names = std::iter::once("index.html".to_owned()).chain(below);
    let pages: Vec<(String, String)> = names.map(|name| (name.clone(), fs::read_to_string(site.join(&name)).unwrap())).collect();
    for (name, page) in &pages {
        let dir = Path::new(name).parent().unwrap();
        for link in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { Ok(page.clone()) } else { fs::read_to_string(site.join(dir).join(file)) };
            let target = target.unwrap_or_else(|error| panic!("{link} on {name}: {error}"));
            assert!(anchor.is_empty() || target.contains(&format!("id=\"{anchor}\"")), "{link} on {name}");
        }
    }
    pages
}

/// The built-in entities that a project has to do with, things that lead nowhere, and a flow of each kind that another names.
const OFFICE: &str = r#"
entity visit {
  title text(100) required
  host lookup systemuser
}

flow Remind on visit {
  trigger create
  create task { subject = "Prepare {title}", regarding = this }
  start Polish on this
}

flow Polish on visit {
  trigger child
  log "polished"
}

flow Echo on task {
  trigger create
  when subject != "echo"
  perform Greet
}

action Greet {
  log "hello"
}

plugin Bell on email {
  trigger create
  via host
}
"#;

#[test]
fn built_in_entities_have_pages_where_a_project_has_to_do_with_them() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("office.flow"), OFFICE).unwrap();
    let (text, code) = told(&weir(&folder, "doc office.flow -o pages"));
    assert_eq!((text.as_str(), code), ("5 pages written: open pages/index.html\n", 0));
    assert_eq!(files(&folder.path().join("pages/entities")), ["email.html", "systemuser.html", "task.html", "visit.html"]);
    let pages = links_lead_somewhere(&folder.path().join("pages"));
    let page = |name: &str| pages.iter().find(|(own, _)| own.ends_with(name)).map(|(_, page)| page.as_str()).unwrap();
    assert!(page("index.html").contains("<a href=\"entities/task.html\">task</a><span class=\"badge\">built in</span>"));
    assert!(page("index.html").contains("<a href=\"entities/task.html#Echo\">Echo</a>"));
    let task = page("task.html");
    assert!(task.contains("id=\"Echo\"") && task.contains("Something that somebody has to do."), "{task}");
    assert!(task.contains("<a href=\"visit.html#Remind\">Remind</a>"), "who writes its subject: {task}");
    assert!(task.contains("<a href=\"../index.html#Greet\">Greet</a>"), "what its flow performs: {task}");
    let visit = page("visit.html");
    assert!(visit.contains("<a href=\"task.html\">task</a>") && visit.contains("<a href=\"visit.html#Polish\">Polish</a>"), "{visit}");
    assert!(visit.contains("<title>visit.host → systemuser</title>"), "its diagram: {visit}");
}

/// Lookups past columns, from and to the same places, in a circle and to itself.
const NETWORK: &str = r#"
entity region { name text(9) }
entity territory { region lookup region }
entity employee { chief lookup employee, home lookup region }
entity post { employee lookup employee, territory lookup territory, region lookup region }
entity report { post lookup post, employee lookup employee, region lookup region, territory lookup territory }
entity review { report lookup report, region lookup region, employee lookup employee }
entity one { two lookup two }
entity two { three lookup three }
entity three { one lookup one, region lookup region }
entity alone { name text(9) }
"#;

#[test]
fn no_arrow_of_a_diagram_lies_on_a_box() {
    let folder = tempfile::tempdir().unwrap();
    let text = NETWORK.replace(", ", "\n").replace("{ ", "{\n").replace(" }", "\n}");
    fs::write(folder.path().join("net.flow"), text).unwrap();
    assert_eq!(told(&weir(&folder, "doc net.flow -o pages")).1, 0);
    for (name, page) in links_lead_somewhere(&folder.path().join("pages")) {
        let arrows = page.matches("marker-end=").count();
        match name.as_str() {
            "index.html" => assert_eq!(arrows, 17, "each lookup once"),
            "entities/alone.html" => assert_eq!(arrows, 0, "it has to do with nothing"),
            _ => assert!(arrows > 0, "{name}"),
        }
        let boxes: Vec<[f64; 4]> =
            page.split("<rect class=\"box\"").skip(1).map(|rect| ["x", "y", "width", "height"].map(|of| number(rect, of))).collect();
        for (place, one) in boxes.iter().enumerate() {
            let apart =
                |other: &[f64; 4]| (0..2).any(|axis| one[axis] + one[axis + 2] < other[axis] || other[axis] + other[axis + 2] < one[axis]);
            assert!(boxes.iter().skip(place + 1).all(apart), "{name}: boxes lie on one another");
        }
        for path in page.split("<path d=\"M").skip(1).filter(|rest| rest.contains("marker-end")) {
            let title = path.split("<title>").nth(1).unwrap().split('<').next().unwrap();
            for (x, y) in points(path.split('"').next().unwrap()) {
                let on = |[left, top, width, height]: &[f64; 4]| {
                    x > left + 1.0 && x < left + width - 1.0 && y > top + 1.0 && y < top + height - 1.0
                };
                assert!(!boxes.iter().any(on), "{name}: the arrow {title} lies on a box at {x}, {y}");
            }
        }
    }
}

fn number(tag: &str, attribute: &str) -> f64 {
    let (_, rest) = tag.split_once(&format!(" {attribute}=\"")).unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

/// Points on a path of curves and horizontal lines.
fn points(path: &str) -> Vec<(f64, f64)> {
    let parts = path.replace('C', "|C").replace('H', "|H");
    let mut points: Vec<(f64, f64)> = Vec::new();
    for part in parts.split('|') {
        let numbers: Vec<f64> = part.trim_start_matches(['C', 'H']).split_whitespace().map(|number| number.parse().unwrap()).collect();
        match (numbers.as_slice(), points.last().copied()) {
            (&[x, y], _) => points.push((x, y)),
            (&[to], Some((x, y))) => points.extend((1..=20).map(|step| (x + (to - x) * f64::from(step) / 20.0, y))),
            (&[x1, y1, x2, y2, x3, y3], Some((x, y))) => points.extend((1..=40).map(|step| {
                let t = f64::from(step) / 40.0;
                let along = |a: f64, b: f64, c: f64, d: f64| {
                    (1.0 - t).powi(3) * a + 3.0 * (1.0 - t).powi(2) * t * b + 3.0 * (1.0 - t) * t.powi(2) * c + t.powi(3) * d
                };
                (along(x, x1, x2, x3), along(y, y1, y2, y3))
            })),
            _ => panic!("{path}"),
        }
    }
    points
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
