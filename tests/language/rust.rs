//! Rules that want a folder, several stores or another hand than a flow's.

use std::fs;

use jiff::tz::TimeZone;
use weir::diagnostic::Code;
use weir::pipeline::{Ending, Operation, Settings};
use weir::project::Project;
use weir::scenario;
use weir::schema::Row;
use weir::value::Value;

fn codes(project: &Project) -> Vec<Code> {
    project.diagnostics.iter().map(|said| said.code).collect()
}

#[test]
fn s2_a_folder_is_one_project() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("a.flow", "flow Uses on thing { trigger create set size = 1 }"),
        ("deep/er/b.flow", "entity thing { size integer owner2 lookup other }"),
        ("z.flow", "entity other { name text(10) }"),
        (".git/c.flow", "entity thing { hidden integer }"),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let whole = Project::load(folder.path()).unwrap();
    assert_eq!(codes(&whole), []);
    assert_eq!(whole.checked.flows.len(), 1);
    let alone = |name: &str| codes(&Project::load(&folder.path().join(name)).unwrap());
    assert_eq!(alone("z.flow"), [], "a single file is a project");
    assert_eq!(alone("a.flow"), [Code::E0302], "and knows nothing of the files beside it");
    fs::write(folder.path().join("again.flow"), "entity other { name text(10) }").unwrap();
    assert_eq!(codes(&Project::load(folder.path()).unwrap()), [Code::E0201], "names are one set over all files");
}

#[test]
fn s2_brackets_nest_64_deep() {
    let nested = |depth: usize| {
        let text = format!("entity e {{ a integer }} flow F on e {{ trigger create set a = {}1{} }}", "(".repeat(depth), ")".repeat(depth));
        codes(&Project::from_text("deep.flow", text))
    };
    assert_eq!(nested(63), [], "63 and the braces of the flow");
    assert_eq!(nested(64), [Code::E0110]);
}

/// Runs the tests of a text with settings; each has to pass.
fn pass(text: &str, settings: impl Fn() -> Settings) {
    let project = Project::from_text("rule.flow", text);
    assert_eq!(codes(&project), []);
    let compiled = project.compile().unwrap();
    let mut tests = 0;
    for case in project.checked.scenarios.iter().flat_map(scenario::cases) {
        let mut pipeline = compiled.open("sqlite::memory:", settings()).unwrap();
        let report = scenario::run(case, &mut pipeline);
        assert!(report.failure.is_none(), "{}: {:?}", report.name, report.failure);
        tests += 1;
    }
    assert!(tests > 0);
}

/// Of the same instants another clock and calendar, and days of 23 hours.
#[test]
fn s4_days_and_hours_are_those_of_the_time_zone() {
    let entity = "entity thing { name text(20) required since datetime spring datetime }\n\
                  flow Stamps on thing { trigger update(name) stage pre-operation set name = \"{today} {hour(now)} {weekday(now)}\" }";
    let test = |expected: &str| {
        format!(
            "{entity}\ntest \"a zone\" {{\n\
             let t = create thing {{ name = \"t\", since = 2026-03-28T12:00Z, spring = 2026-03-28T01:30Z }}\n\
             update t {{ name = \"\" }}\n{expected}\n}}"
        )
    };
    let zone = |name: &'static str| move || Settings { zone: TimeZone::get(name).unwrap(), ..Settings::fixed() };
    let berlin = test(
        "expect t.name == \"2026-01-01 1 4\" and hour(t.since) == 13\n\
         expect t.since + 1 day == 2026-03-29T11:00Z and t.since + 24 hours == 2026-03-29T12:00Z\n\
         expect t.since + 1 month == 2026-04-28T11:00Z\n\
         expect t.spring + 1 day == 2026-03-29T01:30Z",
    );
    pass(&berlin, zone("Europe/Berlin"));
    let new_york = test(
        "expect t.name == \"2025-12-31 19 3\" and hour(t.since) == 8\n\
         expect t.since + 1 day == 2026-03-29T12:00Z and days_between(t.spring, t.since) == 1",
    );
    pass(&new_york, zone("America/New_York"));
}

#[test]
fn s4_addresses_begin_as_the_settings_say() {
    let text = "entity thing { name text(20) required }\n\
                flow Tells on thing { trigger update(name) stage pre-operation set name = left(url(this), 18) }\n\
                test \"address\" { let t = create thing { name = \"t\" } update t { name = \"u\" } expect t.name == \"https://crm/thing/\" }";
    pass(text, || Settings { url: "https://crm".into(), ..Settings::fixed() });
}

/// Somebody writes into the database behind the back of the rules.
#[test]
fn s4_a_value_that_has_to_be_there_and_is_not_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.db");
    let url = format!("sqlite:{}", file.display());
    let text = "entity thing { name text(20) required size integer }\n\
                flow Reads on thing { trigger update(size) log \"{length(name)}\" }";
    let project = Project::from_text("rule.flow", text);
    let compiled = project.compile().unwrap();
    let thing = project.checked.schema.entity_id("thing").unwrap();
    let slot = |name: &str| project.checked.schema.entity(thing).unwrap().slot(name).unwrap();
    let row = |slot, value| {
        let mut row = Row::default();
        row.set(slot, value);
        row
    };
    let values = row(slot("name"), Value::Text("t".into()));
    let record = compiled.open(&url, Settings::fixed()).unwrap().execute(Operation::Create { entity: thing, values }, None).record.unwrap();
    let connection = rusqlite::Connection::open(&file).unwrap();
    assert_eq!(connection.execute("UPDATE thing SET name = NULL", []).unwrap(), 1);
    drop(connection);
    let values = row(slot("size"), Value::Integer(1));
    let outcome = compiled.open(&url, Settings::fixed()).unwrap().execute(Operation::Update { record, values }, None);
    let Ending::Fault(fault) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(fault.code, Code::F05);
}

/// The words that no name may be where an operand starts.
const RESERVED: &str = "set stop finish if else match let for each start perform create update delete assign change wait send and or not \
                        is in true false empty this old now today caller";

/// Words of clauses, statements, tests, types and units that mean something only where they stand.
const FREE: &str = "trigger stage rank mode scope owner input output when draft log step expect show table user role status key active \
                    inactive count sum average exists abs text integer money choice lookup minutes day week ascending limit where order \
                    stopped fault ran job delay entity flow test scenario action plugin via required primary local changed";

#[test]
fn s2_every_reserved_word_is_a_name_where_no_operand_starts() {
    for word in RESERVED.split_whitespace() {
        let named = format!(
            "entity e {{ {word} integer other integer key ({word}, other) }}\n\
             flow F on e {{ trigger update({word}) stage pre-operation let x = this.{word} let y = `{word}` set {word} = x, other = y }}\n\
             test \"t\" {{ let r = create e {{ {word} = 1 }} update r {{ {word} = 2 }} expect r.{word} == 2 and r.other == 2 }}"
        );
        pass(&named, Settings::fixed);
        let operand = format!("entity e {{ {word} integer other integer }}\nflow F on e {{ trigger update(other) let {word} = 1 }}");
        let said = codes(&Project::from_text("operand.flow", operand));
        assert!(!said.is_empty(), "`{word}` can't be named by a `let`");
    }
}

#[test]
fn s2_other_words_are_names_wherever_a_name_may_stand() {
    for word in FREE.split_whitespace() {
        let text = format!(
            "entity thing {{ {word} integer other integer }}\n\
             flow {word} on thing {{ trigger update({word}) stage pre-operation let x = {word} set other = x, {word} = {word} }}\n\
             flow G on thing {{ trigger update(other) log \"{{{word}}}\" }}\n\
             test \"t\" {{ let {word} = create thing {{ {word} = 1 }} update {word} {{ {word} = 2 }} expect {word}.other == 2 }}"
        );
        let project = Project::from_text("free.flow", text.as_str());
        let said: Vec<_> = project.diagnostics.iter().map(|said| said.message.as_str()).collect();
        assert!(said.is_empty(), "`{word}`: {said:?}\n{text}");
        pass(&text, Settings::fixed);
    }
}
