//! The rules that a test elsewhere holds, since a flow alone can't show them.

/// A rule, and the test that holds it.
pub struct Held {
    /// Its number.
    pub id: &'static str,
    /// What it says; nothing where a file of cases says it.
    pub words: &'static str,
    /// The file of the test.
    pub file: &'static str,
    /// The function of the test.
    pub test: &'static str,
}

const fn held(id: &'static str, words: &'static str, file: &'static str, test: &'static str) -> Held {
    Held { id, words, file, test }
}

const RUST: &str = "tests/language/rust.rs";

/// Those rules.
pub const ELSEWHERE: &[Held] = &[
    held(
        "2.1",
        "Every `*.flow` below a folder, hidden folders aside, is one project with one set of names.",
        RUST,
        "s2_a_folder_is_one_project",
    ),
    held("2.2", "", RUST, "s2_a_folder_is_one_project"),
    held("2.3", "A single file is a project too.", RUST, "s2_a_folder_is_one_project"),
    held(
        "2.4",
        "A `weir.toml` beside the flows names the store and the settings.",
        "tests/cli.rs",
        "a_project_names_its_store_zone_and_limits",
    ),
    held("2.5", "A text is UTF-8; what isn't is told with its place.", "src/project/mod.rs", "what_is_wrong_with_the_bytes_has_a_place"),
    held("2.31", "Brackets nest at most 64 deep.", RUST, "s2_brackets_nest_64_deep"),
    held("2.32", "A file is at most 16 MiB.", "src/project/mod.rs", "what_is_wrong_with_the_bytes_has_a_place"),
    held("3.16", "", "tests/pipeline/delete.rs", "a_cascade_deletes_each_record_with_its_own_events_before_the_parent"),
    held(
        "3.31",
        "A field can't become `required` while it is empty in a record.",
        "tests/store/migration.rs",
        "required_waits_until_nothing_is_empty",
    ),
    held("3.27", "", "tests/pipeline/writes.rs", "values_are_held_against_their_fields"),
];
