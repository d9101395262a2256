//! `weir run --ops FILE --background`: operations are handed in as one job, which a worker does later. They are read by the definitions of
//! the store, which are what will run; all of them are handed in, or none.

use std::cell::RefCell;
use std::io::BufRead;
use std::path::Path;

use serde_json::json;
use smol_str::SmolStr;

use super::super::exit::Exit;
use super::super::output::Output;
use super::super::run::{self, Arguments};
use super::super::{Format, life, load};
use super::{format, open, unknown_user, unreadable, usage, user};
use crate::diagnostic::{Code, render::counted};
use crate::exchange::{self, Problem, Request};
use crate::pipeline::{Background, DEFAULT_CHUNK, Intake, Job, Pipeline, Settings, Unqueued};
use crate::project::Compiled;
use crate::value::Reference;

/// Hands in what a file holds.
pub(in super::super) fn hand_in(store: &str, file: &Path, arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    if store == run::MEMORY {
        return Err(usage("--background needs a store that lasts: name one with --store", output));
    }
    let compiled = Compiled::from_store(store).map_err(|error| life::refused(store, &error, output))?;
    let format = format(file, arguments, output)?;
    let (input, text) = open(file, output)?;
    let reader = exchange::Reader::new(text, &format, &compiled.schema, &compiled.program);
    let (mut reader, warnings) = reader.map_err(|problem| unreadable(&problem, &input.name, output))?;
    warnings.iter().for_each(|warning| output.error_line(warning.at(&input.name)));
    let opened = compiled.open(store, compiled.config.apply(Settings::system()));
    let mut pipeline = opened.map_err(|error| load::unopened(store, &error, output))?;
    let acting = arguments.user.as_deref().map(|full_name| user(full_name, &mut pipeline)).transpose();
    let acting = acting.map_err(|problem| unknown_user(&problem, output))?;
    let chunk = arguments.batch.unwrap_or(DEFAULT_CHUNK);
    let callback = arguments.callback.as_deref().map(SmolStr::new);
    let how = Background { acting, chunk, stop_on_error: arguments.stop_on_error, callback };
    let intake = Intake::new(&mut pipeline, how).map_err(|error| refused(&Refused::Unqueued(error), store, output))?;
    let mut intake = Taking { intake, last: None, problems: 0, failed: None };
    while let Some(next) = intake.next(&mut reader) {
        if let Some(problem) = intake.take(next) {
            match arguments.format {
                Format::Human => output.line(problem.at(&input.name)),
                Format::Json => output.line(exchange::refused(&problem)),
            }
        }
        if intake.failed.is_some() {
            break;
        }
    }
    let job = intake.end().map_err(|error| refused(&error, store, output))?;
    Ok(told(&job, &pipeline, arguments.format, output))
}

/// What is handed in, and what is wrong with it.
struct Taking<'a> {
    intake: Intake<'a>,
    /// The user who was named last.
    last: Option<(SmolStr, Reference)>,
    problems: usize,
    failed: Option<Unqueued>,
}

/// Why nothing was handed in.
enum Refused {
    /// What is wrong was told, so many times.
    Problems(usize),
    Unqueued(Unqueued),
}

impl Taking<'_> {
    /// The next operation; records that it names by keys are those that have them now.
    fn next<R: BufRead>(&mut self, reader: &mut exchange::Reader<'_, R>) -> Option<Result<Request, Problem>> {
        let pipeline = RefCell::new(self.intake.pipeline());
        reader.next(&|entity, key| pipeline.borrow_mut().with_key(entity, key))
    }

    /// Takes in the next operation; once something was wrong, only what else is wrong is looked for.
    fn take(&mut self, next: Result<Request, Problem>) -> Option<Problem> {
        let problem = match next {
            Err(problem) => problem,
            Ok(request) => match self.user(request.user.as_ref()) {
                Err(fault) => Problem::new(request.line, fault.code, fault.message),
                Ok(_) if self.problems > 0 => return None,
                Ok(user) => match self.intake.add(request.line, &request.operation, user) {
                    Ok(()) => return None,
                    Err(Unqueued::TooLarge(line)) => Problem::new(line, Code::O0102, Unqueued::TooLarge(line).to_string()),
                    Err(error) => {
                        self.failed = Some(error);
                        return None;
                    }
                },
            },
        };
        self.problems += 1;
        Some(problem)
    }

    fn user(&mut self, name: Option<&SmolStr>) -> Result<Option<Reference>, crate::vm::Fault> {
        let Some(name) = name else { return Ok(None) };
        if let Some((last, user)) = &self.last
            && last == name
        {
            return Ok(Some(*user));
        }
        let found = user(name, self.intake.pipeline())?;
        self.last = Some((name.clone(), found));
        Ok(Some(found))
    }

    fn end(self) -> Result<Job, Refused> {
        let failed = match self.failed {
            Some(error) => Refused::Unqueued(error),
            None if self.problems > 0 => Refused::Problems(self.problems),
            None => return self.intake.queue().map_err(Refused::Unqueued),
        };
        // The error to report is the first one; what is left of it can be canceled.
        let _ = self.intake.abandon();
        Err(failed)
    }
}

fn refused(error: &Refused, store: &str, output: &mut Output) -> Exit {
    match error {
        Refused::Problems(count) => {
            output.error_line(format!("error: nothing was handed in: {} can't be", counted(*count, "operation")));
            Exit::Problems
        }
        Refused::Unqueued(Unqueued::Store(error)) => load::store_failed(store, &error.to_string(), output),
        Refused::Unqueued(error) => {
            output.error_line(format!("error: nothing was handed in: {error}"));
            Exit::Problems
        }
    }
}

/// Tells the job that came of it.
fn told(job: &Job, pipeline: &Pipeline, format: Format, output: &mut Output) -> Exit {
    let (operations, chunks) = job.batch.as_ref().map_or((0, 0), |batch| (batch.operations, batch.chunks));
    let location = pipeline.location(job.id);
    match format {
        Format::Json => output.line(
            json!({
                "location": location,
                "backgroundOperationId": job.id.to_string(),
                "backgroundOperationStateCode": job.status.state() as i32,
                "backgroundOperationStatusCode": job.status as i32,
                "operations": operations,
                "transactions": chunks,
            })
            .to_string(),
        ),
        Format::Human => {
            output.line(format!("job          {}", job.id));
            output.line(format!("location     {location}"));
            output.line(format!("operations   {operations} in {}", counted(chunks as usize, "transaction")));
        }
    }
    Exit::Well
}
