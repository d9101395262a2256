//! A test that a program wrote, tried before anybody keeps it.

use super::{Report, run};
use crate::pipeline::Settings;
use crate::project::Project;

/// Runs the first test in the text of a project that has this name, in a fresh store in memory. An error says why there is nothing to run.
pub fn tried(project: &Project, name: &str, settings: Settings) -> Result<Report, String> {
    let compiled = project.compile().map_err(|errors| errors.to_string())?;
    let own = |span: crate::source::Span| project.sources.get(span.file).is_some_and(|file| &*file.name == name);
    let test = project.checked.scenarios.iter().find(|scenario| own(scenario.span)).ok_or("it holds no test")?;
    let mut pipeline = compiled.open("sqlite::memory:", settings).map_err(|error| error.to_string())?;
    Ok(run(test.into(), &mut pipeline))
}
