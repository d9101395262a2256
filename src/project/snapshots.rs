//! The compiled output of each flow, action and plug-in as a text of its own, to be kept beside the sources and compared: its clauses, its effect
//! signature and its operations. Everything in it goes by name, and no place in a source is in it, so neither a field more,
//! a flow more, nor another layout changes the text of a flow that means what it meant.

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::Compiled;
use crate::bytecode;
use crate::source::Sources;

/// How files of snapshots end.
pub const SNAPSHOT: &str = "snap";

/// How long a name may be that a file is called by as it stands.
const LONGEST: usize = 60;

/// Names that some systems have for devices.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul"];

/// The compiled output of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is of.
    pub name: String,
    /// The file that keeps it, the same on every system.
    pub file: String,
    /// The text.
    pub text: String,
}

impl Compiled {
    /// The snapshots of its flows, its actions and its plug-ins, each in the order of their names.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let (nothing, schema) = (Sources::default(), &self.schema);
        let flows = self.program.flows.iter().map(|flow| ("flow", &flow.head.name, bytecode::flow_listing(flow, schema, &nothing)));
        let actions =
            self.program.actions.iter().map(|action| ("action", &action.head.name, bytecode::action_listing(action, schema, &nothing)));
        let plugins =
            self.program.plugins.iter().map(|plugin| ("plugin", &plugin.head.name, bytecode::plugin_listing(plugin, schema, &nothing)));
        let all = flows.chain(actions).chain(plugins);
        named(all.map(|(kind, name, text)| (kind, name.to_string(), text)).collect())
    }
}

/// Gives each text its file. Names that some system would take for one another get their own endings.
fn named(texts: Vec<(&'static str, String, String)>) -> Vec<Snapshot> {
    let mut taken: FxHashMap<String, usize> = FxHashMap::default();
    for (_, name, _) in &texts {
        *taken.entry(name.to_ascii_lowercase()).or_default() += 1;
    }
    let file = |kind: &str, name: &str| {
        let alone = taken.get(&name.to_ascii_lowercase()).is_some_and(|count| *count == 1);
        let stem = if alone && is_plain(name) { name.to_owned() } else { spelled(kind, name) };
        format!("{stem}.{SNAPSHOT}")
    };
    texts.into_iter().map(|(kind, name, text)| Snapshot { file: file(kind, &name), name, text }).collect()
}

/// Whether a file can be called like this everywhere.
fn is_plain(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let device = DEVICES.iter().any(|device| name.eq_ignore_ascii_case(device)) || is_port(name);
    letters && !name.is_empty() && name.len() <= LONGEST && !device
}

/// `com1`, `lpt9` and the like.
fn is_port(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["com", "lpt"].iter().any(|port| lower.strip_prefix(port).is_some_and(|rest| rest.len() == 1))
}

/// Another name: what a file can be called by, and a hash of all of it and of what it names.
fn spelled(kind: &str, name: &str) -> String {
    // A plain name has no `-`, so no plain name is spelled like this.
    let stem: String = name.chars().take(LONGEST).map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    let hash: String = Sha256::digest(format!("{kind} {name}")).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{stem}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_file_of_its_own_on_every_system() {
        let names = [
            "Plain",
            "Set default values",
            "Set-default/values",
            "../up",
            "foo",
            "FOO",
            "con",
            "Com1",
            "",
            "é",
            "ä",
            &"x".repeat(300),
            "a.b",
            "-",
        ];
        let files: Vec<String> =
            named(names.map(|name| ("flow", name.to_owned(), String::new())).to_vec()).into_iter().map(|one| one.file).collect();
        let mut lower: Vec<String> = files.iter().map(|file| file.to_ascii_lowercase()).collect();
        lower.sort();
        lower.dedup();
        assert_eq!(lower.len(), names.len(), "{files:?}");
        assert_eq!(files[0], "Plain.snap");
        assert!(files[1].starts_with("Set_default_values-") && files[1].len() == "Set_default_values-01234567.snap".len(), "{files:?}");
        assert!(files.iter().all(|file| file.len() < 100 && file.ends_with(".snap")), "{files:?}");
        assert!(files.iter().all(|file| file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))), "{files:?}");
        assert!(files.iter().all(|file| file.matches('.').count() == 1), "{files:?}");
    }
}
