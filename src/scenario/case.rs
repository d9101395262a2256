//! What there is to run in a test or scenario: its statements once, or once with each row of its table.

use crate::check::ir;

use super::report::Report;

/// A run of a test or scenario: its statements once, or once with a row of its table.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub(super) scenario: &'a ir::Scenario,
    /// The row and its number, from 1.
    pub(super) row: Option<(usize, &'a ir::TableRow)>,
}

impl<'a> From<&'a ir::Scenario> for Case<'a> {
    /// The statements once, whatever the table.
    fn from(scenario: &'a ir::Scenario) -> Self {
        Case { scenario, row: None }
    }
}

/// The runs of a test or scenario: one, or one for each row of its table; one that is skipped is one. Each wants a fresh store.
pub fn cases(scenario: &ir::Scenario) -> impl Iterator<Item = Case<'_>> {
    let rows = scenario.table.iter().flat_map(|table| &table.rows);
    let rows = rows.take(if scenario.skip.is_some() { 0 } else { usize::MAX });
    let once = (scenario.table.is_none() || scenario.skip.is_some()).then_some(Case::from(scenario));
    rows.enumerate().map(move |(index, row)| Case { scenario, row: Some((index + 1, row)) }).chain(once)
}

impl<'a> Case<'a> {
    /// The test or scenario.
    pub fn scenario(self) -> &'a ir::Scenario {
        self.scenario
    }
}

/// The report of a test that says itself that it isn't to be run.
pub fn skipped(case: Case) -> Option<Report> {
    case.scenario.skip.as_ref().map(|reason| Report::skipped(case.scenario, reason.clone()))
}
