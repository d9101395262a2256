//! Plug-ins written in Rust.

use weir::bytecode::Stage;
use weir::pipeline::{Message, Plugin, Refusal, RegisterError};

use super::*;

const RULES: &str = r#"
    entity account { name text(100) revenue integer rating text(20) }
    entity journal { account lookup account text text(200) }
    flow Low on account { trigger update(rating) log "rated" }
"#;

#[test]
fn a_plug_in_sees_target_images_and_context() {
    let mut pipeline = open(RULES);
    let plugin = Plugin::new("Watch", "account").on_update(["revenue"]).stage(Stage::PostOperation).run(|account| {
        assert_eq!((account.message(), account.stage(), account.depth()), (Message::Update, Stage::PostOperation, 1));
        let submitted = [account.target("revenue")?.cloned(), account.target("name")?.cloned()];
        let images = [account.pre_image("revenue")?.clone(), account.post_image("revenue")?.clone(), account.post_image("name")?.clone()];
        let record = account.record();
        account.create("journal", &[("account", record.into()), ("text", format!("{submitted:?} {images:?}").into())])?;
        account.set("rating", "seen")?;
        assert_eq!(account.field("rating")?.as_text(), Some("seen"));
        Ok(())
    });
    pipeline.register(plugin).unwrap();
    let record = created(&mut pipeline, "account", &[("name", "a".into()), ("revenue", 1.into())]);
    let outcome = update(&mut pipeline, record, &[("revenue", 2.into())]);
    assert_eq!(outcome.ending, Ending::Committed);
    assert_eq!((outcome.ran.as_slice(), outcome.depth), (["Watch".into(), "Low".into()].as_slice(), 2));
    let journal = pipeline.schema().entity_id("journal").unwrap();
    let id = pipeline.find(journal, &Row::default(), 2).unwrap()[0];
    let text = get(&mut pipeline, Reference { entity: journal, id }, "text");
    assert_eq!(text, "[Some(Integer(2)), None] [Integer(1), Integer(2), Text(\"a\")]".into());
}

#[test]
fn a_refusal_stops_and_a_panic_is_a_fault() {
    let mut pipeline = open(RULES);
    let refuse = Plugin::new("Refuse", "account").on_create().run(|account| match account.field("name")?.as_text() {
        Some("no") => Err(Refusal::new("Not this\none.")),
        Some("oh") => panic!("oh no"),
        Some("typo") => account.set("rateing", "x"),
        _ => Ok(()),
    });
    pipeline.register(refuse).unwrap();
    let before = dump(&mut pipeline);
    assert_eq!(stopped(&create(&mut pipeline, "account", &[("name", "no".into())])), ("Refuse", "Not this one."));
    let outcome = create(&mut pipeline, "account", &[("name", "oh".into())]);
    assert_eq!(fault(&outcome), (Code::F10, "the plug-in `Refuse` panicked: oh no"));
    let outcome = create(&mut pipeline, "account", &[("name", "typo".into())]);
    let message = "the plug-in `Refuse` names `rateing`, which `account` doesn't have; did you mean `rating`?";
    assert_eq!(fault(&outcome), (Code::F10, message));
    assert_eq!(dump(&mut pipeline), before);
    created(&mut pipeline, "account", &[("name", "fine".into())]);
}

#[test]
fn a_nested_operation_that_failed_can_not_be_passed_over() {
    let mut pipeline = open("entity account { name text(100) } entity journal { size integer(0..5) required text text(100) }");
    let careless = Plugin::new("Careless", "account").on_create().run(|account| {
        account.create("journal", &[("size", 3.into())])?;
        let _ = account.create("journal", &[("size", 9.into())]);
        Ok(())
    });
    pipeline.register(careless).unwrap();
    let before = dump(&mut pipeline);
    let outcome = create(&mut pipeline, "account", &[]);
    assert_eq!(fault(&outcome), (Code::F04, "`journal.size` takes 0 to 5, not 9"));
    assert_eq!(dump(&mut pipeline), before);
}

#[test]
fn what_a_plug_in_reads_after_a_delete_was_read_before_it() {
    let mut pipeline = open(RULES);
    let plugin = Plugin::new("Gone", "account").on_delete().stage(Stage::PostOperation).run(|account| {
        let name = account.pre_image("name")?.clone();
        account.create("journal", &[("text", name)]).map(drop)
    });
    pipeline.register(plugin).unwrap();
    let record = created(&mut pipeline, "account", &[("name", "a".into())]);
    assert_eq!(delete(&mut pipeline, record).ran, ["Gone"]);
    assert_eq!(count(&mut pipeline, "journal"), 1);
}

#[test]
fn a_plug_in_that_does_not_fit_is_not_registered() {
    let mut pipeline = open(RULES);
    let mut refused = |plugin: Plugin| pipeline.register(plugin).unwrap_err().to_string();
    let named = |name: &str, entity: &str| Plugin::new(name, entity).run(|_| Ok(()));
    assert_eq!(refused(named("P", "acount").on_create()), "the plug-in `P` is on `acount`, which is no entity; did you mean `account`?");
    assert_eq!(
        refused(named("P", "account").on_update(["revenu"])),
        "the plug-in `P` names `revenu`, which `account` doesn't have; did you mean `revenue`?"
    );
    assert_eq!(refused(named("Low", "account").on_create()), "there is already a flow or plug-in `Low`");
    assert_eq!(
        refused(named("P", "account")),
        "no event starts the plug-in `P`: say `on_create`, `on_update`, `on_delete` or `on_perform`"
    );
    assert_eq!(refused(Plugin::new("P", "account").on_create()), "the plug-in `P` does nothing: say what with `run`");
    pipeline.register(named("P", "account").on_create()).unwrap();
    let again = pipeline.register(named("P", "account").on_create());
    assert_eq!(again, Err(RegisterError::NameTaken { name: "P".into() }));
}
