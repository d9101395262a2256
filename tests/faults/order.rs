//! What runs, and in which order, held against a naive filter and sort of everything that is registered.
//!
//! The expectation is worked out here from the reference ("Order": stage, rank ascending, plug-ins before flows, name by code
//! point; presence in the Target triggers; a pass for the other columns, the owner and the state) and never by the code under test.

use std::collections::BTreeSet;
use std::fmt::Write;

use weir::bytecode::Stage;
use weir::pipeline::{Ending, Operation, Pipeline, Plugin, Settings};
use weir::project::Project;
use weir::schema::Row;
use weir::value::{Reference, Value};

use crate::stores;
use crate::{Random, seed, wanted};

/// The fields that operations submit and steps look at, and `deep`, which only steps after the operation write.
const FIELDS: [&str; 4] = ["name", "size", "mark", "deep"];

/// The columns that have a pass of their own.
const OWNER: &str = "ownerid";
const STATE: [&str; 2] = ["statecode", "statuscode"];

const SCHEMA: &str = "\
entity thing { name text(100) size integer mark text(100) deep integer status { active { open = 1, held = 2 } inactive { done = 3 } } }
entity other { name text(100) size integer mark text(100) deep integer status { active { open = 1, held = 2 } inactive { done = 3 } } }
";

/// Letters of names: of one and of several bytes, and some that sort otherwise where case or language is heeded.
const LETTERS: [char; 12] = ['a', 'A', 'b', 'B', 'z', 'Z', 'é', 'ß', 'Ω', 'я', '中', '😀'];

/// A flow or a plug-in, as it is declared.
#[derive(Clone, Debug)]
struct Registered {
    name: String,
    plugin: bool,
    /// In the text and not by a call: a plug-in of the project, as every flow is.
    declared: bool,
    other_entity: bool,
    draft: bool,
    background: bool,
    rank: i32,
    triggers: Vec<Trigger>,
    /// What it sets: before the operation (stages 10 and 20) a field of the Target, after it `deep`, by a nested update.
    sets: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct Trigger {
    event: Event,
    stage: u8,
}

#[derive(Clone, Debug, PartialEq)]
enum Event {
    Create,
    /// No field: any.
    Update(Vec<&'static str>),
    Delete,
    Assign,
    Status,
}

/// A message with the fields that are present in its Target.
#[derive(Clone, Debug)]
enum Message {
    Create(BTreeSet<&'static str>),
    Update(BTreeSet<&'static str>),
    Delete,
}

impl Registered {
    /// Whether it runs on a message with these fields present, at a stage; none is the queue.
    fn runs(&self, message: &Message, stage: Option<u8>) -> bool {
        let at = |trigger: &Trigger| if self.background { stage.is_none() } else { stage == Some(trigger.stage) };
        let about = |trigger: &Trigger| match (&trigger.event, message) {
            (Event::Create, Message::Create(_)) | (Event::Delete, Message::Delete) => true,
            (Event::Update(fields), Message::Update(present)) => fields.is_empty() || fields.iter().any(|field| present.contains(field)),
            (Event::Assign, Message::Update(present)) => present.contains(OWNER),
            (Event::Status, Message::Update(present)) => STATE.iter().any(|field| present.contains(field)),
            _ => false,
        };
        !self.other_entity && !self.draft && self.triggers.iter().any(|trigger| at(trigger) && about(trigger))
    }
}

/// The naive pipeline: names alone.
struct Naive<'a> {
    all: &'a [Registered],
    ran: Vec<String>,
    queued: Vec<String>,
}

impl Naive<'_> {
    fn operate(&mut self, message: &Message) {
        let Message::Update(submitted) = message else { return self.pass(message.clone()) };
        let kind = |field: &str| if field == OWNER { 1 } else { 2 * u8::from(STATE.contains(&field)) };
        for pass in [0, 1, 2] {
            let present: BTreeSet<_> = submitted.iter().copied().filter(|field| kind(field) == pass).collect();
            if !present.is_empty() {
                self.pass(Message::Update(present));
            }
        }
    }

    fn pass(&mut self, mut message: Message) {
        for stage in [10, 20] {
            let added: Vec<_> = self.stage(&message, Some(stage)).iter().filter_map(|step| step.sets).collect();
            if let Message::Create(present) | Message::Update(present) = &mut message {
                present.extend(added);
            }
        }
        if let Message::Update(present) = &mut message
            && STATE.iter().any(|field| present.contains(field))
        {
            // A status belongs to a state: both are written.
            present.extend(STATE);
        }
        self.stage(&message, Some(40));
        for step in self.matching(&message, None) {
            self.queued.push(step.name.clone());
        }
    }

    /// Runs a stage; gives what ran.
    fn stage(&mut self, message: &Message, stage: Option<u8>) -> Vec<Registered> {
        let steps = self.matching(message, stage);
        for step in &steps {
            self.ran.push(step.name.clone());
            if let (Some(field), Some(40)) = (step.sets, stage) {
                self.operate(&Message::Update([field].into()));
            }
        }
        steps
    }

    /// What runs, sorted.
    fn matching(&self, message: &Message, stage: Option<u8>) -> Vec<Registered> {
        let mut steps: Vec<_> = self.all.iter().filter(|one| one.runs(message, stage)).cloned().collect();
        steps.sort_by_key(|one| (one.rank, !one.plugin, one.name.chars().collect::<Vec<_>>()));
        steps
    }
}

#[test]
fn what_runs_is_what_a_naive_sort_of_everything_says() {
    let (projects, first) = (wanted("WEIR_ORDERS", 250), seed());
    let (mut operations, mut steps, mut refused, mut longest) = (0, 0, 0, 0);
    for number in first..first + projects {
        let mut random = Random(number);
        let all = registered(&mut random);
        let text = text(&all);
        let project = Project::from_text("generated.flow", text.as_str());
        let Ok(compiled) = project.compile() else {
            refused += 1;
            continue;
        };
        let mut pipeline = compiled.open(&stores::empty(), Settings::fixed()).unwrap();
        all.iter().filter(|one| one.plugin).for_each(|one| register(&mut pipeline, one));
        let mut record = None;
        for _ in 0..16 {
            let (message, operation) = message(&pipeline, record, &mut random);
            let mut naive = Naive { all: &all, ran: Vec::new(), queued: Vec::new() };
            naive.operate(&message);
            let outcome = pipeline.execute(operation, None);
            assert_eq!(outcome.ending, Ending::Committed, "seed {number}: {message:?}\n{text}\n{all:#?}");
            assert_eq!(outcome.ran, naive.ran, "seed {number}: {message:?}\n{text}\n{all:#?}");
            assert_eq!(outcome.queued, naive.queued, "seed {number}: {message:?}\n{text}\n{all:#?}");
            record = if matches!(message, Message::Delete) { None } else { outcome.record };
            operations += 1;
            steps += naive.ran.len() + naive.queued.len();
            longest = longest.max(naive.ran.len());
        }
    }
    println!(
        "{operations} operations ran {steps} steps, {longest} at most, in the expected order; {refused} projects were refused by the checker"
    );
    assert!(refused * 4 < projects && steps as u64 > operations * 2, "{refused} of {projects} refused, {steps} steps");
}

/// Some flows and plug-ins.
fn registered(random: &mut Random) -> Vec<Registered> {
    let mut names = BTreeSet::new();
    (0..4 + random.below(14))
        .filter_map(|_| {
            let name: String = (0..1 + random.below(3)).map(|_| *random.pick(&LETTERS)).collect();
            names.insert(name.clone()).then(|| one(name, random))
        })
        .collect()
}

fn one(name: String, random: &mut Random) -> Registered {
    let plugin = random.one_in(2);
    let declared = !plugin || random.one_in(3);
    let background = declared && random.one_in(6);
    let stage = |random: &mut Random| match random.below(5) {
        0 if plugin && !background => 10,
        0..=2 if !background => 20,
        _ => 40,
    };
    let only = stage(random);
    let sets = match only {
        10 | 20 if random.one_in(3) => Some(*random.pick(&FIELDS[..3])),
        40 if random.one_in(5) && !background => Some("deep"),
        _ => None,
    };
    // A flow may have a stage for each trigger; what sets a field has one, so that it is clear which field it sets.
    let mixed = !plugin && !background && sets.is_none();
    let mut triggers: Vec<Trigger> = Vec::new();
    for _ in 0..1 + random.below(3) {
        let event = event(random, sets.is_some());
        if triggers.iter().any(|other| std::mem::discriminant(&other.event) == std::mem::discriminant(&event)) {
            continue;
        }
        let stage = match event {
            Event::Delete if !plugin && !background => 20,
            _ if mixed => stage(random),
            _ => only,
        };
        triggers.push(Trigger { event, stage });
    }
    Registered {
        name,
        plugin,
        declared,
        background,
        other_entity: random.one_in(10),
        draft: !plugin && random.one_in(6),
        rank: random.below(5) as i32 - 2,
        triggers,
        sets,
    }
}

/// An event; of what sets a field one that doesn't lead in a circle.
fn event(random: &mut Random, sets: bool) -> Event {
    match random.below(if sets { 5 } else { 8 }) {
        0 => Event::Create,
        1 => Event::Assign,
        2 => Event::Status,
        3 | 4 => {
            let fields = if sets { &FIELDS[..3] } else { &FIELDS[..] };
            let mut chosen: Vec<_> = fields.iter().copied().filter(|_| random.one_in(2)).collect();
            if chosen.is_empty() {
                chosen.push(fields[0]);
            }
            Event::Update(chosen)
        }
        5 => Event::Update(Vec::new()),
        6 => Event::Delete,
        _ => Event::Update(vec![STATE[random.below(2) as usize]]),
    }
}

/// The project that declares them.
fn text(all: &[Registered]) -> String {
    let mut text = SCHEMA.to_owned();
    for one in all.iter().filter(|one| one.declared) {
        let (kind, entity) = (if one.plugin { "plugin" } else { "flow" }, if one.other_entity { "other" } else { "thing" });
        let mut triggers: Vec<String> = Vec::new();
        for Trigger { event, stage } in &one.triggers {
            let event = match event {
                Event::Create => "create".to_owned(),
                Event::Update(fields) if fields.is_empty() => "update".to_owned(),
                Event::Update(fields) => format!("update({})", fields.join(", ")),
                Event::Delete => "delete".to_owned(),
                Event::Assign => "assign".to_owned(),
                Event::Status => "status".to_owned(),
            };
            let at = if *stage == 20 { " at pre-operation" } else { " at post-operation" };
            triggers.push(if one.plugin || one.background { event } else { event + at });
        }
        writeln!(text, "{kind} {:?} on {entity} {{\n  trigger {}\n  rank {}", one.name, triggers.join(", "), one.rank).unwrap();
        if one.background {
            text += "  mode background\n";
        }
        if one.draft {
            text += "  draft\n";
        }
        if one.plugin {
            let stage = one.triggers[0].stage;
            if !one.background {
                writeln!(
                    text,
                    "  stage {}",
                    [(10, "pre-validation"), (20, "pre-operation"), (40, "post-operation")]
                        .iter()
                        .find(|(number, _)| *number == stage)
                        .unwrap()
                        .1
                )
                .unwrap();
            }
            one.sets.iter().for_each(|field| writeln!(text, "  sets {field}").unwrap());
            text += "  via host\n}\n";
        } else {
            match one.sets {
                Some(field @ ("size" | "deep")) => writeln!(text, "  set {field} = 7\n}}").unwrap(),
                Some(field) => writeln!(text, "  set {field} = \"set\"\n}}").unwrap(),
                None => text += "  log \"here\"\n}\n",
            }
        }
    }
    text
}

/// Takes in a plug-in, or gives a declared one its function.
fn register(pipeline: &mut Pipeline, one: &Registered) {
    let sets = one.sets;
    let run = move |context: &mut weir::pipeline::PluginContext<'_>| match sets {
        Some(field @ ("size" | "deep")) => context.set(field, 7),
        Some(field) => context.set(field, "set"),
        None => Ok(()),
    };
    if one.declared {
        return pipeline.bind(&one.name, run).unwrap();
    }
    let entity = if one.other_entity { "other" } else { "thing" };
    let stage = [(10, Stage::PreValidation), (20, Stage::PreOperation), (40, Stage::PostOperation)];
    let stage = stage.iter().find(|(number, _)| *number == one.triggers[0].stage).unwrap().1;
    let mut plugin = Plugin::new(one.name.as_str(), entity).stage(stage).rank(one.rank).reads([""; 0]);
    for Trigger { event, .. } in &one.triggers {
        plugin = match event {
            Event::Create => plugin.on_create(),
            Event::Update(fields) => plugin.on_update(fields.iter().copied()),
            Event::Delete => plugin.on_delete(),
            Event::Assign => plugin.on_update([OWNER]),
            Event::Status => plugin.on_update(STATE),
        };
    }
    pipeline.register(plugin.run(run)).unwrap();
}

/// A message to the record, or a new one where there is none.
fn message(pipeline: &Pipeline, record: Option<Reference>, random: &mut Random) -> (Message, Operation) {
    let schema = pipeline.schema();
    let administrator = pipeline.administrator();
    let mut present: BTreeSet<_> = FIELDS.into_iter().filter(|_| random.one_in(3)).collect();
    present.extend(Some(OWNER).filter(|_| random.one_in(3)));
    present.extend(STATE.into_iter().filter(|_| random.one_in(4)));
    if present.is_empty() {
        present.insert("name");
    }
    let value = |field: &str| match field {
        "name" | "mark" => Value::Text("sent".into()),
        OWNER => Value::Reference(administrator),
        "statecode" => Value::Choice(0),
        "statuscode" => Value::Choice(1),
        _ => Value::Integer(3),
    };
    let values = Row::of(&schema.entities["thing"], present.iter().map(|field| (*field, value(field)))).unwrap();
    match record {
        None => (Message::Create(present), Operation::Create { entity: schema.entity_id("thing").unwrap(), values }),
        Some(record) if random.one_in(8) => (Message::Delete, Operation::Delete { record }),
        Some(record) => (Message::Update(present), Operation::Update { record, values }),
    }
}
