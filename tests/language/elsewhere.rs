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
    held("2.10", "", RUST, "s2_every_reserved_word_is_a_name_where_no_operand_starts"),
    held("2.11", "", RUST, "s2_other_words_are_names_wherever_a_name_may_stand"),
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
    held("4.22", "", "tests/check_expr.rs", "emptiness_goes_where_it_comes_from"),
    held("4.35", "", "tests/check_expr.rs", "numbers_mix_upwards_and_carry_their_decimals"),
    held(
        "4.49",
        "`today`, `hour` and the like are those of the organisation's time zone, and days and longer step on its calendar.",
        RUST,
        "s4_days_and_hours_are_those_of_the_time_zone",
    ),
    held("4.50", "", "tests/reference.rs", "the_functions_are_those_of_the_table"),
    held("4.52", "`url` is the address of a record, and begins as the settings say.", RUST, "s4_addresses_begin_as_the_settings_say"),
    held(
        "4.53",
        "A value that has to be there and turns out empty when it is loaded is a fault.",
        RUST,
        "s4_a_value_that_has_to_be_there_and_is_not_is_a_fault",
    ),
    held(
        "4.54",
        "Every function gives what its row in the one table declares, or fails as declared.",
        "tests/functions.rs",
        "every_function_gives_what_it_declares_or_fails_as_declared",
    ),
    held("4.36", "", "tests/decimal.rs", "the_extremes_of_every_scale_agree_with_python"),
    held("5.33", "", "tests/pipeline/rollback.rs", "a_stop_in_a_nested_operation_cancels_the_outermost"),
    held("5.60", "", "tests/pipeline/order.rs", "flows_of_one_rank_run_by_code_point_and_the_stages_one_after_the_other"),
    held(
        "5.61",
        "At one rank plug-ins go before flows.",
        "tests/pipeline/order.rs",
        "plug_ins_and_flows_are_ordered_by_rank_and_then_by_kind",
    ),
    held("5.65", "", "tests/pipeline/limits.rs", "the_ninth_level_is_a_fault_and_leaves_no_change"),
    held(
        "6.2",
        "A scenario is the same language, run by `weir run`; a stop in it is told, and it goes on.",
        "tests/scenarios.rs",
        "a_scenario_goes_on_behind_a_stop_and_reports_it",
    ),
    held("6.5", "", "tests/scenarios.rs", "an_operation_that_nobody_expected_fails_the_test_where_it_is"),
    held("6.8", "", "tests/scenarios.rs", "operations_of_a_transaction_are_kept_together"),
    held(
        "6.14",
        "`show` prints a value; `expect` fails where its condition isn't true, and tells both sides.",
        "tests/scenarios.rs",
        "a_false_expectation_says_what_is_there_instead",
    ),
    held("6.10", "", "tests/scenarios.rs", "a_table_repeats_its_test_in_fresh_stores"),
    held(
        "5.86",
        "`rollback off` keeps every step of an outermost action, whatever follows.",
        "tests/outside.rs",
        "without_rollback_each_step_of_the_outermost_action_is_kept",
    ),
    held(
        "5.87",
        "Code outside the language is held to the effects that it declares.",
        "tests/outside.rs",
        "a_host_function_gives_outputs_and_is_held_to_what_it_declares",
    ),
    held(
        "5.88",
        "A command runs only where whoever runs the project allows it.",
        "tests/outside.rs",
        "a_command_runs_only_where_it_is_allowed",
    ),
    held(
        "5.89",
        "A webhook is called only where its host is allowed.",
        "tests/outside.rs",
        "a_webhook_is_posted_where_its_host_is_allowed",
    ),
    held(
        "7.1",
        "A flow fails only in the ways that its effect signature lists.",
        "tests/soundness.rs",
        "flows_fail_only_as_their_signatures_list",
    ),
    held(
        "7.2",
        "`weir check --effects` prints what a flow reads, sets, sets off and can fail in, and what it costs at most.",
        "tests/effects.rs",
        "cases",
    ),
];
