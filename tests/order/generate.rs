//! Projects made up at random: flows, plug-ins, actions and children that set each other off, well-typed for the most part.

/// A source of small choices.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    pub fn often(&mut self, times: usize, of: usize) -> bool {
        self.below(of) < times
    }
}

const SCHEMA: &str = r#"
entity thing {
  name   text(100)
  a      integer
  b      integer
  note   text(100)
  parent lookup thing
  status { active { one = 1, two = 2 } inactive { three = 3 } }
  key (name)
  on delete of parent: cascade
}
entity part {
  title text(100)
  size  integer
  about lookup thing
  on delete of about: cascade
}
"#;

/// The fields of an entity that a trigger or write names.
const FIELDS: [&[&str]; 2] = [&["name", "a", "b", "note", "parent"], &["title", "size", "about"]];
const ENTITIES: [&str; 2] = ["thing", "part"];

/// Where statements stand.
#[derive(Clone, Copy)]
struct Place {
    /// The entity of their record.
    entity: usize,
    /// Whether their record is there, for nested operations on it.
    there: bool,
    /// Whether they may set fields of it.
    sets: bool,
    /// Whether they may perform an action on a record. What an action starts may not perform it.
    performs: bool,
    /// The first of the children that they may start.
    children: usize,
    /// Whether they do nothing to other records, so that one event is all that happens.
    flat: bool,
    depth: usize,
}

impl Place {
    fn on(entity: usize) -> Place {
        Place { entity, there: true, sets: true, performs: true, children: 0, flat: false, depth: 0 }
    }
}

const CHILDREN: usize = 4;

/// A project as text. In a flat one steps only log and set.
pub fn project(dice: &mut Dice, flat: bool) -> String {
    let mut text = SCHEMA.to_owned();
    for index in 0..3 + dice.below(6) + 4 * usize::from(flat) {
        text += &flow(dice, index, flat);
    }
    for index in 0..CHILDREN {
        let body = statements(dice, Place { performs: false, children: index + 1, ..Place::on(index % 2) });
        let entity = ENTITIES[index % 2];
        text += &format!("flow Child{index} on {entity} {{\n  trigger child, on demand\n  allow cycle\n{body}}}\n");
    }
    let late = if dice.often(1, 2) { ", update(a)" } else { "" };
    text += &format!("flow Later on thing {{ mode background trigger child{late} log \"later\" }}\n");
    for (index, entity) in ENTITIES.into_iter().enumerate() {
        let body = statements(dice, Place { performs: false, ..Place::on(index) });
        text += &format!("action Act{index} on {entity} {{\n{body}}}\n");
    }
    text +=
        &format!("action Global {{\n  create thing {{ a = {} }}\n  if exists(part) {{ create part {{ size = 1 }} }}\n}}\n", dice.below(4));
    for index in 0..if flat { 0 } else { dice.below(4) } {
        text += &plugin(dice, index);
    }
    text
}

fn flow(dice: &mut Dice, index: usize, flat: bool) -> String {
    let entity = dice.below(2);
    let stage = dice.one(&["pre-operation", "post-operation"]);
    let mut there = true;
    let mut triggers = Vec::new();
    for _ in 0..1 + dice.below(2) {
        let own = dice.one(&["", "", " at pre-operation", " at post-operation"]);
        let early = own.contains("pre") || (own.is_empty() && stage == "pre-operation");
        let event = match dice.below(8) {
            0 | 1 => "create".to_owned(),
            2 if early => "delete".to_owned(),
            3 => "assign".to_owned(),
            4 => "status".to_owned(),
            5 => "update".to_owned(),
            _ => format!("update({})", fields(dice, entity)),
        };
        there &= !(early && event == "create");
        if triggers.iter().all(|other: &String| other.split(['(', ' ']).next() != event.split('(').next()) {
            triggers.push(event + own);
        }
    }
    let rank = dice.one(&["", "  rank 1\n", "  rank -1\n", "  rank 2\n"]);
    let when = match entity {
        0 if dice.often(1, 4) => "  when (a ?? 0) < 3\n",
        1 if dice.often(1, 4) => "  when (size ?? 0) < 3\n",
        _ => "",
    };
    let early = triggers.iter().all(|trigger| trigger.contains("pre-") || (stage == "pre-operation" && !trigger.contains("post-")));
    let sets = triggers.iter().any(|trigger| !trigger.starts_with("delete")) && (early || !flat);
    let body = statements(dice, Place { there, sets, flat, ..Place::on(entity) });
    let draft = if dice.often(1, 10) { "  draft\n" } else { "" };
    let triggers = triggers.join(", ");
    let entity = ENTITIES[entity];
    format!("flow F{index} on {entity} {{\n  trigger {triggers}\n  stage {stage}\n{rank}  allow cycle\n{draft}{when}{body}}}\n")
}

fn fields(dice: &mut Dice, entity: usize) -> String {
    let mut names: Vec<&str> = (0..1 + dice.below(2)).map(|_| dice.one(FIELDS[entity])).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn statements(dice: &mut Dice, place: Place) -> String {
    (0..1 + dice.below(3)).map(|_| format!("  {}\n", statement(dice, place))).collect()
}

fn statement(dice: &mut Dice, place: Place) -> String {
    let deeper = Place { depth: place.depth + 1, ..place };
    let number = dice.below(5);
    let condition = match (place.entity, dice.below(3)) {
        (0, 0) => format!("(a ?? 0) > {number}"),
        (0, 1) => "parent is empty".to_owned(),
        (0, _) => format!("(b ?? 0) < {number}"),
        (_, 0) => "about is not empty".to_owned(),
        (_, _) => format!("(size ?? 0) < {number}"),
    };
    if place.flat {
        return match place.entity {
            0 if place.sets => format!("set b = {number}, note = \"flat\""),
            _ => "log \"flat\"".to_owned(),
        };
    }
    if place.depth < 2 && dice.often(1, 4) {
        return match dice.below(5) {
            0 if place.entity == 0 && place.there => {
                format!("for each part p where about == this {{\n  {}\n  {} }}", in_loop(dice, place), in_loop(dice, place))
            }
            1 => {
                let inner = statement(dice, deeper);
                format!("for each thing t{0} where (a ?? 0) < 9 limit 2 {{\n  update t{0} {{ b = {number} }}\n  {inner} }}", place.depth)
            }
            2 => format!("if {condition} {{\n  {} }} else {{\n  {} }}", statement(dice, deeper), statement(dice, deeper)),
            3 => format!("if {condition} {{\n  {} finish }}", statements(dice, deeper)),
            _ => format!("if {condition} {{\n  {} }}", statements(dice, deeper)),
        };
    }
    let own = if place.entity == 0 { thing(dice, place, number) } else { part(dice, place, number) };
    own.unwrap_or_else(|| match dice.below(4) {
        0 => format!("create thing {{ a = {number} }}"),
        1 => format!("create part {{ title = \"p\", size = {number} }}"),
        2 if place.depth > 0 && place.performs => "perform Global()".to_owned(),
        _ => "log \"nothing\"".to_owned(),
    })
}

fn child(dice: &mut Dice, place: Place, entity: usize) -> Option<String> {
    let fit: Vec<usize> = (place.children..CHILDREN).filter(|child| child % 2 == entity).collect();
    (!fit.is_empty()).then(|| format!("Child{}", fit[dice.below(fit.len())]))
}

/// A statement that only a flow on `thing` can have.
fn thing(dice: &mut Dice, place: Place, number: usize) -> Option<String> {
    let there = place.there;
    Some(match dice.below(16) {
        0 if place.sets => "set a = (a ?? 0) + 1".to_owned(),
        1 if place.sets => format!("set b = {number}, note = \"n\""),
        2 if place.sets => "set ownerid = caller, note = \"o\"".to_owned(),
        3 if there => format!("create part {{ title = \"t\", size = {number}, about = this }}"),
        4 => format!("update parent? {{ a = {number} }}"),
        5 if there => format!("update this {{ b = {number} }}"),
        6 if there => "assign this to caller".to_owned(),
        7 => format!("change status of parent? to {}", dice.one(&["two", "three"])),
        8 => "delete parent?".to_owned(),
        9 if there => format!("start {} on this", child(dice, place, 0)?),
        10 => format!("start {} on parent?", child(dice, place, 0)?),
        11 if there && place.performs => "perform Act0() on this".to_owned(),
        12 if place.performs => "perform Act0() on parent?".to_owned(),
        13 if there => "start Later on this".to_owned(),
        14 if place.depth > 0 && dice.often(1, 3) => "stop \"enough\"".to_owned(),
        15 => format!("update parent? {{ name = \"n{number}\", ownerid = caller, statuscode = thing.statuscode.two }}"),
        _ => return None,
    })
}

/// A statement that only a flow on `part` can have.
fn part(dice: &mut Dice, place: Place, number: usize) -> Option<String> {
    let there = place.there;
    Some(match dice.below(9) {
        0 if place.sets => format!("set size = {number}"),
        1 if place.sets => "set title = \"x\"".to_owned(),
        2 => format!("update about? {{ a = {number}, note = \"p\" }}"),
        3 if there => format!("update this {{ size = {number} }}"),
        4 => format!("start {} on about?", child(dice, place, 0)?),
        5 if there => format!("start {} on this", child(dice, place, 1)?),
        6 if there && place.performs => "perform Act1() on this".to_owned(),
        7 if place.depth > 0 => "delete about?".to_owned(),
        _ => return None,
    })
}

fn in_loop(dice: &mut Dice, place: Place) -> String {
    let started = child(dice, place, 1).map(|child| format!("start {child} on p"));
    match dice.below(4) {
        0 => "update p { size = 2 }".to_owned(),
        1 => started.unwrap_or_else(|| "delete p".to_owned()),
        2 if place.performs => "perform Act1() on p".to_owned(),
        _ => "update p { title = \"l\" } create part { title = \"more\" }".to_owned(),
    }
}

fn plugin(dice: &mut Dice, index: usize) -> String {
    let stage = dice.one(&["pre-validation", "pre-operation", "post-operation"]);
    let late = stage == "post-operation";
    let event = match dice.below(5) {
        0 => "create".to_owned(),
        1 if !late => "delete".to_owned(),
        2 => "perform(Act0)".to_owned(),
        _ => format!("update({})", fields(dice, 0)),
    };
    let rank = dice.one(&["", "  rank 0\n", "  rank 2\n"]);
    let mut effects = String::from("  reads a\n  queries part\n");
    for (word, names) in [("sets", "b, note"), ("creates", "part"), ("updates", "thing"), ("deletes", "part"), ("performs", "Act0, Global")]
    {
        if dice.often(1, 2) {
            effects += &format!("  {word} {names}\n");
        }
    }
    format!("plugin P{index} on thing {{\n  trigger {event}\n  stage {stage}\n{rank}{effects}  via host\n}}\n")
}
