//! Flows made up at random, as text, well-typed by construction: a seed is a flow.

/// The entity that the flows are about.
pub const SCHEMA: &str = r#"
entity thing {
  name   text(200) required
  note   memo(100000)
  amount money
  rate   decimal(4)
  number integer
  total  bigint
  flag   boolean
  kind   choice { red = 1 "Red", green = 2, blue = 7 "Sky blue" }
  born   date
  seen   datetime
  parent lookup thing
  ratio  float
  fine   decimal(10)
  spot   datetime local
  tags   choices { hot = 1, cold = 2 }
}
"#;

/// A source of small choices.
#[derive(Clone)]
pub struct Generator {
    state: u64,
    lets: usize,
    /// Whether the flow runs in the background, and may wait.
    background: bool,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Generator { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03, lets: 0, background: false }
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % bound
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }

    /// A whole flow.
    pub fn flow(&mut self) -> String {
        self.background = self.below(3) == 0;
        let clause = if self.background { "mode background" } else { "stage pre-operation" };
        let when = if self.below(3) == 0 { format!("  when {}\n", self.condition(2)) } else { String::new() };
        let body = self.block(3, 6);
        format!("flow Generated on thing {{\n  trigger update(name)\n  {clause}\n{when}{body}}}\n")
    }

    fn block(&mut self, depth: u32, most: u64) -> String {
        let count = self.below(most) + 1;
        (0..count).map(|_| self.statement(depth)).collect()
    }

    fn statement(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 11 } else { 19 }) {
            0 => format!("set amount = round({}, 4)\n", self.money(2)),
            1 => format!("set rate = round({}, 4)\n", self.decimal(2)),
            2 => format!("set number = {}\n", self.integer(2)),
            3 => format!("set kind = {}, flag = {}\n", self.pick(&["red", "green", "blue", "empty"]), self.condition(1)),
            4 => format!("set note = {}\n", self.text(2)),
            5 if self.below(3) == 0 => {
                let (one, other) = (self.pick(&["hot", "cold"]), self.pick(&["hot", "cold"]));
                match self.below(4) {
                    0 => format!("set tags += {one}\n"),
                    1 => format!("set tags -= {one}\n"),
                    2 => format!("set tags = {one} + {other}\n"),
                    _ => format!("set tags = parent.tags + {one} - {other}\n"),
                }
            }
            5 => format!("set number += {}, amount -= {}\n", self.integer(1), self.below(1000)),
            6 => format!("log {}\n", self.literal(2)),
            7 => format!("set born = {}\n", self.date(2)),
            8 => format!("set seen = {}\n", self.datetime(2)),
            9 if self.below(6) == 0 => format!("if {} {{ stop {} }}\n", self.condition(2), self.literal(1)),
            9 if self.below(3) == 0 => format!("if {} {{ finish {} }}\n", self.condition(2), self.literal(1)),
            9 if self.below(2) == 0 => {
                let (ratio, fine) = (self.float(2), self.decimal(1));
                format!("set ratio = {ratio}, fine = round({fine} * 0.0{}, 10)\n", self.below(1000))
            }
            9 if self.below(2) == 0 => format!("set spot = {}\n", self.local(2)),
            9 => format!("set name = left({}, 100)\n", self.text(1)),
            10 => self.activity(),
            11 | 15 => self.branches(depth),
            16 if self.background => self.wait(depth),
            12 => format!(
                "match kind {{ red => {{ {} }} green, blue => {{ {} }} empty => {{ {} }} }}\n",
                self.block(depth - 1, 2),
                self.block(depth - 1, 2),
                self.block(depth - 1, 2)
            ),
            17 => self.for_each(depth),
            18 => {
                self.lets += 1;
                let (name, n) = (self.pick(&["Anna", "Ben", "Cleo", "Dora"]), self.lets);
                format!("if exists(thing where name == \"{name}\") {{ let k{n} = thing[\"{name}\"]\nset number = k{n}.number }}\n")
            }
            13 => format!("step {} {{ {} }}\n", self.literal(1), self.block(depth - 1, 3)),
            _ => {
                self.lets += 1;
                let name = format!("x{}", self.lets);
                let value = self.integer(2);
                format!("let {name} = {value}\nset total = {name} + {}\n", self.integer(1))
            }
        }
    }

    /// Something done to another record.
    fn activity(&mut self) -> String {
        match self.below(6) {
            0 => format!("update parent? {{ number = {}, flag = {} }}\n", self.integer(1), self.condition(1)),
            1 => format!("create thing {{ name = left({}, 100), total = {} }}\n", self.text(1), self.integer(1)),
            2 => "delete parent?\n".into(),
            3 => "assign parent? to caller\n".into(),
            4 => format!("change status of parent? to {}\n", self.pick(&["active", "inactive"])),
            _ => format!("send email {{ to = caller, subject = left({}, 100), regarding = parent }}\n", self.text(1)),
        }
    }

    fn wait(&mut self, depth: u32) -> String {
        let condition = |condition: String| {
            let clock = condition.contains("today") || condition.contains("now");
            if clock { "flag == true".to_owned() } else { condition }
        };
        let length = format!("{} {}", self.below(90), self.pick(&["minutes", "hours", "days", "months"]));
        match self.below(4) {
            0 => format!("wait {length}\n"),
            1 => format!("wait until {}\n", self.datetime(1)),
            2 => format!("wait until {}\n", condition(self.condition(2))),
            _ => {
                let (first, second) = (condition(self.condition(2)), condition(self.condition(1)));
                let (one, two, three) = (self.block(depth - 1, 2), self.block(depth - 1, 2), self.block(depth - 1, 2));
                let last =
                    if self.below(2) == 0 { String::new() } else { format!("after ({} + 1) * 1 day {{ {three} }}", self.integer(1)) };
                let moment = if self.below(2) == 0 { String::new() } else { format!("until {} {{ {two} }}", self.datetime(1)) };
                format!("wait {{ until {first} {{ {one} }} {moment} until {second} {{}} {last} }}\n")
            }
        }
    }

    fn for_each(&mut self, depth: u32) -> String {
        self.lets += 1;
        let name = format!("each{}", self.lets);
        let filter = if self.below(4) == 0 { String::new() } else { format!(" where {}", self.filter(2)) };
        let order = match self.below(3) {
            0 => String::new(),
            _ => format!(
                " order by {}{}, {}",
                self.pick(&["number", "name", "seen", "rate", "amount"]),
                self.pick(&["", " descending"]),
                self.pick(&["born", "total descending"])
            ),
        };
        let limit = match self.below(3) {
            0 => String::new(),
            1 => format!(" limit {}", self.below(4) + 1),
            _ => format!(" limit {}", self.integer(1)),
        };
        let change = match self.below(6) {
            0 => format!("delete {name}\n"),
            1 => format!("delete {name}.parent?\n"),
            2 => format!("update {name} {{ number = {name}.number }}\n"),
            3 => format!("if {name}.number > {} {{ finish \"{{{name}}}\" }}\n", self.below(200)),
            _ => String::new(),
        };
        // No wait inside.
        let background = std::mem::replace(&mut self.background, false);
        let body = self.block(depth - 1, 2);
        self.background = background;
        format!("for each thing {name}{filter}{order}{limit} {{\nlog \"{{{name}.name}} {{{name}.number}}\"\n{change}{body}}}\n")
    }

    /// A condition on the records that a query looks at.
    fn filter(&mut self, depth: u32) -> String {
        let compare = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
        let equal = self.pick(&["==", "!="]);
        let other = self.pick(&["", "this.", "parent."]);
        match self.below(if depth == 0 { 12 } else { 16 }) {
            0 => format!("number {compare} this.number"),
            1 => format!("this.rate {compare} rate"),
            2 => format!("kind {equal} {}", self.pick(&["red", "this.kind", "blue"])),
            3 => self.pick(&["flag", "not flag", "parent is empty", "rate is not empty", "not (born is empty)"]).into(),
            4 => format!("parent {equal} {}", self.pick(&["this", "this.parent"])),
            5 => format!("{other}number {compare} {}", self.below(100)),
            6 => format!("name {compare} \"{}\"", self.pick(&["Anna", "Ben", "b"])),
            7 => format!("length(name) {compare} {}", self.below(6)),
            8 => format!("amount {compare} {}.{}", self.below(500), self.below(100)),
            9 => format!("seen {compare} {other}seen"),
            10 => "number is not empty and this.number is not empty and number - this.number > 3".into(),
            11 => format!("100 / ({other}number ?? 0) {compare} {}", self.below(9)),
            12 => format!("({} or {})", self.filter(depth - 1), self.filter(depth - 1)),
            _ => format!("{} and {}", self.filter(depth - 1), self.filter(depth - 1)),
        }
    }

    /// A query that gives a whole number.
    fn query(&mut self) -> String {
        let (function, rest) = match self.below(4) {
            0 => ("count(thing", ")"),
            1 => ("sum(thing.number", ")"),
            2 => ("(max(thing.number", ") ?? 7)"),
            _ => ("(min(thing.total", ") ?? 7)"),
        };
        let filter = if self.below(4) == 0 { String::new() } else { format!(" where {}", self.filter(1)) };
        format!("{function}{filter}{rest}")
    }

    fn branches(&mut self, depth: u32) -> String {
        let mut text = format!("if {} {{ {} }}", self.condition(3), self.block(depth - 1, 3));
        for _ in 0..self.below(3) {
            text += &format!(" else if {} {{ {} }}", self.condition(2), self.block(depth - 1, 2));
        }
        if self.below(2) == 0 {
            text += &format!(" else {{ {} }}", self.block(depth - 1, 2));
        }
        text + "\n"
    }

    fn condition(&mut self, depth: u32) -> String {
        let compare = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
        let equal = self.pick(&["==", "!="]);
        match self.below(if depth == 0 { 13 } else { 24 }) {
            0 => format!("flag {equal} {}", self.pick(&["true", "false"])),
            1 => format!("amount {compare} {}.{}", self.below(5000), self.below(100)),
            2 => format!("number {compare} {}", self.below(50)),
            3 => format!("kind {equal} {}", self.pick(&["red", "green", "blue"])),
            4 => format!("kind in ({}, {})", self.pick(&["red", "green"]), self.pick(&["blue", "green"])),
            5 => format!("{} is {}empty", self.pick(&["note", "rate", "parent", "born", "seen", "kind"]), self.pick(&["", "not "])),
            6 => format!("note {} \"{}\"", self.pick(&["contains", "starts with", "ends with"]), self.pick(&["a", "Na", "é", ""])),
            7 => format!("changed({})", self.pick(&["name", "amount", "kind", "flag"])),
            8 => format!("parent.number {compare} {}", self.below(50)),
            9 if self.below(2) == 0 => format!("tags {equal} parent.tags"),
            9 => format!("tags {} {}", "contains", self.pick(&["hot", "cold"])),
            10 => format!("old.{} {equal} {}", self.pick(&["name", "note"]), self.pick(&["name", "note", "parent.note"])),
            11 => format!("fine {compare} {}.{:010}", self.below(3), self.below(9_999_999_999)),
            12 => format!("ratio {compare} {}.5", self.below(10)),
            13 | 14 => format!("({} and {})", self.condition(depth - 1), self.condition(depth - 1)),
            15 => format!("({} or {})", self.condition(depth - 1), self.condition(depth - 1)),
            16 => format!("not ({})", self.condition(depth - 1)),
            17 => format!("{} {compare} {}", self.integer(depth - 1), self.integer(depth - 1)),
            18 => format!("{} {compare} {}", self.decimal(depth - 1), self.decimal(depth - 1)),
            19 => format!("{} between {} and {}", self.integer(depth - 1), self.below(20), self.integer(depth - 1)),
            20 => format!("{} in ({}, {})", self.decimal(depth - 1), self.decimal(depth - 1), self.integer(depth - 1)),
            21 => format!("{} {compare} {}", self.text(depth - 1), self.text(depth - 1)),
            22 => format!("{} {compare} {}", self.duration(depth - 1), self.duration(depth - 1)),
            _ => format!("{} {compare} {}", self.date(depth - 1), self.date(depth - 1)),
        }
    }

    fn duration(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 2 } else { 5 }) {
            0 => format!("{} {}", self.below(100), self.pick(&["minutes", "hours", "days", "weeks"])),
            1 => format!("(number ?? {}) * 1 {}", self.below(10), self.pick(&["minute", "hour", "day"])),
            2 => format!("({} - {})", self.datetime(depth - 1), self.datetime(depth - 1)),
            3 => format!("({} - {})", self.local(depth - 1), self.local(depth - 1)),
            _ => format!("({} {} {})", self.duration(depth - 1), self.pick(&["+", "-"]), self.duration(depth - 1)),
        }
    }

    fn local(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 2 } else { 3 }) {
            0 => "(spot ?? 2026-03-29T02:30)".into(),
            1 => format!("2024-02-29T{:02}:00", self.below(24)),
            _ => format!("({} + {} {})", self.local(depth - 1), self.below(100), self.pick(&["minutes", "hours", "days", "months"])),
        }
    }

    fn float(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 1 } else { 3 }) {
            0 => format!("(ratio ?? {}.25)", self.below(10)),
            1 => format!("({} {} {})", self.float(depth - 1), self.pick(&["+", "-", "*", "/"]), self.float(depth - 1)),
            _ => format!("(-{})", self.float(depth - 1)),
        }
    }

    fn integer(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 4 } else { 16 }) {
            14 | 15 => self.query(),
            0 => self.below(100).to_string(),
            1 => format!("(number ?? {})", self.below(10)),
            2 => "length(name)".into(),
            3 => format!("(old.number ?? {})", self.below(10)),
            4 => format!("({} + {})", self.integer(depth - 1), self.integer(depth - 1)),
            5 => format!("({} - {})", self.integer(depth - 1), self.integer(depth - 1)),
            6 => format!("({} * {})", self.integer(depth - 1), self.integer(depth - 1)),
            7 => format!("({} % {})", self.integer(depth - 1), self.integer(depth - 1)),
            8 => format!("(-{})", self.integer(depth - 1)),
            9 => format!("{}({})", self.pick(&["year", "month", "day", "weekday"]), self.date(depth - 1)),
            10 => format!("hour({})", self.datetime(depth - 1)),
            11 => format!("days_between({}, {})", self.date(depth - 1), self.date(depth - 1)),
            12 => format!("min({}, {}, {})", self.integer(depth - 1), self.integer(depth - 1), self.integer(depth - 1)),
            _ => format!("abs({})", self.integer(depth - 1)),
        }
    }

    fn decimal(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 3 } else { 10 }) {
            8 => format!("(average(thing.{} where {}) ?? 0.5)", self.pick(&["rate", "number"]), self.filter(1)),
            9 => format!("sum(thing.rate where {})", self.filter(1)),
            0 => format!("{}.{}", self.below(1000), self.below(1000)),
            1 => format!("(rate ?? {}.5)", self.below(10)),
            2 => format!("(parent.rate ?? 0.{})", self.below(99)),
            3 => format!("({} + {})", self.decimal(depth - 1), self.decimal(depth - 1)),
            4 => format!("({} - {})", self.decimal(depth - 1), self.integer(depth - 1)),
            5 => format!("round({} * {}, 6)", self.decimal(depth - 1), self.decimal(depth - 1)),
            6 => format!("({} / {})", self.decimal(depth - 1), self.decimal(depth - 1)),
            _ => format!("max({}, {})", self.decimal(depth - 1), self.decimal(depth - 1)),
        }
    }

    fn money(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 1 } else { 4 }) {
            0 => format!("(amount ?? {})", self.below(1000)),
            1 => format!("({} + {})", self.money(depth - 1), self.money(depth - 1)),
            2 => format!("({} * {}.5)", self.money(depth - 1), self.below(100)),
            _ => format!("({} / {})", self.money(depth - 1), self.integer(depth - 1)),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 3 } else { 6 }) {
            0 => self.literal(depth),
            1 => "name".into(),
            2 => self.pick(&["(note ?? \"none\")", "url(this)"]).into(),
            3 => format!("{}({})", self.pick(&["upper", "lower", "trim"]), self.text(depth - 1)),
            4 => format!("replace({}, \"a\", \"{}\")", self.text(depth - 1), self.pick(&["", "b", "ab"])),
            _ => format!("right({}, {})", self.text(depth - 1), self.below(12)),
        }
    }

    fn literal(&mut self, depth: u32) -> String {
        let inside = match self.below(if depth == 0 { 10 } else { 13 }) {
            0 => "number".into(),
            1 => "kind".into(),
            2 => "amount".into(),
            3 => "parent".into(),
            4 => "flag".into(),
            5 => "born".into(),
            6 => "tags".into(),
            7 => "spot".into(),
            8 => "ratio".into(),
            9 => "fine".into(),
            10 => self.decimal(depth - 1),
            11 => self.datetime(depth - 1),
            _ => self.integer(depth - 1),
        };
        format!("\"{} {{{inside}}}\"", self.pick(&["Name", "anna", "é", ""]))
    }

    fn date(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 3 } else { 5 }) {
            0 => "today".into(),
            1 => format!("(born ?? 2024-0{}-29)", self.below(2) + 2),
            2 => format!("20{}-03-31", 10 + self.below(80)),
            3 => format!("({} + {} {})", self.date(depth - 1), self.below(40), self.pick(&["days", "months", "years", "weeks"])),
            _ => format!("({} - {} {})", self.date(depth - 1), self.below(40), self.pick(&["days", "months", "years", "weeks"])),
        }
    }

    fn datetime(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 2 } else { 4 }) {
            0 => "now".into(),
            1 => "(seen ?? now)".into(),
            2 => format!("({} + {} {})", self.datetime(depth - 1), self.below(100), self.pick(&["minutes", "hours", "days", "months"])),
            _ => format!("({} - {} {})", self.datetime(depth - 1), self.below(100), self.pick(&["minutes", "hours", "days", "months"])),
        }
    }
}
