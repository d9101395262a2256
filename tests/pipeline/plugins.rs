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
fn nothing_that_failed_can_be_passed_over_whatever_comes_after_it() {
    type Fails = fn(&mut weir::pipeline::PluginContext<'_>) -> Result<(), Refusal>;
    let text = "entity account { name text(100) }
                entity journal { size integer(0..5) required text text(100) account lookup account }
                action Refuse on account { stop \"refused\" }
                flow Deletes on journal { trigger delete stop \"stays\" }";
    let nowhere = |entity| Reference { entity, id: weir::value::Uuid::from_u128(7) };
    // What fails, and what it is told as.
    let cases: [(Fails, &str); 9] = [
        (|account| account.create("journal", &[("size", 9.into())]).map(drop), "F04 `journal.size` takes 0 to 5, not 9"),
        (|account| account.update(account.record(), &[("name", 5.into())]), "F04 `account.name` holds text, not a whole number"),
        (|account| account.set("name", 5), "F04 `account.name` holds text, not a whole number"),
        (|account| account.perform("Refuse", Some(account.record()), &[]).map(drop), "Refuse: refused"),
        (|account| account.find("journal", &[("size", "x".into())], 9).map(drop), "F04 `journal.size` holds a whole number, not text"),
        (
            |account| account.find("journl", &[], 9).map(drop),
            "F10 the plug-in `P` names `journl`, which is no entity; did you mean `journal`?",
        ),
        (|account| account.field("nam").map(drop), "F10 the plug-in `P` names `nam`, which `account` doesn't have; did you mean `name`?"),
        (|account| account.input("x").map(drop), "F10 the plug-in `P` asks for an input `x`, which it doesn't have"),
        (
            |account| {
                let journal = account.create("journal", &[("size", 1.into())])?;
                account.delete(journal)
            },
            "Deletes: stays",
        ),
    ];
    // What the plug-in does then.
    let endings: [Fails; 5] = [
        |_| Ok(()),
        |_| Err(Refusal::new("another reason")),
        |_| panic!("another end"),
        |account| account.create("journal", &[("size", 1.into())]).map(drop),
        |account| account.create("journal", &[("size", 8.into())]).map(drop),
    ];
    for (fails, expected) in cases {
        for ending in endings {
            let mut pipeline = open(text);
            let plugin = Plugin::new("P", "account").on_create().run(move |account| {
                account.create("journal", &[("size", 2.into())])?;
                let _ = fails(account);
                ending(account)
            });
            pipeline.register(plugin).unwrap();
            let before = dump(&mut pipeline);
            let told = match create(&mut pipeline, "account", &[("name", "A".into())]).ending {
                Ending::Committed => "kept".to_owned(),
                Ending::Stopped { flow, reason } => format!("{flow}: {reason}"),
                Ending::Fault(fault) => format!("{} {}", fault.code.name(), fault.message),
            };
            assert_eq!(told, expected);
            assert_eq!(dump(&mut pipeline), before);
        }
    }
    let mut pipeline = open(text);
    let reads = Plugin::new("Reads", "account").on_create().run(move |account| {
        let journal = account.schema().entity_id("journal").unwrap();
        let _ = account.read(nowhere(journal), "text");
        Ok(())
    });
    pipeline.register(reads).unwrap();
    assert_eq!(fault(&create(&mut pipeline, "account", &[])).0, Code::F06);
}

#[test]
fn a_plug_in_finds_what_its_user_may_see_and_no_less() {
    let mut pipeline = open(
        "entity account { name text(100) } entity journal { size integer required }
         role Some { privilege create, read on account  privilege create, read on journal at user }
         role Blind { privilege create on account }",
    );
    let finds = Plugin::new("Finds", "account").on_create().run(|account| {
        let found = account.find("journal", &[("size", 1.into())], 2)?;
        account.log(&format!("{}", found.len()));
        if found.len() == 2 { Ok(()) } else { Err(Refusal::new(format!("found {}", found.len()))) }
    });
    pipeline.register(finds).unwrap();
    let [anna, blind] = ["Anna", "Blind"].map(|name| pipeline.user(name).unwrap());
    pipeline.grant(anna, "Some").unwrap();
    pipeline.grant(blind, "Blind").unwrap();
    // Three that Anna may not see come first, so that a limit before what may be seen would hide her own.
    let admin = pipeline.administrator();
    for owner in [admin, admin, admin, anna, anna] {
        created(&mut pipeline, "journal", &[("size", 1.into()), ("ownerid", Value::Reference(owner))]);
    }
    let account = pipeline.schema().entity_id("account").unwrap();
    let mut create = |acting| pipeline.execute(Operation::Create { entity: account, values: Row::default() }, Some(acting));
    assert_eq!(create(anna).ending, Ending::Committed);
    assert_eq!(fault(&create(blind)), (Code::F22, "`Blind` has no privilege `read` on `journal`, and a query needs it at `user`"));
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
