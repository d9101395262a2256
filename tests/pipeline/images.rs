//! What a flow reads: the record with the Target over it, the record as it is, what it was.

use super::*;

#[test]
fn before_the_operation_a_name_reads_the_record_with_the_target_over_it() {
    let mut pipeline = open(
        r#"
        entity thing { name text(100) size integer seen text(100) }
        flow See on thing {
          trigger create, update(size) at pre-operation
          set seen = "{name} {size} {old_size ?? 0}", old_size = size
        }
        "#
        .replace("size integer", "size integer old_size integer")
        .as_str(),
    );
    let record = created(&mut pipeline, "thing", &[("name", "a".into()), ("size", 1.into())]);
    assert_eq!(get(&mut pipeline, record, "seen"), "a 1 0".into());
    update(&mut pipeline, record, &[("size", 2.into())]);
    assert_eq!(get(&mut pipeline, record, "seen"), "a 2 1".into());
    update(&mut pipeline, record, &[("size", Value::Empty), ("name", "b".into())]);
    assert_eq!(get(&mut pipeline, record, "seen"), "b  2".into());
}

const OLD: &str = r#"
    entity thing { name text(100) size integer before text(300) after text(300) }
    flow Before on thing {
      trigger create, update(name, size) at pre-operation
      set before = "{old.name}/{old.size}/{changed(name)}/{changed(size)}"
    }
    flow After on thing {
      trigger create, update(name, size) at post-operation
      set after = "{old.name}/{old.size}/{changed(name)}/{changed(size)}"
    }
"#;

#[test]
fn old_and_changed_tell_what_the_operation_does() {
    let mut pipeline = open(OLD);
    let record = created(&mut pipeline, "thing", &[("name", "a".into()), ("size", 1.into())]);
    let both = |pipeline: &mut Pipeline| (get(pipeline, record, "before"), get(pipeline, record, "after"));
    assert_eq!(both(&mut pipeline), ("//true/true".into(), "//true/true".into()));
    update(&mut pipeline, record, &[("name", "a".into()), ("size", 2.into())]);
    assert_eq!(both(&mut pipeline), ("a/1/false/true".into(), "a/1/false/true".into()));
    update(&mut pipeline, record, &[("size", Value::Empty)]);
    assert_eq!(both(&mut pipeline), ("a/2/false/true".into(), "a/2/false/true".into()));
}

#[test]
fn after_the_operation_a_name_reads_what_nested_operations_wrote_and_old_stays() {
    let mut pipeline = open(
        r#"
        entity thing { name text(100) size integer mark text(100) one text(200) two text(200) }
        entity child { thing lookup thing size integer }
        flow Parent on thing {
          trigger update(size) at post-operation
          set one = "{size} {mark} {old.size} {changed(size)}"
          create child { thing = this, size = 10 }
          set two = "{size} {mark} {old.size} {changed(size)}"
        }
        flow Child on child {
          trigger create
          if thing is not empty { update thing { name = "by child" } }
        }
        flow OnName on thing { trigger update(name) at pre-operation set mark = "renamed" }
        "#,
    );
    let record = created(&mut pipeline, "thing", &[("size", 1.into())]);
    let outcome = update(&mut pipeline, record, &[("size", 2.into())]);
    assert_eq!((outcome.ending, outcome.ran.join(" ")), (Ending::Committed, "Parent Child OnName".to_owned()));
    assert_eq!(get(&mut pipeline, record, "one"), "2  1 true".into());
    assert_eq!(get(&mut pipeline, record, "two"), "2 renamed 1 true".into());
}

#[test]
fn the_count_of_writes_is_read_as_it_was_and_as_it_is() {
    let mut pipeline = open(
        r#"
        entity thing { name text(100) size integer now text(50) both text(50) }
        flow Now on thing { trigger update(name) set now = "{versionnumber}" }
        flow Both on thing { trigger update(size) set both = "{old.versionnumber} {versionnumber}" }
        "#,
    );
    let record = created(&mut pipeline, "thing", &[]);
    update(&mut pipeline, record, &[("name", "a".into())]);
    assert_eq!((get(&mut pipeline, record, "now"), get(&mut pipeline, record, "versionnumber")), ("2".into(), 3.into()));
    update(&mut pipeline, record, &[("size", 1.into())]);
    assert_eq!((get(&mut pipeline, record, "both"), get(&mut pipeline, record, "versionnumber")), ("3 4".into(), 5.into()));
}

#[test]
fn a_value_that_another_flow_set_before_is_seen_and_triggers_nothing() {
    let mut pipeline = open(
        r#"
        entity thing { name text(100) a integer b integer }
        flow One on thing { trigger create, update(name) at pre-operation rank 1 set a = 5 }
        flow Two on thing { trigger create, update(name) at pre-operation rank 2 set b = (a ?? 0) * 2 }
        "#,
    );
    let record = created(&mut pipeline, "thing", &[("a", 1.into())]);
    assert_eq!((get(&mut pipeline, record, "a"), get(&mut pipeline, record, "b")), (5.into(), 10.into()));
    let outcome = update(&mut pipeline, record, &[("name", "x".into()), ("a", 2.into())]);
    assert_eq!((outcome.ran.len(), outcome.depth), (2, 1));
    assert_eq!(get(&mut pipeline, record, "b"), 10.into());
}

#[test]
fn a_child_shares_the_target_on_this_and_stands_alone_on_another_record() {
    let mut pipeline = open(
        r#"
        entity thing { name text(100) parent lookup thing mark text(100) }
        flow Parent on thing {
          trigger update(name) at pre-operation
          set mark = "p"
          start Mark(word = "own") on this
        }
        flow Mark on thing {
          trigger child
          input word text
          set mark = "{mark}{word}"
          if parent is not empty { start Above(word = "up") on parent }
          finish "marked"
        }
        flow Above on thing { trigger child input word text set mark = "{mark}{word}" }
        flow Watch on thing { trigger update(mark) log "watched" }
        "#,
    );
    let top = created(&mut pipeline, "thing", &[]);
    let low = created(&mut pipeline, "thing", &[("parent", top.into())]);
    let outcome = update(&mut pipeline, top, &[("name", "top".into())]);
    // What the child set is part of the same update, whose later stage it starts.
    assert_eq!((outcome.ran.join(" "), outcome.depth), ("Parent Mark Watch".to_owned(), 1));
    assert_eq!(get(&mut pipeline, top, "mark"), "pown".into());
    let outcome = update(&mut pipeline, low, &[("name", "low".into())]);
    assert_eq!((outcome.ran.join(" "), outcome.depth), ("Parent Mark Above Watch Watch".to_owned(), 2));
    assert_eq!(get(&mut pipeline, top, "mark"), "pownup".into());
    assert_eq!(get(&mut pipeline, low, "mark"), "pown".into());
}
