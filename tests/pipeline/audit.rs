//! What is kept of changes: who, when, which field, old and new, by which step, in which operation.

use weir::bytecode::Stage;
use weir::pipeline::{ADMINISTRATOR, Plugin, Refusal};
use weir::value::Uuid;

use super::*;

/// The rows of the audit in the order in which they were written, each as one line.
fn rows(pipeline: &mut Pipeline) -> Vec<String> {
    each(pipeline).into_iter().map(|row| line(pipeline, row)).collect()
}

fn each(pipeline: &mut Pipeline) -> Vec<Reference> {
    let entity = pipeline.schema().entity_id("audit").unwrap();
    pipeline.find(entity, &Row::default(), u32::MAX).unwrap().into_iter().map(|id| Reference { entity, id }).collect()
}

/// `1 Update account.name: a → b, Flow (2)`: number, message, field, values, step, depth.
fn line(pipeline: &mut Pipeline, row: Reference) -> String {
    let mut of = |field: &str| {
        let value = get(pipeline, row, field);
        if value.is_empty() { "-".to_owned() } else { weir::value::text::display(&value).to_string() }
    };
    let (sequence, message, entity, field) = (of("sequence"), of("message"), of("recordentity"), of("field"));
    format!("{sequence} {message} {entity}.{field}: {} → {}, {} ({})", of("oldvalue"), of("newvalue"), of("step"), of("depth"))
}

/// What an operation adds to the audit.
fn adds(pipeline: &mut Pipeline, operation: impl FnOnce(&mut Pipeline) -> Outcome) -> Vec<String> {
    let before = each(pipeline).len();
    assert_eq!(operation(pipeline).ending, Ending::Committed);
    rows(pipeline).split_off(before)
}

const ACCOUNT: &str = r#"
    entity account {
      name    text(100) required
      revenue money
      rating  choice { hot = 1 "Very hot", cold = 2 }
      tags    choices { key = 1, partner = 2 }
      due     datetime
      parent  lookup account
      secret  text(20) unaudited
      status { active { open = 1, held = 2 } inactive { won = 3, lost = 4 } }
      on delete of parent: remove link
      audit on
    }
    entity plain { name text(100) amount integer audited }
    entity silent { name text(100) }
"#;

#[test]
fn a_create_an_update_and_a_delete_leave_a_row_for_each_field_that_changed() {
    let mut pipeline = open(ACCOUNT);
    let tags = Value::Choices([1, 2].into());
    let due = Value::DateTime("2026-03-01T10:00:00Z".parse().unwrap());
    let values = [("name", "a".into()), ("rating", Value::Choice(1)), ("tags", tags), ("due", due), ("secret", "s".into())];
    let record = created(&mut pipeline, "account", &values);
    let expected = [
        "1 Create account.name: - → a, - (1)".to_owned(),
        "2 Create account.rating: - → hot, - (1)".to_owned(),
        "3 Create account.tags: - → [\"key\",\"partner\"], - (1)".to_owned(),
        "4 Create account.due: - → 2026-03-01T10:00:00Z, - (1)".to_owned(),
        format!("5 Create account.ownerid: - → systemuser:{ADMINISTRATOR}, - (1)"),
        "6 Create account.statecode: - → active, - (1)".to_owned(),
        "7 Create account.statuscode: - → open, - (1)".to_owned(),
    ];
    assert_eq!(rows(&mut pipeline), expected);
    let updated = adds(&mut pipeline, |pipeline| {
        update(pipeline, record, &[("revenue", Value::Decimal("1234.5".parse().unwrap())), ("name", "a".into()), ("secret", "t".into())])
    });
    assert_eq!(updated, ["1 Update account.revenue: - → 1234.5, - (1)"]);
    let emptied = adds(&mut pipeline, |pipeline| update(pipeline, record, &[("revenue", Value::Empty), ("due", Value::Empty)]));
    assert_eq!(emptied, ["1 Update account.revenue: 1234.5 → -, - (1)", "2 Update account.due: 2026-03-01T10:00:00Z → -, - (1)"]);
    let deleted = adds(&mut pipeline, |pipeline| delete(pipeline, record));
    let expected = [
        "1 Delete account.name: a → -, - (1)".to_owned(),
        "2 Delete account.rating: hot → -, - (1)".to_owned(),
        "3 Delete account.tags: [\"key\",\"partner\"] → -, - (1)".to_owned(),
        format!("4 Delete account.ownerid: systemuser:{ADMINISTRATOR} → -, - (1)"),
        "5 Delete account.statecode: active → -, - (1)".to_owned(),
        "6 Delete account.statuscode: open → -, - (1)".to_owned(),
    ];
    assert_eq!(deleted, expected);
}

#[test]
fn a_row_says_who_when_and_in_which_operation() {
    let mut pipeline = open(ACCOUNT);
    let user = pipeline.user("Anna").unwrap();
    let record = created(&mut pipeline, "plain", &[("amount", 1.into())]);
    let values = row(&pipeline, "plain", &[("amount", 2.into())]);
    pipeline.execute(Operation::Update { record, values }, Some(user));
    let [first, second] = each(&mut pipeline)[..] else { panic!("two rows") };
    let administrator = Value::Reference(Reference { entity: user.entity, id: ADMINISTRATOR });
    assert_eq!(get(&mut pipeline, first, "createdby"), administrator);
    assert_eq!(get(&mut pipeline, second, "createdby"), Value::Reference(user));
    assert_eq!(get(&mut pipeline, second, "calledby"), Value::Reference(user));
    assert_eq!(get(&mut pipeline, second, "recordid"), Value::Uuid(record.id));
    assert_eq!(get(&mut pipeline, second, "createdon"), Value::DateTime("2026-01-01T00:00:00Z".parse().unwrap()));
    assert_ne!(get(&mut pipeline, first, "operation"), get(&mut pipeline, second, "operation"));
}

#[test]
fn a_field_by_itself_is_audited_or_left_out() {
    let mut pipeline = open(ACCOUNT);
    let record = created(&mut pipeline, "plain", &[("name", "a".into()), ("amount", 1.into())]);
    update(&mut pipeline, record, &[("name", "b".into()), ("amount", 2.into()), ("statuscode", Value::Choice(2))]);
    assert_eq!(rows(&mut pipeline), ["1 Create plain.amount: - → 1, - (1)", "1 Update plain.amount: 1 → 2, - (1)"]);
    let silent = created(&mut pipeline, "silent", &[("name", "a".into())]);
    let nothing = adds(&mut pipeline, |pipeline| {
        update(pipeline, silent, &[("name", "b".into())]);
        update(pipeline, record, &[("name", "c".into())]);
        delete(pipeline, silent)
    });
    assert_eq!(nothing, [""; 0]);
}

#[test]
fn a_record_without_an_audited_value_leaves_a_row_when_it_comes_and_when_it_goes() {
    let mut pipeline = open(ACCOUNT);
    let record = created(&mut pipeline, "plain", &[("name", "a".into())]);
    delete(&mut pipeline, record);
    assert_eq!(rows(&mut pipeline), ["1 Create plain.-: - → -, - (1)", "1 Delete plain.-: - → -, - (1)"]);
}

#[test]
fn the_same_value_leaves_no_row() {
    let mut pipeline = open(ACCOUNT);
    let record = created(&mut pipeline, "plain", &[("amount", 1.into())]);
    assert_eq!(adds(&mut pipeline, |pipeline| update(pipeline, record, &[("amount", 1.into())])), [""; 0]);
    assert_eq!(adds(&mut pipeline, |pipeline| update(pipeline, record, &[])), [""; 0]);
}

#[test]
fn owner_and_state_are_passes_of_their_own_in_one_operation() {
    let mut pipeline = open(ACCOUNT);
    let user = pipeline.user("Anna").unwrap();
    let record = created(&mut pipeline, "account", &[("name", "a".into())]);
    let changed = adds(&mut pipeline, |pipeline| {
        update(pipeline, record, &[("statuscode", Value::Choice(3)), ("ownerid", Value::Reference(user)), ("name", "b".into())])
    });
    let expected = [
        "1 Update account.name: a → b, - (1)".to_owned(),
        format!("2 Assign account.ownerid: systemuser:{ADMINISTRATOR} → systemuser:{}, - (1)", user.id),
        "3 SetState account.statecode: active → inactive, - (1)".to_owned(),
        "4 SetState account.statuscode: open → won, - (1)".to_owned(),
    ];
    assert_eq!(changed, expected);
}

#[test]
fn a_cascade_and_a_removed_link_are_part_of_the_delete() {
    let mut pipeline = open(
        r#"
        entity parent { name text(10) audit on }
        entity child { name text(10) audited  parent lookup parent  on delete of parent: cascade }
        entity friend { parent lookup parent audited  on delete of parent: remove link }
        flow Drop on parent { trigger update(name)  delete this }
        "#,
    );
    let parent = created(&mut pipeline, "parent", &[("name", "p".into())]);
    created(&mut pipeline, "child", &[("name", "c".into()), ("parent", Value::Reference(parent))]);
    created(&mut pipeline, "friend", &[("parent", Value::Reference(parent))]);
    let deleted = adds(&mut pipeline, |pipeline| update(pipeline, parent, &[("name", "q".into())]));
    let id = parent.id;
    let owner = format!("systemuser:{ADMINISTRATOR}");
    let expected = [
        "1 Update parent.name: p → q, - (1)".to_owned(),
        "2 Delete child.name: c → -, Drop (2)".to_owned(),
        format!("3 Update friend.parent: {id} → -, Drop (2)"),
        "4 Delete parent.name: q → -, Drop (2)".to_owned(),
        format!("5 Delete parent.ownerid: {owner} → -, Drop (2)"),
        "6 Delete parent.statecode: active → -, Drop (2)".to_owned(),
        "7 Delete parent.statuscode: active → -, Drop (2)".to_owned(),
    ];
    assert_eq!(deleted, expected);
    let last = each(&mut pipeline);
    let operations: Vec<Value> = last[last.len() - 7..].iter().map(|row| get(&mut pipeline, *row, "operation")).collect();
    assert!(operations.windows(2).all(|pair| pair[0] == pair[1]));
}

const STEPS: &str = r#"
    entity thing { name text(20)  a text(20)  b text(20)  c text(20)  audit on }
    flow First on thing { trigger update(name) at pre-operation  rank 1  set b = "1", c = "1"  start Child on this }
    flow Second on thing { trigger update(name) at pre-operation  rank 2  set a = "2", c = "2" }
    flow Child on thing { trigger child  set name = "child" }
    flow After on thing { trigger update(name)  rank 3  set c = "after" }
    flow Won on thing { trigger update(b) at pre-operation  set statuscode = inactive }
"#;

#[test]
fn rows_stand_in_the_order_in_which_steps_set_their_fields_and_name_the_last_one() {
    let mut pipeline = open(STEPS);
    let record = created(&mut pipeline, "thing", &[]);
    let changed = adds(&mut pipeline, |pipeline| update(pipeline, record, &[("name", "n".into()), ("b", "n".into())]));
    let expected = [
        "1 Update thing.statecode: active → inactive, Won (1)",
        "2 Update thing.statuscode: active → inactive, Won (1)",
        "3 Update thing.b: - → 1, First (1)",
        "4 Update thing.name: - → child, Child (1)",
        "5 Update thing.a: - → 2, Second (1)",
        "6 Update thing.c: - → 2, Second (1)",
        "7 Update thing.c: 2 → after, After (2)",
    ];
    assert_eq!(changed, expected);
}

#[test]
fn a_value_that_a_step_sets_and_another_sets_back_leaves_no_row() {
    let mut pipeline = open(
        r#"
        entity thing { name text(20)  mark text(20) audited }
        flow Sets on thing { trigger update(name) at pre-operation  rank 1  set mark = "x" }
        flow Back on thing { trigger update(name) at pre-operation  rank 2  set mark = empty }
        "#,
    );
    let record = created(&mut pipeline, "thing", &[]);
    assert_eq!(adds(&mut pipeline, |pipeline| update(pipeline, record, &[("name", "n".into())])), [""; 0]);
}

#[test]
fn nested_writes_name_the_plug_in_or_action_whose_they_are() {
    let mut pipeline = open(
        r#"
        entity order { name text(20)  total integer audited }
        action Raise on order { input by integer required  update this { total = (total ?? 0) + by } }
        flow Asks on order { trigger update(name)  perform Raise(by = 5) on this }
        "#,
    );
    let plugin = Plugin::new("Erp", "order").on_create().stage(Stage::PostOperation).run(|order| order.set("total", 1));
    pipeline.register(plugin).unwrap();
    let record = created(&mut pipeline, "order", &[("name", "a".into())]);
    assert_eq!(rows(&mut pipeline), ["1 Create order.-: - → -, - (1)", "2 Update order.total: - → 1, Erp (2)"]);
    let changed = adds(&mut pipeline, |pipeline| update(pipeline, record, &[("name", "b".into())]));
    assert_eq!(changed, ["1 Update order.total: 1 → 6, Raise (3)"]);
}

#[test]
fn what_is_undone_leaves_no_row() {
    let mut pipeline = open(
        r#"
        entity thing { name text(20)  mark text(20)  audit on }
        flow Refuse on thing { trigger update(mark)  if mark == "no" { stop "no" } }
        "#,
    );
    let record = created(&mut pipeline, "thing", &[]);
    let before = dump(&mut pipeline);
    stopped(&update(&mut pipeline, record, &[("mark", "no".into())]));
    assert_eq!(dump(&mut pipeline), before);
    // Inside a longer transaction the audit follows the savepoint, also where nothing else needs one.
    let missing = Value::Reference(Reference { entity: pipeline.administrator().entity, id: Uuid::from_u128(7) });
    pipeline.begin().unwrap();
    update(&mut pipeline, record, &[("mark", "yes".into())]);
    stopped(&update(&mut pipeline, record, &[("mark", "no".into())]));
    fault(&update(&mut pipeline, record, &[("name", "x".into()), ("ownerid", missing)]));
    pipeline.commit().unwrap();
    assert_eq!(rows(&mut pipeline).split_off(3), ["1 Update thing.mark: - → yes, - (1)"]);
    assert_eq!(get(&mut pipeline, record, "name"), Value::Empty);
}

/// A row of the audit that the store refuses, because the acting user is none, takes the write with it.
#[test]
fn a_write_whose_audit_fails_is_undone() {
    let mut pipeline = open("entity thing { name text(20) audited owned by organization }");
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    let nobody = Reference { entity: pipeline.administrator().entity, id: Uuid::from_u128(7) };
    let before = dump(&mut pipeline);
    pipeline.begin().unwrap();
    let values = row(&pipeline, "thing", &[("name", "b".into())]);
    fault(&pipeline.execute(Operation::Update { record, values }, Some(nobody)));
    fault(&pipeline.execute(Operation::Delete { record }, Some(nobody)));
    pipeline.commit().unwrap();
    assert_eq!(dump(&mut pipeline), before);
}

#[test]
fn the_acting_user_is_the_owner_of_a_flow_that_runs_as_one_and_the_caller_is_told_beside() {
    let mut pipeline = open(
        r#"
        entity thing { name text(20)  mark text(20) audited }
        flow Marks on thing { trigger update(name)  run as owner  owner "Bea"  set mark = "b" }
        "#,
    );
    let (anna, bea) = (pipeline.user("Anna").unwrap(), pipeline.user("Bea").unwrap());
    let record = created(&mut pipeline, "thing", &[]);
    let values = row(&pipeline, "thing", &[("name", "x".into())]);
    assert_eq!(pipeline.execute(Operation::Update { record, values }, Some(anna)).ending, Ending::Committed);
    let row = each(&mut pipeline)[1];
    assert_eq!(get(&mut pipeline, row, "createdby"), Value::Reference(bea));
    assert_eq!(get(&mut pipeline, row, "calledby"), Value::Reference(anna));
}

#[test]
fn only_the_platform_writes_the_audit() {
    let mut pipeline = open(ACCOUNT);
    created(&mut pipeline, "plain", &[]);
    let row = each(&mut pipeline)[0];
    let before = dump(&mut pipeline);
    let message = "a record of `audit` can't be written: the platform keeps it";
    for outcome in [
        create(&mut pipeline, "audit", &[]),
        update(&mut pipeline, row, &[("message", "x".into())]),
        update(&mut pipeline, row, &[("statuscode", Value::Choice(2))]),
        delete(&mut pipeline, row),
    ] {
        assert_eq!(fault(&outcome), (Code::F16, message));
    }
    let plugin = Plugin::new("Forges", "silent").on_create().run(|silent| silent.create("audit", &[]).map(drop));
    pipeline.register(plugin).unwrap();
    assert_eq!(fault(&create(&mut pipeline, "silent", &[])), (Code::F16, message));
    let hides = Plugin::new("Hides", "plain").on_create().run(move |plain| match plain.delete(row) {
        Err(_) => Ok(()),
        Ok(()) => Err(Refusal::new("deleted")),
    });
    pipeline.register(hides).unwrap();
    assert_eq!(fault(&create(&mut pipeline, "plain", &[])), (Code::F16, message));
    assert_eq!(dump(&mut pipeline), before);
}

#[test]
fn flows_read_the_audit_and_none_runs_on_it() {
    let mut pipeline = open(
        r#"
        entity thing { name text(20) audited  changes integer }
        flow Counts on thing { trigger update(name)  set changes = count(audit where recordid == this.thingid and message == "Update") }
        "#,
    );
    let plugin = Plugin::new("Never", "audit").on_create().run(|_| Err(Refusal::new("a plug-in ran on the audit")));
    pipeline.register(plugin).unwrap();
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    for name in ["b", "c"] {
        assert_eq!(update(&mut pipeline, record, &[("name", name.into())]).ending, Ending::Committed);
    }
    assert_eq!(get(&mut pipeline, record, "changes"), Value::Integer(2));
}

/// A plug-in and a flow on one update, at a stage, with these ranks; each sets a field of its own. The order of their rows.
fn order(stage: Stage, flow: Option<i32>, plugin: Option<i32>) -> Vec<String> {
    let word = if stage == Stage::PreOperation { "pre-operation" } else { "post-operation" };
    let rank = flow.map(|rank| format!("rank {rank}")).unwrap_or_default();
    // The flow's field is before the plug-in's in one case and behind it in the other: rows don't stand in the order of fields.
    let fields = if flow < plugin { "p text(1) f text(1)" } else { "f text(1) p text(1)" };
    let text = format!(
        "entity thing {{ name text(10) {fields} audit on }}
         flow Flow on thing {{ trigger update(name) stage {word} {rank} set f = \"f\" }}"
    );
    let mut pipeline = open(&text);
    let record = created(&mut pipeline, "thing", &[]);
    let step = Plugin::new("Plugin", "thing").on_update(["name"]).stage(stage);
    let step = plugin.into_iter().fold(step, Plugin::rank);
    pipeline.register(step.run(|thing| thing.set("p", "p"))).unwrap();
    let before = each(&mut pipeline).len();
    assert_eq!(update(&mut pipeline, record, &[("name", "b".into())]).ending, Ending::Committed);
    let steps = each(&mut pipeline).split_off(before).into_iter().map(|row| get(&mut pipeline, row, "step"));
    let steps: Vec<Value> = steps.collect();
    assert!(steps[0].is_empty(), "the caller's own write is the first");
    steps[1..].iter().map(|step| step.as_text().unwrap().to_owned()).collect()
}

#[test]
fn the_audit_shows_the_order_of_a_plug_in_and_a_flow_for_all_ranks_and_stages() {
    let ranks = [None, Some(0), Some(1)];
    for stage in [Stage::PreOperation, Stage::PostOperation] {
        for flow in ranks {
            for plugin in ranks {
                // Where nothing is said, a flow has rank 0 and a plug-in rank 1; of equal ranks the plug-in goes first.
                let plugin_first = plugin.unwrap_or(1) <= flow.unwrap_or(0);
                let expected = if plugin_first { ["Plugin", "Flow"] } else { ["Flow", "Plugin"] };
                assert_eq!(order(stage, flow, plugin), expected, "{stage:?}, flow {flow:?}, plug-in {plugin:?}");
            }
        }
    }
}
