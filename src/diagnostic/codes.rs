//! The one table of codes. A number that has been in a release is never used again.
//!
//! Ranges: `E00` files, `E01` syntax, `E02` schema, `E03` clauses of a flow, `E04` names and types, `E05` emptiness,
//! `E06` statements, `E07` tests and scenarios, `E08` compiled files, `E09` what this release can't carry yet, `E10` flows together;
//! `W` the same ranges as warnings; `O` operations given to `weir run --ops`; `S01` stores, `S02` definitions in them; `F` faults at run time.
//! Every code has its page `explain/CODE.md`: a title line, an explanation, and ```` ```flow bad ```` and ```` ```flow good ```` examples.

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something that ends an operation while it runs.
    Fault,
    /// Nothing is compiled.
    Error,
    /// It compiles; somebody should look.
    Warning,
}

macro_rules! codes {
    ($($name:ident $severity:ident $title:literal,)*) => {
        /// The stable name of one kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// As people write it: `E0301`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$name => stringify!($name),)* }
            }

            /// What it is about, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity,)* }
            }

            /// The page that `weir explain` prints, in Markdown.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$name => include_str!(concat!("explain/", stringify!($name), ".md")),)* }
            }

            /// The code of a name, in any case of letters.
            pub fn find(name: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|code| code.name().eq_ignore_ascii_case(name))
            }
        }
    };
}

codes! {
    // Files
    E0001 Error "a file that can't be read",
    E0002 Error "a text that is not UTF-8",
    E0003 Error "a NUL character",
    E0004 Error "a file that is too large",
    E0005 Error "a folder without flows",
    E0006 Error "a folder that is too large for a project",
    E0007 Error "a link that leads back",
    E0010 Error "a file that would be too large in its layout",
    E0008 Error "a `weir.toml` that can't be used",
    // Syntax
    E0101 Error "a statement that can't be read",
    E0102 Error "a text that doesn't end, or isn't laid out right",
    E0103 Error "a number that isn't written right",
    E0104 Error "a date that isn't written right, or isn't there",
    E0105 Error "a bracket without its partner",
    E0106 Error "a sign or word of another language",
    E0107 Error "a reserved word as a name",
    E0108 Error "an escape that means nothing",
    E0109 Error "a word that starts nothing",
    E0110 Error "brackets or an expression too deep or too long",
    E0111 Error "a file that is too large, or has too many errors",
    E0112 Error "a condition that mixes operators that don't go together",
    E0113 Error "`??` mixed with arithmetic",
    E0114 Error "an expression in a text that can't hold one",
    E0115 Error "a character that can't stand here",
    E0116 Error "a clause behind a statement",
    W0101 Warning "a character that misleads the reader",
    W0103 Warning "an allowance that nothing needs",
    W0104 Warning "an allowance that allows nothing",
    // Schema
    E0201 Error "a name declared twice",
    E0202 Error "two options with one code",
    E0203 Error "a name that is taken by the platform",
    E0204 Error "an unknown type",
    E0205 Error "a lookup to an unknown entity",
    E0206 Error "an unknown choice",
    E0207 Error "bounds that make no sense",
    E0208 Error "more decimals than there can be",
    E0209 Error "a length that a text can't have",
    E0210 Error "a key over a field that isn't there",
    E0211 Error "a key that names a field twice",
    E0212 Error "a delete behaviour of something that is no lookup",
    E0213 Error "an unknown word in an entity",
    E0214 Error "a default that doesn't fit",
    E0215 Error "a primary field that can't be one",
    E0216 Error "a choice without options",
    E0217 Error "a state without a status reason",
    E0218 Error "an option code that isn't a whole number",
    E0219 Error "more declarations than there can be",
    E0220 Error "something that an entity says twice",
    E0221 Error "a required lookup that loses its link",
    E0222 Error "a name that is too long",
    E0223 Error "a table that an entity can't be mapped to",
    // Clauses of a flow
    E0301 Error "a wait in real-time mode",
    E0302 Error "a flow on an unknown entity",
    E0303 Error "a flow that nothing starts",
    E0304 Error "a clause that stands twice",
    E0305 Error "an unknown event",
    E0306 Error "a flow that reading would start",
    E0307 Error "an unknown word in a clause",
    E0308 Error "a flow in pre-validation",
    E0309 Error "a flow in the core operation",
    E0310 Error "a stage on a background flow",
    E0311 Error "a flow after a delete",
    E0312 Error "a trigger on a field that can't start it",
    E0313 Error "an event or field that stands twice in a trigger",
    E0314 Error "a rank that isn't a whole number of 32 bits",
    E0315 Error "an input that can't be one",
    E0316 Error "an assign of records that nobody owns",
    E0317 Error "an event that is written wrongly",
    E0318 Error "a clause that a flow doesn't have",
    E0319 Error "`serial` on a real-time flow",
    E0340 Error "a clause that an action doesn't have",
    E0341 Error "a clause that a plug-in doesn't have",
    E0342 Error "code outside the language that isn't named",
    E0343 Error "an action with statements and code elsewhere",
    E0344 Error "an output that can't be one",
    E0345 Error "a webhook that can't be called",
    E0346 Error "`effects unknown` beside a list of effects",
    E0347 Error "an effect on something that isn't there",
    E0348 Error "an effect that stands twice",
    E0349 Error "a plug-in at a place that plug-ins don't have",
    E0350 Error "an unknown privilege",
    E0351 Error "a privilege without its entity, or with one that it isn't about",
    E0352 Error "a privilege given twice",
    E0353 Error "a privilege that these records can't have",
    E0354 Error "a scope over records that nobody owns",
    W0301 Warning "a flow that runs on every update",
    W0302 Warning "a `run as owner` without effect",
    W0303 Warning "a stage without effect",
    W0304 Warning "an effect that another program can't have",
    // Names and types
    E0401 Error "an unknown name",
    E0402 Error "an unknown field",
    E0404 Error "a field of a record of several entities",
    E0405 Error "an unknown function",
    E0406 Error "a call with too few or too many values",
    E0407 Error "a value that a function doesn't take",
    E0410 Error "values that can't be compared",
    E0411 Error "values that have no order",
    E0412 Error "arithmetic on what is no number",
    E0413 Error "arithmetic on text",
    E0414 Error "arithmetic on times that has no meaning",
    E0415 Error "a result with too many decimals",
    E0416 Error "a value with more decimals than its field",
    E0417 Error "a value of another type",
    E0418 Error "a constant out of range",
    E0419 Error "a division by zero",
    E0420 Error "a value that is no condition",
    E0421 Error "an unknown option",
    E0423 Error "an `old` with nothing before it",
    E0426 Error "a word about a record where there is none",
    E0427 Error "a duration that can't be one",
    E0428 Error "an activity on what is no record",
    E0429 Error "an activity on a record of several entities",
    E0430 Error "a name that means two things in a query",
    E0431 Error "a query within a query",
    E0432 Error "a query without what it is about",
    E0433 Error "a query over values that it is not for",
    E0434 Error "an order of what has none",
    E0435 Error "a key that the entity doesn't have",
    E0440 Error "an assign of a record that nobody can own",
    E0441 Error "an e-mail without a receiver or a subject",
    E0442 Error "a field that sending an e-mail fills",
    E0443 Error "a delete of the record before its operation",
    E0444 Error "a wait for less than no time",
    E0445 Error "a condition of a wait that asks for the time",
    E0446 Error "a wait for what is no time and no condition",
    E0447 Error "a condition of a wait over what changes unheard",
    // Emptiness
    E0501 Error "a value that may be empty",
    E0502 Error "a required value that may be empty",
    E0503 Error "an activity on a record that may be empty",
    E0504 Error "an `empty` without a type",
    W0501 Warning "a `??` that is never used",
    W0502 Warning "a `?` without effect",
    W0503 Warning "a test of what is never empty",
    // Statements
    E0601 Error "a match that leaves something out",
    E0602 Error "a value that two arms take",
    E0603 Error "an `else` that is not alone and last",
    E0604 Error "a type that `match` does not take",
    E0605 Error "a reason of several lines",
    E0606 Error "a name that is already taken",
    E0607 Error "a `set` in a flow that runs only on delete",
    E0608 Error "an arm that is no constant",
    E0609 Error "a record that does not exist yet",
    E0610 Error "a field written twice",
    E0611 Error "a field that only the platform writes",
    E0612 Error "a required field without a value",
    E0613 Error "a flow that is no child",
    E0614 Error "a child flow of another entity",
    E0615 Error "a start of a draft",
    E0616 Error "an input that is not given",
    E0617 Error "a statement of tests in a flow",
    E0618 Error "too many `let`s",
    E0619 Error "a delay",
    E0620 Error "a limit that takes nothing",
    E0622 Error "a query in the condition of a wait",
    E0640 Error "a wait in a loop",
    E0630 Error "an action that performs itself",
    E0631 Error "an action on something that it isn't for",
    E0632 Error "a result that is no value",
    E0633 Error "an output that can't be set",
    E0634 Error "a `set` without a record",
    W0601 Warning "code that never runs",
    W0602 Warning "an arm that never runs",
    W0640 Warning "a use of a record that is deleted",
    // Tests and scenarios
    E0701 Error "an `expect` with no operation before it",
    E0702 Error "a statement of flows in a test",
    E0703 Error "a user who isn't there",
    E0704 Error "a user who is there already",
    E0705 Error "an unknown fault",
    E0706 Error "an `expect` that no job can meet",
    E0710 Error "a statement that can't stand in a transaction",
    E0711 Error "an unknown role",
    E0712 Error "a run of a flow that isn't on demand",
    E0713 Error "an upsert without a key",
    E0714 Error "an update of records of several entities",
    E0715 Error "a name for several records",
    E0720 Error "a table that doesn't stand last in a test",
    E0721 Error "a row that doesn't fit its header",
    E0722 Error "a table without rows",
    E0723 Error "a column of several types",
    E0724 Error "tags or a `skip` that don't stand first in a test",
    E0725 Error "a `given` that isn't there",
    E0726 Error "a `given` that can't be used here",
    E0727 Error "a fake of what can't be faked",
    E0728 Error "a fake that does more than its declaration",
    W0721 Warning "a column that nothing reads",
    // Compiled files
    E0801 Error "a file that is not a compiled project",
    E0802 Error "a compiled file that is cut short",
    E0803 Error "a compiled file that is damaged",
    E0804 Error "a compiled file of another version",
    E0805 Error "a flow that is too large",
    E0806 Error "a mistake of the compiler itself",
    E0811 Error "not a record of a run",
    E0812 Error "a record that is cut short",
    E0813 Error "a record that is damaged",
    E0814 Error "a record of another version",
    // What this release can't carry yet
    // Across flows
    E1001 Error "flows that start each other without an end",
    E1002 Error "a flow that runs inside itself",
    W1001 Warning "flows that can start each other again",
    W1002 Warning "a field that two flows write at one place in the order",
    W1003 Warning "a write that is always written over",
    W1004 Warning "a flow that never runs",
    W1005 Warning "a branch that is never taken",
    // Operations
    O0101 Error "an operation that can't be read",
    O0102 Error "a line that is too long",
    O0103 Error "a line that isn't UTF-8",
    O0104 Error "a message that isn't known",
    O0105 Error "an entity that isn't known",
    O0106 Error "a field that isn't known",
    O0107 Error "a value that its field can't have",
    O0108 Error "a record that isn't named",
    O0109 Warning "a column that is no field",
    O0110 Error "a column that is missing",
    O0111 Error "columns that can't be used",
    O0112 Error "a row that can't be read",
    O0113 Error "a user who isn't known",
    O0114 Error "a flow that isn't known",
    O0115 Error "operations that were changed since the run that is resumed",
    O0116 Error "a file of rejects that can't be written",
    // Stores
    S0101 Error "a store that can't be opened",
    S0102 Error "a database that doesn't fit the schema",
    S0201 Error "a store that holds no project",
    S0202 Error "a definition that isn't there",
    S0203 Error "a definition that is active already",
    S0204 Error "a definition that is not active",
    S0205 Error "a conversion of what is active",
    S0206 Error "a conversion that a wait forbids",
    S0207 Error "a definition of somebody else",
    S0208 Error "a definition that doesn't fit what is around it",
    S0209 Error "a conversion to no other mode",
    S0210 Error "a deploy that waiting jobs couldn't take",
    // Faults
    F01 Fault "division by zero",
    F02 Fault "an inexact result",
    F03 Fault "a number that is too large",
    F04 Fault "a value outside its field's range",
    F05 Fault "a field that may not be empty is empty",
    F06 Fault "a record that isn't there",
    F07 Fault "operations nested too deep",
    F08 Fault "a record that others refer to",
    F09 Fault "a value that must be unique",
    F10 Fault "a plug-in that failed",
    F11 Fault "a store that failed",
    F12 Fault "a budget that is used up",
    F13 Fault "a flow that can't be started on this record",
    F14 Fault "a text that is too long",
    F15 Fault "a mistake of the engine itself",
    F16 Fault "a field that only the platform writes",
    F17 Fault "a key that no record has, or several",
    F18 Fault "too many records for a loop",
    F19 Fault "an effect that wasn't declared",
    F20 Fault "code outside that nobody has allowed",
    F21 Fault "code outside that failed",
    F22 Fault "a privilege that is missing",
    F23 Fault "a value in the store that can't be read",
    F24 Fault "a read that was not recorded",
    F25 Fault "a conflict with what others change",
    F26 Fault "a rule of the database that undid the transaction",
    F29 Fault "an operation that was interrupted",
    F30 Fault "a job whose worker is gone again and again",
}
